//! Saved rows into memory.

use arrow::array::RecordBatch;

use super::{DEAD, Memory, NONE, OWED, STORED};
use crate::StateError;
use crate::columns::Pairs;
use crate::section::Block;

impl Memory {
    /// Takes up some rows of a block, each in the place of an older one of the same key and number.
    /// `owed` are levels at which all of them are yet to be saved.
    pub(crate) fn load(&mut self, block: &Block, rows: &[u32], owed: u8) -> Result<(), StateError> {
        let keys = block.keys()?;
        let mut slots = Vec::with_capacity(rows.len());
        for row in rows {
            let (hash, key) = keys.at(*row);
            let slot = match self.layout.several {
                true => self.find_or_number(hash, key, block.number(*row))?,
                false => self.find_or_add(hash, key)?.0,
            };
            self.mark(slot, block.is_removed(*row), owed | block.owed(*row));
            slots.push(slot);
        }
        self.fill_up()?;
        self.put(&Pairs { slots: &slots, rows }, block.batch())
    }

    fn find_or_number(&mut self, hash: u64, key: &[u8], number: u64) -> Result<u32, StateError> {
        let mut at = self.seek(hash, key).unwrap_or(NONE);
        while let Some(next) = self.next.get(at as usize) {
            if self.number(at) == number {
                return Ok(at);
            }
            at = *next;
        }
        self.add_to_chain(hash, key, number)
    }

    fn mark(&mut self, slot: u32, removed: bool, owed: u8) {
        let Some(head) = self.heads.get_mut(slot as usize) else { return };
        let (was, first) = (head.is(DEAD), head.bits & 1 == 0);
        head.bits = head.bits & !DEAD | STORED | u32::from(owed & OWED);
        if removed {
            head.bits |= DEAD;
        }
        match (was, removed) {
            (false, true) => self.live -= 1,
            (true, false) => self.live += 1,
            _ => (),
        }
        if first && owed & 1 == 1 {
            self.touched.push(slot);
        }
    }

    fn put(&mut self, pairs: &Pairs<'_>, batch: &RecordBatch) -> Result<(), StateError> {
        let values = self.layout.before() + self.layout.codec.columns();
        for (column, array) in self.columns.iter_mut().zip(batch.columns().iter().skip(values)) {
            column
                .put(*pairs, array)
                .map_err(|source| StateError::Rows { table: self.layout.name.clone(), source })?;
        }
        Ok(())
    }
}
