//! Sections as they are read: index first, then single blocks, each checked before it is used.

use std::ops::Range;
use std::sync::Arc;

use arrow::buffer::Buffer;
use arrow::error::ArrowError;
use arrow::ipc::reader::FileDecoder;
use arrow::ipc::{Block as Place, MetadataVersion};
use bytes::Bytes;
use highwater_core::ReadAt;

use super::index::{TAIL, Tail};
use super::{Block, Index, VERSION, checksum};
use crate::StateError;
use crate::spec::Layout;

/// A section that can be read.
#[derive(Debug)]
pub(crate) struct SectionReader {
    layout: Arc<Layout>,
    object: Arc<dyn ReadAt>,
    range: Range<u64>,
    bucket: i64,
    pub(crate) index: Index,
}

impl SectionReader {
    /// Reads and checks tail, index and schema.
    pub(crate) fn open(
        layout: &Arc<Layout>,
        object: Arc<dyn ReadAt>,
        range: Range<u64>,
        bucket: i64,
    ) -> Result<Self, StateError> {
        let index = Index::default();
        let mut section = Self { layout: Arc::clone(layout), object, range, bucket, index };
        let length = section.length();
        let Some(tail_at) = length.checked_sub(TAIL) else {
            return Err(section.damaged("it is too short for a section of state"));
        };
        let tail = section.read(tail_at..length)?;
        let tail = Tail::read(&tail).map_err(|what| section.damaged(what))?;
        if tail.version != VERSION {
            let (location, table) = (section.object.location(), section.layout.name.clone());
            return Err(StateError::Version {
                location,
                table,
                found: tail.version,
                known: VERSION,
            });
        }
        let Some(end) = tail_at.checked_sub(tail.index) else {
            return Err(section.damaged("its index would begin before it"));
        };
        let bytes = section.read(end..tail_at)?;
        if checksum(&bytes) != tail.check {
            return Err(section.damaged("the checksum of its index does not fit"));
        }
        let index = bytes.get(8..).and_then(|bytes| Index::read(bytes, end));
        section.index = index.ok_or_else(|| section.damaged("its index makes no sense"))?;
        if section.index.columns != section.layout.words {
            return Err(StateError::Columns {
                location: section.object.location(),
                table: section.layout.name.clone(),
                found: std::mem::take(&mut section.index.columns),
                declared: section.layout.words.clone(),
            });
        }
        let (schema, check) = section.index.schema;
        if checksum(&section.read(0..schema)?) != check {
            return Err(section.damaged("the checksum of its schema does not fit"));
        }
        Ok(section)
    }

    /// Refuses a section that has not as many rows as whoever keeps it says.
    pub(crate) fn check_rows(&self, rows: u64) -> Result<(), StateError> {
        match self.index.rows == rows {
            true => Ok(()),
            false => Err(self.damaged("it has not the rows that its save counts")),
        }
    }

    /// Reads, checks and decodes a block.
    pub(crate) fn block(&self, number: usize) -> Result<Block, StateError> {
        let Some(entry) = self.index.blocks.get(number) else {
            return Err(self.damaged("a block is asked for that it does not have"));
        };
        let bytes = self.read(entry.at..entry.at + entry.len)?;
        if checksum(&bytes) != entry.check {
            return Err(self.damaged("the checksum of a block does not fit"));
        }
        // Before the message stand a marker and its length.
        let length = bytes.get(4..8).and_then(|it| Some(i32::from_le_bytes(it.try_into().ok()?)));
        let header = length
            .and_then(|length| length.checked_add(8))
            .filter(|header| u64::try_from(*header).is_ok_and(|header| header <= entry.len));
        let Some(header) = header else {
            return Err(self.damaged("a block is no message of Arrow"));
        };
        let body = entry.len.saturating_sub(u64::from(header.unsigned_abs()));
        let place = Place::new(0, header, i64::try_from(body).unwrap_or(i64::MAX));
        let decoder = FileDecoder::new(Arc::clone(&self.layout.saved), MetadataVersion::V5);
        let batch = decoder.read_record_batch(&place, &Buffer::from(bytes));
        let batch = batch.map_err(|source| self.unreadable(source))?;
        match batch.filter(|batch| batch.num_rows() == entry.rows as usize) {
            Some(batch) => {
                let bytes = usize::try_from(entry.len).unwrap_or(usize::MAX);
                Ok(Block { bytes, ..Block::new(Arc::clone(&self.layout), batch) })
            }
            None => Err(self.damaged("a block has not the rows that its index counts")),
        }
    }

    /// Its bytes.
    pub(crate) fn length(&self) -> u64 {
        self.range.end.saturating_sub(self.range.start)
    }

    /// Bytes of memory that the index takes.
    pub(crate) fn held(&self) -> u64 {
        self.index.held() as u64
    }

    fn read(&self, range: Range<u64>) -> Result<Bytes, StateError> {
        let begin = self.range.start;
        let wanted = range.end - range.start;
        let bytes = self.object.read_at(begin + range.start..begin + range.end);
        let bytes = bytes.map_err(|source| StateError::Read {
            table: self.layout.name.clone(),
            bucket: self.bucket,
            source,
        })?;
        match bytes.len() as u64 == wanted {
            true => Ok(bytes),
            false => Err(self.damaged("it ends too early")),
        }
    }

    fn damaged(&self, what: &'static str) -> StateError {
        StateError::Damaged {
            location: self.object.location(),
            table: self.layout.name.clone(),
            bucket: self.bucket,
            what,
        }
    }

    fn unreadable(&self, source: ArrowError) -> StateError {
        StateError::Unreadable {
            location: self.object.location(),
            table: self.layout.name.clone(),
            bucket: self.bucket,
            source,
        }
    }
}

/// Bytes in memory that came from somewhere.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) bytes: Bytes,
    pub(crate) location: String,
}

impl ReadAt for Held {
    fn read_at(&self, range: Range<u64>) -> highwater_core::Result<Bytes> {
        let within = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(self.bytes.len());
        let (from, to) = (within(range.start), within(range.end));
        Ok(self.bytes.slice(from.min(to)..to))
    }

    fn location(&self) -> String {
        self.location.clone()
    }
}
