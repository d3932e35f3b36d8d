//! Leaves out what aborted transactions wrote, as the Java client does.

use std::collections::BTreeSet;

use crate::batch::{self, HEADER, Header, Records};
use crate::error::BatchError;

/// A transaction of a producer that was aborted: its first offset in the partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Aborted {
    pub(crate) producer_id: i64,
    pub(crate) first_offset: i64,
}

/// Which batches of one answer are data. The batches are shown to it in their order.
#[derive(Debug, Default)]
pub(crate) struct AbortedFilter {
    /// Those not yet reached, the nearest last.
    ahead: Vec<Aborted>,
    /// The producers whose transaction at this place was aborted.
    producers: BTreeSet<i64>,
}

impl AbortedFilter {
    /// A filter by the index that the answer brings.
    pub(crate) fn new(mut aborted: Vec<Aborted>) -> Self {
        aborted.sort_by_key(|transaction| std::cmp::Reverse(transaction.first_offset));
        Self { ahead: aborted, producers: BTreeSet::new() }
    }

    /// Whether `batch`, whose header is `header`, is data to be read.
    pub(crate) fn keeps(&mut self, header: &Header, batch: &[u8]) -> Result<bool, BatchError> {
        while let Some(next) = self.ahead.last()
            && next.first_offset <= header.last_offset()
        {
            self.producers.insert(next.producer_id);
            self.ahead.pop();
        }
        if !header.control() {
            return Ok(!(header.transactional() && self.producers.contains(&header.producer_id)));
        }
        // The filter acts on what a marker says, so its checksum is checked here.
        batch::verify(header, batch)?;
        if ends_in_abort(header, batch)? {
            self.producers.remove(&header.producer_id);
        }
        Ok(false)
    }
}

/// Whether a control batch is the marker of an abort. The log cleaner may have left it empty.
fn ends_in_abort(header: &Header, batch: &[u8]) -> Result<bool, BatchError> {
    if header.codec() != 0 {
        return Err(BatchError::Codec { codec: header.codec() });
    }
    let mut records = Records::new(header, HEADER..batch.len())?;
    let Some(marker) = records.next(batch)? else { return Ok(false) };
    let key = marker.key.and_then(|key| batch.get(key)).unwrap_or_default();
    Ok(key.get(2..4) == Some(&[0, 0])) // version, then the type: 0 abort, 1 commit
}
