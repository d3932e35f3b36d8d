//! The sink of a pipeline that appends to a table.

use std::collections::{BTreeMap, HashMap};

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use highwater_core::{
    Committer, Result, Routing, Sink, SinkContext, StreamInfo, Writer, WriterContext,
};

use crate::catalog::TableName;
use crate::committer::{Commits, TableCommitter, dropped};
use crate::error::IcebergError;
use crate::format::{TableState, is_reserved, partition_spec, sort_order, table_schema};
use crate::layout::TableFiles;
use crate::marker::Owner;
use crate::partition::PartitionField;
use crate::pointer::{Pointer, Version};
use crate::settings::{CODEC, DELETE_METADATA, Settings, is_ours};
use crate::sort::SortField;
use crate::writer::TableWriter;

/// Appends the rows of a stream to a table, and makes the table if it is missing.
///
/// # Columns
/// A table that is there is opened by the names of the rows' columns, in whatever order it has them.
/// Integers, floats and decimals may be wider in the table. Optional columns that the rows do not have
/// are null. While the sink is open, columns are known by their field id: one that somebody renames is
/// written on, one that is dropped or made required ends the run before anything else is committed.
///
/// # Partitions and order
///
/// Rows go to the partitions of the table as it is when their epoch is planned. If somebody changes
/// the partitioning meanwhile, the files of the running epoch keep the one they were written by.
///
/// # Example
/// ```
/// use highwater_iceberg::{FileCatalog, asc, bucket, day};
///
/// let catalog = FileCatalog::open("data/warehouse")?;
/// let sink = catalog
///     .table("demo.transactions_ledger")
///     .append()
///     .partition_by([day("event_timestamp"), bucket(16, "transaction_id")])
///     .sort_by([asc("event_timestamp")]);
/// # Ok::<(), highwater_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct IcebergSink {
    table: TableName,
    create: BTreeMap<String, String>,
    layout: Layout,
    memory: usize,
}

/// How rows lie in a new table.
#[derive(Clone, Debug, Default)]
pub(crate) struct Layout {
    pub(crate) partition: Vec<PartitionField>,
    pub(crate) sort: Vec<SortField>,
}

/// What a writer holds by default: 16 row groups of a few megabytes, or a thousand partitions of a few rows.
const MEMORY: usize = 64 << 20;

impl IcebergSink {
    pub(crate) fn new(table: TableName) -> Self {
        Self { table, create: BTreeMap::new(), layout: Layout::default(), memory: MEMORY }
    }

    /// Partitions the table by these fields if this sink is the one that makes it. A table that is
    /// there keeps the partitioning it has.
    #[must_use]
    pub fn partition_by(mut self, fields: impl IntoIterator<Item = PartitionField>) -> Self {
        self.layout.partition = fields.into_iter().collect();
        self
    }

    /// Sets the sort order of the table if this sink is the one that makes it. A table that is there
    /// keeps the one it has, also for what this sink writes.
    ///
    /// Every file is sorted as a whole, and says so; files overlap. A file has at most the rows that
    /// [`writer_memory`](Self::writer_memory) has room for, since they are sorted before they are encoded.
    #[must_use]
    pub fn sort_by(mut self, fields: impl IntoIterator<Item = SortField>) -> Self {
        self.layout.sort = fields.into_iter().collect();
        self
    }

    /// About how many bytes of rows and open files a writer keeps in memory when rows of an epoch
    /// belong to many partitions or are sorted; 64 MiB by default. Above that it closes the file of the
    /// partition that got no rows for the longest time, so less memory makes more and smaller files.
    #[must_use]
    pub fn writer_memory(mut self, bytes: usize) -> Self {
        self.memory = bytes;
        self
    }

    /// Sets a property of the table if this sink is the one that makes it, such as
    /// `write.metadata.previous-versions-max`. Without a word about them, pages are compressed by
    /// zstd, and metadata files are deleted once the metadata log has dropped them.
    ///
    /// `write.parquet.profile` is highwater's own: `compact`, the default, has encodings that Iceberg's
    /// vectorized readers take from 1.11 on; `compatible` keeps to those that every reader takes.
    ///
    /// With `highwater.expire-after-commit.enabled` each commit also lets go of the snapshots that are
    /// too old by `history.expire.max-snapshot-age-ms` (five days), `history.expire.min-snapshots-to-keep`
    /// and what branches and tags say, so that metadata does not grow with the number of commits. The
    /// files of those snapshots are left to [`remove_orphans`](crate::IcebergTable::remove_orphans).
    #[must_use]
    pub fn create_property(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.create.insert(key.into(), value.into());
        self
    }

    fn properties(&self) -> HashMap<String, String> {
        let defaults = [(CODEC, "zstd"), (DELETE_METADATA, "true")];
        let defaults = defaults.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let mut properties = HashMap::from(defaults);
        properties.extend(self.create.clone());
        properties
    }

    fn check(&self, input: &StreamInfo) -> Result<TableFiles, IcebergError> {
        let files = self.table.files()?;
        let schema = table_schema(files.name(), &input.schema)?;
        partition_spec(files.name(), &schema, &self.layout.partition)?;
        sort_order(files.name(), &schema, &self.layout.sort)?;
        let mut keys = self.create.iter();
        let reserved = keys.find(|(key, _)| is_ours(key) || is_reserved(key));
        if let Some((key, value)) = reserved {
            let (key, value) = (key.clone(), value.clone());
            return Err(IcebergError::Property { table: files.name().to_owned(), key, value });
        }
        Settings::of(files.name(), &self.properties())?;
        Ok(files)
    }

    /// Makes the first version, or finds the one that somebody else has just made.
    async fn make(&self, pointer: &Pointer, input: &StreamInfo) -> Result<Option<Version>> {
        let home = pointer.home().await?;
        let schema = table_schema(home.name(), &input.schema)?;
        let (location, properties) = (home.location(), self.properties());
        let first = TableState::create(home.name(), location, schema, &self.layout, properties)?;
        pointer.create(&home, first.bytes.into()).await
    }
}

#[async_trait]
impl Sink for IcebergSink {
    fn describe(&self) -> String {
        format!("iceberg {}", self.table)
    }

    fn resolve(&self, input: &StreamInfo) -> Result<Routing> {
        self.check(input)?;
        Ok(Routing::Local)
    }

    async fn open(&self, cx: &SinkContext) -> Result<Box<dyn Committer>> {
        self.check(&cx.input)?;
        let pointer = self.table.pointer()?;
        let version = match pointer.current(None).await? {
            Some(version) => Some(version),
            None => self.make(&pointer, &cx.input).await?,
        };
        let Some(version) = version else {
            return Err(dropped(&pointer));
        };
        let commits = Commits {
            owner: Owner { pipeline: cx.pipeline.clone(), sink: cx.sink.clone() },
            input: SchemaRef::clone(&cx.input.schema),
            failpoints: cx.failpoints.clone(),
        };
        Ok(Box::new(TableCommitter::open(pointer, version, commits)?))
    }

    fn writer(&self, cx: &WriterContext) -> Result<Box<dyn Writer>> {
        Ok(Box::new(TableWriter::try_new(self.table.files()?, cx, self.memory)?))
    }
}
