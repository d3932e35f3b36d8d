//! The pages of a column chunk.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use parquet::basic::{Compression as Codec, Encoding, PageType};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ColumnChunkMetaData, PageEncodingStats};
use parquet::file::reader::{ChunkReader, Length};
use parquet::file::statistics::Statistics;
use parquet::schema::types::ColumnDescPtr;

use crate::codec::Compressor;
use crate::header::{Page, header};

/// Pages of one column in one row group, encoded and compressed. The dictionary comes first in the
/// file, and last in time. Each page has a buffer of its own, which is let go when it is written: what
/// waits for its upload is in memory once.
#[derive(Debug)]
pub(crate) struct Chunk {
    column: ColumnDescPtr,
    dictionary: Vec<u8>,
    pages: VecDeque<Vec<u8>>,
    page_bytes: usize,
    /// How its pages are compressed, once the first one has told whether that pays.
    codec: Option<Codec>,
    written: Vec<PageEncodingStats>,
    plain_bytes: usize,
    values: usize,
}

impl Chunk {
    pub(crate) fn new(column: ColumnDescPtr) -> Self {
        Self {
            column,
            dictionary: Vec::new(),
            pages: VecDeque::new(),
            page_bytes: 0,
            codec: None,
            written: Vec::new(),
            plain_bytes: 0,
            values: 0,
        }
    }

    /// The column.
    pub(crate) fn column(&self) -> &ColumnDescPtr {
        &self.column
    }

    /// The bytes so far.
    pub(crate) fn bytes(&self) -> usize {
        self.page_bytes
    }

    /// The bytes of its buffers.
    pub(crate) fn memory(&self) -> usize {
        self.page_bytes + self.dictionary.capacity()
    }

    /// Adds a page of `rows` rows. The first one decides whether pages are compressed at all.
    pub(crate) fn data(
        &mut self,
        page: &[u8],
        rows: usize,
        encoding: Encoding,
        compressor: &mut Compressor,
    ) -> Result<()> {
        let codec = compressor.codec();
        let stored = match self.codec {
            Some(Codec::UNCOMPRESSED) => page,
            Some(_) => compressor.compress(page)?,
            None => {
                let compressed = compressor.compress(page)?;
                let pays = pays(compressed.len(), page.len());
                self.codec = Some(if pays { codec } else { Codec::UNCOMPRESSED });
                if pays { compressed } else { page }
            }
        };
        let kind = Page::Data { values: count(rows)?, encoding };
        let mut written = Vec::with_capacity(HEADER_BYTES + stored.len());
        header(&kind, count(page.len())?, count(stored.len())?, &mut written);
        self.plain_bytes += written.len() + page.len();
        written.extend_from_slice(stored);
        self.page_bytes += written.len();
        self.pages.push_back(written);
        self.values += rows;
        self.tally(PageType::DATA_PAGE, encoding);
        Ok(())
    }

    /// Adds the dictionary, of `entries` entries.
    pub(crate) fn dictionary(
        &mut self,
        page: &[u8],
        entries: usize,
        compressor: &mut Compressor,
    ) -> Result<()> {
        let body = match self.codec {
            Some(Codec::UNCOMPRESSED) => page,
            _ => compressor.compress(page)?,
        };
        let kind = Page::Dictionary { entries: count(entries)? };
        header(&kind, count(page.len())?, count(body.len())?, &mut self.dictionary);
        self.plain_bytes += self.dictionary.len() + page.len();
        self.dictionary.extend_from_slice(body);
        self.tally(PageType::DICTIONARY_PAGE, Encoding::PLAIN);
        Ok(())
    }

    fn tally(&mut self, page_type: PageType, encoding: Encoding) {
        let same =
            |one: &&mut PageEncodingStats| one.page_type == page_type && one.encoding == encoding;
        match self.written.iter_mut().find(same) {
            Some(one) => one.count += 1,
            None => self.written.push(PageEncodingStats { page_type, encoding, count: 1 }),
        }
    }

    /// What the footer says of it, as if it began at 0.
    pub(crate) fn close(&self, statistics: Statistics) -> Result<ColumnCloseResult> {
        let length = |bytes: usize| i64::try_from(bytes).map_err(ParquetError::from);
        let bytes = self.dictionary.len() + self.page_bytes;
        let mut encodings: Vec<_> = self.written.iter().map(|page| page.encoding).collect();
        encodings.push(Encoding::RLE);
        let dictionary = (!self.dictionary.is_empty()).then_some(0);
        let metadata = ColumnChunkMetaData::builder(Arc::clone(&self.column))
            .set_compression(self.codec.unwrap_or(Codec::UNCOMPRESSED))
            .set_encodings(encodings)
            .set_page_encoding_stats(self.written.clone())
            .set_total_compressed_size(length(bytes)?)
            .set_total_uncompressed_size(length(self.plain_bytes)?)
            .set_num_values(length(self.values)?)
            .set_dictionary_page_offset(dictionary)
            .set_data_page_offset(length(self.dictionary.len())?)
            .set_statistics(statistics)
            .build()?;
        Ok(ColumnCloseResult {
            bytes_written: bytes as u64,
            rows_written: self.values as u64,
            metadata,
            bloom_filter: None,
            column_index: None,
            offset_index: None,
        })
    }

    /// Gives its bytes away, to be read once, and begins the next one.
    pub(crate) fn take(&mut self) -> Written {
        let length = self.dictionary.len() + self.page_bytes;
        let dictionary = std::mem::take(&mut self.dictionary);
        let mut pages = std::mem::take(&mut self.pages);
        pages.push_front(dictionary);
        self.written.clear();
        (self.codec, self.plain_bytes, self.page_bytes, self.values) = (None, 0, 0, 0);
        Written { length, pages: Mutex::new(Pages { pages, at: 0 }) }
    }
}

/// Headers are shorter.
const HEADER_BYTES: usize = 64;

/// Compression that saves less than an eighth costs readers more than it saves them.
fn pays(compressed: usize, plain: usize) -> bool {
    compressed < plain - plain / 8
}

fn count(of: usize) -> Result<i32> {
    i32::try_from(of).map_err(ParquetError::from)
}

/// The bytes of a chunk.
pub(crate) struct Written {
    length: usize,
    /// Readers are made from a shared reference.
    pages: Mutex<Pages>,
}

impl Length for Written {
    fn len(&self) -> u64 {
        self.length as u64
    }
}

impl ChunkReader for Written {
    type T = Pages;

    /// The bytes from `start` on, for the first who asks.
    fn get_read(&self, start: u64) -> Result<Self::T> {
        let mut pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        let mut pages = std::mem::take(&mut *pages);
        io::copy(&mut pages.by_ref().take(start), &mut io::sink())?;
        Ok(pages)
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        let mut bytes = Vec::with_capacity(length);
        self.get_read(start)?.take(length as u64).read_to_end(&mut bytes)?;
        Ok(bytes.into())
    }
}

/// Pages that are let go as they are read.
#[derive(Debug, Default)]
pub(crate) struct Pages {
    pages: VecDeque<Vec<u8>>,
    /// So many bytes of the first one were read.
    at: usize,
}

impl Read for Pages {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while let Some(page) = self.pages.front() {
            let read = page.get(self.at..).unwrap_or_default().read(into)?;
            if read > 0 || into.is_empty() {
                self.at += read;
                return Ok(read);
            }
            self.pages.pop_front();
            self.at = 0;
        }
        Ok(0)
    }
}
