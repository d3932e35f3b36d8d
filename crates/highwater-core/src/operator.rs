//! The contract of an operator: a validated description, and the synchronous instances it makes.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use serde::Serialize;

use crate::{Batch, Epoch, Error, ErrorKind, Name, Result, Timestamp};

/// One running instance of a step on one worker.
///
/// Synchronous: no I/O, no clock, no randomness. What it depends on comes with the batch or stands
/// in the [`Context`], so the same epoch gives the same rows whoever runs it.
pub trait Operator {
    /// Takes rows of the current epoch. The batches of an epoch come in any order.
    ///
    /// # Errors
    /// Any error ends the run before something of this epoch is committed. A row that does not fit
    /// goes to a side output instead.
    fn on_batch(&mut self, port: Port, batch: Batch, cx: &mut Context<'_>) -> Result<Flow>;

    /// Called once after the last batch of every port.
    ///
    /// # Errors
    /// As [`on_batch`](Self::on_batch).
    fn on_epoch_end(&mut self, _cx: &mut Context<'_>) -> Result<Flow> {
        Ok(Flow::Done)
    }

    /// Called again and again while the last answer was [`Flow::More`], so that no operator has to
    /// emit without bounds.
    ///
    /// # Errors
    /// As [`on_batch`](Self::on_batch).
    fn more(&mut self, _cx: &mut Context<'_>) -> Result<Flow> {
        Ok(Flow::Done)
    }
}

/// A step of a pipeline, before it runs.
pub trait OperatorSpec: Send + Sync {
    /// What tells this step from another; part of the pipeline's fingerprint.
    fn describe(&self) -> Description;

    /// Checks the inputs and finds the columns.
    ///
    /// # Errors
    /// `Invalid` when the step cannot take these inputs.
    fn resolve(&self, inputs: &[StreamInfo]) -> Result<Resolved>;
}

/// What a step is, for `explain` and for the fingerprint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Description {
    /// What kind of step, such as `map`.
    pub kind: &'static str,
    /// Its settings in words, such as `by transaction_id within 1 h`.
    pub settings: String,
    /// Raised by users when the meaning of a closure changes.
    pub version: u32,
}

/// A stream as the next step sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamInfo {
    /// The columns.
    pub schema: SchemaRef,
}

impl StreamInfo {
    /// A stream of rows of `schema`.
    pub fn new(schema: SchemaRef) -> Self {
        Self { schema }
    }
}

/// How the rows of an input find their worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Routing {
    /// They stay where they are.
    Local,
    /// Rows with equal values in these columns meet on one worker; see [`KeyGroups`](crate::KeyGroups).
    ByKey(Vec<String>),
    /// All of them on one worker.
    Single,
}

/// A step that fits its inputs.
#[derive(Clone)]
pub struct Resolved {
    output: StreamInfo,
    sides: Vec<(Name, StreamInfo)>,
    routing: Routing,
    build: Build,
}

type Build = Arc<dyn Fn() -> Result<Box<dyn Operator>> + Send + Sync>;

impl Resolved {
    /// A step with rows of `output`, whose instances are made by `build`, one per worker.
    pub fn new(
        output: StreamInfo,
        build: impl Fn() -> Result<Box<dyn Operator>> + Send + Sync + 'static,
    ) -> Self {
        Self { output, sides: Vec::new(), routing: Routing::Local, build: Arc::new(build) }
    }

    /// The same step with one more output beside the main one.
    #[must_use]
    pub fn with_side(mut self, name: Name, info: StreamInfo) -> Self {
        self.sides.push((name, info));
        self
    }

    /// The same step with its inputs routed differently.
    #[must_use]
    pub fn with_routing(mut self, routing: Routing) -> Self {
        self.routing = routing;
        self
    }

    /// The main output.
    pub fn output(&self) -> &StreamInfo {
        &self.output
    }

    /// The declared side outputs, in the order of [`Output::Side`].
    pub fn sides(&self) -> &[(Name, StreamInfo)] {
        &self.sides
    }

    /// How input rows find their worker.
    pub fn routing(&self) -> &Routing {
        &self.routing
    }

    /// Makes an instance for one worker.
    ///
    /// # Errors
    /// Whatever the step reports.
    pub fn build(&self) -> Result<Box<dyn Operator>> {
        (self.build)()
    }
}

impl fmt::Debug for Resolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolved")
            .field("output", &self.output)
            .field("sides", &self.sides)
            .field("routing", &self.routing)
            .finish_non_exhaustive()
    }
}

/// The number of an input, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Port(pub usize);

/// An output of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Output {
    /// The main one.
    Main,
    /// A side output, counted from 0 in the order of their declaration.
    Side(usize),
}

/// Whether an operator has more to emit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Flow {
    /// Everything it has for now is emitted.
    Done,
    /// Call [`Operator::more`] once the emitted batches are on their way.
    More,
}

/// A batch and where it goes.
pub type Emitted = (Output, Batch);

/// What an operator sees beside its rows: the epoch, the plan's `now`, and where to put its output.
#[derive(Debug)]
pub struct Context<'a> {
    epoch: Epoch,
    now: Timestamp,
    sides: usize,
    emitted: &'a mut Vec<Emitted>,
}

impl<'a> Context<'a> {
    /// A context for a step with `sides` side outputs, which collects into `emitted`.
    pub fn new(epoch: Epoch, now: Timestamp, sides: usize, emitted: &'a mut Vec<Emitted>) -> Self {
        Self { epoch, now, sides, emitted }
    }

    /// The epoch.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// The time of day as of the plan, the same for every row of the epoch.
    pub fn now(&self) -> Timestamp {
        self.now
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
