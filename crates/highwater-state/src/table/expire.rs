//! Rows whose time is over.

use std::sync::Arc;

use arrow::array::RecordBatch;

use super::Table;
use crate::bucket::Bucket;
use crate::{Rows, StateError};

/// The most rows and bytes of a batch that is handed over.
const MOST_ROWS: usize = 8_192;
const MOST_BYTES: usize = 1 << 20;

/// An expiry that is not at its end.
#[derive(Debug)]
pub(super) struct Expiring {
    before: i64,
    /// The bucket at hand, its rows that are yet to be handed over, and how many were.
    at: Option<(i64, Vec<u32>, usize)>,
}

impl Table {
    /// Takes the next rows out whose time is before `before`, to be called until there are none. From
    /// the first call on they are gone. Bucket by bucket, and in each in the order of key group and hash.
    ///
    /// Nothing else may be done with the table in between. A row that is put in with a time before
    /// an earlier `before` is gone too, and no call hands it over.
    ///
    /// # Errors
    /// As reading saved state.
    pub fn expire(&mut self, before: i64) -> Result<Option<RecordBatch>, StateError> {
        loop {
            let Some(mut expiring) = self.expiring.take() else {
                if self.layout.time.is_none() || before <= self.expired {
                    return Ok(None);
                }
                self.advance(before);
                self.expiring = Some(Expiring { before, at: None });
                continue;
            };
            match expiring.at.take() {
                Some((bucket, slots, begin)) if begin < slots.len() => {
                    let part = self.buckets.get(&bucket);
                    let rows = part.map(most_rows).unwrap_or(MOST_ROWS);
                    let end = begin.saturating_add(rows).min(slots.len());
                    let taken = slots.get(begin..end).unwrap_or_default();
                    let batch = match part {
                        Some(part) => Rows::new(&self.layout, &part.memory).take(taken)?,
                        None => RecordBatch::new_empty(Arc::clone(&self.layout.rows)),
                    };
                    expiring.at = Some((bucket, slots, end));
                    self.expiring = Some(expiring);
                    return Ok(Some(batch));
                }
                at => {
                    let done = at.map(|(bucket, ..)| bucket);
                    if let Some(bucket) = done.filter(|bucket| *bucket < self.first) {
                        self.buckets.remove(&bucket);
                    }
                    if let Some(next) = self.next_bucket(done, expiring.before) {
                        expiring.at = Some(next);
                        self.expiring = Some(expiring);
                    }
                }
            }
        }
    }

    /// Takes all rows out whose time is before `before`, and hands nothing over.
    ///
    /// # Errors
    /// `Internal` when an expiry is not at its end.
    pub fn forget(&mut self, before: i64) -> Result<(), StateError> {
        self.not_expiring()?;
        if self.layout.time.is_none() || before <= self.expired {
            return Ok(());
        }
        self.advance(before);
        let kept = self.buckets.split_off(&self.first);
        let gone = std::mem::replace(&mut self.buckets, kept);
        self.removed += gone.values().map(Bucket::live).sum::<u64>();
        if let Some(edge) = self.buckets.get_mut(&self.first) {
            let slots = edge.memory.expired(before);
            edge.memory.drop_rows(&slots);
            self.removed += slots.len() as u64;
        }
        Ok(())
    }

    fn advance(&mut self, before: i64) {
        self.expired = before;
        self.first = self.first.max(self.bucket(before));
    }

    /// The next bucket behind `after` that may have rows to hand over, and those.
    fn next_bucket(&mut self, after: Option<i64>, before: i64) -> Option<(i64, Vec<u32>, usize)> {
        use std::ops::Bound::{Excluded, Included, Unbounded};
        let from = after.map_or(Unbounded, Excluded);
        let range = (from, Included(self.first));
        if after.is_some_and(|after| after >= self.first) {
            return None;
        }
        let (bucket, part) = self.buckets.range_mut(range).next()?;
        // Of a bucket that ends here all rows go, also one whose time was moved out of it.
        let before = if *bucket < self.first { i64::MAX } else { before };
        let slots = part.memory.expired(before);
        part.memory.drop_rows(&slots);
        self.removed += slots.len() as u64;
        Some((*bucket, slots, 0))
    }
}

fn most_rows(part: &Bucket) -> usize {
    let bytes = part.memory.held() / part.memory.rows().max(1);
    (MOST_BYTES / bytes.max(1)).clamp(1, MOST_ROWS)
}
