//! What the `verify` commands share: sources read again, record by record, and values read by other code than
//! that of the pipelines.

use std::io::Write as _;

use arrow::array::{Array as _, AsArray, RecordBatch};
use arrow::datatypes::{Int32Type, Int64Type};
use serde::Serialize;

use crate::Failure;

mod plain;
mod raw;

pub use plain::{decimal, micros, object, text};
pub use raw::read_ranges;

/// The place of a record: topic, partition and offset.
pub type Place = (String, i32, i64);

/// The places in three columns, none of which may be null; nothing when they are not there.
pub fn places_of<'a>(
    rows: &'a RecordBatch,
    [topic, partition, offset]: [&str; 3],
) -> Option<impl Iterator<Item = Place> + use<'a>> {
    let topics = rows.column_by_name(topic)?.as_string_opt::<i32>()?;
    let partitions = rows.column_by_name(partition)?.as_primitive_opt::<Int32Type>()?;
    let offsets = rows.column_by_name(offset)?.as_primitive_opt::<Int64Type>()?;
    if topics.null_count() + partitions.null_count() + offsets.null_count() > 0 {
        return None;
    }
    let numbers = partitions.values().iter().zip(offsets.values());
    Some(topics.iter().zip(numbers).map(|(topic, (partition, offset))| {
        (topic.unwrap_or_default().to_owned(), *partition, *offset)
    }))
}

/// Takes one of so many; says whether there was one.
pub fn take_one(count: Option<&mut u64>) -> bool {
    match count {
        Some(count) if *count > 0 => {
            *count -= 1;
            true
        }
        _ => false,
    }
}

/// Writes what was found to standard output, as a JSON object.
///
/// # Errors
/// [`Failure::Violations`] when there are any in `what` was checked.
pub fn tell(report: &impl Serialize, violations: usize, what: &str) -> Result<(), Failure> {
    let io = |action: &str| {
        let action = action.to_owned();
        move |source| Failure::Io { action, source }
    };
    let mut text =
        serde_json::to_vec_pretty(report).map_err(|error| io("write the report")(error.into()))?;
    text.push(b'\n');
    std::io::stdout().lock().write_all(&text).map_err(io("write to standard output"))?;
    match violations {
        0 => Ok(()),
        count => Err(Failure::Violations { count, what: what.to_owned() }),
    }
}
