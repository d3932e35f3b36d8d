//! Partition transforms of columns, and their values.
//!
//! Buckets and the truncation of text, bytes and decimals are those of the `iceberg` crate. Its
//! transforms of time are not used: its day is one too late for a timestamp before 1970 in the last
//! second of a day, and its years and months are null beyond the year 262,142.
//!
//! Source: <https://iceberg.apache.org/spec/#partition-transforms>

use std::fmt::Write;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int32Array, PrimitiveArray, new_null_array};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int32Type,
    Int64Type, TimestampMicrosecondType,
};
use highwater_parquet::Bound;
use iceberg::spec::Transform;
use iceberg::transform::{BoxedTransformFunction, create_transform_function};

use crate::error::Cause;
use crate::partition::PartitionKind;

const DAY: i64 = 86_400_000_000;
const HOUR: i64 = 3_600_000_000;

/// A transform that columns can be put through.
#[derive(Debug)]
pub(crate) struct Transformation {
    transform: Transform,
    function: BoxedTransformFunction,
}

impl From<PartitionKind> for Transform {
    fn from(kind: PartitionKind) -> Self {
        match kind {
            PartitionKind::Identity => Self::Identity,
            PartitionKind::Bucket(buckets) => Self::Bucket(buckets),
            PartitionKind::Truncate(width) => Self::Truncate(width),
            PartitionKind::Year => Self::Year,
            PartitionKind::Month => Self::Month,
            PartitionKind::Day => Self::Day,
            PartitionKind::Hour => Self::Hour,
        }
    }
}

/// Whether rows can be put through `transform`.
pub(crate) fn is_usable(transform: Transform) -> bool {
    match transform {
        Transform::Bucket(number) | Transform::Truncate(number) => {
            (1..=i32::MAX.unsigned_abs()).contains(&number)
        }
        Transform::Unknown => false,
        _ => true,
    }
}

impl Transformation {
    /// The transform that table metadata writes as `text`, such as `bucket[16]`; none when there is
    /// none that rows can be put through.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let transform = text.parse().ok().filter(|transform| is_usable(*transform))?;
        let function = create_transform_function(&transform).ok()?;
        Some(Self { transform, function })
    }

    /// The values of `column`, in the type that partition tuples have.
    pub(crate) fn apply(&self, column: &ArrayRef) -> Result<ArrayRef, Cause> {
        let kind = column.data_type();
        Ok(match (self.transform, kind) {
            (Transform::Void, kind) => new_null_array(kind, column.len()),
            (Transform::Year, _) => in_time(column, |days, _| civil(days).0 - 1970)?,
            (Transform::Month, _) => in_time(column, |days, _| {
                let (year, month, _) = civil(days);
                (year - 1970) * 12 + month - 1
            })?,
            (Transform::Day, _) => {
                let days = in_time(column, |days, _| days)?;
                Arc::new(days.as_primitive::<Int32Type>().reinterpret_cast::<Date32Type>())
            }
            (Transform::Hour, _) => in_time(column, |_, hours| hours)?,
            (Transform::Truncate(width), DataType::Int32) => {
                let width = i32::try_from(width)?;
                let down = |value: i32| value.wrapping_sub(value.rem_euclid(width));
                mapped::<Int32Type>(column, down)
            }
            (Transform::Truncate(width), DataType::Int64) => {
                let width = i64::from(width);
                let down = |value: i64| value.wrapping_sub(value.rem_euclid(width));
                mapped::<Int64Type>(column, down)
            }
            _ => self.function.transform(Arc::clone(column))?,
        })
    }

    /// A value of the type `kind` for people, as the names of directories have it.
    pub(crate) fn text(&self, kind: &DataType, value: Option<&Bound>) -> String {
        let Some(value) = value else { return "null".to_owned() };
        match (value, self.transform, kind) {
            (Bound::Int(years), Transform::Year, _) => (i64::from(*years) + 1970).to_string(),
            (Bound::Int(months), Transform::Month, _) => {
                let (year, month) = (months.div_euclid(12), months.rem_euclid(12));
                format!("{:04}-{:02}", i64::from(year) + 1970, month + 1)
            }
            (Bound::Int(hours), Transform::Hour, _) => {
                format!("{}-{:02}", date(hours.div_euclid(24).into()), hours.rem_euclid(24))
            }
            (Bound::Int(days), _, DataType::Date32) => date((*days).into()),
            (Bound::Long(micros), _, DataType::Timestamp(_, zone)) => {
                let zone = if zone.is_some() { "+00:00" } else { "" };
                format!("{}{zone}", time(*micros))
            }
            (Bound::Decimal(unscaled), _, DataType::Decimal128(_, scale)) => {
                decimal(*unscaled, *scale)
            }
            (Bound::Boolean(value), ..) => value.to_string(),
            (Bound::Int(value), ..) => value.to_string(),
            (Bound::Long(value), ..) => value.to_string(),
            (Bound::Float(value), ..) => value.to_string(),
            (Bound::Double(value), ..) => value.to_string(),
            (Bound::Decimal(value), ..) => value.to_string(),
            (Bound::Text(text), ..) => text.clone(),
            (Bound::Bytes(bytes), ..) => hex(bytes),
        }
    }
}

/// The value of a partition column in one row.
pub(crate) fn value_at(column: &ArrayRef, row: usize) -> Option<Bound> {
    if column.is_null(row) {
        return None;
    }
    Some(match column.data_type() {
        DataType::Boolean => Bound::Boolean(column.as_boolean().value(row)),
        DataType::Int32 => Bound::Int(column.as_primitive::<Int32Type>().value(row)),
        DataType::Date32 => Bound::Int(column.as_primitive::<Date32Type>().value(row)),
        DataType::Int64 => Bound::Long(column.as_primitive::<Int64Type>().value(row)),
        DataType::Timestamp(..) => {
            Bound::Long(column.as_primitive_opt::<TimestampMicrosecondType>()?.value(row))
        }
        DataType::Float32 => Bound::Float(column.as_primitive::<Float32Type>().value(row)),
        DataType::Float64 => Bound::Double(column.as_primitive::<Float64Type>().value(row)),
        DataType::Decimal128(..) => {
            Bound::Decimal(column.as_primitive::<Decimal128Type>().value(row))
        }
        DataType::Utf8 => Bound::Text(column.as_string::<i32>().value(row).to_owned()),
        DataType::Binary => Bound::Bytes(column.as_binary::<i32>().value(row).to_owned()),
        DataType::FixedSizeBinary(_) => {
            Bound::Bytes(column.as_fixed_size_binary().value(row).to_owned())
        }
        _ => return None,
    })
}

/// Maps days and hours since 1970 of a column in time.
fn in_time(column: &ArrayRef, of: impl Fn(i32, i32) -> i32) -> Result<ArrayRef, Cause> {
    // Only hours beyond the year 246,000 are cut: in order still, and the same for readers and writers.
    let narrow =
        |value: i64| i32::try_from(value).unwrap_or(if value < 0 { i32::MIN } else { i32::MAX });
    let made: Int32Array = if let Some(days) = column.as_primitive_opt::<Date32Type>() {
        days.unary(|day| of(day, narrow(i64::from(day) * 24)))
    } else if let Some(micros) = column.as_primitive_opt::<TimestampMicrosecondType>() {
        micros.unary(|at| of(narrow(at.div_euclid(DAY)), narrow(at.div_euclid(HOUR))))
    } else {
        return Err(format!("{} is no type in time", column.data_type()).into());
    };
    Ok(Arc::new(made))
}

fn mapped<T: ArrowPrimitiveType>(
    column: &ArrayRef,
    of: impl Fn(T::Native) -> T::Native,
) -> ArrayRef {
    let made: PrimitiveArray<T> = column.as_primitive::<T>().unary(of);
    Arc::new(made)
}

/// Year, month and day of the month of a day since 1970, in the Gregorian calendar.
///
/// Source: <https://howardhinnant.github.io/date_algorithms.html#civil_from_days>
fn civil(days: i32) -> (i32, i32, i32) {
    let shifted = i64::from(days) + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let narrow = |value: i64| i32::try_from(value).unwrap_or(i32::MAX);
    (narrow(year), narrow(month), narrow(day))
}

fn date(days: i64) -> String {
    let (year, month, day) = civil(i32::try_from(days).unwrap_or(i32::MAX));
    format!("{year:04}-{month:02}-{day:02}")
}

fn time(micros: i64) -> String {
    let (days, within) = (micros.div_euclid(DAY), micros.rem_euclid(DAY));
    let (hour, seconds) = (within / HOUR, within / 1_000_000 % 3600);
    let clock = format!("{hour:02}:{:02}:{:02}", seconds / 60, seconds % 60);
    match within % 1_000_000 {
        0 => format!("{}T{clock}", date(days)),
        fraction => format!("{}T{clock}.{fraction:06}", date(days)),
    }
}

fn decimal(unscaled: i128, scale: i8) -> String {
    let places = usize::try_from(scale).unwrap_or(0);
    let digits = format!("{:0width$}", unscaled.unsigned_abs(), width = places + 1);
    let sign = if unscaled < 0 { "-" } else { "" };
    match digits.split_at_checked(digits.len() - places) {
        Some((whole, "")) => format!("{sign}{whole}"),
        Some((whole, fraction)) => format!("{sign}{whole}.{fraction}"),
        None => format!("{sign}{digits}"),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests;
