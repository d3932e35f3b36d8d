//! Rows in memory as they are saved: in the order of key group and hash, in batches.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, UInt8Array, UInt64Array};
use highwater_core::Level;

use super::{DEAD, Head, KEY_SHIFT, Memory, OWED, STORED};
use crate::StateError;
use crate::keys::Keys;
use crate::section::{MOST_ROWS, hash_at, place};

/// Bytes of rows that one batch should have at most.
const BLOCK_BYTES: usize = 512 * 1024;

/// A row of a save.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Placed {
    /// The order of saves, as far as hashes of keys are different. Tells the hash as well: to compute it again would
    /// read the key.
    place: u64,
    slot: u32,
}

impl Memory {
    /// The rows that a save of a level writes, in its order.
    pub(crate) fn owed(&self, level: Level) -> Vec<Placed> {
        let wanted = |head: Head| {
            if level == Level::WHOLE {
                return !head.is(DEAD);
            }
            head.bits & bits(level) != 0 && (!head.is(DEAD) || head.is(STORED))
        };
        if let (Level::EPOCH, Some(touched)) = (level, self.touched.slots()) {
            let touched = touched.iter().copied();
            return self.sorted(touched.filter(|slot| wanted(self.head(*slot))));
        }
        self.sorted(self.slots().filter(|slot| wanted(self.head(*slot))))
    }

    /// All rows that anything outside of this memory must know of, in the order of saves.
    pub(crate) fn all(&self) -> Vec<Placed> {
        let known = |head: Head| !head.is(DEAD) || head.is(STORED);
        self.sorted(self.slots().filter(|slot| known(self.head(*slot))))
    }

    /// The rows that are there, in no order.
    pub(crate) fn living(&self) -> Vec<u32> {
        self.slots().filter(|slot| self.is_live(*slot)).collect()
    }

    /// The keys of some rows.
    pub(crate) fn keys_of(&self, slots: &[u32]) -> Result<Keys, StateError> {
        let keys = Keys::of(slots.iter().map(|slot| (self.hash(*slot), self.key(*slot))));
        keys.ok_or_else(|| self.full("the bytes of the keys of one batch"))
    }

    /// The values of some rows.
    pub(crate) fn values_of(&self, slots: &[u32]) -> Result<Vec<ArrayRef>, StateError> {
        let columns = self.columns.iter().map(|column| column.gather(slots));
        columns.collect::<Result<_, _>>().map_err(|source| self.rows_error(source))
    }

    /// Rows whose time is before `before`, in the order of saves.
    pub(crate) fn expired(&self, before: i64) -> Vec<u32> {
        self.sorted(self.past(before)).into_iter().map(|row| row.slot).collect()
    }

    /// Takes rows out whose time is before `before`, of which nothing is to be saved: everybody knows that
    /// their time is over. How many there were.
    pub(crate) fn expire(&mut self, before: i64) -> u64 {
        let past: Vec<u32> = self.past(before).collect();
        self.drop_rows(&past);
        past.len() as u64
    }

    /// Takes rows out of which nothing is to be saved.
    pub(crate) fn drop_rows(&mut self, slots: &[u32]) {
        for slot in slots {
            if self.is_live(*slot) {
                self.kill(*slot);
            }
        }
    }

    /// The rows that are there and whose time is before `before`.
    fn past(&self, before: i64) -> impl Iterator<Item = u32> {
        let past = self.slots().zip(self.times()).filter(move |(_, time)| **time < before);
        past.map(|(slot, _)| slot).filter(|slot| self.is_live(*slot))
    }

    fn slots(&self) -> impl Iterator<Item = u32> + use<> {
        // `next_slot` counts no further.
        0..u32::try_from(self.heads.len()).unwrap_or(u32::MAX)
    }

    fn times(&self) -> &[i64] {
        let column = self.layout.time.and_then(|time| self.columns.get(time.column));
        let plain = column.and_then(|column| column.values.as_any().downcast_ref());
        plain.map_or(&[], |plain: &crate::columns::Plain<i64>| &plain.values)
    }

    fn sorted(&self, slots: impl Iterator<Item = u32>) -> Vec<Placed> {
        let placed = |slot| Placed { place: place(self.hash(slot)), slot };
        let mut rows: Vec<_> = slots.map(placed).collect();
        // By one number first, which is quick; what lies behind it, only where places are the same.
        rows.sort_unstable_by_key(|row| row.place);
        for same in rows.chunk_by_mut(|one, next| one.place == next.place) {
            same.sort_unstable_by(|left, right| {
                let keys = self.key(left.slot).cmp(self.key(right.slot));
                keys.then_with(|| self.number(left.slot).cmp(&self.number(right.slot)))
            });
        }
        rows
    }

    /// How many rows a batch of a save should have.
    pub(crate) fn block_rows(&self) -> usize {
        let bytes = self.held() / self.rows().max(1);
        (BLOCK_BYTES / bytes.max(1)).clamp(1, MOST_ROWS)
    }

    /// Some rows as they are saved; `owing` keeps the levels at which they are yet to be.
    pub(crate) fn block(&self, rows: &[Placed], owing: bool) -> Result<RecordBatch, StateError> {
        let slots: Vec<u32> = rows.iter().map(|row| row.slot).collect();
        let heads = || slots.iter().map(|slot| self.head(*slot));
        let hashes = rows.iter().map(|row| hash_at(row.place));
        let op = heads().map(|head| u8::from(head.is(DEAD)));
        let owed = heads().map(|head| if owing { head.owed() } else { 0 });
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(UInt8Array::from_iter_values(op)),
            Arc::new(UInt8Array::from_iter_values(owed)),
            Arc::new(UInt64Array::from_iter_values(hashes)),
        ];
        if self.layout.several {
            let numbers = slots.iter().map(|slot| self.number(*slot));
            columns.push(Arc::new(UInt64Array::from_iter_values(numbers)));
        }
        columns.extend(self.gather(&slots)?);
        RecordBatch::try_new(Arc::clone(&self.layout.saved), columns)
            .map_err(|source| self.rows_error(source))
    }

    /// The key columns of some rows.
    pub(crate) fn key_columns_of(&self, slots: &[u32]) -> Result<Vec<ArrayRef>, StateError> {
        let keys = slots.iter().map(|slot| self.key(*slot));
        self.layout.codec.decode(keys).map_err(|source| self.rows_error(source))
    }

    /// Keys and values of some rows.
    pub(crate) fn gather(&self, slots: &[u32]) -> Result<Vec<ArrayRef>, StateError> {
        let mut columns = self.key_columns_of(slots)?;
        columns.extend(self.values_of(slots)?);
        Ok(columns)
    }

    /// Takes note that a save of a level was written.
    pub(crate) fn saved(&mut self, level: Level) {
        let mut touched = std::mem::take(&mut self.touched);
        match touched.slots() {
            Some(slots) if level == Level::EPOCH => {
                slots.iter().for_each(|slot| self.settle(*slot, level));
            }
            _ => self.slots().for_each(|slot| self.settle(slot, level)),
        }
        touched.clear();
        self.touched = touched;
    }

    fn settle(&mut self, slot: u32, level: Level) {
        let Some(marks) = self.heads.bits_mut(slot) else { return };
        if *marks & DEAD == 0 {
            *marks |= STORED;
        }
        *marks &= !(u32::from(OWED) & ((bits(level) << 1) - 1));
    }

    /// The rows that are there and those that are yet to be saved, in a memory without the others;
    /// none while few are to go. `alone` when nothing beneath holds rows of the bucket.
    pub(crate) fn without_idle(&self, alone: bool) -> Option<Self> {
        let rows = self.heads.len() as u64;
        if rows - self.live < rows.div_ceil(4) {
            return None;
        }
        let idle = |head: Head| head.is(DEAD) && (!head.is(STORED) || alone && head.owed() == 0);
        let count = self.slots().filter(|slot| idle(self.head(*slot))).count();
        if count == 0 || count < self.heads.len() / 4 {
            return None;
        }
        let mut kept = Self::new(Arc::clone(&self.layout), self.bucket);
        let slots: Vec<u32> = self.slots().filter(|slot| !idle(self.head(*slot))).collect();
        for slot in &slots {
            let head = self.head(*slot);
            let (hash, key) = (self.hash(*slot), self.key(*slot));
            let at = match self.layout.several {
                true => kept.add_to_chain(hash, key, self.number(*slot)).ok()?,
                false => kept.find_or_add(hash, key).ok()?.0,
            };
            let to = kept.heads.bits_mut(at)?;
            *to = *to >> KEY_SHIFT << KEY_SHIFT | head.bits & ((1 << KEY_SHIFT) - 1);
            if head.is(DEAD) {
                kept.live -= 1;
            }
            if head.owed() & 1 == 1 {
                kept.touched.add(at, slots.len());
            }
        }
        kept.fill_up().ok()?;
        let rows: Vec<u32> = kept.slots().collect();
        for (to, from) in kept.columns.iter_mut().zip(&self.columns) {
            for chunk in slots.chunks(MOST_ROWS).zip(rows.chunks(MOST_ROWS)) {
                let array = from.gather(chunk.0).ok()?;
                let all: Vec<u32> = (0..).take(chunk.0.len()).collect();
                to.put(crate::columns::Pairs { slots: chunk.1, rows: &all }, &array).ok()?;
            }
        }
        Some(kept)
    }
}

/// The bit of a level among those that are owed.
fn bits(level: Level) -> u32 {
    1 << level.index()
}
