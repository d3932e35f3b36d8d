//! Expressions over batches: those rows that can be computed, and why the others cannot.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, new_empty_array};
use arrow::compute::concat;
use arrow::datatypes::{DataType, Decimal128Type, Field, FieldRef, SchemaRef};
use datafusion_common::tree_node::{Transformed, TreeNode};
use datafusion_common::{DFSchema, DataFusionError};
use datafusion_expr::execution_props::ExecutionProps;
use datafusion_expr::expr::Cast;
use datafusion_expr::{Expr, ExprSchemable};
use datafusion_physical_expr::expressions::BinaryExpr;
use datafusion_physical_expr::{PhysicalExpr, create_physical_expr};
use highwater_core::Timestamp;
use sqlparser::tokenizer::Span;

use crate::own;
use crate::translate::message;
use crate::{Excerpt, SelectError};

/// Why one row cannot be computed.
pub(crate) type Fault = (u32, String);

/// One expression, as it was checked.
#[derive(Clone, Debug)]
pub(crate) struct Checked {
    /// What it was made of.
    text: String,
    expr: Expr,
    field: FieldRef,
}

impl Checked {
    /// Checks that an expression gives a column of a type that tables have, and that it can be computed at all.
    pub(crate) fn try_new(
        text: &str,
        expr: Expr,
        name: &str,
        schema: &DFSchema,
    ) -> Result<Self, SelectError> {
        let misfit =
            |what: String| SelectError::Type { what, at: Excerpt::new(text, Span::empty()) };
        let said = |error: DataFusionError| misfit(message(&error));
        let (_, field) = expr.to_field(schema).map_err(said)?;
        let (expr, field) = match (field.data_type(), &expr) {
            (DataType::Null, _) => {
                return Err(misfit("null alone has no type".to_owned()));
            }
            // A column stays as it is, with whatever is noted of it.
            (_, Expr::Column(_)) => (expr, field.as_ref().clone().with_name(name)),
            (DataType::Utf8View, _) => {
                let field = Field::new(name, DataType::Utf8, field.is_nullable());
                (Expr::Cast(Cast::new(Box::new(expr), DataType::Utf8)), field)
            }
            (found, _) => {
                let field = Field::new(name, found.clone(), field.is_nullable());
                (expr, field)
            }
        };
        let checked = Self { text: text.to_owned(), expr, field: Arc::new(field) };
        let computing = Computing::try_new(std::slice::from_ref(&checked), schema, Timestamp(0))?;
        let none = RecordBatch::new_empty(Arc::clone(schema.inner()));
        computing.evaluate(&none).map_err(|(_, reason)| misfit(reason))?;
        Ok(checked)
    }

    /// The column that it gives.
    pub(crate) fn field(&self) -> &FieldRef {
        &self.field
    }

    /// Whether it asks for the time of the plan.
    pub(crate) fn asks_for_now(&self) -> bool {
        own::asks_for_now(&self.expr).unwrap_or(true)
    }
}

/// Expressions ready to be computed, at one time.
#[derive(Debug)]
pub(crate) struct Computing {
    columns: Vec<Computed>,
}

#[derive(Debug)]
struct Computed {
    text: String,
    expr: Arc<dyn PhysicalExpr>,
    found: DataType,
}

/// What is made of the rows of a batch.
#[derive(Debug)]
pub(crate) struct Made {
    /// The columns of those rows that can be computed, in their order.
    pub(crate) columns: Vec<ArrayRef>,
    /// The other rows, in their order.
    pub(crate) faults: Vec<Fault>,
}

impl Computing {
    /// Makes expressions ready, with `now` written into them.
    ///
    /// # Errors
    /// [`SelectError::Compute`], which what was checked does not give.
    pub(crate) fn try_new(
        checked: &[Checked],
        schema: &DFSchema,
        now: Timestamp,
    ) -> Result<Self, SelectError> {
        let one = |checked: &Checked| {
            let expr = own::at(checked.expr.clone(), now)
                .and_then(|expr| create_physical_expr(&expr, schema, &ExecutionProps::new()))
                .and_then(checking_overflow);
            let text = checked.text.clone();
            match expr {
                Ok(expr) => Ok(Computed { text, expr, found: checked.field.data_type().clone() }),
                Err(error) => Err(SelectError::Compute { text, source: Box::new(error) }),
            }
        };
        Ok(Self { columns: checked.iter().map(one).collect::<Result<_, _>>()? })
    }

    /// Computes all rows that can be, and finds those that cannot.
    ///
    /// # Errors
    /// [`SelectError::Rows`] when columns cannot be put together.
    pub(crate) fn make(&self, rows: &RecordBatch) -> Result<Made, SelectError> {
        let mut pieces = Pieces::default();
        self.halve(rows, 0, &mut pieces);
        let Pieces { mut sound, faults } = pieces;
        if sound.len() == 1
            && let Some(columns) = sound.pop()
        {
            return Ok(Made { columns, faults });
        }
        let column = |(place, of): (usize, &Computed)| {
            let parts = sound.iter().filter_map(|columns| columns.get(place));
            let parts: Vec<&dyn Array> = parts.map(|column| &**column).collect();
            match &*parts {
                [] => Ok(new_empty_array(&of.found)),
                parts => concat(parts),
            }
        };
        let columns = self.columns.iter().enumerate().map(column);
        Ok(Made { columns: columns.collect::<Result<_, _>>()?, faults })
    }

    /// Rows that cannot be computed together are halved until those are left that cannot be alone. So what becomes of
    /// a row never depends on the others.
    fn halve(&self, rows: &RecordBatch, from: u32, pieces: &mut Pieces) {
        let count = rows.num_rows();
        match self.evaluate(rows) {
            Ok(columns) => pieces.sound.push(columns),
            Err((text, reason)) if count <= 1 => {
                pieces.faults.push((from, format!("{text}: {reason}")));
            }
            Err(_) => {
                let half = count / 2;
                self.halve(&rows.slice(0, half), from, pieces);
                let next = from.saturating_add(u32::try_from(half).unwrap_or(u32::MAX));
                self.halve(&rows.slice(half, count - half), next, pieces);
            }
        }
    }

    /// All columns; or the text of one that fails, and why it does.
    fn evaluate(&self, rows: &RecordBatch) -> Result<Vec<ArrayRef>, (&str, String)> {
        let mut made = Vec::with_capacity(self.columns.len());
        for column in &self.columns {
            // Kernels are pure, so one that panics leaves nothing behind.
            let one = catch_unwind(AssertUnwindSafe(|| column.evaluate(rows)));
            let one = one.unwrap_or_else(|_panic| Err("it panicked".to_owned()));
            made.push(one.map_err(|reason| (&*column.text, reason))?);
        }
        Ok(made)
    }
}

#[derive(Default)]
struct Pieces {
    sound: Vec<Vec<ArrayRef>>,
    faults: Vec<Fault>,
}

impl Computed {
    fn evaluate(&self, rows: &RecordBatch) -> Result<ArrayRef, String> {
        let made = self.expr.evaluate(rows).and_then(|made| made.into_array(rows.num_rows()));
        let made = made.map_err(|error| message(&error))?;
        if *made.data_type() != self.found {
            return Err(format!("it gave {}, and not {}", made.data_type(), self.found));
        }
        // Sums and products of decimals are checked against their bytes alone.
        if let DataType::Decimal128(precision, _) = self.found {
            let made = made.as_primitive::<Decimal128Type>();
            made.validate_decimal_precision(precision).map_err(|error| error.to_string())?;
        }
        Ok(made)
    }
}

/// The same expression, whose sums, differences and products of integers fail where they would wrap.
fn checking_overflow(
    expr: Arc<dyn PhysicalExpr>,
) -> Result<Arc<dyn PhysicalExpr>, DataFusionError> {
    let checked = expr.transform_up(|part| {
        Ok(match part.downcast_ref::<BinaryExpr>() {
            Some(found) => {
                let checked: Arc<dyn PhysicalExpr> =
                    Arc::new(found.clone().with_fail_on_overflow(true));
                Transformed::yes(checked)
            }
            None => Transformed::no(part),
        })
    });
    Ok(checked?.data)
}

/// What DataFusion knows of a schema.
///
/// # Errors
/// [`SelectError::Doubled`] when two columns have one name.
pub(crate) fn known(schema: &SchemaRef) -> Result<DFSchema, SelectError> {
    let mut names = BTreeSet::new();
    for field in schema.fields() {
        if !names.insert(field.name()) {
            return Err(SelectError::Doubled { column: field.name().clone() });
        }
    }
    DFSchema::try_from(Arc::clone(schema)).map_err(|error| SelectError::Compute {
        text: "the columns of the stream".to_owned(),
        source: Box::new(error),
    })
}

#[cfg(test)]
mod tests;
