//! The sink of a pipeline into a table.

use std::collections::BTreeMap;

use arrow::datatypes::{Schema, SchemaRef};
use async_trait::async_trait;
use highwater_core::{
    Committer, Result, Routing, Sink, SinkContext, StreamInfo, Writer, WriterContext,
};
use serde_json::json;
use uuid::Uuid;

use crate::actions::{Lines, Metadata};
use crate::commits::Commits;
use crate::committer::{TableCommitter, now_ms};
use crate::error::{Cause, DeltaError};
use crate::features::{DELETION_VECTORS, check_key, check_properties, protocol_for};
use crate::key::KeyColumns;
use crate::log::{Log, Made};
use crate::maintenance::{Maintenance, Upkeep};
use crate::marker::Owner;
use crate::mode::Mode;
use crate::schema::{TableSchema, table_schema};
use crate::settings::check_new;
use crate::state::TableState;
use crate::value::makes_partitions;
use crate::writer::TableWriter;

/// Brings the rows of a stream into a table, and makes the table if it is missing.
///
/// # Modes
/// * [`append`](crate::DeltaTable::append): rows come to stand beside those that are there.
/// * [`complete`](crate::DeltaTable::complete): the rows of an epoch take the place of the whole
///   table, in one commit. An epoch without rows leaves the table as it is.
/// * [`update`](crate::DeltaTable::update): each row takes the place of the row with equal values in
///   the key columns, or is added. Of several rows of a key in one epoch the last one counts, by
///   source, partition and offset. Rows that are not those of one record each, as a window makes
///   them, must not have a key twice in an epoch.
///
/// Where rows are taken out, tables are refused that promise to keep them (`delta.appendOnly`) or
/// whose changes others read (`delta.enableChangeDataFeed`).
///
/// # Update
/// A table with `delta.enableDeletionVectors`, as a new one is made, has rows deleted by deletion
/// vectors; readers need the protocol 3/7 for it. In another one, each file of which a row is replaced
/// is written anew without it.
///
/// A writer holds the last row of each key of an epoch in memory until the epoch ends. The committer
/// knows where the row of each key is: 29 to 57 bytes of memory for each key in the table. It reads
/// the key columns of the whole table when it first has rows to commit, and after that only files
/// that others have changed. A key may be numbers, text, bytes, booleans, dates, timestamps, decimals
/// and structs of these; one of its columns at least is none that the table is partitioned by.
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
    output: Output,
    maintenance: Option<Maintenance>,
}

/// How rows come to stand in the table, before the columns are known.
#[derive(Clone, Debug)]
pub(crate) enum Output {
    Append,
    Complete,
    /// By these key columns.
    Update(Vec<String>),
}

/// What a writer holds by default: 16 row groups of a few megabytes, or a thousand partitions of a
/// few rows.
const MEMORY: usize = 64 << 20;

impl DeltaSink {
    pub(crate) fn new(log: Log, output: Output) -> Self {
        Self {
            log,
            partition: Vec::new(),
            create: BTreeMap::new(),
            memory: MEMORY,
            output,
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
    /// `delta.dataSkippingNumIndexedCols` and `delta.targetFileSize`; and
    /// `delta.enableDeletionVectors`, with its feature.
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
        let mode = self.mode(&input.schema)?;
        check_properties(table, &self.create, &mode)?;
        if let Mode::Update(key) = &mode {
            check_key(table, key, &self.partition)?;
        }
        Ok(schema)
    }

    fn mode(&self, input: &Schema) -> Result<Mode, DeltaError> {
        Ok(match &self.output {
            Output::Append => Mode::Append,
            Output::Complete => Mode::Complete,
            Output::Update(columns) => {
                Mode::Update(KeyColumns::try_new(self.log.name(), input, columns)?)
            }
        })
    }

    /// The properties of a new table.
    fn properties(&self) -> BTreeMap<String, String> {
        let mut properties = self.create.clone();
        if matches!(self.output, Output::Update(_)) {
            properties.entry(DELETION_VECTORS.to_owned()).or_insert_with(|| "true".to_owned());
        }
        properties
    }

    /// Makes the first version, or finds the one that somebody else has just made.
    async fn make(&self, schema: &TableSchema) -> Result<Option<TableState>> {
        let unwritable = |source: Cause| DeltaError::Foreign {
            what: "schema",
            of: self.log.name().to_owned(),
            source,
        };
        let configuration = self.properties();
        let protocol = protocol_for(schema, &configuration);
        let metadata = Metadata {
            id: Uuid::new_v4().to_string(),
            schema_string: serde_json::to_string(schema)
                .map_err(|cause| unwritable(cause.into()))?,
            partition_columns: self.partition.clone(),
            configuration,
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
        Ok(match &self.output {
            Output::Append | Output::Complete => Routing::Local,
            Output::Update(columns) => Routing::ByKey(columns.clone()),
        })
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
            mode: self.mode(&cx.input.schema)?,
            failpoints: cx.failpoints.clone(),
        };
        let upkeep = self.maintenance.map(|policy| Upkeep::new(policy, self.log.clone()));
        let committer = TableCommitter::open(self.log.clone(), state, commits)?;
        Ok(Box::new(committer.maintained_by(upkeep)))
    }

    fn writer(&self, cx: &WriterContext) -> Result<Box<dyn Writer>> {
        let key = match self.mode(&cx.input.schema)? {
            Mode::Append | Mode::Complete => None,
            Mode::Update(key) => Some(key),
        };
        Ok(Box::new(TableWriter::try_new(self.log.table().clone(), cx, self.memory, key)?))
    }
}
