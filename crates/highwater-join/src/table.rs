//! The rows of a table, and an index of them by key.

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use arrow::row::Rows;

use crate::JoinError;
use crate::index::{Found, Index};
use crate::kept::Column;
use crate::key::{Keying, Keys};

/// No row.
pub(crate) const NONE: u32 = u32::MAX;

/// Rows of a table that can be found by key. First all are added, then they are found.
#[derive(Debug)]
pub(crate) struct Table {
    keying: Keying,
    schema: SchemaRef,
    /// The columns that are kept.
    columns: Vec<usize>,
    /// The keys of all rows, where they are more than one number.
    bytes: Option<Rows>,
    rows: Stage,
    /// For each row the one of the same key that came before it.
    next: Vec<u32>,
    unique: bool,
}

#[derive(Debug)]
enum Stage {
    /// Rows as they come, and those whose key has no null.
    Coming { parts: Vec<RecordBatch>, keyed: Vec<Found> },
    /// All rows, numbered as they came.
    Whole { columns: Vec<Column>, index: Index },
}

const NO_ROWS: Stage = Stage::Coming { parts: Vec::new(), keyed: Vec::new() };

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
            bytes: None,
            rows: NO_ROWS,
            next: Vec::new(),
            unique: true,
        })
    }

    /// Lets all rows go.
    pub(crate) fn clear(&mut self) {
        self.bytes = None;
        self.rows = NO_ROWS;
        self.next = Vec::new();
        self.unique = true;
    }

    /// Adds rows.
    pub(crate) fn add(&mut self, rows: &RecordBatch) -> Result<(), JoinError> {
        let Stage::Coming { parts, keyed } = &mut self.rows else {
            return Err(JoinError::Disordered);
        };
        let end = self.next.len().checked_add(rows.num_rows()).ok_or(JoinError::Rows)?;
        // The number behind the last row is not that of no row.
        u32::try_from(end).ok().filter(|end| *end < NONE).ok_or(JoinError::Rows)?;
        let first = u32::try_from(self.next.len()).map_err(|_large| JoinError::Rows)?;
        let keys = self.keying.keys_behind(rows, &mut self.bytes)?;
        self.next.resize(end, NONE);
        let found = (first..).zip(&keys.words).map(|(row, word)| Found { word: *word, row });
        let whole = found.enumerate().filter(|(at, _)| keys.is_whole(*at));
        keyed.extend(whole.map(|(_, found)| found));
        parts.push(rows.project(&self.columns)?);
        Ok(())
    }

    /// The last row of each key, or none.
    pub(crate) fn find(&mut self, keys: &Keys) -> Result<Vec<u32>, JoinError> {
        self.settle()?;
        let Stage::Whole { index, .. } = &self.rows else { return Err(JoinError::Columns) };
        let mut found = index.find(&keys.words, |at, row| match (&self.bytes, &keys.bytes) {
            (Some(bytes), Some(wanted)) => key(bytes, row) == wanted.row(at).as_ref(),
            _ => true,
        });
        if keys.nulls.is_some() {
            let each = found.iter_mut().enumerate();
            each.filter(|(at, _)| !keys.is_whole(*at)).for_each(|(_, found)| *found = NONE);
        }
        Ok(found)
    }

    /// The row of the same key that came before this one, or none.
    #[inline]
    pub(crate) fn next(&self, row: u32) -> u32 {
        if self.unique {
            return NONE;
        }
        self.next.get(row as usize).copied().unwrap_or(NONE)
    }

    /// The columns that are kept, with rows as they are numbered.
    pub(crate) fn columns(&mut self) -> Result<&[Column], JoinError> {
        self.settle()?;
        match &self.rows {
            Stage::Whole { columns, .. } => Ok(columns),
            Stage::Coming { .. } => Err(JoinError::Columns),
        }
    }

    /// Makes all rows that came a whole.
    fn settle(&mut self) -> Result<(), JoinError> {
        let Stage::Coming { parts, keyed } = &self.rows else { return Ok(()) };
        let rows = concat_batches(&self.schema, parts).map_err(JoinError::Table)?;
        let columns = rows.columns().iter().cloned().map(Column::new).collect::<Result<_, _>>()?;
        let mut index = Index::for_rows(keyed, self.bytes.is_none());
        for found in keyed {
            let same = |bytes: &Rows, row| key(bytes, row) == key(bytes, found.row);
            let bytes = self.bytes.as_ref();
            let before = index.enter(*found, |row| bytes.is_none_or(|bytes| same(bytes, row)));
            let next = self.next.get_mut(found.row as usize).filter(|_| before != NONE);
            if let Some(next) = next {
                *next = before;
                self.unique = false;
            }
        }
        self.rows = Stage::Whole { columns, index };
        Ok(())
    }
}

/// The key of a row that is there.
#[inline]
fn key(bytes: &Rows, row: u32) -> &[u8] {
    // A row borrows from its rows, and says so of its bytes too.
    bytes.row(row as usize).data()
}
