//! Stages the rows of one worker and epoch as data files.

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use futures::future::BoxFuture;
use highwater_core::{Batch, Failpoint, Result, Staged, Writer, WriterContext};
use highwater_parquet::{Compression, FileOptions, FileWriter};

use crate::error::{Cause, IcebergError};
use crate::format::StagedDetail;
use crate::layout::TableFiles;
use crate::target::{Codec, TableTarget, with_ids};

/// Writes data files, one after the other.
pub(crate) struct TableWriter {
    files: TableFiles,
    cx: WriterContext,
    target: TableTarget,
    schema: SchemaRef,
    options: FileOptions,
    opened: u32,
    open: Option<Named>,
    /// Files that are long enough and wait to be closed.
    full: Vec<Named>,
    staged: Vec<Staged>,
}

/// A file in the making.
struct Named {
    location: String,
    writer: FileWriter,
}

impl TableWriter {
    /// A writer that needs nothing but the target of the plan.
    ///
    /// # Errors
    /// `Internal` when that is no target of this sink.
    pub(crate) fn try_new(files: TableFiles, cx: &WriterContext) -> Result<Self> {
        let foreign = |source: Cause| IcebergError::Foreign {
            what: "target",
            sink: cx.sink.to_string(),
            source,
        };
        let target: TableTarget =
            serde_json::from_str(&cx.target.0).map_err(|cause| foreign(cause.into()))?;
        let schema = with_ids(&cx.input.schema, &target.fields)
            .ok_or_else(|| foreign("it has the ids of other columns".into()))?;
        let options = file_options(&target);
        Ok(Self {
            files,
            cx: cx.clone(),
            target,
            schema,
            options,
            opened: 0,
            open: None,
            full: Vec::new(),
            staged: Vec::new(),
        })
    }

    fn next_file(&mut self) -> Result<Named> {
        let WriterContext { sink, epoch, run, worker, .. } = &self.cx;
        let name = format!("{sink}-{epoch}-{run}-{worker}-{}.parquet", self.opened);
        let path = format!("{}/{name}", self.target.data);
        self.opened = self.opened.saturating_add(1);
        let warehouse = self.files.warehouse();
        let schema = SchemaRef::clone(&self.schema);
        let writer = FileWriter::try_new(schema, &self.options, warehouse.upload(&path))?;
        Ok(Named { location: warehouse.location(&path), writer })
    }

    /// Closes a file and waits until it is durable.
    async fn stage(&mut self, file: Named) -> Result<()> {
        let report = file.writer.finish().await?;
        let (bytes, rows) = (report.bytes, report.rows);
        let detail = StagedDetail { spec_id: self.target.spec_id, report };
        let detail = serde_json::to_string(&detail).map_err(|cause| IcebergError::Metadata {
            table: self.files.name().to_owned(),
            source: cause.into(),
        })?;
        self.staged.push(Staged { path: file.location, bytes, rows, detail });
        self.cx.failpoints.hit(Failpoint::FileStaged)
    }

    async fn stage_full(&mut self) -> Result<()> {
        for file in std::mem::take(&mut self.full) {
            self.stage(file).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl Writer for TableWriter {
    fn write(&mut self, batch: Batch) -> Result<()> {
        if batch.is_empty() {
            return Ok(());
        }
        let mut file = match self.open.take() {
            Some(file) => file,
            None => self.next_file()?,
        };
        let written = file.writer.write(&batch.rows);
        if file.writer.bytes() >= self.target.file_bytes {
            self.full.push(file);
        } else {
            self.open = Some(file);
        }
        written
    }

    async fn ready(&mut self) -> Result<()> {
        self.stage_full().await?;
        match &mut self.open {
            Some(file) => file.writer.ready().await,
            None => Ok(()),
        }
    }

    fn close(mut self: Box<Self>) -> BoxFuture<'static, Result<Vec<Staged>>> {
        Box::pin(async move {
            self.full.extend(self.open.take());
            self.stage_full().await?;
            Ok(self.staged)
        })
    }
}

fn file_options(target: &TableTarget) -> FileOptions {
    let options = FileOptions::default().with_compression(match target.codec {
        Codec::Uncompressed => Compression::Uncompressed,
        Codec::Snappy => Compression::Snappy,
        Codec::Zstd(level) => Compression::Zstd(level),
    });
    match target.row_group_bytes {
        Some(bytes) => options.with_row_group_bytes(usize::try_from(bytes).unwrap_or(usize::MAX)),
        None => options,
    }
}
