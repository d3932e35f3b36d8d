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
use crate::format::{TableState, is_reserved, table_schema};
use crate::layout::TableFiles;
use crate::marker::Owner;
use crate::pointer::{Pointer, Version};
use crate::settings::{CODEC, DELETE_METADATA, Settings};
use crate::writer::TableWriter;

/// Appends the rows of a stream to an unpartitioned table, and makes the table if it is missing.
///
/// The columns are matched by name and type. Optional columns that the table has and the rows have
/// not are left empty.
#[derive(Clone, Debug)]
pub struct IcebergSink {
    table: TableName,
    create: BTreeMap<String, String>,
}

impl IcebergSink {
    pub(crate) fn new(table: TableName) -> Self {
        Self { table, create: BTreeMap::new() }
    }

    /// Sets a property of the table if this sink is the one that makes it, such as
    /// `write.metadata.previous-versions-max`. Without a word about them, pages are compressed by
    /// zstd, and metadata files are deleted once the metadata log has dropped them.
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
        table_schema(files.name(), &input.schema)?;
        let mut keys = self.create.iter();
        let reserved = keys.find(|(key, _)| key.starts_with("highwater.") || is_reserved(key));
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
        let first = TableState::create(home.name(), home.location(), schema, self.properties())?;
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
        Ok(Box::new(TableWriter::try_new(self.table.files()?, cx)?))
    }
}
