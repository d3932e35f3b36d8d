//! How a new table is partitioned: transforms of its columns.

use std::fmt;
use std::str::FromStr;

use crate::error::IcebergError;

/// One field of a partitioning: a column, and what of its value makes the partition. Made by
/// [`identity`], [`bucket`], [`truncate`], [`year`], [`month`], [`day`] and [`hour`], or from a text
/// such as `bucket(16, transaction_id)`.
///
/// Source: <https://iceberg.apache.org/spec/#partition-transforms>
///
/// # Example
/// ```
/// use highwater_iceberg::{PartitionField, bucket};
///
/// let field: PartitionField = "bucket(16, transaction_id)".parse()?;
/// assert_eq!(field, bucket(16, "transaction_id"));
/// assert_eq!(field.to_string(), "bucket(16, transaction_id)");
/// # Ok::<(), highwater_iceberg::IcebergError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PartitionField {
    pub(crate) column: String,
    pub(crate) kind: PartitionKind,
}

/// What of a value makes the partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum PartitionKind {
    Identity,
    Bucket(u32),
    Truncate(u32),
    Year,
    Month,
    Day,
    Hour,
}

/// The value of `column` as it is: one partition for each.
pub fn identity(column: impl Into<String>) -> PartitionField {
    PartitionField::new(column, PartitionKind::Identity)
}

/// The hash of `column`, modulo `buckets`, of which there is at least one.
pub fn bucket(buckets: u32, column: impl Into<String>) -> PartitionField {
    PartitionField::new(column, PartitionKind::Bucket(buckets))
}

/// The first `width` characters or bytes of `column`, or its number rounded down to a multiple of
/// `width`, which is at least 1.
pub fn truncate(width: u32, column: impl Into<String>) -> PartitionField {
    PartitionField::new(column, PartitionKind::Truncate(width))
}

/// The year of a date or timestamp, in UTC.
pub fn year(column: impl Into<String>) -> PartitionField {
    PartitionField::new(column, PartitionKind::Year)
}

/// The month of a date or timestamp, in UTC.
pub fn month(column: impl Into<String>) -> PartitionField {
    PartitionField::new(column, PartitionKind::Month)
}

/// The day of a date or timestamp, in UTC.
pub fn day(column: impl Into<String>) -> PartitionField {
    PartitionField::new(column, PartitionKind::Day)
}

/// The hour of a timestamp, in UTC.
pub fn hour(column: impl Into<String>) -> PartitionField {
    PartitionField::new(column, PartitionKind::Hour)
}

impl PartitionField {
    fn new(column: impl Into<String>, kind: PartitionKind) -> Self {
        Self { column: column.into(), kind }
    }

    /// The name of the field, as other engines give it.
    pub(crate) fn name(&self) -> String {
        let column = &self.column;
        match self.kind {
            PartitionKind::Identity => column.clone(),
            PartitionKind::Bucket(buckets) => format!("{column}_bucket_{buckets}"),
            PartitionKind::Truncate(width) => format!("{column}_trunc_{width}"),
            PartitionKind::Year => format!("{column}_year"),
            PartitionKind::Month => format!("{column}_month"),
            PartitionKind::Day => format!("{column}_day"),
            PartitionKind::Hour => format!("{column}_hour"),
        }
    }
}

impl fmt::Display for PartitionField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let column = &self.column;
        match self.kind {
            PartitionKind::Identity => write!(f, "identity({column})"),
            PartitionKind::Bucket(buckets) => write!(f, "bucket({buckets}, {column})"),
            PartitionKind::Truncate(width) => write!(f, "truncate({width}, {column})"),
            PartitionKind::Year => write!(f, "year({column})"),
            PartitionKind::Month => write!(f, "month({column})"),
            PartitionKind::Day => write!(f, "day({column})"),
            PartitionKind::Hour => write!(f, "hour({column})"),
        }
    }
}

impl FromStr for PartitionField {
    type Err = IcebergError;

    /// Reads `day(column)`, `bucket(16, column)` and so on; a column alone is taken as it is.
    fn from_str(text: &str) -> Result<Self, IcebergError> {
        parse(text).ok_or_else(|| IcebergError::PartitionText { text: text.to_owned() })
    }
}

fn parse(text: &str) -> Option<PartitionField> {
    let text = text.trim();
    let named = |column: &str| {
        let column = column.trim();
        let whole = !column.is_empty() && !column.contains(['(', ')', ',']);
        whole.then(|| column.to_owned())
    };
    let Some((name, rest)) = text.split_once('(') else {
        return Some(identity(named(text)?));
    };
    let arguments = rest.strip_suffix(')')?;
    let sized = |make: fn(u32, String) -> PartitionField| {
        let (number, column) = arguments.split_once(',')?;
        Some(make(number.trim().parse().ok()?, named(column)?))
    };
    match name.trim() {
        "identity" => Some(identity(named(arguments)?)),
        "bucket" => sized(bucket),
        "truncate" => sized(truncate),
        "year" => Some(year(named(arguments)?)),
        "month" => Some(month(named(arguments)?)),
        "day" => Some(day(named(arguments)?)),
        "hour" => Some(hour(named(arguments)?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
