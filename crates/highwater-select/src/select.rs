//! Computes columns by SQL expressions.
//!
//! # Contract
//! One input. Each expression gives a column, `*` those of the input, and each row one row, in its order. A row that
//! some expression cannot be computed for leaves by the output `rejected`, with the columns that it came with and a
//! `reason`, which names the expression; what becomes of a row never depends on the others. A column that is passed on keeps its type
//! and whether it may be null.
//!
//! # Time
//! Event time stays if its column does. `now()` and `current_date()` are those of the plan.
//!
//! # State
//! None.
//!
//! # Recovery
//! Expressions give the same for the same rows and the same plan, so an epoch that runs again makes the same rows.
//!
//! # Example
//! ```
//! use std::sync::Arc;
//!
//! use highwater_core::arrow::array::{ArrayRef, RecordBatch, StringArray};
//! use highwater_core::{
//!     Context, Epoch, Moment, OperatorSpec, Port, StreamInfo, Timestamp, Watermarks,
//! };
//! use highwater_select::Select;
//!
//! let values: ArrayRef = Arc::new(StringArray::from(vec!["1.50", "much"]));
//! let rows = RecordBatch::try_from_iter([("value", values)])?;
//!
//! let select = Select::of(["CAST(value AS DECIMAL(18,2)) AS value"]);
//! let mut operator = select.resolve(&[StreamInfo::new(rows.schema())])?.build()?;
//!
//! let moment = Moment { epoch: Epoch(0), now: Timestamp(0), watermarks: Watermarks::UNKNOWN };
//! let (mut emitted, mut told) = (Vec::new(), Default::default());
//! let mut cx = Context::new(moment, 1, &mut emitted, &mut told);
//! operator.on_epoch_start(&mut cx)?;
//! let _ = operator.on_batch(Port(0), rows.into(), &mut cx)?;
//!
//! let (rejected, computed) = (&emitted[0].1, &emitted[1].1);
//! assert_eq!((rejected.len(), computed.len()), (1, 1));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Source
//! Spark 4.1 with `spark.sql.ansi.enabled=true`, `DataFrame.selectExpr`; `docs/semantics/select.md` says what differs.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use datafusion_common::DFSchema;
use datafusion_expr::Expr;
use highwater_core::{
    Batch, Context, Description, Flow, Operator, OperatorSpec, Port, Resolved, Result, StreamInfo,
};
use sqlparser::ast;
use sqlparser::tokenizer::Span;

use crate::compute::{Checked, known};
use crate::parse::{Item, item};
use crate::rejecting::Rejecting;
use crate::stream::Steady;
use crate::translate::Translator;
use crate::{Excerpt, SelectError};

/// A step that computes columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Select {
    texts: Vec<String>,
}

impl Select {
    /// A column of each of these texts, such as `event_id` or `upper(event_type) AS type`; `*` is all columns, and
    /// `* EXCEPT (a, b)` all but those.
    pub fn of(expressions: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { texts: expressions.into_iter().map(Into::into).collect() }
    }

    fn check(&self, schema: &DFSchema) -> Result<Vec<Checked>, SelectError> {
        let mut columns = Columns { schema, checked: Vec::new(), names: BTreeSet::new() };
        for text in &self.texts {
            columns.add(text)?;
        }
        if columns.checked.is_empty() {
            return Err(SelectError::Empty);
        }
        Ok(columns.checked)
    }
}

impl OperatorSpec for Select {
    fn describe(&self) -> Description {
        Description { kind: "select", settings: self.texts.join(", "), version: 0 }
    }

    fn resolve(&self, inputs: &[StreamInfo]) -> Result<Resolved> {
        let [input] = inputs else {
            return Err(SelectError::Inputs { found: inputs.len() }.into());
        };
        let schema = Arc::new(known(&input.schema)?);
        let checked = self.check(&schema)?;
        let fields: Vec<_> = checked.iter().map(|column| Arc::clone(column.field())).collect();
        let output: SchemaRef = Arc::new(Schema::new(fields));
        let info = input.with_columns(Arc::clone(&output));
        let rejecting = Rejecting::new(&input.schema);
        let side = rejecting.clone();
        let build = move || -> Result<Box<dyn Operator>> {
            let steady = Steady::new(checked.clone(), Arc::clone(&schema));
            let (output, rejecting) = (Arc::clone(&output), side.clone());
            Ok(Box::new(Selecting { steady, output, rejecting }))
        };
        rejecting.declared(Resolved::new(info, build))
    }
}

/// The columns of a select, one after the other.
struct Columns<'a> {
    schema: &'a DFSchema,
    checked: Vec<Checked>,
    names: BTreeSet<String>,
}

impl Columns<'_> {
    fn add(&mut self, text: &str) -> Result<(), SelectError> {
        let mut translator = Translator::new(text, self.schema);
        let (expr, name) = match item(text)? {
            Item::All(exceptions) => {
                let exceptions = exceptions.iter().map(|name| translator.column(name));
                let exceptions = exceptions.collect::<Result<BTreeSet<_>, _>>()?;
                return self.add_all(text, &exceptions);
            }
            Item::One(expr, name) => (*expr, name),
        };
        let made = translator.expr(&expr)?;
        let name = match (name, &expr, &made) {
            (Some(name), ..) => name.value,
            // A column keeps its own name, whichever case it is written in; so does a field.
            (None, _, Expr::Column(column)) => column.name.clone(),
            (None, ast::Expr::CompoundIdentifier(parts), _) => {
                parts.last().map(|part| part.value.clone()).unwrap_or_default()
            }
            _ => return Err(SelectError::Unnamed { at: Excerpt::new(text, Span::empty()) }),
        };
        self.push(text, made, &name)
    }

    fn add_all(&mut self, text: &str, exceptions: &BTreeSet<usize>) -> Result<(), SelectError> {
        for (place, column) in self.schema.columns().into_iter().enumerate() {
            if !exceptions.contains(&place) {
                let name = column.name.clone();
                self.push(text, Expr::Column(column), &name)?;
            }
        }
        Ok(())
    }

    fn push(&mut self, text: &str, expr: Expr, name: &str) -> Result<(), SelectError> {
        if !self.names.insert(name.to_owned()) {
            let at = Excerpt::new(text, Span::empty());
            return Err(SelectError::Twice { column: name.to_owned(), at });
        }
        self.checked.push(Checked::try_new(text, expr, name, self.schema)?);
        Ok(())
    }
}

struct Selecting {
    steady: Steady,
    output: SchemaRef,
    rejecting: Rejecting,
}

impl Operator for Selecting {
    fn on_epoch_start(&mut self, cx: &mut Context<'_>) -> Result<()> {
        Ok(self.steady.at(cx.now())?)
    }

    fn on_batch(&mut self, _port: Port, batch: Batch, cx: &mut Context<'_>) -> Result<Flow> {
        let made = self.steady.make(&batch.rows)?;
        let sound = self.rejecting.split(&batch, &made.faults, cx)?;
        let rows = RecordBatch::try_new(Arc::clone(&self.output), made.columns);
        cx.emit(sound.with_columns(rows.map_err(SelectError::from)?));
        Ok(Flow::Done)
    }
}

#[cfg(test)]
mod tests;
