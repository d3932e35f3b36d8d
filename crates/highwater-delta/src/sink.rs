//! The sink of a pipeline that appends to a table.

use std::collections::BTreeMap;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use highwater_core::{
    Committer, Result, Routing, Sink, SinkContext, StreamInfo, Writer, WriterContext,
};
use serde_json::json;
use uuid::Uuid;

use crate::actions::{Lines, Metadata};
use crate::committer::{Commits, TableCommitter, now_ms};
use crate::error::{Cause, DeltaError};
use crate::features::protocol_for;
use crate::log::{Log, Made};
use crate::maintenance::{Maintenance, Upkeep};
use crate::marker::Owner;
use crate::schema::{TableSchema, table_schema};
use crate::settings::check_new;
use crate::state::TableState;
use crate::value::makes_partitions;
use crate::writer::TableWriter;

/// Appends the rows of a stream to a table, and makes the table if it is missing.
///
/// # Columns
/// A table that is there takes rows by the names of their columns, in whatever order it has them.
/// Types are the same on both sides. Optional columns that the rows do not have are null.
///
/// # Partitions
/// Rows go to the partitions of the table as it is when their epoch is planned. Empty text in a
/// partition column is null, to this table format.
///
/// # Example
/// ```
/// use highwater_delta::DeltaTable;
///
/// let sink = DeltaTable::at("data/lake/orders")?
///     .append()
///     .partition_by(["country"])
///     .create_property("delta.checkpointInterval", "100");
/// # Ok::<(), highwater_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct DeltaSink {
    log: Log,
    partition: Vec<String>,
    create: BTreeMap<String, String>,
    memory: usize,
    maintenance: Option<Maintenance>,
}

/// What a writer holds by default: 16 row groups of a few megabytes, or a thousand partitions of a
/// few rows.
const MEMORY: usize = 64 << 20;

impl DeltaSink {
    pub(crate) fn new(log: Log) -> Self {
        Self {
            log,
            partition: Vec::new(),
            create: BTreeMap::new(),
            memory: MEMORY,
            maintenance: None,
        }
    }

    /// Partitions the table by these columns if this sink is the one that makes it. A table that is
    /// there keeps the partitioning it has.
    #[must_use]
    pub fn partition_by<C: Into<String>>(mut self, columns: impl IntoIterator<Item = C>) -> Self {
        self.partition = columns.into_iter().map(Into::into).collect();
        self
    }

    /// Sets a property of the table if this sink is the one that makes it. Of Delta's own, those
    /// that need no feature are taken: the intervals and retentions of the log, `delta.appendOnly`,
    /// `delta.dataSkippingNumIndexedCols` and `delta.targetFileSize`.
    #[must_use]
    pub fn create_property(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.create.insert(key.into(), value.into());
        self
    }

    /// About how many bytes of rows and open files a writer keeps in memory when rows of an epoch
    /// belong to many partitions; 64 MiB by default. Above that it closes the file of the partition
    /// that got no rows for the longest time, so less memory makes more and smaller files.
    #[must_use]
    pub fn writer_memory(mut self, bytes: usize) -> Self {
        self.memory = bytes;
        self
    }

    /// Maintains the table beside the commits of this sink: at its start, and when a checkpoint is due. No
    /// commit waits for it or fails by it; what goes wrong is an event of `tracing`.
    #[must_use]
    pub fn maintain(mut self, policy: Maintenance) -> Self {
        self.maintenance = Some(policy);
        self
    }

    fn check(&self, input: &StreamInfo) -> Result<TableSchema, DeltaError> {
        let table = self.log.name();
        let schema = table_schema(table, &input.schema)?;
        for (at, column) in self.partition.iter().enumerate() {
            let there = input.schema.field_with_name(column).ok();
            let problem = match there.map(|field| makes_partitions(field.data_type())) {
                None => "the rows have no such column",
                Some(false) => "its type makes no partitions",
                Some(true) if self.partition.iter().skip(at + 1).any(|other| other == column) => {
                    "it stands twice"
                }
                Some(true) if self.partition.len() == input.schema.fields().len() => {
                    "no column would be left for files"
                }
                Some(true) => continue,
            };
            let (table, column) = (table.to_owned(), column.clone());
            return Err(DeltaError::Partition { table, column, problem });
        }
        check_new(table, &self.create)?;
        Ok(schema)
    }

    /// Makes the first version, or finds the one that somebody else has just made.
    async fn make(&self, schema: &TableSchema) -> Result<Option<TableState>> {
        let unwritable = |source: Cause| DeltaError::Foreign {
            what: "schema",
            of: self.log.name().to_owned(),
            source,
        };
        let protocol = protocol_for(schema);
        let metadata = Metadata {
            id: Uuid::new_v4().to_string(),
            schema_string: serde_json::to_string(schema)
                .map_err(|cause| unwritable(cause.into()))?,
            partition_columns: self.partition.clone(),
            configuration: self.create.clone(),
        };
        let (now, mut lines) = (now_ms(), Lines::default());
        lines.info(now, "CREATE TABLE", &json!({}), true);
        lines.protocol(&protocol);
        lines.metadata(&metadata, now);
        match self.log.make(0, lines.finish().into()).await {
            Made::Done => {
                Ok(Some(TableState { version: 0, protocol, metadata, txns: BTreeMap::new() }))
            }
            Made::Occupied(_) => self.log.newest().await,
            Made::Failed(error) | Made::Unknown(error) => Err(error),
        }
    }
}

#[async_trait]
impl Sink for DeltaSink {
    fn describe(&self) -> String {
        format!("delta {}", self.log.name())
    }

    fn resolve(&self, input: &StreamInfo) -> Result<Routing> {
        self.check(input)?;
        Ok(Routing::Local)
    }

    async fn open(&self, cx: &SinkContext) -> Result<Box<dyn Committer>> {
        let schema = self.check(&cx.input)?;
        let state = match self.log.newest().await? {
            Some(state) => Some(state),
            None => self.make(&schema).await?,
        };
        let Some(state) = state else {
            return Err(DeltaError::Dropped { table: self.log.name().to_owned() }.into());
        };
        let commits = Commits {
            owner: Owner { pipeline: cx.pipeline.clone(), sink: cx.sink.clone() },
            input: SchemaRef::clone(&cx.input.schema),
            schema,
            failpoints: cx.failpoints.clone(),
        };
        let upkeep = self.maintenance.map(|policy| Upkeep::new(policy, self.log.clone()));
        let committer = TableCommitter::open(self.log.clone(), state, commits)?;
        Ok(Box::new(committer.maintained_by(upkeep)))
    }

    fn writer(&self, cx: &WriterContext) -> Result<Box<dyn Writer>> {
        Ok(Box::new(TableWriter::try_new(self.log.table().clone(), cx, self.memory)?))
    }
}
