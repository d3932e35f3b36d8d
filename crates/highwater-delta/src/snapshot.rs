//! A table as it is now, for tests and for whoever checks what a pipeline has written.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use futures::StreamExt;
use futures::stream::BoxStream;
use highwater_core::{Marker, Result};

use crate::error::DeltaError;
use crate::kernel::{self, Batches};
use crate::log::Log;
use crate::marker::recorded;
use crate::state::TableState;

/// A version of a table. Deletion vectors, column mapping and partitions are read as they are
/// meant.
///
/// # Example
/// ```no_run
/// use futures::TryStreamExt;
/// use highwater_delta::DeltaTable;
///
/// # async fn example() -> highwater_core::Result<()> {
/// let table = DeltaTable::at("data/lake/orders")?.read().await?;
/// let mut batches = table.rows();
/// while let Some(batch) = batches.try_next().await? {
///     assert_eq!(batch.num_columns(), table.schema().fields().len());
/// }
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct DeltaSnapshot {
    log: Log,
    state: TableState,
    schema: SchemaRef,
}

impl DeltaSnapshot {
    pub(crate) async fn open(log: Log) -> Result<Self> {
        let Some(state) = log.newest().await? else {
            return Err(DeltaError::Absent { table: log.name().to_owned() }.into());
        };
        let schema = kernel::read_schema(&log).await?;
        Ok(Self { log, state, schema })
    }

    pub(crate) fn log(&self) -> &Log {
        &self.log
    }

    /// The number of the version.
    pub fn version(&self) -> u64 {
        self.state.version
    }

    /// The columns of [`rows`](Self::rows), in the order of the table.
    pub fn schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.schema)
    }

    /// The columns that the table is partitioned by.
    pub fn partition_columns(&self) -> &[String] {
        &self.state.metadata.partition_columns
    }

    /// A property of the table, such as `delta.checkpointInterval`.
    pub fn property(&self, key: &str) -> Option<&str> {
        self.state.metadata.configuration.get(key).map(String::as_str)
    }

    /// What each sink that writes the table committed last, by pipeline and sink.
    ///
    /// # Errors
    /// `Corrupt` when a marker cannot be read.
    pub fn markers(&self) -> Result<Vec<Marker>> {
        let recorded = recorded(self.log.name(), &self.state.txns)?;
        Ok(recorded.into_iter().map(|recorded| recorded.marker).collect())
    }

    /// All rows, file by file. Needs a tokio runtime, on one of whose threads files are read ahead.
    /// The stream ends at the first file that cannot be read.
    pub fn rows(&self) -> BoxStream<'static, Result<RecordBatch>> {
        let batches = kernel::rows(&self.log, self.state.version);
        let next = |batches: Option<Batches>| async move {
            let mut batches = batches?;
            match batches.next().await {
                Ok(batch) => Some((Ok(batch?), Some(batches))),
                Err(error) => Some((Err(error), None)),
            }
        };
        futures::stream::unfold(Some(batches), next).boxed()
    }
}
