//! One worker's part of a sink in one epoch.

use std::fmt;

use highwater_core::{
    Batch, EpochPlan, Failpoint, Failpoints, Name, Result, Writer, WriterContext,
};

use super::{bug, to_u64};
use crate::accounting::Done;
use crate::executor::Job;
use crate::graph::{NodeId, NodeKind};

/// A writer with the count of its rows.
pub struct Writing {
    sink: Name,
    rows: u64,
    writer: Box<dyn Writer>,
    failpoints: Failpoints,
}

impl Writing {
    /// A writer of the sink at `node` for the rows of one worker, to be made at their first batch.
    ///
    /// # Errors
    /// What the sink reports.
    pub fn open(job: &Job, node: NodeId, plan: &EpochPlan, worker: usize) -> Result<Self> {
        let found = job.plan.graph().node(node).ok_or_else(|| bug("a reader is no node"))?;
        let NodeKind::Sink { sink, input, .. } = &found.kind else {
            return Err(bug("rows reached a source"));
        };
        let target = plan.targets.get(&found.name).ok_or_else(|| bug("a sink has no target"))?;
        let writer = sink.writer(&WriterContext {
            sink: found.name.clone(),
            input: input.clone(),
            run: job.run.clone(),
            epoch: plan.epoch,
            worker,
            target: target.clone(),
            failpoints: job.failpoints.clone(),
        })?;
        let failpoints = job.failpoints.clone();
        Ok(Self { sink: found.name.clone(), rows: 0, writer, failpoints })
    }

    /// Encodes rows.
    ///
    /// # Errors
    /// What the writer reports.
    pub fn write(&mut self, batch: Batch) -> Result<()> {
        self.rows += to_u64(batch.len());
        self.writer.write(batch)?;
        self.failpoints.hit(Failpoint::BatchWritten)
    }

    /// Waits until no more is waiting for its upload than the writer may keep in memory.
    ///
    /// # Errors
    /// What the writer reports.
    pub async fn ready(&mut self) -> Result<()> {
        self.writer.ready().await
    }

    /// Closes the files and waits until they are durable.
    ///
    /// # Errors
    /// What the writer reports.
    pub async fn close(self) -> Result<Done> {
        let rows = self.rows.saturating_sub(self.writer.replaced());
        let staged = self.writer.close().await?;
        Ok(Done::Written { sink: self.sink, rows, staged })
    }
}

impl fmt::Debug for Writing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writing")
            .field("sink", &self.sink)
            .field("rows", &self.rows)
            .finish_non_exhaustive()
    }
}
