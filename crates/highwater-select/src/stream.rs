//! Expressions on streams, and what both steps share while they run.

use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion_common::DFSchema;
use highwater_core::Timestamp;
use highwater_pipeline::Stream;

use crate::compute::{Checked, Computing, Made};
use crate::{Select, SelectError, Where};

/// Steps whose columns and conditions are written in SQL, as those of Spark's `selectExpr` and `filter`.
pub trait Expressions {
    /// Computes a column of each expression: a column, or an expression `AS` a name; `*` is all columns.
    ///
    /// Rows that cannot be computed leave by [`rejected`](Stream::rejected), with their columns as they came in and
    /// a `reason`. Where nobody takes those, they stop the pipeline.
    #[must_use]
    fn select(
        &self,
        name: impl Into<String>,
        expressions: impl IntoIterator<Item = impl Into<String>>,
    ) -> Stream;

    /// Keeps the rows for which a condition is true; null counts as false. Rows that it cannot be computed for leave by
    /// [`rejected`](Stream::rejected).
    #[must_use]
    fn filter_where(&self, name: impl Into<String>, condition: impl Into<String>) -> Stream;
}

impl Expressions for Stream {
    fn select(
        &self,
        name: impl Into<String>,
        expressions: impl IntoIterator<Item = impl Into<String>>,
    ) -> Stream {
        self.apply(name, Select::of(expressions))
    }

    fn filter_where(&self, name: impl Into<String>, condition: impl Into<String>) -> Stream {
        self.apply(name, Where::holds(condition))
    }
}

/// Expressions that are the same throughout an epoch.
#[derive(Debug)]
pub(crate) struct Steady {
    checked: Vec<Checked>,
    schema: Arc<DFSchema>,
    asks_for_now: bool,
    at: Option<(Timestamp, Computing)>,
}

impl Steady {
    /// Expressions over rows of `schema`.
    pub(crate) fn new(checked: Vec<Checked>, schema: Arc<DFSchema>) -> Self {
        let asks_for_now = checked.iter().any(Checked::asks_for_now);
        Self { checked, schema, asks_for_now, at: None }
    }

    /// Begins an epoch.
    pub(crate) fn at(&mut self, now: Timestamp) -> Result<(), SelectError> {
        match &self.at {
            Some((then, _)) if !self.asks_for_now || *then == now => {}
            _ => self.at = Some((now, Computing::try_new(&self.checked, &self.schema, now)?)),
        }
        Ok(())
    }

    /// Computes what can be computed of some rows.
    pub(crate) fn make(&self, rows: &RecordBatch) -> Result<Made, SelectError> {
        match &self.at {
            Some((_, computing)) => computing.make(rows),
            None => Err(SelectError::Compute {
                text: "a batch before the start of its epoch".to_owned(),
                source: "the executor did not begin the epoch".into(),
            }),
        }
    }
}
