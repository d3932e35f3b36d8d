//! How a Parquet file is written.

use parquet::basic::ZstdLevel;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};

use crate::FileError;

/// As the format asks for: application, `version`, number.
const CREATED_BY: &str = concat!("highwater version ", env!("CARGO_PKG_VERSION"));

/// Bounds are cut to this many bytes in the footer: 16 characters of up to four bytes, so that no
/// bound of a table format is cut too short.
const BOUND_BYTES: usize = 64;

/// How a Parquet file is written.
///
/// # Defaults
/// * compression: zstd, level 1
/// * rows of a row group: 262,144 at most
/// * bytes of a row group: 16 MiB at most, as encoded and compressed
///
/// A row group is kept in memory until it is complete, and once more while it is uploaded. 16 MiB keep
/// a writer below 40 MiB, and are still large enough for one request to an object store; 262,144 rows
/// are two units of work for readers that take 122,880 at a time.
///
/// # Example
/// ```
/// use highwater_parquet::{Compression, FileOptions};
///
/// let options = FileOptions::default()
///     .with_compression(Compression::Zstd(3))
///     .with_row_group_rows(1_000_000);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileOptions {
    compression: Compression,
    row_group_rows: usize,
    row_group_bytes: usize,
}

/// The codec of pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Compression {
    /// None.
    Uncompressed,
    /// Snappy: faster than zstd and larger.
    Snappy,
    /// Zstandard at a level from 1 to 22.
    Zstd(i32),
}

impl Default for FileOptions {
    fn default() -> Self {
        Self {
            compression: Compression::Zstd(1),
            row_group_rows: 256 << 10,
            row_group_bytes: 16 << 20,
        }
    }
}

impl FileOptions {
    /// The codec of all columns.
    #[must_use]
    pub fn with_compression(mut self, compression: Compression) -> Self {
        self.compression = compression;
        self
    }

    /// The most rows of a row group, at least one.
    #[must_use]
    pub fn with_row_group_rows(mut self, rows: usize) -> Self {
        self.row_group_rows = rows.max(1);
        self
    }

    /// The most bytes of a row group, at least one, as estimated while it is being encoded.
    #[must_use]
    pub fn with_row_group_bytes(mut self, bytes: usize) -> Self {
        self.row_group_bytes = bytes.max(1);
        self
    }

    /// What every column has in common.
    pub(crate) fn properties(&self) -> Result<WriterPropertiesBuilder, FileError> {
        use parquet::basic::Compression as Codec;

        let codec = match self.compression {
            Compression::Uncompressed => Codec::UNCOMPRESSED,
            Compression::Snappy => Codec::SNAPPY,
            Compression::Zstd(level) => Codec::ZSTD(
                ZstdLevel::try_new(level).map_err(|source| FileError::Level { level, source })?,
            ),
        };
        Ok(WriterProperties::builder()
            .set_created_by(CREATED_BY.into())
            .set_compression(codec)
            // Lists and maps are named as the format wants it, whatever arrow calls their children.
            .set_coerce_types(true)
            .set_max_row_group_row_count(Some(self.row_group_rows))
            .set_max_row_group_bytes(Some(self.row_group_bytes))
            // Row groups are small: an index of pages below them costs more than it finds.
            .set_statistics_enabled(EnabledStatistics::Chunk)
            .set_offset_index_disabled(true)
            .set_statistics_truncate_length(Some(BOUND_BYTES)))
    }
}
