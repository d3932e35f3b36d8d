//! The rows of a bucket that are yet to be handed over, batch by batch.

use arrow::array::RecordBatch;

use crate::StateError;
use crate::bucket::Bucket;
use crate::merge::{Merge, Merged};

/// The most rows and bytes of a batch that is handed over.
pub(crate) const MOST_ROWS: usize = 8_192;
pub(crate) const MOST_BYTES: u64 = 1 << 20;

#[derive(Debug)]
pub(super) enum Remaining {
    /// These slots, from some place on.
    Memory(Vec<u32>, usize),
    Merged(Merge),
}

/// Some of them.
pub(super) enum Next<'a> {
    /// Rows in memory, by their slots.
    Slots(&'a [u32]),
    /// Rows as they are saved.
    Saved(RecordBatch),
}

impl Remaining {
    pub(super) fn slots(slots: Vec<u32>) -> Self {
        Self::Memory(slots, 0)
    }

    /// All rows of a bucket of which some are frozen; none when all are in memory.
    pub(super) fn merged(part: &Bucket) -> Option<Self> {
        let frozen = part.frozen.len();
        (frozen > 0).then(|| Self::Merged(Merge::new(0..frozen, part.memory.all())))
    }

    /// The next rows of the bucket that they are of; of merged ones those that are `wanted`. None behind
    /// the last.
    pub(super) fn next(
        &mut self,
        part: &Bucket,
        wanted: impl Fn(&Merged<'_>) -> bool,
    ) -> Result<Option<Next<'_>>, StateError> {
        let most = part.rows_within(MOST_BYTES).clamp(1, MOST_ROWS);
        match self {
            Self::Memory(slots, at) => {
                let end = at.saturating_add(most).min(slots.len());
                let taken = slots.get(*at..end).unwrap_or_default();
                *at = end;
                Ok((!taken.is_empty()).then_some(Next::Slots(taken)))
            }
            Self::Merged(merge) => {
                let wanted = |row: &Merged<'_>| !row.block.is_removed(row.row) && wanted(row);
                Ok(merge.next(part.segments(), most, false, wanted)?.map(Next::Saved))
            }
        }
    }
}
