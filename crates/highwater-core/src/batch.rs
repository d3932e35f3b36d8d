//! Rows on their way through a pipeline.

use std::fmt;
use std::sync::Arc;

use arrow::array::{BooleanArray, RecordBatch, UInt32Array};
use arrow::compute::{filter_record_batch, take_record_batch};
use arrow::error::ArrowError;
use serde::{Deserialize, Serialize};

use crate::{Name, Partition, Permit};

/// Some rows of one epoch, 1 to 8,192 of them as a rule, with where they come from.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The rows.
    pub rows: RecordBatch,
    /// The source and partition they were read from; none once they come from several.
    pub origin: Option<Arc<Origin>>,
    /// The offset of each row in that partition; none once a row is more than what became of one
    /// record.
    pub offsets: Option<Offsets>,
    /// Room in the budget of the reader that they came from.
    pub permit: Option<Permit>,
}

/// The source and partition of rows.
///
/// Written as `source/stream/index` where it is a key of a JSON object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Origin {
    /// The source.
    pub source: Name,
    /// The partition.
    pub partition: Partition,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.source, self.partition)
    }
}

impl From<Origin> for String {
    fn from(origin: Origin) -> Self {
        origin.to_string()
    }
}

impl TryFrom<String> for Origin {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let parsed = text.split_once('/').and_then(|(source, partition)| {
            let (source, partition) = (source.parse().ok()?, partition.to_owned());
            Some(Self { source, partition: partition.try_into().ok()? })
        });
        parsed.ok_or_else(|| format!("{text:?} is not source/stream/index"))
    }
}

/// The offsets of the records that rows were made of, growing from row to row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Offsets {
    /// This one and those that follow it, without a gap.
    From(i64),
    /// One for each row.
    Each(Arc<[i64]>),
}

impl Offsets {
    /// One offset for each row. Nothing is copied when there is no gap between them.
    pub fn new<I>(offsets: I) -> Self
    where
        I: IntoIterator<Item = i64, IntoIter: Clone>,
    {
        let offsets = offsets.into_iter();
        let first = offsets.clone().next().unwrap_or_default();
        match offsets.clone().zip(first..).all(|(offset, next)| offset == next) {
            true => Self::From(first),
            false => Self::Each(offsets.collect()),
        }
    }

    /// The offset of a row.
    pub fn at(&self, row: usize) -> Option<i64> {
        match self {
            Self::From(first) => first.checked_add(i64::try_from(row).ok()?),
            Self::Each(offsets) => offsets.get(row).copied(),
        }
    }
}

impl Batch {
    /// Other rows made of these: of the same origin, and under the same permit. They have no offsets.
    #[must_use]
    pub fn with_rows(&self, rows: RecordBatch) -> Self {
        Self { rows, origin: self.origin.clone(), offsets: None, permit: self.permit.clone() }
    }

    /// A row made of each of these, in their order: as [`with_rows`](Self::with_rows), with the same
    /// offsets.
    #[must_use]
    pub fn with_columns(&self, rows: RecordBatch) -> Self {
        Self { offsets: self.offsets.clone(), ..self.with_rows(rows) }
    }

    /// The rows for which `keep` is true, with their offsets; null counts as false.
    ///
    /// # Errors
    /// When `keep` has another length.
    pub fn filter(&self, keep: &BooleanArray) -> Result<Self, ArrowError> {
        let kept = filter_record_batch(&self.rows, keep)?;
        if kept.num_rows() == self.len() {
            return Ok(self.clone());
        }
        let offsets = self.offsets.as_ref().map(|offsets| {
            let rows = keep.iter().enumerate().filter(|(_, keep)| *keep == Some(true));
            Offsets::new(rows.filter_map(|(row, _)| offsets.at(row)))
        });
        Ok(Self { offsets, ..self.with_rows(kept) })
    }

    /// The rows of these numbers, with their offsets. They share no memory with the others.
    ///
    /// # Errors
    /// When there is no such row.
    pub fn take(&self, rows: &UInt32Array) -> Result<Self, ArrowError> {
        let taken = take_record_batch(&self.rows, rows)?;
        let offsets = self.offsets.as_ref().map(|offsets| {
            let rows = rows.values().iter().filter_map(|row| usize::try_from(*row).ok());
            Offsets::new(rows.filter_map(|row| offsets.at(row)))
        });
        Ok(Self { offsets, ..self.with_rows(taken) })
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows.num_rows()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl From<RecordBatch> for Batch {
    fn from(rows: RecordBatch) -> Self {
        Self { rows, origin: None, offsets: None, permit: None }
    }
}

#[cfg(test)]
mod tests;
