//! A table as it is now, for tests and for whoever checks what a pipeline has written.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use highwater_core::{Marker, Result};

use crate::error::IcebergError;
use crate::format::{FoundFile, Manifests, TableState};
use crate::layout::TableFiles;
use crate::marker::recorded;
use crate::pointer::Pointer;
use crate::reading::{Wanted, rows};

/// The current snapshot of a table. Deletes are not supported.
///
/// # Example
/// ```no_run
/// use futures::TryStreamExt;
/// use highwater_iceberg::FileCatalog;
///
/// # async fn example() -> highwater_core::Result<()> {
/// let table = FileCatalog::open("data/warehouse")?.table("demo.orders").read().await?;
/// let mut batches = table.rows().await?;
/// while let Some(batch) = batches.try_next().await? {
///     assert_eq!(batch.schema(), table.schema());
/// }
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct IcebergTable {
    pointer: Pointer,
    files: TableFiles,
    state: TableState,
    schema: SchemaRef,
}

impl IcebergTable {
    /// Boxed, as is what finds files: compiled here, and not again in each program that reads tables.
    pub(crate) fn open(pointer: Pointer) -> BoxFuture<'static, Result<Self>> {
        Box::pin(async move {
            let Some(version) = pointer.current(None).await? else {
                let (table, location) = (pointer.name().to_owned(), pointer.place());
                return Err(IcebergError::Absent { table, location }.into());
            };
            let state = TableState::parse(pointer.name(), &version.location, &version.bytes)?;
            let files = pointer.files(&state)?;
            let schema = Arc::new(state.read_schema()?);
            Ok(Self { pointer, files, state, schema })
        })
    }

    pub(crate) fn pointer(&self) -> &Pointer {
        &self.pointer
    }

    pub(crate) fn files(&self) -> &TableFiles {
        &self.files
    }

    /// The columns of [`rows`](Self::rows), in the order of the table, each with its field id under
    /// the key `PARQUET:field_id`.
    pub fn schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.schema)
    }

    /// How many snapshots the table keeps.
    pub fn snapshots(&self) -> u64 {
        u64::try_from(self.state.snapshots()).unwrap_or(u64::MAX)
    }

    /// A property of the table, such as `write.parquet.compression-codec`.
    pub fn property(&self, key: &str) -> Option<&str> {
        self.state.properties().get(key).map(String::as_str)
    }

    /// An entry in the summary of the current snapshot, such as `total-records`.
    pub fn summary(&self, key: &str) -> Option<&str> {
        self.state.summary()?.get(key).map(String::as_str)
    }

    /// What each sink that writes the table committed last, by pipeline and sink.
    ///
    /// # Errors
    /// `Corrupt` when a marker cannot be read.
    pub fn markers(&self) -> Result<Vec<Marker>> {
        let recorded = recorded(self.state.properties(), self.files.name())?;
        Ok(recorded.into_iter().map(|recorded| recorded.marker).collect())
    }

    /// The locations and row counts of the data files, in no order.
    ///
    /// # Errors
    /// `Unsupported` when the table has deletes or files that are not Parquet; `Corrupt` or
    /// `Refused` when a manifest cannot be read.
    pub async fn data_files(&self) -> Result<Vec<(String, u64)>> {
        let found = self.found().await?;
        Ok(found.into_iter().map(|file| (file.location, file.rows)).collect())
    }

    fn found(&self) -> BoxFuture<'_, Result<Vec<FoundFile>>> {
        Box::pin(async {
            let manifests = Manifests::load(&self.files, &self.state).await?;
            manifests.data_files(&self.files, &self.state).await
        })
    }

    /// All rows, file by file. One file at a time is in memory.
    ///
    /// # Errors
    /// As [`data_files`](Self::data_files); the stream ends at the first file that cannot be read.
    pub async fn rows(&self) -> Result<BoxStream<'static, Result<RecordBatch>>> {
        let found = self.found().await?;
        let wanted = Wanted { schema: self.schema(), identities: self.state.identities() };
        Ok(rows(&self.files, found, wanted))
    }
}
