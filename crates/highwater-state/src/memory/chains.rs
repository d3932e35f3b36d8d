//! Keys with several rows: each row knows the one before it, and its number.

use super::{Head, KEY_SHIFT, Memory, NONE};
use crate::StateError;
use crate::columns::reserve;
use crate::keys::Keys;

impl Memory {
    /// Adds rows behind those of the same keys, numbered from `number` on.
    pub(crate) fn append(
        &mut self,
        keys: &Keys,
        rows: &[u32],
        number: u64,
    ) -> Result<Vec<u32>, StateError> {
        let mut slots = Vec::with_capacity(rows.len());
        for (row, number) in rows.iter().zip(number..) {
            let (hash, key) = keys.at(*row);
            let slot = self.add_to_chain(hash, key, number)?;
            self.owe(slot);
            slots.push(slot);
        }
        self.fill_up()?;
        Ok(slots)
    }

    pub(super) fn add_to_chain(
        &mut self,
        hash: u64,
        key: &[u8],
        number: u64,
    ) -> Result<u32, StateError> {
        let slot = self.next_slot()?;
        let (spot, next) = self.spot(hash, key);
        let next = next.unwrap_or(NONE);
        match self.heads.get(next) {
            // The bytes of the key stand there once.
            Some(Head { key, bits }) => {
                self.push(Head { key, bits: bits >> KEY_SHIFT << KEY_SHIFT })
            }
            None => self.add(key)?,
        }
        self.index.put(spot, hash, slot);
        reserve(&mut self.next, 1);
        self.next.push(next);
        reserve(&mut self.numbers, 1);
        self.numbers.push(number);
        Ok(slot)
    }

    /// The rows of the key whose newest row is `slot`, those that were removed left out, and in
    /// the order in which they came.
    pub(crate) fn chain(&self, slot: u32, into: &mut Vec<u32>) {
        if !self.layout.several {
            if self.is_live(slot) {
                into.push(slot);
            }
            return;
        }
        let begin = into.len();
        let mut at = slot;
        while let Some(next) = self.next.get(at as usize) {
            if self.is_live(at) {
                into.push(at);
            }
            at = *next;
        }
        if let Some(chain) = into.get_mut(begin..) {
            chain.sort_unstable_by_key(|slot| self.number(*slot));
        }
    }

    pub(super) fn number(&self, slot: u32) -> u64 {
        self.numbers.get(slot as usize).copied().unwrap_or_default()
    }
}
