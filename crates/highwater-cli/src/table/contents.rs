//! What a table of either format holds.

use futures::stream::BoxStream;
use highwater_core::arrow::array::RecordBatch;
use highwater_core::arrow::datatypes::SchemaRef;
use highwater_core::{Marker, Result};
use highwater_delta::DeltaSnapshot;
use highwater_iceberg::IcebergTable;

/// A table as it is now.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum TableContents {
    /// Of a catalog.
    Iceberg(IcebergTable),
    /// In a directory of its own.
    Delta(DeltaSnapshot),
}

impl TableContents {
    /// Its columns.
    pub fn schema(&self) -> SchemaRef {
        match self {
            Self::Iceberg(table) => table.schema(),
            Self::Delta(table) => table.schema(),
        }
    }

    /// How many commits it tells of: the snapshots that an Iceberg table keeps, or the versions that a Delta
    /// table has had since it was made.
    pub fn snapshots(&self) -> u64 {
        match self {
            Self::Iceberg(table) => table.snapshots(),
            Self::Delta(table) => table.version(),
        }
    }

    /// What each sink that writes it committed last.
    ///
    /// # Errors
    /// `Corrupt` when a marker cannot be read.
    pub fn markers(&self) -> Result<Vec<Marker>> {
        match self {
            Self::Iceberg(table) => table.markers(),
            Self::Delta(table) => table.markers(),
        }
    }

    /// All rows, file by file. The stream ends at the first file that cannot be read.
    ///
    /// # Errors
    /// As of [`IcebergTable::data_files`].
    pub async fn rows(&self) -> Result<BoxStream<'static, Result<RecordBatch>>> {
        match self {
            Self::Iceberg(table) => table.rows().await,
            Self::Delta(table) => Ok(table.rows()),
        }
    }
}
