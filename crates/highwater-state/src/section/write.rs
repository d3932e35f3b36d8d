//! Sections as they are written.

use std::hash::Hasher as _;
use std::io::{self, Write};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use arrow::ipc::writer::StreamWriter;
use twox_hash::XxHash3_64;

use super::filter::Filter;
use super::index::{BlockEntry, Index, Tail};
use super::{Block, VERSION, checksum, place};
use crate::spec::Layout;

/// Takes rows in their order and makes a section of them.
pub(crate) struct SectionBuilder<W: Write> {
    layout: Arc<Layout>,
    stream: StreamWriter<Measured<W>>,
    index: Index,
}

impl<W: Write> SectionBuilder<W> {
    /// A section without rows, with room in its filter for so many.
    pub(crate) fn try_new(into: W, layout: &Arc<Layout>, most: usize) -> Result<Self, ArrowError> {
        let into = Measured { into, at: 0, from: 0, hash: XxHash3_64::new() };
        let mut stream = StreamWriter::try_new(into, &layout.saved)?;
        let (_, len, check) = stream.get_mut().take();
        let index = Index {
            columns: layout.words.clone(),
            schema: (len, check),
            filter: Filter::with_room(most),
            ..Index::default()
        };
        Ok(Self { layout: Arc::clone(layout), stream, index })
    }

    pub(crate) fn push(&mut self, rows: &RecordBatch) -> Result<(), ArrowError> {
        if rows.num_rows() == 0 {
            return Ok(());
        }
        self.stream.write(rows)?;
        let (at, len, check) = self.stream.get_mut().take();
        let block = Block::new(Arc::clone(&self.layout), rows.clone());
        let count = u32::try_from(rows.num_rows())
            .map_err(|_too_many| ArrowError::OffsetOverflowError(rows.num_rows()))?;
        let first = block.hashes().first().copied().unwrap_or_default();
        self.index.blocks.push(BlockEntry { at, len, rows: count, place: place(first), check });
        self.index.rows += u64::from(count);
        self.index.removed += block.removed().iter().filter(|it| **it != 0).count() as u64;
        self.index.owed |= block.all_owed().iter().fold(0, |all, owed| all | owed);
        let number = block.numbers().iter().max().copied().unwrap_or_default();
        self.index.next_number = self.index.next_number.max(number.saturating_add(1));
        block.hashes().iter().for_each(|hash| self.index.filter.add(*hash));
        Ok(())
    }

    /// How many rows it has.
    pub(crate) fn rows(&self) -> u64 {
        self.index.rows
    }

    /// The end of the section.
    pub(crate) fn finish(mut self) -> Result<W, ArrowError> {
        self.stream.finish()?;
        // What ends the stream stands under the checksum of the index.
        let mut end = END_OF_STREAM.to_vec();
        self.index.write(&mut end);
        let mut into = self.stream.into_inner()?.into;
        into.write_all(end.get(END_OF_STREAM.len()..).unwrap_or_default())?;
        let (index, check) = (end.len() as u64, checksum(&end));
        into.write_all(&Tail { index, check, version: VERSION }.write())?;
        Ok(into)
    }
}

/// The marker for more, and no more.
const END_OF_STREAM: [u8; 8] = [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0];

/// Counts and sums up what is written.
struct Measured<W> {
    into: W,
    at: u64,
    from: u64,
    hash: XxHash3_64,
}

impl<W> Measured<W> {
    /// Where what was written since the last call begins, how long it is, and its checksum.
    fn take(&mut self) -> (u64, u64, u64) {
        let taken = (self.from, self.at - self.from, self.hash.finish());
        self.from = self.at;
        self.hash = XxHash3_64::new();
        taken
    }
}

impl<W: Write> Write for Measured<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.into.write(bytes)?;
        self.at += written as u64;
        self.hash.write(bytes.get(..written).unwrap_or_default());
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.into.flush()
    }
}
