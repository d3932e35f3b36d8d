//! What an operator sees beside its rows, and where it puts what it has to say.

use std::collections::BTreeMap;

use crate::{
    Batch, Epoch, Error, ErrorKind, Latest, Origin, Output, Port, Result, Timestamp, Watermarks,
};

/// A batch and where it goes.
pub type Emitted = (Output, Batch);

/// Rows that an operator let go by itself in one epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StepCounts {
    /// Those that came too late.
    pub late: u64,
    /// Those that were there before.
    pub duplicates: u64,
}

/// What an operator tells of one epoch beside its rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// Rows that it let go.
    pub counts: StepCounts,
    /// The latest event time in each partition, of a step that declares it.
    pub observed: BTreeMap<Origin, Latest>,
}

/// What an operator sees beside its rows: the epoch, the plan's `now`, how far event time has come,
/// and where to put its output.
#[derive(Debug)]
pub struct Context<'a> {
    moment: Moment,
    sides: usize,
    unchanged: &'a [Port],
    emitted: &'a mut Vec<Emitted>,
    told: &'a mut Told,
}

/// When an operator is called, as far as it may know.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// The epoch.
    pub epoch: Epoch,
    /// The time of day as of the plan, the same for every row of the epoch.
    pub now: Timestamp,
    /// How far event time has come in the inputs together.
    pub watermarks: Watermarks,
}

impl<'a> Context<'a> {
    /// A context for a step with `sides` side outputs, which collects into `emitted` and `told`.
    pub fn new(
        moment: Moment,
        sides: usize,
        emitted: &'a mut Vec<Emitted>,
        told: &'a mut Told,
    ) -> Self {
        Self { moment, sides, unchanged: &[], emitted, told }
    }

    /// The same context, in which these inputs have the rows of the epoch before, which do not come
    /// again.
    #[must_use]
    pub fn with_unchanged(mut self, ports: &'a [Port]) -> Self {
        self.unchanged = ports;
        self
    }

    /// Whether the rows of an input come anew in this epoch, though there may be none. Of a
    /// [table](crate::Resolved::with_table) they do when the instance is new and when the table is
    /// another than in the epoch before; of every other input they always do.
    pub fn is_renewed(&self, port: Port) -> bool {
        !self.unchanged.contains(&port)
    }

    /// The epoch.
    pub fn epoch(&self) -> Epoch {
        self.moment.epoch
    }

    /// The time of day as of the plan, the same for every row of the epoch.
    pub fn now(&self) -> Timestamp {
        self.moment.now
    }

    /// Rows at or before this event time are late. The same for all inputs: it is the least of
    /// theirs.
    pub fn late_before(&self) -> Timestamp {
        self.moment.watermarks.late_before
    }

    /// What has passed once this epoch has ended.
    pub fn watermark(&self) -> Timestamp {
        self.moment.watermarks.watermark
    }

    /// Rows that this step lets go by itself, to be counted up.
    pub fn counts(&mut self) -> &mut StepCounts {
        &mut self.told.counts
    }

    /// Says how far the event time of rows of a partition reaches. Watermarks are made of what steps
    /// that [declare](crate::Resolved::with_watermark) event time observe.
    pub fn observe(&mut self, origin: &Origin, latest: Latest) {
        match self.told.observed.get_mut(origin) {
            Some(before) => *before = before.and(latest),
            None => drop(self.told.observed.insert(origin.clone(), latest)),
        }
    }

    /// Passes a batch on. Batches without rows go nowhere.
    pub fn emit(&mut self, batch: Batch) {
        if !batch.is_empty() {
            self.emitted.push((Output::Main, batch));
        }
    }

    /// Passes a batch to a side output.
    ///
    /// # Errors
    /// `Internal` when the step did not declare that side output: a bug, never a loss.
    pub fn emit_side(&mut self, side: usize, batch: Batch) -> Result<()> {
        if side >= self.sides {
            let undeclared = format!("side output {side} of {} was never declared", self.sides);
            return Err(Error::new(ErrorKind::Internal, "core", undeclared));
        }
        if !batch.is_empty() {
            self.emitted.push((Output::Side(side), batch));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
