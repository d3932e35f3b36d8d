//! The data files of one writer: how they are named, begun and closed.

use arrow::datatypes::SchemaRef;
use highwater_core::{Result, Staged, WriterContext};
use highwater_parquet::{Compression, FileOptions, FileWriter, Profile as FileProfile, data_file};

use super::splitter::Partition;
use crate::error::IcebergError;
use crate::format::StagedDetail;
use crate::layout::TableFiles;
use crate::target::{Codec, Profile, TableTarget};

/// Makes the files of one worker and epoch.
pub(crate) struct Files {
    files: TableFiles,
    cx: WriterContext,
    target: TableTarget,
    schema: SchemaRef,
    options: FileOptions,
    opened: u32,
}

/// A file in the making.
pub(crate) struct Named {
    location: String,
    pub(crate) writer: FileWriter,
    partition: Partition,
    spec_id: i32,
    sort_order: Option<i32>,
}

impl Files {
    /// Files of `schema`, which has the field ids of the table.
    pub(crate) fn new(
        files: TableFiles,
        cx: WriterContext,
        target: TableTarget,
        schema: SchemaRef,
    ) -> Self {
        let options = file_options(&target);
        Self { files, cx, target, schema, options, opened: 0 }
    }

    pub(crate) fn table(&self) -> &str {
        self.files.name()
    }

    /// The columns of all files.
    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Files are closed at about this length.
    pub(crate) fn file_bytes(&self) -> u64 {
        self.target.file_bytes
    }

    /// Begins the next file, for rows of `partition`.
    pub(crate) fn create(&mut self, partition: Partition) -> Result<Named> {
        let WriterContext { sink, epoch, run, worker, .. } = &self.cx;
        let name = data_file(sink, *epoch, run, *worker, self.opened);
        let parts = [self.target.data.as_str(), &partition.directory, &name];
        let path = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/");
        self.opened = self.opened.saturating_add(1);
        let warehouse = self.files.warehouse();
        let schema = SchemaRef::clone(&self.schema);
        let writer = FileWriter::try_new(schema, &self.options, warehouse.upload(&path))?;
        let sort_order = self.target.sort.as_ref().map(|sort| sort.order);
        let (location, spec_id) = (warehouse.location(&path), self.target.spec_id);
        Ok(Named { location, writer, partition, spec_id, sort_order })
    }
}

impl Named {
    /// Closes the file and waits until it is durable.
    pub(crate) async fn stage(self, table: &str) -> Result<Staged> {
        let report = self.writer.finish().await?;
        let (bytes, rows) = (report.bytes, report.rows);
        let detail = StagedDetail {
            spec_id: self.spec_id,
            partition: self.partition.values,
            sort_order: self.sort_order,
            report,
        };
        let detail = serde_json::to_string(&detail).map_err(|cause| IcebergError::Metadata {
            table: table.to_owned(),
            source: cause.into(),
        })?;
        Ok(Staged { path: self.location, bytes, rows, detail })
    }
}

fn file_options(target: &TableTarget) -> FileOptions {
    let options = FileOptions::default().with_compression(match target.codec {
        Codec::Uncompressed => Compression::Uncompressed,
        Codec::Snappy => Compression::Snappy,
        Codec::Zstd(level) => Compression::Zstd(level),
    });
    let options = options.with_profile(match target.profile {
        Profile::Compact => FileProfile::Compact,
        Profile::Compatible => FileProfile::Compatible,
    });
    match target.row_group_bytes {
        Some(bytes) => options.with_row_group_bytes(usize::try_from(bytes).unwrap_or(usize::MAX)),
        None => options,
    }
}

#[cfg(test)]
mod tests;
