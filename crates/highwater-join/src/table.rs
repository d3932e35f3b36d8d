//! The rows of a table, and an index of them by key.

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use arrow::row::Rows;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use crate::JoinError;
use crate::key::{Keying, Keys};

/// No row.
pub(crate) const NONE: u32 = u32::MAX;

/// Rows of a table that can be found by key.
#[derive(Debug)]
pub(crate) struct Table {
    keying: Keying,
    schema: SchemaRef,
    /// The columns that are kept.
    columns: Vec<usize>,
    rows: Kept,
    /// The keys of all rows, where they are more than one number.
    bytes: Option<Rows>,
    index: HashTable<Found>,
    /// For each row the one of the same key that came before it.
    next: Vec<u32>,
    unique: bool,
}

/// The columns that are kept, of all rows.
#[derive(Debug)]
enum Kept {
    /// As they came.
    Parts(Vec<RecordBatch>),
    /// Numbered as they came.
    Whole(RecordBatch),
}

/// The last row of a key.
#[derive(Clone, Copy, Debug)]
struct Found {
    word: u64,
    row: u32,
}

/// The index goes by the lowest bits and the highest, which may be the same in all words of a worker.
#[inline]
fn spread(word: u64) -> u64 {
    (word ^ (word >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(32)
}

impl Table {
    /// No rows, of which these columns will be kept.
    pub(crate) fn new(
        keying: Keying,
        schema: &SchemaRef,
        columns: Vec<usize>,
    ) -> Result<Self, JoinError> {
        Ok(Self {
            keying,
            schema: SchemaRef::new(schema.project(&columns)?),
            columns,
            rows: Kept::Parts(Vec::new()),
            bytes: None,
            index: HashTable::new(),
            next: Vec::new(),
            unique: true,
        })
    }

    /// Lets all rows go.
    pub(crate) fn clear(&mut self) {
        self.rows = Kept::Parts(Vec::new());
        self.bytes = None;
        self.index = HashTable::new();
        self.next = Vec::new();
        self.unique = true;
    }

    /// Adds rows.
    pub(crate) fn add(&mut self, rows: &RecordBatch) -> Result<(), JoinError> {
        let end = self.next.len().checked_add(rows.num_rows()).ok_or(JoinError::Rows)?;
        // The number behind the last row is not that of no row.
        u32::try_from(end).ok().filter(|end| *end < NONE).ok_or(JoinError::Rows)?;
        let first = u32::try_from(self.next.len()).map_err(|_large| JoinError::Rows)?;
        let keys = self.keying.keys_behind(rows, &mut self.bytes)?;
        self.next.resize(end, NONE);
        for (at, (row, word)) in (first..).zip(&keys.words).enumerate() {
            if keys.is_whole(at) {
                self.enter(*word, row);
            }
        }
        let part = rows.project(&self.columns)?;
        match &mut self.rows {
            Kept::Parts(parts) => parts.push(part),
            Kept::Whole(whole) => self.rows = Kept::Parts(vec![whole.clone(), part]),
        }
        Ok(())
    }

    fn enter(&mut self, word: u64, row: u32) {
        let bytes = self.bytes.as_ref();
        let same = |found: &Found| {
            let same = |bytes: &Rows| key(bytes, found.row) == key(bytes, row);
            found.word == word && bytes.is_none_or(same)
        };
        match self.index.entry(spread(word), same, |found| spread(found.word)) {
            Entry::Vacant(free) => {
                free.insert(Found { word, row });
            }
            Entry::Occupied(mut taken) => {
                let before = std::mem::replace(&mut taken.get_mut().row, row);
                if let Some(next) = self.next.get_mut(row as usize) {
                    *next = before;
                }
                self.unique = false;
            }
        }
    }

    /// The last row of each key, or none.
    pub(crate) fn find(&self, keys: &Keys) -> Vec<u32> {
        let find = |(at, word): (usize, &u64)| {
            if !keys.is_whole(at) {
                return NONE;
            }
            let same = |found: &Found| {
                found.word == *word
                    && match (&self.bytes, &keys.bytes) {
                        (Some(bytes), Some(wanted)) => {
                            key(bytes, found.row) == wanted.row(at).as_ref()
                        }
                        _ => true,
                    }
            };
            self.index.find(spread(*word), same).map_or(NONE, |found| found.row)
        };
        keys.words.iter().enumerate().map(find).collect()
    }

    /// The row of the same key that came before this one, or none.
    #[inline]
    pub(crate) fn next(&self, row: u32) -> u32 {
        if self.unique {
            return NONE;
        }
        self.next.get(row as usize).copied().unwrap_or(NONE)
    }

    /// All rows, numbered as they are found.
    pub(crate) fn rows(&mut self) -> Result<&RecordBatch, JoinError> {
        if let Kept::Parts(parts) = &self.rows {
            let whole = concat_batches(&self.schema, parts).map_err(JoinError::Table)?;
            self.rows = Kept::Whole(whole);
        }
        match &self.rows {
            Kept::Whole(whole) => Ok(whole),
            Kept::Parts(_) => Err(JoinError::Columns),
        }
    }
}

/// The key of a row that is there.
#[inline]
fn key(bytes: &Rows, row: u32) -> &[u8] {
    // A row borrows from its rows, and says so of its bytes too.
    bytes.row(row as usize).data()
}
