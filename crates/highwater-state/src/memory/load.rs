//! Saved rows into memory.

use arrow::array::RecordBatch;

use super::{DEAD, Memory, NONE, OWED, STORED};
use crate::StateError;
use crate::columns::Pairs;
use crate::frozen::{Found, Owing};
use crate::section::Block;

impl Memory {
    /// Takes up some rows of a block, each in the place of an older one of the same key and number.
    pub(crate) fn load(
        &mut self,
        block: &Block,
        rows: &[u32],
        owing: Owing,
    ) -> Result<(), StateError> {
        let keys = block.keys()?;
        let mut slots = Vec::with_capacity(rows.len());
        for row in rows {
            let (hash, key) = keys.at(*row);
            let (slot, _) = self.find_or_number(hash, key, block.number(*row))?;
            self.mark(slot, block.is_removed(*row), owing.of(block.owed(*row)));
            slots.push(slot);
        }
        self.fill_up()?;
        self.put(Pairs { slots: &slots, rows }, block.batch())
    }

    /// Takes up rows that were found in a frozen segment, unless there are newer ones: how many of
    /// them count there no more. Those before `horizon` come as removed ones.
    pub(crate) fn thaw(
        &mut self,
        found: &Found,
        owing: Owing,
        horizon: i64,
    ) -> Result<u64, StateError> {
        let Found { block, pairs } = found;
        let (keys, times) = (block.keys()?, block.times().unwrap_or_default());
        let (mut slots, mut rows, mut hidden) = (Vec::new(), Vec::new(), 0);
        for (row, _) in pairs {
            let (hash, key) = keys.at(*row);
            let (slot, added) = self.find_or_number(hash, key, block.number(*row))?;
            if added {
                let removed = block.is_removed(*row);
                let past = times.get(*row as usize).is_some_and(|time| *time < horizon);
                self.mark(slot, removed || past, owing.of(block.owed(*row)));
                hidden += u64::from(!removed);
                slots.push(slot);
                rows.push(*row);
            }
        }
        self.fill_up()?;
        self.put(Pairs { slots: &slots, rows: &rows }, block.batch())?;
        Ok(hidden)
    }

    fn find_or_number(
        &mut self,
        hash: u64,
        key: &[u8],
        number: u64,
    ) -> Result<(u32, bool), StateError> {
        if !self.layout.several {
            return self.find_or_add(hash, key);
        }
        let mut at = self.seek(hash, key).unwrap_or(NONE);
        while let Some(next) = self.next.get(at as usize) {
            if self.number(at) == number {
                return Ok((at, false));
            }
            at = *next;
        }
        Ok((self.add_to_chain(hash, key, number)?, true))
    }

    fn mark(&mut self, slot: u32, removed: bool, owed: u8) {
        let rows = self.heads.len();
        let Some(bits) = self.heads.bits_mut(slot) else { return };
        let (was, first) = (*bits & DEAD != 0, *bits & 1 == 0);
        *bits = *bits & !DEAD | STORED | u32::from(owed & OWED);
        if removed {
            *bits |= DEAD;
        }
        match (was, removed) {
            (false, true) => self.live -= 1,
            (true, false) => self.live += 1,
            _ => (),
        }
        if first && owed & 1 == 1 {
            self.touched.add(slot, rows);
        }
    }

    fn put(&mut self, pairs: Pairs<'_>, batch: &RecordBatch) -> Result<(), StateError> {
        let values = self.layout.before() + self.layout.codec.columns();
        for (column, array) in self.columns.iter_mut().zip(batch.columns().iter().skip(values)) {
            column
                .put(pairs, array)
                .map_err(|source| StateError::Rows { table: self.layout.name.clone(), source })?;
        }
        Ok(())
    }
}
