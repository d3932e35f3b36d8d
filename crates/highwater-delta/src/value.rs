//! Values as the log writes them: of partitions, and in statistics.
//!
//! Source: <https://github.com/delta-io/delta/blob/master/PROTOCOL.md#partition-value-serialization>

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Int8Type, Int16Type, Int32Type, Int64Type, TimeUnit,
    TimestampMicrosecondType,
};
use arrow::temporal_conversions::{date32_to_datetime, timestamp_us_to_datetime};

/// Whether a column of this type can make partitions. The log has no way to write bytes that all
/// readers take alike, and no float is like another.
pub(crate) fn makes_partitions(kind: &DataType) -> bool {
    matches!(
        kind,
        DataType::Boolean
            | DataType::Int8
            | DataType::Int16
            | DataType::Int32
            | DataType::Int64
            | DataType::Decimal128(_, _)
            | DataType::Date32
            | DataType::Timestamp(TimeUnit::Microsecond, _)
            | DataType::Utf8
            | DataType::LargeUtf8
            | DataType::Utf8View
    )
}

/// The value in a row of a partition column. None for a null, and for empty text, which a table
/// cannot tell from it.
pub(crate) fn partition_value(column: &ArrayRef, row: usize) -> Option<String> {
    if column.is_null(row) {
        return None;
    }
    let text = match column.data_type() {
        DataType::Boolean => column.as_boolean().value(row).to_string(),
        DataType::Int8 => column.as_primitive::<Int8Type>().value(row).to_string(),
        DataType::Int16 => column.as_primitive::<Int16Type>().value(row).to_string(),
        DataType::Int32 => column.as_primitive::<Int32Type>().value(row).to_string(),
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::Decimal128(_, scale) => {
            decimal(column.as_primitive::<Decimal128Type>().value(row), *scale)
        }
        DataType::Date32 => date(column.as_primitive::<Date32Type>().value(row))?,
        DataType::Timestamp(_, zone) => {
            let micros = column.as_primitive::<TimestampMicrosecondType>().value(row);
            let format =
                if zone.is_some() { "%Y-%m-%dT%H:%M:%S%.6fZ" } else { "%Y-%m-%d %H:%M:%S%.6f" };
            timestamp_us_to_datetime(micros)?.format(format).to_string()
        }
        DataType::Utf8 => column.as_string::<i32>().value(row).to_owned(),
        DataType::LargeUtf8 => column.as_string::<i64>().value(row).to_owned(),
        DataType::Utf8View => column.as_string_view().value(row).to_owned(),
        _ => return None,
    };
    Some(text).filter(|text| !text.is_empty())
}

/// A day, of those since 1970.
pub(crate) fn date(days: i32) -> Option<String> {
    Some(date32_to_datetime(days)?.format("%Y-%m-%d").to_string())
}

/// A point in time in milliseconds, not after `micros` or, if `up`, not before.
pub(crate) fn millis(micros: i64, zone: bool, up: bool) -> Option<String> {
    let millis =
        micros.div_euclid(1000).checked_add(i64::from(up && micros.rem_euclid(1000) > 0))?;
    let format = if zone { "%Y-%m-%dT%H:%M:%S%.3fZ" } else { "%Y-%m-%dT%H:%M:%S%.3f" };
    Some(timestamp_us_to_datetime(millis.checked_mul(1000)?)?.format(format).to_string())
}

/// The decimal number of an unscaled value.
pub(crate) fn decimal(unscaled: i128, scale: i8) -> String {
    let scale = usize::try_from(scale).unwrap_or(0);
    let sign = if unscaled < 0 { "-" } else { "" };
    let digits = format!("{:0width$}", unscaled.unsigned_abs(), width = scale.saturating_add(1));
    match digits.split_at_checked(digits.len().saturating_sub(scale)) {
        Some((whole, part)) if !part.is_empty() => format!("{sign}{whole}.{part}"),
        _ => format!("{sign}{digits}"),
    }
}

#[cfg(test)]
mod tests;
