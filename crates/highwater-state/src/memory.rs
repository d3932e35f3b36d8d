//! The rows of a bucket in memory: a hash index over rows, their keys and their values.

use std::hint::black_box;
use std::sync::Arc;

use crate::columns::{ValueColumn, reserve};
use crate::keys::Keys;
use crate::spec::Layout;
use crate::{StateError, Upserted};

mod blocks;
mod chains;
mod heads;
mod index;
mod load;
mod touched;

pub(crate) use blocks::Placed;
use heads::Heads;
use index::{Index, Spot};
use touched::Touched;

/// The end of a chain.
const NONE: u32 = u32::MAX;
/// One bit for each level at which a row is yet to be saved.
pub(crate) const OWED: u8 = 0b111;
/// The row was removed.
const DEAD: u32 = 1 << 3;
/// Something outside of this memory holds the row: that it was removed must be said there too.
const STORED: u32 = 1 << 4;
const KEY_SHIFT: u32 = 8;
/// So many rows are looked up before any of them is added: enough for their misses in the cache to overlap, and
/// few beside those that come after a key was added.
const AT_ONCE: usize = 64;
/// The most bytes that a key may have.
pub(crate) const LONGEST_KEY: usize = (1 << (u32::BITS - KEY_SHIFT)) - 1;

/// Rows of one bucket.
#[derive(Debug)]
pub(crate) struct Memory {
    layout: Arc<Layout>,
    bucket: i64,
    heads: Heads,
    keys: Vec<u8>,
    /// For each row the next of the same key, and what tells them apart.
    next: Vec<u32>,
    numbers: Vec<u64>,
    columns: Vec<ValueColumn>,
    index: Index,
    touched: Touched,
    live: u64,
    /// Rows that the columns have values of.
    filled: usize,
}

/// How much a memory has, and another one may expect.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Room {
    rows: usize,
    key_bytes: usize,
    held: usize,
}

impl Room {
    /// Bytes of memory.
    pub(crate) fn bytes(self) -> u64 {
        self.held as u64
    }
}

/// What is known of a row besides its values.
#[derive(Clone, Copy, Debug)]
struct Head {
    /// Where its key begins.
    key: u32,
    /// Levels, marks, and the length of the key.
    bits: u32,
}

const NO_HEAD: Head = Head { key: 0, bits: DEAD };

impl Head {
    fn is(self, mark: u32) -> bool {
        self.bits & mark != 0
    }

    fn owed(self) -> u8 {
        self.bits.to_le_bytes()[0] & OWED
    }
}

impl Memory {
    pub(crate) fn new(layout: Arc<Layout>, bucket: i64) -> Self {
        let columns = layout.values.iter().filter_map(ValueColumn::new).collect();
        Self {
            layout,
            bucket,
            heads: Heads::default(),
            keys: Vec::new(),
            next: Vec::new(),
            numbers: Vec::new(),
            columns,
            index: Index::default(),
            touched: Touched::default(),
            live: 0,
            filled: 0,
        }
    }

    /// An empty one with room for as much as another one has: to grow step by step would copy each row, and
    /// enter it into the index, several times.
    pub(crate) fn with_room(layout: Arc<Layout>, bucket: i64, room: Room) -> Self {
        let mut new = Self::new(layout, bucket);
        let Room { rows, key_bytes, .. } = room;
        new.heads.expect(rows);
        new.keys.reserve_exact(key_bytes);
        new.columns.iter_mut().for_each(|column| column.expect(rows));
        new.index.reserve(rows);
        new
    }

    /// The room for what it has.
    pub(crate) fn room(&self) -> Room {
        Room { rows: self.rows(), key_bytes: self.keys.len(), held: self.held() }
    }

    /// Rows that are there.
    pub(crate) fn live(&self) -> u64 {
        self.live
    }

    /// Rows, the removed ones included.
    pub(crate) fn rows(&self) -> usize {
        self.heads.len()
    }

    /// Rows that changed since the last save.
    pub(crate) fn touched(&self) -> usize {
        self.touched.len()
    }

    /// Bytes of memory.
    pub(crate) fn held(&self) -> usize {
        self.heads.held()
            + self.keys.capacity()
            + self.next.capacity() * size_of::<u32>()
            + self.touched.held()
            + self.numbers.capacity() * size_of::<u64>()
            + self.index.held()
            + self.columns.iter().map(ValueColumn::held).sum::<usize>()
    }

    pub(crate) fn columns(&self) -> &[ValueColumn] {
        &self.columns
    }

    pub(crate) fn column_mut(&mut self, column: usize) -> Option<&mut ValueColumn> {
        self.columns.get_mut(column)
    }

    #[inline]
    fn head(&self, slot: u32) -> Head {
        self.heads.get(slot).unwrap_or(NO_HEAD)
    }

    /// The key of a row.
    #[inline]
    fn key(&self, slot: u32) -> &[u8] {
        self.keys.get(self.heads.key(slot)).unwrap_or_default()
    }

    /// The hash of the key of a row.
    fn hash(&self, slot: u32) -> u64 {
        self.layout.codec.hash(self.key(slot))
    }

    pub(crate) fn is_live(&self, slot: u32) -> bool {
        !self.head(slot).is(DEAD)
    }

    /// Refuses a slot that no row has.
    pub(crate) fn check(&self, slots: &[u32]) -> Result<(), StateError> {
        match slots.iter().find(|slot| **slot as usize >= self.heads.len()) {
            None => Ok(()),
            Some(slot) => Err(StateError::Slot {
                table: self.layout.name.clone(),
                bucket: self.bucket,
                slot: *slot,
            }),
        }
    }

    fn full(&self, what: &'static str) -> StateError {
        StateError::Full { table: self.layout.name.clone(), bucket: self.bucket, what }
    }

    /// A row for each key, removed ones included: a first look, whose misses in the cache overlap.
    pub(crate) fn find(&self, keys: &Keys, rows: &[u32], slots: &mut Vec<Option<u32>>) {
        slots.clear();
        let hash = |row: &u32| keys.hashes().get(*row as usize).copied().unwrap_or_default();
        self.index.find_each(rows.iter().map(hash), slots);
        for (rows, slots) in rows.chunks(AT_ONCE).zip(slots.chunks_mut(AT_ONCE)) {
            self.compare(keys, rows, slots);
        }
    }

    /// Looks whether keys are those of the rows that were found for their hashes, and else goes on. Where they lie
    /// first, then a byte of each, then keys: so waits for memory overlap.
    fn compare(&self, keys: &Keys, rows: &[u32], slots: &mut [Option<u32>]) {
        let mut places = [const { 0..0 }; AT_ONCE];
        for (place, slot) in places.iter_mut().zip(slots.iter()) {
            *place = slot.map_or(0..0, |slot| self.heads.key(slot));
        }
        let near = places.iter().filter_map(|place| self.keys.get(place.start));
        black_box(near.fold(0, |all, byte| all ^ byte));
        for ((row, found), place) in rows.iter().zip(slots).zip(places) {
            let (hash, key) = keys.at(*row);
            if found.is_some() && self.keys.get(place) != Some(key) {
                *found = self.seek(hash, key);
            }
        }
    }

    fn seek(&self, hash: u64, key: &[u8]) -> Option<u32> {
        self.index.find(hash, |slot| self.key(slot) == key)
    }

    /// Finds the row of each key, or adds one.
    pub(crate) fn upsert(&mut self, keys: &Keys, rows: &[u32]) -> Result<Upserted, StateError> {
        let mut found = Vec::with_capacity(rows.len().min(AT_ONCE));
        let mut upserted = Upserted::with_capacity(rows.len());
        for rows in rows.chunks(AT_ONCE) {
            self.find(keys, rows, &mut found);
            let new = rows.iter().zip(&found).filter(|(_, found)| found.is_none());
            self.index.approach(new.map(|(row, _)| keys.at(*row).0));
            for (row, found) in rows.iter().zip(&found) {
                let (slot, new) = match *found {
                    Some(slot) => (slot, self.revive(slot)),
                    None => {
                        let (hash, key) = keys.at(*row);
                        let (slot, added) = self.find_or_add(hash, key)?;
                        (slot, if added { self.owe(slot) } else { self.revive(slot) })
                    }
                };
                upserted.push(slot, new);
            }
        }
        self.fill_up()?;
        Ok(upserted)
    }

    /// Makes a removed row a new one.
    fn revive(&mut self, slot: u32) -> bool {
        // Where no row was removed, none is looked at.
        if self.live == self.heads.len() as u64 || self.is_live(slot) {
            return false;
        }
        self.columns.iter_mut().for_each(|column| column.reset(slot));
        if let Some(bits) = self.heads.bits_mut(slot) {
            *bits &= !DEAD;
        }
        self.live += 1;
        self.owe(slot);
        true
    }

    fn find_or_add(&mut self, hash: u64, key: &[u8]) -> Result<(u32, bool), StateError> {
        let slot = self.next_slot()?;
        let (spot, found) = self.spot(hash, key);
        if let Some(found) = found {
            return Ok((found, false));
        }
        self.add(key)?;
        self.index.put(spot, hash, slot);
        Ok((slot, true))
    }

    /// The newest row of a key, and its spot in the index, or the spot for one.
    fn spot(&mut self, hash: u64, key: &[u8]) -> (Spot, Option<u32>) {
        self.index.reserve_one();
        self.index.spot(hash, |slot| self.key(slot) == key)
    }

    fn next_slot(&self) -> Result<u32, StateError> {
        let slot = u32::try_from(self.heads.len()).ok().filter(|slot| *slot < NONE);
        slot.ok_or_else(|| self.full("the number of another row"))
    }

    fn add(&mut self, key: &[u8]) -> Result<(), StateError> {
        let at = u32::try_from(self.keys.len());
        let at = at.map_err(|_too_many| self.full("the bytes of keys"))?;
        let len = u32::try_from(key.len()).unwrap_or(u32::MAX);
        reserve(&mut self.keys, key.len());
        self.keys.extend_from_slice(key);
        self.push(Head { key: at, bits: len << KEY_SHIFT });
        Ok(())
    }

    fn push(&mut self, head: Head) {
        self.heads.push(head);
        self.live += 1;
    }

    /// Gives values to rows that were just added.
    fn fill_up(&mut self) -> Result<(), StateError> {
        let more = self.heads.len() - self.filled;
        self.filled = self.heads.len();
        let mut columns = self.columns.iter_mut();
        columns.try_for_each(|column| column.grow(more)).map_err(|source| self.rows_error(source))
    }

    /// Marks a row as yet to be saved; false when it was so already.
    fn owe(&mut self, slot: u32) -> bool {
        let rows = self.heads.len();
        let Some(bits) = self.heads.bits_mut(slot) else { return false };
        let first = *bits & 1 == 0;
        *bits |= u32::from(OWED);
        if first {
            self.touched.add(slot, rows);
        }
        first
    }

    /// Marks rows as changed.
    pub(crate) fn touch(&mut self, slots: &[u32]) {
        for slot in slots {
            self.owe(*slot);
        }
    }

    /// Removes rows; how many of them there were.
    pub(crate) fn remove(&mut self, slots: &[u32]) -> u64 {
        let mut removed = 0;
        for slot in slots {
            let head = self.head(*slot);
            if !head.is(DEAD) {
                if head.is(STORED) {
                    self.owe(*slot);
                }
                removed += u64::from(self.kill(*slot));
            }
        }
        removed
    }

    fn kill(&mut self, slot: u32) -> bool {
        let Some(bits) = self.heads.bits_mut(slot) else { return false };
        *bits |= DEAD;
        self.live -= 1;
        true
    }

    fn rows_error(&self, source: arrow::error::ArrowError) -> StateError {
        StateError::Rows { table: self.layout.name.clone(), source }
    }
}
