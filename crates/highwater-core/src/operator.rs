//! The contract of an operator: a validated description, and the synchronous instances it makes.

use arrow::datatypes::{Field, SchemaRef};
use serde::Serialize;

use crate::{Batch, Context, Resolved, Result, StateReader, StateWriter};

/// One running instance of a step on one worker.
///
/// Synchronous: no I/O, no clock, no randomness. What it depends on comes with the batch or stands
/// in the [`Context`], so the same epoch gives the same rows whoever runs it.
pub trait Operator {
    /// Called once before everything else of an epoch, also of one without rows.
    ///
    /// # Errors
    /// As [`on_batch`](Self::on_batch).
    fn on_epoch_start(&mut self, _cx: &mut Context<'_>) -> Result<()> {
        Ok(())
    }

    /// Takes rows of the current epoch. The batches of an epoch come in any order, except that those of
    /// [tables](Resolved::with_table) come first.
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
