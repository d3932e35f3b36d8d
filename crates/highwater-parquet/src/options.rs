//! How a Parquet file is written.

use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};

use crate::column::STATISTICS_BYTES;
use crate::{FileError, Profile};

/// As the format asks for: application, `version`, number.
const CREATED_BY: &str = concat!("highwater version ", env!("CARGO_PKG_VERSION"));

/// How a Parquet file is written.
///
/// # Defaults
/// * compression: zstd, level 1
/// * profile: [`Profile::Compact`]
/// * field ids: those of the schema, which every leaf column has
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
    pub(crate) profile: Profile,
    pub(crate) numbered: bool,
    pub(crate) row_group_rows: usize,
    pub(crate) row_group_bytes: usize,
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
            profile: Profile::default(),
            numbered: false,
            row_group_rows: 256 << 10,
            row_group_bytes: 16 << 20,
        }
    }
}

impl FileOptions {
    /// The codec of all columns, but of those that it would hardly make smaller.
    #[must_use]
    pub fn with_compression(mut self, compression: Compression) -> Self {
        self.compression = compression;
        self
    }

    /// The encodings that may be used.
    #[must_use]
    pub fn with_profile(mut self, profile: Profile) -> Self {
        self.profile = profile;
        self
    }

    /// Asks for no field ids: they are for tables that find columns by their names. The report then
    /// numbers leaf columns from 1 on, in the order of the schema.
    #[must_use]
    pub fn with_numbered_columns(mut self) -> Self {
        self.numbered = true;
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
        Ok(WriterProperties::builder()
            .set_created_by(CREATED_BY.into())
            .set_compression(self.compression.codec()?)
            // Lists and maps are named as the format wants it, whatever arrow calls their children.
            .set_coerce_types(true)
            // Row groups are small: an index of pages below them costs more than it finds.
            .set_statistics_enabled(EnabledStatistics::Chunk)
            .set_offset_index_disabled(true)
            .set_statistics_truncate_length(Some(STATISTICS_BYTES)))
    }
}
