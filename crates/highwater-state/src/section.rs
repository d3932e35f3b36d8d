//! A section: rows of one bucket as an Arrow stream, with what is needed to check and to search it.
//!
//! ```text
//! section   schema  block*  end-of-stream  index  tail
//! index     version, counts, columns in words, the blocks, the filter
//! tail      length of the index, its checksum, version, magic, checksum of the tail
//! ```
//!
//! The stream is Arrow's own: any reader of it shows the rows, and stops where it ends. Every byte
//! is under a checksum (XXH3-64): a block under its own, in the index; the schema likewise; the end of
//! the stream and the index under the one in the tail.

use std::sync::{Arc, OnceLock};

use arrow::array::{AsArray, Int64Array, RecordBatch, TimestampMicrosecondArray, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::{UInt8Type, UInt64Type};
use twox_hash::XxHash3_64;

use crate::StateError;
use crate::keys::Keys;
use crate::spec::Layout;

mod filter;
mod index;
mod read;
mod write;

use index::Index;
pub(crate) use read::{Held, Origin, SectionReader};
pub(crate) use write::SectionBuilder;

/// The version of the form of sections.
pub(crate) const VERSION: u32 = 1;
/// The most rows of a block.
pub(crate) const MOST_ROWS: usize = 2_048;

/// Where rows of a hash stand: those of one key group together, by hash within it.
#[inline]
pub(crate) fn place(hash: u64) -> u64 {
    hash.rotate_right(highwater_core::KEY_GROUPS.trailing_zeros())
}

/// The hash of the rows at a place.
#[inline]
pub(crate) fn hash_at(place: u64) -> u64 {
    place.rotate_left(highwater_core::KEY_GROUPS.trailing_zeros())
}

fn checksum(bytes: &[u8]) -> u64 {
    XxHash3_64::oneshot(bytes)
}

/// Rows of a section, decoded.
#[derive(Debug)]
pub(crate) struct Block {
    layout: Arc<Layout>,
    batch: RecordBatch,
    bytes: usize,
    keys: OnceLock<Keys>,
}

impl Block {
    pub(crate) fn new(layout: Arc<Layout>, batch: RecordBatch) -> Self {
        Self { layout, batch, bytes: 0, keys: OnceLock::new() }
    }

    /// Bytes of memory, where they are known: those that were read.
    pub(crate) fn held(&self) -> usize {
        self.bytes
    }

    /// Some of its rows.
    pub(crate) fn take(&self, rows: impl Iterator<Item = usize>) -> Result<Self, StateError> {
        let rows: UInt32Array = rows.map(|row| u32::try_from(row).ok()).collect();
        let batch = take_record_batch(&self.batch, &rows);
        let batch =
            batch.map_err(|source| StateError::Rows { table: self.layout.name.clone(), source })?;
        Ok(Self::new(Arc::clone(&self.layout), batch))
    }

    pub(crate) fn batch(&self) -> &RecordBatch {
        &self.batch
    }

    fn bytes(&self, column: usize) -> &[u8] {
        let column = self.batch.columns().get(column);
        column.and_then(|it| it.as_primitive_opt::<UInt8Type>()).map_or(&[], |it| it.values())
    }

    fn words(&self, column: usize) -> &[u64] {
        let column = self.batch.columns().get(column);
        column.and_then(|it| it.as_primitive_opt::<UInt64Type>()).map_or(&[], |it| it.values())
    }

    /// Whether a row says that it was removed.
    pub(crate) fn is_removed(&self, row: u32) -> bool {
        self.removed().get(row as usize).is_some_and(|removed| *removed != 0)
    }

    /// For each row a number that is not 0 if it was removed.
    fn removed(&self) -> &[u8] {
        self.bytes(0)
    }

    /// The levels at which a row is yet to be saved.
    pub(crate) fn owed(&self, row: u32) -> u8 {
        self.all_owed().get(row as usize).copied().unwrap_or_default()
    }

    /// Those of each row.
    fn all_owed(&self) -> &[u8] {
        self.bytes(1)
    }

    pub(crate) fn hashes(&self) -> &[u64] {
        self.words(2)
    }

    /// What tells a row from others of its key.
    pub(crate) fn number(&self, row: u32) -> u64 {
        self.numbers().get(row as usize).copied().unwrap_or_default()
    }

    /// Those of each row; none where keys have one row.
    fn numbers(&self) -> &[u64] {
        if self.layout.several { self.words(3) } else { &[] }
    }

    /// The keys, encoded when first asked for.
    pub(crate) fn keys(&self) -> Result<&Keys, StateError> {
        if let Some(keys) = self.keys.get() {
            return Ok(keys);
        }
        let columns = self.batch.columns().iter().skip(self.layout.before());
        let columns: Vec<_> = columns.take(self.layout.codec.columns()).cloned().collect();
        let keys = self.layout.codec.encode(&columns, self.hashes().to_vec());
        let keys =
            keys.map_err(|source| StateError::Key { table: self.layout.name.clone(), source })?;
        Ok(self.keys.get_or_init(|| keys))
    }

    /// The keys, and nothing else.
    pub(crate) fn into_keys(self) -> Result<Keys, StateError> {
        self.keys()?;
        self.keys.into_inner().ok_or_else(|| {
            let source =
                arrow::error::ArrowError::ComputeError("keys without an encoding".to_owned());
            StateError::Rows { table: self.layout.name.clone(), source }
        })
    }

    /// The event time of each row; none in a table without time.
    pub(crate) fn times(&self) -> Option<&[i64]> {
        let column = self.layout.before() + self.layout.codec.columns() + self.layout.time?.column;
        let array = self.batch.columns().get(column)?;
        let data = array.as_any();
        let int = data.downcast_ref::<Int64Array>().map(|it| &it.values()[..]);
        int.or_else(|| data.downcast_ref::<TimestampMicrosecondArray>().map(|it| &it.values()[..]))
    }
}

#[cfg(test)]
mod tests;
