//! The statistics of a file, as the log writes them.
//!
//! Source: <https://github.com/delta-io/delta/blob/master/PROTOCOL.md#per-file-statistics>

use std::collections::BTreeMap;

use arrow::datatypes::{DataType, Fields, TimeUnit};
use highwater_parquet::{Bound, ColumnMetrics, FileReport};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::value::{date, decimal, millis};

/// The statistics of a file of `fields`, of its first `indexed` leaf columns, or of all of them.
///
/// Text is cut to some characters, timestamps to milliseconds, so that bounds still hold. Columns
/// below lists and maps have none, nor do booleans, bytes, and floats among which there is a NaN.
pub(crate) fn stats(
    report: &FileReport,
    fields: &Fields,
    indexed: Option<usize>,
) -> Result<String, serde_json::Error> {
    let mut stats = Stats { num_records: report.rows, tight_bounds: true, ..Stats::default() };
    let mut columns = report.columns.iter().take(indexed.unwrap_or(usize::MAX));
    let [lower, upper, nulls] =
        [&mut stats.min_values, &mut stats.max_values, &mut stats.null_count];
    collect(fields, &mut columns, &mut [lower, upper, nulls]);
    serde_json::to_string(&stats)
}

/// The same statistics once rows of the file are deleted: bounds still hold, and no more than that.
/// How many `rows` are in the file has to be said.
pub(crate) fn loosened(stats: Option<&str>, rows: u64) -> Result<String, serde_json::Error> {
    let mut stats: Values = stats.map_or_else(|| Ok(Values::new()), serde_json::from_str)?;
    stats.insert("numRecords".to_owned(), serde_json::value::to_raw_value(&rows)?);
    stats.insert("tightBounds".to_owned(), serde_json::value::to_raw_value(&false)?);
    serde_json::to_string(&stats)
}

/// How many rows are in a file, deleted ones too; none where the statistics do not say.
pub(crate) fn records(stats: &str) -> Option<u64> {
    serde_json::from_str::<Records>(stats).ok()?.num_records
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Records {
    num_records: Option<u64>,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Stats {
    num_records: u64,
    min_values: Values,
    max_values: Values,
    null_count: Values,
    tight_bounds: bool,
}

/// Values by column, as JSON.
type Values = BTreeMap<String, Box<RawValue>>;

/// Puts the values of `fields` into `to`: the least, the greatest, and the nulls.
fn collect(
    fields: &Fields,
    columns: &mut dyn Iterator<Item = &ColumnMetrics>,
    to: &mut [&mut Values; 3],
) {
    for field in fields {
        let kind = field.data_type();
        match kind {
            DataType::Struct(below) => {
                let (mut lower, mut upper, mut nulls) = Default::default();
                collect(below, columns, &mut [&mut lower, &mut upper, &mut nulls]);
                for (part, to) in [lower, upper, nulls].into_iter().zip(to.iter_mut()) {
                    if let (false, Ok(part)) =
                        (part.is_empty(), serde_json::value::to_raw_value(&part))
                    {
                        to.insert(field.name().clone(), part);
                    }
                }
            }
            DataType::List(_) | DataType::LargeList(_) | DataType::Map(_, _) => {
                columns.take(leaves(kind)).for_each(drop);
            }
            _ => {
                let Some(column) = columns.next() else { return };
                let bounded = column.nans.unwrap_or(0) == 0;
                let value = |bound: &Option<Bound>, up| {
                    bound.as_ref().filter(|_| bounded).and_then(|bound| literal(bound, kind, up))
                };
                let nulls = RawValue::from_string(column.nulls.to_string()).ok();
                let values = [value(&column.lower, false), value(&column.upper, true), nulls];
                for (value, to) in values.into_iter().zip(to.iter_mut()) {
                    to.extend(value.map(|value| (field.name().clone(), value)));
                }
            }
        }
    }
}

/// How many leaf columns are at or below a type.
fn leaves(kind: &DataType) -> usize {
    match kind {
        DataType::Struct(fields) => fields.iter().map(|field| leaves(field.data_type())).sum(),
        DataType::List(item) | DataType::LargeList(item) | DataType::Map(item, _) => {
            leaves(item.data_type())
        }
        _ => 1,
    }
}

/// A bound as JSON; none where there is no way to write it.
fn literal(bound: &Bound, kind: &DataType, up: bool) -> Option<Box<RawValue>> {
    let quoted = |text: String| serde_json::to_string(&text).ok();
    let text = match (bound, kind) {
        (Bound::Int(days), DataType::Date32) => quoted(date(*days)?)?,
        (Bound::Int(value), _) => value.to_string(),
        (Bound::Long(micros), DataType::Timestamp(TimeUnit::Microsecond, zone)) => {
            quoted(millis(*micros, zone.is_some(), up)?)?
        }
        (Bound::Long(value), DataType::Int64) => value.to_string(),
        (Bound::Float(value), _) if value.is_finite() => serde_json::to_string(value).ok()?,
        (Bound::Double(value), _) if value.is_finite() => serde_json::to_string(value).ok()?,
        (Bound::Decimal(value), DataType::Decimal128(_, scale)) => decimal(*value, *scale),
        (Bound::Text(value), _) => quoted(value.clone())?,
        _ => return None,
    };
    RawValue::from_string(text).ok()
}

#[cfg(test)]
mod tests;
