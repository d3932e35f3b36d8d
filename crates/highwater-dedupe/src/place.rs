//! Where a batch stands among those of its epoch.

use std::sync::Arc;

use highwater_core::{Batch, Offsets, Origin};

use crate::DedupeError;

/// The place of a batch: the source and partition of its rows, and their first and last offsets.
/// Batches of one partition do not interleave, so their places have an order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    origin: Arc<Origin>,
    first: i64,
    last: i64,
}

impl Place {
    /// The place of a batch that has rows.
    ///
    /// # Errors
    /// `Unplaced` when it does not say, `Disordered` when offsets do not grow from row to row.
    pub(crate) fn of(batch: &Batch) -> Result<Self, DedupeError> {
        let unplaced = |what| DedupeError::Unplaced { rows: batch.len(), what };
        let origin = batch.origin.clone().ok_or_else(|| unplaced("source and partition"))?;
        let offsets = batch.offsets.as_ref().ok_or_else(|| unplaced("offsets"))?;
        if let Offsets::Each(offsets) = offsets {
            for (last, next) in offsets.iter().zip(offsets.iter().skip(1)) {
                in_order(&origin, *last, *next)?;
            }
        }
        let last = batch.len().checked_sub(1).and_then(|row| offsets.at(row));
        let (first, last) = offsets.at(0).zip(last).ok_or_else(|| unplaced("offset each"))?;
        Ok(Self { origin, first, last })
    }

    /// Checks that a batch may come before another.
    ///
    /// # Errors
    /// `Disordered` when they interleave.
    pub(crate) fn before(&self, next: &Self) -> Result<(), DedupeError> {
        match self.origin == next.origin {
            true => in_order(&self.origin, self.last, next.first),
            false => Ok(()),
        }
    }
}

fn in_order(origin: &Origin, last: i64, next: i64) -> Result<(), DedupeError> {
    if last < next {
        return Ok(());
    }
    Err(DedupeError::Disordered { origin: origin.clone(), last, next })
}
