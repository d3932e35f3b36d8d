//! Tables: what an operator calls.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use arrow::array::ArrayRef;
use highwater_core::TableNote;

use crate::bucket::Bucket;
use crate::keys::Keys;
use crate::memory::{LONGEST_KEY, Room};
use crate::rows::check;
use crate::section::VERSION;
use crate::spec::Layout;
use crate::spill::Local;
use crate::{Hit, Rows, RowsMut, StateError, TableSpec, Upserted};

mod expire;
mod remaining;
mod restore;
mod room;
mod save;
mod scan;

use expire::Expiring;
pub(crate) use remaining::{MOST_BYTES, MOST_ROWS};
pub use scan::Scan;

/// Of a new time as many rows are expected as of the one before; in a table that spills, unless that were more than
/// this part of the budget.
const MOST_EXPECTED: u64 = 8;

/// Rows by key, from epoch to epoch.
///
/// Work goes by batches: [`keys`](Self::keys) once, [`split`](Self::split) into buckets, then an
/// operation on the rows of each. A slot is the number of a row in its bucket. Slots hold until
/// the next call of `keys`, [`save`](Self::save), [`expire`](Self::expire) or [`forget`](Self::forget).
#[derive(Debug)]
pub struct Table {
    layout: Arc<Layout>,
    buckets: BTreeMap<i64, Bucket>,
    /// Buckets before this one are gone, and rows before this time.
    first: i64,
    expired: i64,
    expiring: Option<Expiring>,
    /// What tells the next row that is appended from all others of its key.
    number: u64,
    /// Rows that were taken out since the last save.
    removed: u64,
    local: Local,
}

impl Table {
    /// An empty table.
    ///
    /// # Errors
    /// `Invalid` when a column cannot be kept, or stands twice, or there is no such time.
    pub fn try_new(spec: TableSpec) -> Result<Self, StateError> {
        Ok(Self {
            layout: Arc::new(Layout::try_new(spec)?),
            buckets: BTreeMap::new(),
            first: i64::MIN,
            expired: i64::MIN,
            expiring: None,
            number: 0,
            removed: 0,
            local: Local::default(),
        })
    }

    /// The bucket of an event time.
    pub fn bucket(&self, time: i64) -> i64 {
        self.layout.bucket(time)
    }

    /// Encodes and hashes the key columns of a batch, and makes room for it: over its budget of memory
    /// the table spills.
    ///
    /// # Errors
    /// `Internal` when they are not the key columns of the table, or an expiry is not at its end;
    /// `Refused` when a key is too long; `Transient` when the local disk is full.
    pub fn keys(&mut self, columns: &[ArrayRef]) -> Result<Keys, StateError> {
        self.not_expiring()?;
        self.make_room()?;
        let table = || self.layout.name.clone();
        let keys = self.layout.codec.keys(columns);
        let keys = keys.map_err(|source| StateError::Key { table: table(), source })?;
        match keys.longest() {
            bytes if bytes > LONGEST_KEY => {
                Err(StateError::Long { table: table(), bytes, most: LONGEST_KEY })
            }
            _ => Ok(keys),
        }
    }

    /// The key columns of some rows again.
    ///
    /// # Errors
    /// `Internal` when they are not keys of this table.
    pub fn key_columns(&self, keys: &Keys, rows: &[u32]) -> Result<Vec<ArrayRef>, StateError> {
        let columns = self.layout.codec.decode(rows.iter().map(|row| keys.at(*row).1));
        columns.map_err(|source| StateError::Rows { table: self.layout.name.clone(), source })
    }

    /// The rows of a batch by bucket: that of their time in a table with time, else that of
    /// their key. Buckets and rows are in order.
    pub fn split(&self, keys: &Keys, times: Option<&[i64]>) -> Vec<(i64, Vec<u32>)> {
        let mut parts: Vec<(i64, Vec<u32>)> = Vec::new();
        let mut places: BTreeMap<i64, usize> = BTreeMap::new();
        let mut last = 0;
        let mut put = |bucket, row| match parts.get_mut(last) {
            // Neighbours often share a bucket.
            Some((same, rows)) if *same == bucket => rows.push(row),
            _ => {
                last = *places.entry(bucket).or_insert(parts.len());
                match parts.get_mut(last) {
                    Some((_, rows)) => rows.push(row),
                    None => parts.push((bucket, vec![row])),
                }
            }
        };
        match times {
            Some(times) => times.iter().zip(0..).for_each(|(it, row)| put(self.bucket(*it), row)),
            None => {
                keys.hashes().iter().zip(0..).for_each(|(it, row)| put(Layout::range(*it), row));
            }
        }
        parts.sort_unstable_by_key(|(bucket, _)| *bucket);
        parts
    }

    /// Finds the row of each key, or adds one: zero, empty or null in every value.
    ///
    /// # Errors
    /// `Internal` when the bucket has expired; else as reading saved state.
    pub fn upsert(
        &mut self,
        keys: &Keys,
        bucket: i64,
        rows: &[u32],
    ) -> Result<Upserted, StateError> {
        let expired = self.expired;
        let (part, local) = self.open(bucket)?;
        part.thaw(keys, rows, local, expired)?;
        part.memory.upsert(keys, rows)
    }

    /// Adds a row for each key, whatever there is of it. `values` are columns of the batch.
    ///
    /// # Errors
    /// `Internal` when the bucket has expired, or the values are not those of the table.
    pub fn append(
        &mut self,
        keys: &Keys,
        bucket: i64,
        rows: &[u32],
        values: &[ArrayRef],
    ) -> Result<Vec<u32>, StateError> {
        for column in 0..self.layout.values.len().max(values.len()) {
            let array = values.get(column);
            let missing = || StateError::Column { table: self.layout.name.clone(), column };
            check(&self.layout, column, array.ok_or_else(missing)?, rows)?;
        }
        if !self.layout.several {
            return Err(StateError::Single { table: self.layout.name.clone() });
        }
        let number = self.number;
        self.number = number.saturating_add(rows.len() as u64);
        let slots = self.open(bucket)?.0.memory.append(keys, rows, number)?;
        let mut update = self.update(bucket, &slots)?;
        for (column, array) in values.iter().enumerate() {
            update.fill(column, &slots, array, rows)?;
        }
        Ok(slots)
    }

    /// Finds the rows of each key in some buckets: by bucket, then in the order of `rows`, then in
    /// the order in which they were added.
    ///
    /// # Errors
    /// As reading saved state.
    pub fn probe(
        &mut self,
        keys: &Keys,
        buckets: RangeInclusive<i64>,
        rows: &[u32],
    ) -> Result<Vec<Hit>, StateError> {
        let (mut hits, mut found, mut chain) = (Vec::new(), Vec::new(), Vec::new());
        let buckets = (*buckets.start()).max(self.first)..=*buckets.end();
        if buckets.is_empty() {
            return Ok(hits);
        }
        for (&bucket, part) in self.buckets.range_mut(buckets) {
            part.thaw(keys, rows, &mut self.local, self.expired)?;
            part.memory.find(keys, rows, &mut found);
            for (row, slot) in rows.iter().zip(&found) {
                let Some(slot) = slot else { continue };
                chain.clear();
                part.memory.chain(*slot, &mut chain);
                hits.extend(chain.iter().map(|slot| Hit { row: *row, bucket, slot: *slot }));
            }
        }
        Ok(hits)
    }

    /// The rows of a bucket, if there are any.
    pub fn rows(&self, bucket: i64) -> Option<Rows<'_>> {
        self.buckets.get(&bucket).map(|bucket| Rows::new(&self.layout, &bucket.memory))
    }

    /// The rows of a bucket, of which those in `slots` will be changed.
    ///
    /// # Errors
    /// `Internal` when a slot is not there.
    pub fn update(&mut self, bucket: i64, slots: &[u32]) -> Result<RowsMut<'_>, StateError> {
        let layout = Arc::clone(&self.layout);
        let memory = &mut self.open(bucket)?.0.memory;
        memory.check(slots)?;
        memory.touch(slots);
        Ok(RowsMut::new(layout, memory))
    }

    /// Takes rows out.
    ///
    /// # Errors
    /// `Internal` when a slot is not there.
    pub fn remove(&mut self, bucket: i64, slots: &[u32]) -> Result<(), StateError> {
        let memory = &mut self.open(bucket)?.0.memory;
        memory.check(slots)?;
        let removed = memory.remove(slots);
        self.removed += removed;
        Ok(())
    }

    /// What holds for the table as of now. Of saved rows that were not looked at since a restore, some
    /// may be counted twice.
    pub fn note(&self) -> TableNote {
        let sum = |of: fn(&Bucket) -> u64| self.buckets.values().map(of).sum();
        TableNote {
            version: VERSION,
            columns: self.layout.words.clone(),
            first: self.first,
            expired: self.expired,
            rows: sum(Bucket::live),
            bytes: sum(Bucket::held) + self.local.cache.held(),
            updated: sum(Bucket::updated),
            removed: self.removed,
        }
    }

    fn open(&mut self, bucket: i64) -> Result<(&mut Bucket, &mut Local), StateError> {
        if bucket < self.first {
            let table = self.layout.name.clone();
            return Err(StateError::Gone { table, bucket, first: self.first });
        }
        let Self { buckets, layout, local, .. } = self;
        let last = buckets.last_key_value().filter(|(last, _)| **last < bucket);
        let room = last.map(|(_, part)| part.memory.room());
        let fits = |room: &Room| match local.room.spill {
            Some(_) => room.bytes() <= local.room.bytes / MOST_EXPECTED,
            None => true,
        };
        let room = room.filter(|room| layout.time.is_some() && fits(room));
        let new = || Bucket::with_room(layout, bucket, room.unwrap_or_default());
        Ok((buckets.entry(bucket).or_insert_with(new), local))
    }

    fn not_expiring(&self) -> Result<(), StateError> {
        match self.expiring {
            None => Ok(()),
            Some(_) => Err(StateError::Expiring { table: self.layout.name.clone() }),
        }
    }
}

#[cfg(test)]
mod tests;
