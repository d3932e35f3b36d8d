//! Compression of pages.

use parquet::basic::{Compression as Codec, ZstdLevel};
use parquet::errors::{ParquetError, Result};

use crate::{Compression, FileError};

impl Compression {
    /// As Parquet has it.
    pub(crate) fn codec(self) -> Result<Codec, FileError> {
        Ok(match self {
            Self::Uncompressed => Codec::UNCOMPRESSED,
            Self::Snappy => Codec::SNAPPY,
            Self::Zstd(level) => Codec::ZSTD(
                ZstdLevel::try_new(level).map_err(|source| FileError::Level { level, source })?,
            ),
        })
    }
}

/// Compresses the pages of a file one after the other, all in one context and into one buffer.
pub(crate) struct Compressor {
    codec: Codec,
    state: State,
    compressed: Vec<u8>,
}

enum State {
    None,
    Snappy(Box<snap::raw::Encoder>),
    Zstd(zstd::bulk::Compressor<'static>),
}

impl Compressor {
    pub(crate) fn try_new(codec: Codec) -> Result<Self> {
        let state = match codec {
            Codec::UNCOMPRESSED => State::None,
            Codec::SNAPPY => State::Snappy(Box::new(snap::raw::Encoder::new())),
            Codec::ZSTD(level) => {
                State::Zstd(zstd::bulk::Compressor::new(level.compression_level())?)
            }
            other => return Err(ParquetError::NYI(format!("{other} is no codec of highwater"))),
        };
        Ok(Self { codec, state, compressed: Vec::new() })
    }

    /// What it compresses by.
    pub(crate) fn codec(&self) -> Codec {
        self.codec
    }

    /// `page`, compressed.
    pub(crate) fn compress<'a>(&'a mut self, page: &'a [u8]) -> Result<&'a [u8]> {
        let most = match &self.state {
            State::None => return Ok(page),
            State::Snappy(_) => snap::raw::max_compress_len(page.len()),
            State::Zstd(_) => zstd::zstd_safe::compress_bound(page.len()),
        };
        if self.compressed.len() < most {
            self.compressed.resize(most, 0);
        }
        let length = match &mut self.state {
            State::None => 0,
            State::Snappy(encoder) => encoder.compress(page, &mut self.compressed)?,
            State::Zstd(encoder) => {
                encoder.compress_to_buffer(page, self.compressed.as_mut_slice())?
            }
        };
        Ok(self.compressed.get(..length).unwrap_or_default())
    }

    /// The bytes of its buffer.
    pub(crate) fn memory(&self) -> usize {
        self.compressed.capacity()
    }
}
