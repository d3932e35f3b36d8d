//! Keeps the rows for which a condition in SQL holds.
//!
//! # Contract
//! One input. Rows for which the condition is true go on as they came, in their order; false and null take a row out.
//! A row that the condition cannot be computed for leaves by the output `rejected`, with its columns and a `reason`.
//!
//! # Time
//! Event time stays. `now()` and `current_date()` are those of the plan.
//!
//! # State
//! None.
//!
//! # Recovery
//! As of [`Select`](crate::Select).
//!
//! # Example
//! ```
//! use highwater_select::Where;
//!
//! let large = Where::holds("value > 10 AND event_type <> 'test'");
//! # let _ = large;
//! ```
//!
//! # Source
//! Spark 4.1 with `spark.sql.ansi.enabled=true`, `DataFrame.filter`.

use std::sync::Arc;

use arrow::array::AsArray;
use highwater_core::{
    Batch, Context, Description, Flow, Operator, OperatorSpec, Port, Resolved, Result, StreamInfo,
};

use crate::SelectError;
use crate::compute::{Checked, known};
use crate::parse::condition;
use crate::rejecting::Rejecting;
use crate::stream::Steady;
use crate::translate::Translator;

/// A step that keeps the rows for which a condition holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Where {
    text: String,
}

impl Where {
    /// Keeps rows for which this is true.
    pub fn holds(condition: impl Into<String>) -> Self {
        Self { text: condition.into() }
    }
}

impl OperatorSpec for Where {
    fn describe(&self) -> Description {
        Description { kind: "where", settings: self.text.clone(), version: 0 }
    }

    fn resolve(&self, inputs: &[StreamInfo]) -> Result<Resolved> {
        let [input] = inputs else {
            return Err(SelectError::Inputs { found: inputs.len() }.into());
        };
        let schema = Arc::new(known(&input.schema)?);
        let parsed = condition(&self.text)?;
        let expr = Translator::new(&self.text, &schema).truth(&parsed)?;
        let checked = Checked::try_new(&self.text, expr, "condition", &schema)?;
        let rejecting = Rejecting::new(&input.schema);
        let side = rejecting.clone();
        let build = move || -> Result<Box<dyn Operator>> {
            let steady = Steady::new(vec![checked.clone()], Arc::clone(&schema));
            Ok(Box::new(Keeping { steady, rejecting: side.clone() }))
        };
        rejecting.declared(Resolved::new(input.clone(), build))
    }
}

struct Keeping {
    steady: Steady,
    rejecting: Rejecting,
}

impl Operator for Keeping {
    fn on_epoch_start(&mut self, cx: &mut Context<'_>) -> Result<()> {
        Ok(self.steady.at(cx.now())?)
    }

    fn on_batch(&mut self, _port: Port, batch: Batch, cx: &mut Context<'_>) -> Result<Flow> {
        let made = self.steady.make(&batch.rows)?;
        let sound = self.rejecting.split(&batch, &made.faults, cx)?;
        if let Some(holds) = made.columns.first() {
            cx.emit(sound.filter(holds.as_boolean()).map_err(SelectError::from)?);
        }
        Ok(Flow::Done)
    }
}

#[cfg(test)]
mod tests;
