//! Room in memory: what does not fit goes to the local disk.

use super::Table;
use crate::StateError;

/// A segment smaller than this part of the budget is not worth a file.
const SMALLEST: u64 = 64;

impl Table {
    /// Spills the largest segments until a quarter of the budget is free, or nothing large is left.
    pub(super) fn make_room(&mut self) -> Result<(), StateError> {
        let budget = self.local.room.bytes;
        if self.local.room.spill.is_none() || self.held() <= budget {
            return Ok(());
        }
        while self.held() > budget - budget / 4 {
            let largest = self.buckets.iter().max_by_key(|(_, part)| part.memory.held());
            let large = largest.filter(|(_, part)| {
                part.memory.rows() > 0 && part.memory.held() as u64 >= budget / SMALLEST
            });
            let Some((&bucket, _)) = large else { break };
            if let Some(part) = self.buckets.get_mut(&bucket) {
                part.spill(&mut self.local)?;
            }
        }
        Ok(())
    }

    /// Bytes of memory.
    pub(super) fn held(&self) -> u64 {
        let buckets = self.buckets.values().map(|part| part.held());
        buckets.sum::<u64>() + self.local.cache.held()
    }
}
