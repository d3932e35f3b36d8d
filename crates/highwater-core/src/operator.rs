//! The contract of an operator: a validated description, and the synchronous instances it makes.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arrow::datatypes::{Field, SchemaRef};
use serde::Serialize;

use crate::{Batch, Context, Name, Result, StateReader, StateWriter};

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

    /// Writes what of the state has changed since the last save of [`StateWriter::level`]. Called
    /// once behind everything else of an epoch, of steps that [keep](Resolved::with_state) state.
    ///
    /// # Errors
    /// As [`on_batch`](Self::on_batch).
    fn save(&mut self, _state: &mut StateWriter) -> Result<()> {
        Ok(())
    }

    /// Takes the state up that was saved, by any number of workers, if there is any. Called once before
    /// the first batch, of steps that keep state.
    ///
    /// # Errors
    /// `Corrupt` when a byte of it has changed, `Refused` when it is of another step.
    fn restore(&mut self, _state: &StateReader) -> Result<()> {
        Ok(())
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
    /// The column of the event time, if a watermark was declared on one.
    pub time: Option<String>,
}

impl StreamInfo {
    /// A stream of rows of `schema`.
    pub fn new(schema: SchemaRef) -> Self {
        Self { schema, time: None }
    }

    /// The same stream, whose event time stands in this column.
    #[must_use]
    pub fn with_time(mut self, column: impl Into<String>) -> Self {
        self.time = Some(column.into());
        self
    }

    /// What becomes of this stream when each row gets columns of `schema` in place of its own: the
    /// event time stays if a column of its name and type does.
    #[must_use]
    pub fn with_columns(&self, schema: SchemaRef) -> Self {
        let same = |column: &&String| {
            let was = self.schema.field_with_name(column).ok();
            let is = schema.field_with_name(column).ok();
            was.map(Field::data_type) == is.map(Field::data_type)
        };
        let time = self.time.as_ref().filter(same).cloned();
        Self { schema, time }
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

/// An output beside the main one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Side {
    /// Its name, such as `rejected`.
    pub name: Name,
    /// What it carries.
    pub info: StreamInfo,
    /// What becomes of its rows when nothing reads it.
    pub unread: Unread,
}

/// What becomes of the rows of a side output that nothing reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unread {
    /// They stop the pipeline: they would be lost without a trace.
    Stops,
    /// They are dropped. The step [counts](Context::counts) them.
    Dropped,
}

/// Why the state of a step cannot grow for ever.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum StateBound {
    /// Rows go so many microseconds after the watermark has passed their time.
    Time {
        /// How long after.
        micros: i64,
    },
    /// One row for each key, and whoever wrote the pipeline has said that there are not too many.
    Keys,
}

/// A step that fits its inputs.
#[derive(Clone)]
pub struct Resolved {
    output: StreamInfo,
    sides: Vec<Side>,
    routing: Routing,
    routings: Vec<(Port, Routing)>,
    holds: Vec<(Port, i64)>,
    state: Option<StateBound>,
    watermark: Option<Duration>,
    build: Build,
}

type Build = Arc<dyn Fn() -> Result<Box<dyn Operator>> + Send + Sync>;

impl Resolved {
    /// A step with rows of `output`, whose instances are made by `build`, one per worker.
    pub fn new(
        output: StreamInfo,
        build: impl Fn() -> Result<Box<dyn Operator>> + Send + Sync + 'static,
    ) -> Self {
        let build = Arc::new(build);
        let (sides, holds) = (Vec::new(), Vec::new());
        let (routing, routings) = (Routing::Local, Vec::new());
        Self { output, sides, routing, routings, holds, state: None, watermark: None, build }
    }

    /// The same step with one more output beside the main one.
    #[must_use]
    pub fn with_side(mut self, name: Name, info: StreamInfo, unread: Unread) -> Self {
        self.sides.push(Side { name, info, unread });
        self
    }

    /// The same step, whose output may lie so many microseconds behind the watermark of an input.
    #[must_use]
    pub fn with_hold(mut self, port: Port, micros: i64) -> Self {
        self.holds.push((port, micros));
        self
    }

    /// The same step, which keeps state from epoch to epoch within this bound.
    #[must_use]
    pub fn with_state(mut self, bound: StateBound) -> Self {
        self.state = Some(bound);
        self
    }

    /// The same step with its inputs routed differently: all that no routing [of their
    /// own](Self::with_port_routing) is given for.
    #[must_use]
    pub fn with_routing(mut self, routing: Routing) -> Self {
        self.routing = routing;
        self
    }

    /// The same step with one input routed in a way of its own, such as by a key whose columns have
    /// other names there.
    #[must_use]
    pub fn with_port_routing(mut self, port: Port, routing: Routing) -> Self {
        self.routings.retain(|(routed, _)| *routed != port);
        self.routings.push((port, routing));
        self
    }

    /// The same step, from which on event time counts: its watermark lies so far behind the latest
    /// time that it [observes](Context::observe).
    #[must_use]
    pub fn with_watermark(mut self, delay: Duration) -> Self {
        self.watermark = Some(delay);
        self
    }

    /// The main output.
    pub fn output(&self) -> &StreamInfo {
        &self.output
    }

    /// The declared side outputs, in the order of [`Output::Side`].
    pub fn sides(&self) -> &[Side] {
        &self.sides
    }

    /// How many microseconds the output may lie behind the watermark of an input.
    pub fn hold(&self, port: Port) -> i64 {
        let hold = self.holds.iter().find(|(held, _)| *held == port);
        hold.map_or(0, |(_, micros)| *micros)
    }

    /// The bound of the state that the step keeps; none when it keeps none.
    pub fn state(&self) -> Option<&StateBound> {
        self.state.as_ref()
    }

    /// How rows of inputs find their worker that are not routed in a way of their own.
    pub fn routing(&self) -> &Routing {
        &self.routing
    }

    /// How the rows of an input find their worker.
    pub fn routing_of(&self, port: Port) -> &Routing {
        let own = self.routings.iter().find(|(routed, _)| *routed == port);
        own.map_or(&self.routing, |(_, routing)| routing)
    }

    /// How far the watermark lies behind the latest time; none when the step declares no event time.
    pub fn watermark(&self) -> Option<Duration> {
        self.watermark
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

#[cfg(test)]
mod tests;
