//! Stages the rows of one worker and epoch as data files.

mod files;
mod open;
mod sorter;
mod splitter;

use arrow::array::RecordBatch;
use async_trait::async_trait;
use futures::StreamExt;
use futures::future::BoxFuture;
use highwater_core::{Batch, Failpoint, Failpoints, Result, Staged, Writer, WriterContext};

use crate::error::{Cause, IcebergError};
use crate::layout::TableFiles;
use crate::target::{TableTarget, widen, with_ids};
use files::{Files, Named};
use open::OpenPartitions;
use sorter::Sorter;
use splitter::Splitter;

/// How many files are closed at once.
const CLOSED_AT_ONCE: usize = 8;

/// Divides rows among partitions, sorts them if the table is sorted, and writes the files of each
/// partition one after the other.
pub(crate) struct TableWriter {
    files: Files,
    splitter: Splitter,
    open: OpenPartitions,
    staged: Vec<Staged>,
    failpoints: Failpoints,
}

impl TableWriter {
    /// A writer that needs nothing but the target of the plan, and holds about `memory` bytes of
    /// rows and open files.
    ///
    /// # Errors
    /// `Internal` when that is no target of this sink.
    pub(crate) fn try_new(files: TableFiles, cx: &WriterContext, memory: usize) -> Result<Self> {
        let foreign = |source: Cause| IcebergError::Foreign {
            what: "target",
            sink: cx.sink.to_string(),
            source,
        };
        let target: TableTarget =
            serde_json::from_str(&cx.target.0).map_err(|cause| foreign(cause.into()))?;
        let schema = with_ids(&cx.input.schema, &target.fields)
            .ok_or_else(|| foreign("it has the ids of other columns".into()))?;
        let splitter = Splitter::try_new(&target.fields, &target.partition)
            .ok_or_else(|| foreign("it has a transform that is not known".into()))?;
        let sorter =
            match &target.sort {
                Some(sort) => Some(Sorter::try_new(&target.fields, sort).ok_or_else(|| {
                    foreign("it is sorted by a transform that is not known".into())
                })?),
                None => None,
            };
        Ok(Self {
            files: Files::new(files, cx.clone(), target, schema),
            splitter,
            open: OpenPartitions::new(memory, sorter),
            staged: Vec::new(),
            failpoints: cx.failpoints.clone(),
        })
    }

    fn divide(&mut self, rows: RecordBatch) -> Result<()> {
        let failed = |source: Cause| {
            let table = self.files.table().to_owned();
            IcebergError::Arrange { table, source }
        };
        let rows = widen(rows, self.files.schema()).map_err(|cause| failed(cause.into()))?;
        let divided = self.splitter.divide(rows).map_err(failed)?;
        for group in divided.groups {
            let partition = || self.splitter.partition(&divided.columns, group.first);
            self.open.add(group.key, group.rows, partition, &mut self.files)?;
        }
        Ok(())
    }

    /// Closes files and waits until they are durable.
    async fn stage(&mut self, full: Vec<Named>) -> Result<()> {
        let table = self.files.table();
        let stages: Vec<_> = full.into_iter().map(|file| file.stage(table)).collect();
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
        if batch.is_empty() { Ok(()) } else { self.divide(batch.rows) }
    }

    async fn ready(&mut self) -> Result<()> {
        let full = self.open.full();
        self.stage(full).await?;
        self.open.ready().await
    }

    fn close(mut self: Box<Self>) -> BoxFuture<'static, Result<Vec<Staged>>> {
        Box::pin(async move {
            let all = self.open.finish(&mut self.files)?;
            self.stage(all).await?;
            Ok(self.staged)
        })
    }
}
