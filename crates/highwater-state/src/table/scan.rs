//! Rows of a bucket that are read from end to end, and stay.

use std::sync::Arc;

use arrow::array::ArrayRef;

use super::Table;
use super::remaining::{Next, Remaining};
use crate::bucket::{Bucket, is_before};
use crate::section::Block;
use crate::{Keys, StateError};

/// A reading of one bucket, made by [`Table::scan`].
#[derive(Debug)]
pub struct Scan {
    bucket: i64,
    rows: Remaining,
}

impl Table {
    /// The buckets that may have rows, in their order.
    pub fn buckets(&self) -> impl Iterator<Item = i64> {
        self.buckets.keys().copied().filter(|bucket| *bucket >= self.first)
    }

    /// Begins to read all rows of a bucket, in any order. Until they are read nothing may be done with the bucket, and
    /// with the table nothing but to probe and to change others.
    pub fn scan(&self, bucket: i64) -> Scan {
        let living = |part: &Bucket| Remaining::slots(part.memory.living());
        let rows = |part| Remaining::merged(part).unwrap_or_else(|| living(part));
        let rows = self.buckets.get(&bucket).map(rows);
        Scan { bucket, rows: rows.unwrap_or_else(|| Remaining::slots(Vec::new())) }
    }
}

impl Scan {
    /// The next rows, as many as [`Table::expire`] hands over at once: their keys, as any table with the same key takes
    /// them, and their values. None behind the last.
    ///
    /// # Errors
    /// As reading saved state.
    pub fn next(&mut self, table: &Table) -> Result<Option<(Keys, Vec<ArrayRef>)>, StateError> {
        let Some(part) = table.buckets.get(&self.bucket) else { return Ok(None) };
        match self.rows.next(part, |row| !is_before(row, table.expired))? {
            None => Ok(None),
            Some(Next::Slots(slots)) => {
                Ok(Some((part.memory.keys_of(slots)?, part.memory.values_of(slots)?)))
            }
            Some(Next::Saved(rows)) => {
                let values = table.layout.before() + table.layout.codec.columns();
                let values = rows.columns().iter().skip(values).cloned().collect();
                let keys = Block::new(Arc::clone(&table.layout), rows).into_keys()?;
                Ok(Some((keys, values)))
            }
        }
    }
}
