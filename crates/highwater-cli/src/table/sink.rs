//! A sink to a table of either format.

use async_trait::async_trait;
use highwater_core::{
    Committer, Error, Result, Routing, Sink, SinkContext, StreamInfo, Writer, WriterContext,
};
use highwater_delta::{DeltaSink, Maintenance, ORPHAN_AGE};
use highwater_iceberg::{IcebergSink, PartitionField};

use crate::{Failure, Fields};

/// Writes the rows of a stream to a table of either format.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum TableSink {
    /// To a table of a catalog.
    Iceberg(IcebergSink),
    /// To a table in a directory of its own.
    Delta(DeltaSink),
}

impl TableSink {
    /// Sets a property of the table if this sink is the one that makes it.
    #[must_use]
    pub fn create_property(self, key: &str, value: &str) -> Self {
        match self {
            Self::Iceberg(sink) => Self::Iceberg(sink.create_property(key, value)),
            Self::Delta(sink) => Self::Delta(sink.create_property(key, value)),
        }
    }

    /// Puts small files of the table together, once `files` of them are worth it, and removes
    /// [orphans](Maintenance::remove_orphans) that are a week old.
    ///
    /// # Errors
    /// A table of a catalog, whose files other engines put together.
    pub fn compact(self, files: u32) -> Result<Self, Failure> {
        match self {
            Self::Iceberg(_) => {
                let problem = "is for a Delta table; let Spark or Trino put the files of an Iceberg table together";
                Err(Failure::Option { option: "--compact", problem })
            }
            Self::Delta(sink) => {
                let files = usize::try_from(files).unwrap_or(usize::MAX);
                let policy = Maintenance::default().compact(files).remove_orphans(ORPHAN_AGE);
                Ok(Self::Delta(sink.maintain(policy)))
            }
        }
    }

    /// Partitions the table by `fields`, if there are any, if this sink is the one that makes it. Those
    /// of a Delta table are columns.
    ///
    /// # Errors
    /// A text that is no field of such a table.
    pub fn partition_by(self, fields: Option<&Fields>) -> Result<Self, Failure> {
        let Some(Fields(fields)) = fields else { return Ok(self) };
        Ok(match self {
            Self::Iceberg(sink) => {
                let fields = fields.iter().map(|field| field.parse::<PartitionField>());
                let fields: Vec<_> = fields.collect::<Result<_, _>>().map_err(Error::from)?;
                Self::Iceberg(sink.partition_by(fields))
            }
            Self::Delta(sink) => {
                let columns = fields.iter().map(|field| column(field));
                let columns: Vec<_> = columns.collect::<Result<_, _>>()?;
                Self::Delta(sink.partition_by(columns))
            }
        })
    }

    fn sink(&self) -> &dyn Sink {
        match self {
            Self::Iceberg(sink) => sink,
            Self::Delta(sink) => sink,
        }
    }
}

/// The column that a field names as it is.
fn column(field: &str) -> Result<&str, Failure> {
    let inner = field.strip_prefix("identity(").and_then(|rest| rest.strip_suffix(')'));
    let column = inner.unwrap_or(field).trim();
    if column.contains(['(', ')']) {
        let problem =
            "of a Delta table names columns, since it has no transforms: leave the function out";
        return Err(Failure::Option { option: "--partition-by", problem });
    }
    Ok(column)
}

#[async_trait]
impl Sink for TableSink {
    fn describe(&self) -> String {
        self.sink().describe()
    }

    fn resolve(&self, input: &StreamInfo) -> Result<Routing> {
        self.sink().resolve(input)
    }

    async fn open(&self, cx: &SinkContext) -> Result<Box<dyn Committer>> {
        self.sink().open(cx).await
    }

    fn writer(&self, cx: &WriterContext) -> Result<Box<dyn Writer>> {
        self.sink().writer(cx)
    }
}
