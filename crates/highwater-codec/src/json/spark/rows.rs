//! Rows to columns.

use std::sync::Arc;

use arrow::array::{ArrayRef, NullBufferBuilder, StructArray};
use arrow::datatypes::Fields;
use arrow::error::ArrowError;

use super::cast::Cell;
use crate::columns::Column as Declared;
use crate::json::values::{Cells, Value};
use crate::{Columns, Problem, Type};

/// The columns of one level under construction, in their order.
#[derive(Debug)]
pub(super) struct Rows(Vec<Column>);

#[derive(Debug)]
enum Column {
    Values(Cells),
    Struct { nulls: NullBufferBuilder, fields: Fields, rows: Rows },
}

impl Rows {
    /// Columns that have been checked, of a schema in which all may be null.
    pub(super) fn new(columns: &Columns) -> Self {
        let column = |column: &Declared| match (&column.kind, Cells::new(&column.kind)) {
            (Type::Struct(columns), _) => Some(Column::Struct {
                nulls: NullBufferBuilder::new(0),
                fields: columns.optional_fields(),
                rows: Self::new(columns),
            }),
            (_, cells) => cells.map(Column::Values),
        };
        Self(columns.iter().filter_map(column).collect())
    }

    /// Makes room for a batch of `rows` out of records of `bytes` together.
    pub(super) fn reserve(&mut self, rows: usize, bytes: usize) {
        for column in &mut self.0 {
            match column {
                Column::Values(cells) => cells.reserve(rows, bytes),
                Column::Struct { nulls, rows: inner, .. } => {
                    *nulls = NullBufferBuilder::new(rows);
                    inner.reserve(rows, bytes);
                }
            }
        }
    }

    /// Appends a row.
    ///
    /// # Errors
    /// When a column has more text than Arrow holds; some columns may be one row longer then.
    pub(super) fn push(&mut self, row: &[Cell]) -> Result<(), Problem> {
        for (column, cell) in self.0.iter_mut().zip(row) {
            match (column, cell) {
                (Column::Values(cells), cell) => push_value(cells, cell)?,
                (Column::Struct { nulls, rows, .. }, Cell::Struct(row)) => {
                    nulls.append_non_null();
                    rows.push(row)?;
                }
                (Column::Struct { nulls, rows, .. }, _) => {
                    nulls.append_null();
                    rows.push_nulls();
                }
            }
        }
        Ok(())
    }

    fn push_nulls(&mut self) {
        for column in &mut self.0 {
            match column {
                Column::Values(cells) => cells.push_null(),
                Column::Struct { nulls, rows, .. } => {
                    nulls.append_null();
                    rows.push_nulls();
                }
            }
        }
    }

    /// Takes back what follows the first `rows` rows in any column.
    pub(super) fn truncate(&mut self, rows: usize) {
        for column in &mut self.0 {
            match column {
                Column::Values(cells) => cells.truncate(rows),
                Column::Struct { nulls, rows: inner, .. } => {
                    nulls.truncate(rows);
                    inner.truncate(rows);
                }
            }
        }
    }

    /// The columns, leaving them empty.
    pub(super) fn finish(&mut self) -> Result<Vec<ArrayRef>, ArrowError> {
        let finish = |column: &mut Column| match column {
            Column::Values(cells) => cells.finish(),
            Column::Struct { nulls, fields, rows } => {
                let inner = rows.finish()?;
                let array = StructArray::try_new(fields.clone(), inner, nulls.finish())?;
                Ok(Arc::new(array) as ArrayRef)
            }
        };
        self.0.iter_mut().map(finish).collect()
    }
}

fn push_value(cells: &mut Cells, cell: &Cell) -> Result<(), Problem> {
    cells.push_value(match cell {
        Cell::Null | Cell::Struct(_) => {
            cells.push_null();
            return Ok(());
        }
        Cell::Text(text) => Value::Text(text),
        Cell::Int(value) => Value::Int(*value),
        Cell::Long(value) => Value::Long(*value),
        Cell::Double(value) => Value::Double(*value),
        Cell::Boolean(value) => Value::Boolean(*value),
        Cell::Decimal(value) => Value::Decimal(*value),
        Cell::Timestamp(value) => Value::Timestamp(*value),
    })
}
