//! A column that is encoded here: text, bytes and integers of 64 bits that lie in no list, map or
//! struct. All others are encoded by arrow's own writers.

use std::io::Write;

use arrow::array::{Array, ArrayRef};
use arrow::buffer::NullBuffer;
use parquet::errors::Result;
use parquet::file::writer::SerializedRowGroupWriter;

use crate::chunk::Chunk;
use crate::codec::Compressor;
use crate::levels::Levels;

mod dictionary;
mod extremes;
mod longs;
mod texts;

pub(crate) use extremes::STATISTICS_BYTES;
pub(crate) use longs::{Longs, longs};
pub(crate) use texts::{Texts, texts};

/// A page has no more rows than this.
const PAGE_ROWS: usize = 20_000;

/// A page ends at about so many bytes, and a dictionary is given up there.
const PAGE_BYTES: usize = 1 << 20;

/// What all columns of a file share.
pub(crate) struct Shared {
    pub(crate) compressor: Compressor,
    /// The page that is being put together.
    pub(crate) page: Vec<u8>,
}

/// A column of the row group that is being made.
#[derive(Debug)]
pub(crate) struct Column {
    chunk: Chunk,
    /// None where the column may not be null.
    levels: Option<Levels>,
    values: Values,
    /// Of the page.
    rows: usize,
    /// Of the chunk.
    nulls: usize,
}

/// The values of the page, by their type.
#[derive(Debug)]
pub(crate) enum Values {
    Texts(Texts),
    Longs(Longs),
}

impl Column {
    pub(crate) fn new(chunk: Chunk, values: Values) -> Self {
        let levels = (chunk.column().max_def_level() > 0).then(Levels::default);
        Self { chunk, levels, values, rows: 0, nulls: 0 }
    }

    /// Encodes the rows of `array`.
    pub(crate) fn write(&mut self, array: &ArrayRef, shared: &mut Shared) -> Result<()> {
        let mut rest = ArrayRef::clone(array);
        while !rest.is_empty() {
            let room = PAGE_ROWS.saturating_sub(self.rows).max(1).min(rest.len());
            let rows = match &self.values {
                Values::Texts(texts) => texts.fitting(&rest, room),
                Values::Longs(_) => room,
            };
            let piece = rest.slice(0, rows);
            rest = rest.slice(rows, rest.len() - rows);
            if let Some(levels) = &mut self.levels {
                levels.put(rows, piece.nulls());
            }
            self.nulls += piece.null_count();
            match &mut self.values {
                Values::Texts(texts) => texts.put(&piece),
                Values::Longs(longs) => longs.put(&piece)?,
            }
            self.rows += rows;
            let outgrown = self.values.dictionary_bytes() >= PAGE_BYTES;
            if outgrown || self.rows >= PAGE_ROWS || self.values.bytes() >= PAGE_BYTES {
                self.end_page(shared)?;
            }
            if outgrown {
                self.end_dictionary(shared)?;
            }
        }
        Ok(())
    }

    /// About the bytes of the chunk, if it ended here.
    pub(crate) fn bytes(&self) -> usize {
        self.chunk.bytes() + self.values.bytes() + self.values.dictionary_bytes()
    }

    /// The bytes of its buffers.
    pub(crate) fn memory(&self) -> usize {
        let values = match &self.values {
            Values::Texts(texts) => texts.memory(),
            Values::Longs(longs) => longs.memory(),
        };
        self.chunk.memory() + values
    }

    /// Ends the chunk, appends it to `group` and begins the next one.
    pub(crate) fn end<W: Write + Send>(
        &mut self,
        group: &mut SerializedRowGroupWriter<'_, W>,
        shared: &mut Shared,
    ) -> Result<()> {
        if self.rows > 0 {
            self.end_page(shared)?;
        }
        self.end_dictionary(shared)?;
        let nulls = Some(self.nulls as u64);
        let statistics = match &mut self.values {
            Values::Texts(texts) => texts.end(nulls),
            Values::Longs(longs) => longs.end(nulls),
        };
        let closed = self.chunk.close(statistics)?;
        group.append_column(&self.chunk.take(), closed)?;
        self.nulls = 0;
        Ok(())
    }

    fn end_page(&mut self, shared: &mut Shared) -> Result<()> {
        let Shared { compressor, page } = shared;
        page.clear();
        if let Some(levels) = &mut self.levels {
            levels.finish(page);
        }
        let encoding = match &mut self.values {
            Values::Texts(texts) => texts.finish(page),
            Values::Longs(longs) => longs.finish(page),
        };
        self.chunk.data(page, self.rows, encoding, compressor)?;
        self.rows = 0;
        Ok(())
    }

    /// Writes the dictionary, if there is one; what follows does without it.
    fn end_dictionary(&mut self, shared: &mut Shared) -> Result<()> {
        let Shared { compressor, page } = shared;
        page.clear();
        let entries = match &mut self.values {
            Values::Texts(texts) => texts.end_dictionary(page),
            Values::Longs(longs) => longs.end_dictionary(page),
        };
        match entries {
            Some(entries) => self.chunk.dictionary(page, entries, compressor),
            None => Ok(()),
        }
    }
}

impl Values {
    fn bytes(&self) -> usize {
        match self {
            Self::Texts(texts) => texts.bytes(),
            Self::Longs(longs) => longs.bytes(),
        }
    }

    fn dictionary_bytes(&self) -> usize {
        match self {
            Self::Texts(texts) => texts.dictionary_bytes(),
            Self::Longs(longs) => longs.dictionary_bytes(),
        }
    }
}

/// Stretches of `rows` rows without nulls, each as its first row and the one after its last.
fn stretches(
    rows: usize,
    nulls: Option<&NullBuffer>,
) -> impl Iterator<Item = (usize, usize)> + use<'_> {
    let nulls = nulls.filter(|nulls| nulls.null_count() > 0);
    let whole = nulls.is_none().then_some((0, rows));
    whole.into_iter().chain(nulls.into_iter().flat_map(|nulls| nulls.valid_slices()))
}
