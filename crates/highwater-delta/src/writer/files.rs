//! The data files of one writer: how they are named, begun and closed.

use std::collections::BTreeMap;

use arrow::datatypes::{Fields, SchemaRef};
use highwater_core::{Result, Staged, WriterContext};
use highwater_parquet::{FileOptions, FileWriter, data_file};
use highwater_storage::Storage;

use super::place::within;
use super::splitter::Partition;
use crate::error::DeltaError;
use crate::stats::stats;
use crate::target::{StagedDetail, TableTarget};

/// Makes the files of one worker and epoch.
pub(crate) struct Files {
    table: Storage,
    cx: WriterContext,
    target: TableTarget,
    schema: SchemaRef,
    opened: u32,
}

/// A file in the making.
pub(crate) struct Named {
    path: String,
    fields: Fields,
    pub(crate) writer: FileWriter,
    partition: BTreeMap<String, Option<String>>,
}

impl Files {
    /// Files of `schema`, in which there are no partition columns.
    pub(crate) fn new(
        table: Storage,
        cx: WriterContext,
        target: TableTarget,
        schema: SchemaRef,
    ) -> Self {
        Self { table, cx, target, schema, opened: 0 }
    }

    pub(crate) fn table(&self) -> String {
        self.table.location("")
    }

    /// Of how many leaf columns there are statistics.
    pub(crate) fn indexed(&self) -> Option<usize> {
        self.target.indexed
    }

    /// Files are closed at about this length.
    pub(crate) fn file_bytes(&self) -> u64 {
        self.target.file_bytes
    }

    /// Begins the next file, for rows of `partition`.
    pub(crate) fn create(&mut self, partition: &Partition) -> Result<Named> {
        let WriterContext { sink, epoch, run, worker, .. } = &self.cx;
        let name = data_file(sink, *epoch, run, *worker, self.opened);
        self.opened = self.opened.saturating_add(1);
        let path = within(&partition.directory, name);
        // Columns are found by their names.
        let options = FileOptions::default().with_numbered_columns();
        let schema = SchemaRef::clone(&self.schema);
        let writer = FileWriter::try_new(schema, &options, self.table.upload(&path))?;
        let columns = self.target.partition.iter().cloned();
        let partition = columns.zip(partition.values.iter().cloned()).collect();
        Ok(Named { path, fields: self.schema.fields().clone(), writer, partition })
    }
}

impl Named {
    /// Closes the file and waits until it is durable.
    pub(crate) async fn stage(self, indexed: Option<usize>) -> Result<Staged> {
        let report = self.writer.finish().await?;
        let unwritable = |cause: serde_json::Error| DeltaError::Foreign {
            what: "staged file",
            of: self.path.clone(),
            source: cause.into(),
        };
        let stats = stats(&report, &self.fields, indexed).map_err(unwritable)?;
        let detail = StagedDetail { partition: self.partition, stats };
        let detail = serde_json::to_string(&detail).map_err(unwritable)?;
        Ok(Staged { path: self.path, bytes: report.bytes, rows: report.rows, detail })
    }
}
