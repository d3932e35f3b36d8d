//! Rows of a bucket that are read from end to end, and stay.

use std::sync::Arc;

use arrow::array::ArrayRef;

use super::Table;
use super::expire::{MOST_BYTES, MOST_ROWS};
use crate::bucket::is_before;
use crate::merge::{Merge, Merged};
use crate::section::Block;
use crate::{Keys, StateError};

/// A reading of one bucket, made by [`Table::scan`].
#[derive(Debug)]
pub struct Scan {
    bucket: i64,
    rows: Remaining,
}

#[derive(Debug)]
enum Remaining {
    /// These slots, from some place on.
    Memory(Vec<u32>, usize),
    Merged(Merge),
}

impl Table {
    /// The buckets that may have rows, in their order.
    pub fn buckets(&self) -> impl Iterator<Item = i64> {
        self.buckets.keys().copied().filter(|bucket| *bucket >= self.first)
    }

    /// Begins to read all rows of a bucket, in any order. Until they are read nothing may be done with the bucket, and
    /// with the table nothing but to probe and to change others.
    pub fn scan(&self, bucket: i64) -> Scan {
        let rows = match self.buckets.get(&bucket) {
            Some(part) if !part.frozen.is_empty() => {
                Remaining::Merged(Merge::new(0..part.frozen.len(), part.memory.all()))
            }
            part => Remaining::Memory(part.map(|part| part.memory.living()).unwrap_or_default(), 0),
        };
        Scan { bucket, rows }
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
        let most = part.rows_within(MOST_BYTES).clamp(1, MOST_ROWS);
        match &mut self.rows {
            Remaining::Memory(slots, at) => {
                let end = at.saturating_add(most).min(slots.len());
                let taken = slots.get(*at..end).unwrap_or_default();
                *at = end;
                if taken.is_empty() {
                    return Ok(None);
                }
                Ok(Some((part.memory.keys_of(taken)?, part.memory.values_of(taken)?)))
            }
            Remaining::Merged(merge) => {
                let wanted = |row: &Merged<'_>| {
                    !row.block.is_removed(row.row) && !is_before(row, table.expired)
                };
                let Some(rows) = merge.next(part.segments(), most, false, wanted)? else {
                    return Ok(None);
                };
                let values = table.layout.before() + table.layout.codec.columns();
                let values = rows.columns().iter().skip(values).cloned().collect();
                let keys = Block::new(Arc::clone(&table.layout), rows).into_keys()?;
                Ok(Some((keys, values)))
            }
        }
    }
}
