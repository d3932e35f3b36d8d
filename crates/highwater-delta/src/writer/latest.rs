//! The last row of each key, of one worker and epoch.
//!
//! Which one that is does not depend on how rows come: of two from records, the one that comes later
//! by source, partition and offset. Rows of which that is not known, as those that a window makes,
//! have one row of a key in an epoch, or the epoch cannot be told from another.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch, UInt32Array};
use arrow::compute::{filter_record_batch, take_record_batch};
use arrow::error::ArrowError;
use highwater_core::{Batch, Origin};

use super::splitter::without_empty;
use crate::error::Cause;
use crate::key::KeyColumns;

/// Pieces of which so many rows are replaced are copied without them, if they are long enough to
/// matter.
const LONG: usize = 1024;

/// The last row of each key so far. It holds those rows, and the keys once more.
pub(super) struct Latest {
    key: KeyColumns,
    partition: Vec<String>,
    by_key: HashMap<Box<[u8]>, u32>,
    /// Where the row of each key is.
    slots: Vec<Slot>,
    pieces: Vec<Piece>,
    /// How many rows were given.
    given: u64,
}

/// Where the last row of a key is, and where it comes from.
struct Slot {
    piece: u32,
    row: u32,
    position: Option<Position>,
}

/// Where the record of a row is.
type Position = (Arc<Origin>, i64);

/// Rows as they were given.
struct Piece {
    rows: RecordBatch,
    /// The number of the slot of each row; of a row that was replaced too.
    slots: Vec<u32>,
    /// How many are the last of their keys.
    last: usize,
}

/// Why rows cannot be taken.
#[derive(Debug)]
pub(super) enum Unfit {
    /// Nobody can say which of two rows of this key is the last one.
    SameKey(String),
    /// They are not of the schema.
    Rows(Cause),
}

impl From<ArrowError> for Unfit {
    fn from(error: ArrowError) -> Self {
        Self::Rows(error.into())
    }
}

impl Latest {
    /// None yet, of a table that is partitioned by `partition`.
    pub(super) fn new(key: KeyColumns, partition: Vec<String>) -> Self {
        let (by_key, slots, pieces) = Default::default();
        Self { key, partition, by_key, slots, pieces, given: 0 }
    }

    /// Takes rows. What is kept of them is copied, so that nothing holds the batch.
    pub(super) fn add(&mut self, batch: &Batch) -> Result<(), Unfit> {
        self.given = self.given.saturating_add(count(batch.len()));
        let columns = self.columns(&batch.rows)?;
        let keys = self.key.bytes(&columns)?;
        let piece = number(self.pieces.len())?;
        let (mut chosen, mut slots): (Vec<u32>, Vec<u32>) = Default::default();
        for (row, key) in keys.iter().enumerate() {
            let position = position(batch, row);
            let slot = match self.by_key.get(key.data()) {
                None => {
                    let slot = number(self.slots.len())?;
                    self.by_key.insert(key.data().into(), slot);
                    self.slots.push(Slot { piece, row: number(chosen.len())?, position });
                    slot
                }
                Some(slot) => {
                    let later = self.is_later(*slot, position.as_ref());
                    let unordered = || Unfit::SameKey(self.key.show(&columns, row));
                    if !later.ok_or_else(unordered)? {
                        continue;
                    }
                    let slot = *slot;
                    self.replace(slot, Slot { piece, row: number(chosen.len())?, position });
                    slot
                }
            };
            chosen.push(number(row)?);
            slots.push(slot);
        }
        if chosen.is_empty() {
            return Ok(());
        }
        let last = |(row, slot): (usize, &u32)| {
            self.slots.get(*slot as usize).is_some_and(|it| it.is(piece, row))
        };
        let last = slots.iter().enumerate().filter(|it| last(*it)).count();
        let rows = take_record_batch(&batch.rows, &UInt32Array::from(chosen))?;
        self.pieces.push(Piece { rows, slots, last });
        self.shrink()
    }

    /// How many rows are not the last of their keys.
    pub(super) fn replaced(&self) -> u64 {
        self.given.saturating_sub(count(self.slots.len()))
    }

    /// The key columns. In a table, empty text in a partition column is null.
    fn columns(&self, rows: &RecordBatch) -> Result<Vec<ArrayRef>, Unfit> {
        let columns = self.key.columns(rows)?;
        let columns = self.key.names().zip(columns).map(|(name, column)| {
            match self.partition.iter().any(|it| it == name) {
                true => without_empty(&column).map_err(Unfit::Rows),
                false => Ok(column),
            }
        });
        columns.collect()
    }

    /// Whether a row at `position` comes after the one of `slot`; none when nobody can say.
    fn is_later(&self, slot: u32, position: Option<&Position>) -> Option<bool> {
        let there = self.slots.get(slot as usize)?.position.as_ref()?;
        match position?.cmp(there) {
            std::cmp::Ordering::Equal => None,
            order => Some(order.is_gt()),
        }
    }

    fn replace(&mut self, slot: u32, by: Slot) {
        let Some(slot) = self.slots.get_mut(slot as usize) else { return };
        let was = std::mem::replace(slot, by);
        if let Some(piece) = self.pieces.get_mut(was.piece as usize) {
            piece.last = piece.last.saturating_sub(1);
        }
    }

    /// Copies the pieces of which most rows were replaced.
    fn shrink(&mut self) -> Result<(), Unfit> {
        for (number, piece) in (0..).zip(&mut self.pieces) {
            let rows = piece.rows.num_rows();
            if rows >= LONG && piece.last < rows / 2 {
                piece.shrink(number, &mut self.slots)?;
            }
        }
        Ok(())
    }

    /// The rows, piece by piece.
    pub(super) fn finish(self) -> impl Iterator<Item = Result<RecordBatch, ArrowError>> {
        let Self { slots, pieces, .. } = self;
        let pieces = (0_u32..).zip(pieces).filter(|(_, piece)| piece.last > 0);
        pieces.map(move |(number, piece)| piece.rest(number, &slots))
    }
}

impl Slot {
    fn is(&self, piece: u32, row: usize) -> bool {
        self.piece == piece && self.row as usize == row
    }
}

impl Piece {
    /// Which rows are the last of their keys.
    fn stays(&self, number: u32, slots: &[Slot]) -> BooleanArray {
        let stays = |(row, slot): (usize, &u32)| {
            Some(slots.get(*slot as usize).is_some_and(|slot| slot.is(number, row)))
        };
        self.slots.iter().enumerate().map(stays).collect()
    }

    fn rest(&self, number: u32, slots: &[Slot]) -> Result<RecordBatch, ArrowError> {
        if self.last == self.slots.len() {
            return Ok(self.rows.clone());
        }
        filter_record_batch(&self.rows, &self.stays(number, slots))
    }

    fn shrink(&mut self, number: u32, slots: &mut [Slot]) -> Result<(), ArrowError> {
        let stays = self.stays(number, slots);
        self.rows = filter_record_batch(&self.rows, &stays)?;
        let mut kept = stays.values().iter();
        self.slots.retain(|_| kept.next().unwrap_or(false));
        for (row, slot) in (0..).zip(&self.slots) {
            if let Some(slot) = slots.get_mut(*slot as usize) {
                slot.row = row;
            }
        }
        Ok(())
    }
}

/// Where the record of a row is; none when the row is not that of one record.
fn position(batch: &Batch, row: usize) -> Option<Position> {
    Some((Arc::clone(batch.origin.as_ref()?), batch.offsets.as_ref()?.at(row)?))
}

fn count(rows: usize) -> u64 {
    u64::try_from(rows).unwrap_or(u64::MAX)
}

fn number(of: usize) -> Result<u32, ArrowError> {
    u32::try_from(of).map_err(|_long| {
        ArrowError::InvalidArgumentError("an epoch of more rows than can be numbered".to_owned())
    })
}

#[cfg(test)]
mod tests;
