//! Rows whose time is over.

use std::sync::Arc;

use arrow::array::RecordBatch;

use super::Table;
use super::remaining::{Next, Remaining};
use crate::bucket::{Bucket, is_before};
use crate::merge::Merged;
use crate::{Rows, StateError};

/// An expiry that is not at its end.
#[derive(Debug)]
pub(super) struct Expiring {
    /// Rows before this time had gone before, those before the other go.
    from: i64,
    before: i64,
    /// The bucket at hand.
    at: Option<Leaving>,
}

/// The rows of a bucket that are yet to be handed over.
#[derive(Debug)]
struct Leaving {
    bucket: i64,
    rows: Remaining,
}

impl Table {
    /// Takes the next rows out whose time is before `before`, to be called until there are none. From
    /// the first call on they are gone. Bucket by bucket, and in each in the order of key group and hash.
    ///
    /// Nothing else may be done with the table in between. Rows with a time before an earlier `before`
    /// are not to be put in: whether they are found again, or ever handed over, is not said.
    ///
    /// # Errors
    /// As reading saved state.
    pub fn expire(&mut self, before: i64) -> Result<Option<RecordBatch>, StateError> {
        loop {
            let Some(mut expiring) = self.expiring.take() else {
                if self.layout.time.is_none() || before <= self.expired {
                    return Ok(None);
                }
                let from = self.expired;
                self.advance(before);
                self.expiring = Some(Expiring { from, before, at: None });
                continue;
            };
            let Expiring { from, before, .. } = expiring;
            let rows = match &mut expiring.at {
                Some(leaving) => self.hand_over(leaving, from, before)?,
                None => None,
            };
            if let Some(rows) = rows {
                self.removed += rows.num_rows() as u64;
                self.expiring = Some(expiring);
                return Ok(Some(rows));
            }
            let done = expiring.at.take().map(|leaving| leaving.bucket);
            if let Some(bucket) = done {
                self.leave(bucket, before);
            }
            if let Some(leaving) = self.next_bucket(done, expiring.before) {
                expiring.at = Some(leaving);
                self.expiring = Some(expiring);
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
            self.removed += edge.memory.expire(before);
        }
        Ok(())
    }

    fn advance(&mut self, before: i64) {
        self.expired = before;
        self.first = self.first.max(self.bucket(before));
    }

    /// The next batch out of a bucket.
    fn hand_over(
        &self,
        leaving: &mut Leaving,
        from: i64,
        before: i64,
    ) -> Result<Option<RecordBatch>, StateError> {
        let Some(part) = self.buckets.get(&leaving.bucket) else { return Ok(None) };
        let whole = leaving.bucket < self.first;
        let goes = |row: &Merged<'_>| (whole || is_before(row, before)) && !is_before(row, from);
        let rows = match leaving.rows.next(part, goes)? {
            None => return Ok(None),
            Some(Next::Slots(slots)) => Rows::new(&self.layout, &part.memory).take(slots)?,
            Some(Next::Saved(rows)) => self.without_own(&rows)?,
        };
        Ok(Some(rows))
    }

    /// Keys and values of saved rows.
    fn without_own(&self, rows: &RecordBatch) -> Result<RecordBatch, StateError> {
        let columns = rows.columns().iter().skip(self.layout.before()).cloned().collect();
        RecordBatch::try_new(Arc::clone(&self.layout.rows), columns)
            .map_err(|source| StateError::Rows { table: self.layout.name.clone(), source })
    }

    /// Lets a bucket go all of whose rows were handed over, or those that were.
    fn leave(&mut self, bucket: i64, before: i64) {
        if bucket < self.first {
            self.buckets.remove(&bucket);
        } else if let Some(edge) = self.buckets.get_mut(&bucket) {
            edge.memory.expire(before);
        }
    }

    /// The next bucket behind `after` that may have rows to hand over.
    fn next_bucket(&mut self, after: Option<i64>, before: i64) -> Option<Leaving> {
        use std::ops::Bound::{Excluded, Included, Unbounded};
        if after.is_some_and(|after| after >= self.first) {
            return None;
        }
        let range = (after.map_or(Unbounded, Excluded), Included(self.first));
        let (bucket, part) = self.buckets.range_mut(range).next()?;
        if let Some(rows) = Remaining::merged(part) {
            return Some(Leaving { bucket: *bucket, rows });
        }
        // Of a bucket that ends here all rows go, also one whose time was moved out of it.
        let before = if *bucket < self.first { i64::MAX } else { before };
        let slots = part.memory.expired(before);
        part.memory.drop_rows(&slots);
        Some(Leaving { bucket: *bucket, rows: Remaining::slots(slots) })
    }
}
