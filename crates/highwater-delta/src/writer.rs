//! Stages the rows of one worker and epoch as data files.

mod files;
mod latest;
mod open;
mod place;
mod splitter;

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use async_trait::async_trait;
use futures::StreamExt;
use futures::future::BoxFuture;
use highwater_core::{Batch, Failpoint, Failpoints, Result, Staged, Writer, WriterContext};
use highwater_storage::Storage;

use crate::error::{Cause, DeltaError};
use crate::key::KeyColumns;
use crate::target::TableTarget;
use files::{Files, Named};
use latest::{Latest, Unfit};
use open::OpenPartitions;
pub(crate) use place::{directory, within};
use splitter::Splitter;

/// How many files are closed at once.
const CLOSED_AT_ONCE: usize = 8;

/// Divides rows among partitions, and writes the files of each partition one after the other.
pub(crate) struct TableWriter {
    files: Files,
    splitter: Splitter,
    /// Where only the last row of each key is staged: what there is of it so far.
    latest: Option<Latest>,
    open: OpenPartitions,
    staged: Vec<Staged>,
    failpoints: Failpoints,
}

impl TableWriter {
    /// A writer that needs nothing but the target of the plan, and holds about `memory` bytes of
    /// rows and open files. With a `key`, it holds the last row of each until it is closed, and
    /// stages these alone.
    ///
    /// # Errors
    /// `Internal` when that is no target of this sink.
    pub(crate) fn try_new(
        table: Storage,
        cx: &WriterContext,
        memory: usize,
        key: Option<KeyColumns>,
    ) -> Result<Self> {
        let foreign =
            |source: Cause| DeltaError::Foreign { what: "target", of: cx.sink.to_string(), source };
        let target: TableTarget =
            serde_json::from_str(&cx.target.0).map_err(|cause| foreign(cause.into()))?;
        let splitter = Splitter::new(&cx.input.schema, &target.partition);
        let latest = key.map(|key| Latest::new(key, target.partition.clone()));
        Ok(Self {
            latest,
            files: Files::new(table, cx.clone(), target, splitter.file_schema(&cx.input.schema)),
            splitter,
            open: OpenPartitions::new(memory),
            staged: Vec::new(),
            failpoints: cx.failpoints.clone(),
        })
    }

    fn divide(&mut self, rows: &RecordBatch) -> Result<()> {
        let failed = |source: Cause| DeltaError::Arrange { table: self.files.table(), source };
        for group in self.splitter.divide(rows).map_err(failed)? {
            self.open.add(group, &mut self.files)?;
        }
        Ok(())
    }

    /// Closes files and waits until they are durable.
    async fn stage(&mut self, full: Vec<Named>) -> Result<()> {
        let indexed = self.files.indexed();
        let stages: Vec<_> = full.into_iter().map(|file| file.stage(indexed)).collect();
        let mut stages = futures::stream::iter(stages).buffered(CLOSED_AT_ONCE);
        while let Some(staged) = stages.next().await {
            self.staged.push(staged?);
            self.failpoints.hit(Failpoint::FileStaged)?;
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
        match &mut self.latest {
            None => self.divide(&batch.rows),
            Some(latest) => latest.add(&batch).map_err(|cause| {
                let table = self.files.table();
                match cause {
                    Unfit::SameKey(key) => DeltaError::SameKey { table, key }.into(),
                    Unfit::Rows(source) => DeltaError::Arrange { table, source }.into(),
                }
            }),
        }
    }

    async fn ready(&mut self) -> Result<()> {
        let full = self.open.full();
        self.stage(full).await?;
        self.open.ready().await
    }

    fn replaced(&self) -> u64 {
        self.latest.as_ref().map_or(0, Latest::replaced)
    }

    fn close(mut self: Box<Self>) -> BoxFuture<'static, Result<Vec<Staged>>> {
        Box::pin(async move {
            for rows in self.latest.take().into_iter().flat_map(Latest::finish) {
                let failed = |source: ArrowError| DeltaError::Arrange {
                    table: self.files.table(),
                    source: source.into(),
                };
                let rows = rows.map_err(failed)?;
                self.divide(&rows)?;
                self.ready().await?;
            }
            let all = self.open.finish(&mut self.files)?;
            self.stage(all).await?;
            Ok(self.staged)
        })
    }
}
