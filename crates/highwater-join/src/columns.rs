//! Which columns come out of a join, and from where.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, UInt32Array};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{Field, Fields, Schema, SchemaRef};

use crate::JoinError;
use crate::kept::Column;
use crate::table::NONE;

/// The columns of joined rows: the key, then the stream's others, then the table's others.
#[derive(Clone, Debug)]
pub(crate) struct Columns {
    schema: SchemaRef,
    /// By their numbers in the stream.
    of_stream: Vec<usize>,
    /// By their numbers in the table.
    of_table: Vec<usize>,
}

/// What becomes of the table's columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Others {
    /// They are left out.
    Left,
    /// They are put behind the stream's.
    Taken,
    /// The same, and may be null.
    Nullable,
}

impl Columns {
    /// The columns of a stream and a table that both have those of the key. Columns of the table that
    /// the stream has too get `suffix` as their ending, if there is one.
    pub(crate) fn try_new(
        (stream, table): (&Schema, &Schema),
        keys: &[String],
        others: Others,
        suffix: Option<&str>,
    ) -> Result<Self, JoinError> {
        let is_key = |field: &Field| keys.contains(field.name());
        let found = |key: &String| Some(stream.column_with_name(key)?.0);
        let mut of_stream: Vec<_> = keys.iter().filter_map(found).collect();
        let rest = stream.fields().iter().enumerate().filter(|(_, field)| !is_key(field));
        of_stream.extend(rest.map(|(place, _)| place));
        let mut fields: Vec<_> = stream.project(&of_stream)?.fields().iter().cloned().collect();

        let there: HashSet<String> = fields.iter().map(|field| field.name().clone()).collect();
        let mut of_table = Vec::new();
        for (place, field) in table.fields().iter().enumerate() {
            if others == Others::Left || is_key(field) {
                continue;
            }
            of_table.push(place);
            let name = match suffix.filter(|_| there.contains(field.name())) {
                Some(suffix) => format!("{}{suffix}", field.name()),
                None => field.name().clone(),
            };
            let nullable = field.is_nullable() || others == Others::Nullable;
            let field = field.as_ref().clone().with_name(name).with_nullable(nullable);
            fields.push(Arc::new(field));
        }
        let mut names = HashSet::new();
        if let Some(twice) = fields.iter().find(|field| !names.insert(field.name().clone())) {
            return Err(JoinError::Clash { column: twice.name().clone() });
        }
        Ok(Self { schema: Arc::new(Schema::new(Fields::from(fields))), of_stream, of_table })
    }

    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The numbers of the columns that a table has to keep.
    pub(crate) fn of_table(&self) -> &[usize] {
        &self.of_table
    }

    /// Joined rows: those of a stream, each with the row of that number of a table, which has the
    /// columns that it has to keep, or with nulls for no row.
    pub(crate) fn join(
        &self,
        stream: &RecordBatch,
        table: &[Column],
        rows: &[u32],
    ) -> Result<RecordBatch, JoinError> {
        let kept = self.of_stream.iter().map(|place| stream.columns().get(*place).cloned());
        let mut columns: Vec<ArrayRef> = kept.collect::<Option<_>>().ok_or(JoinError::Columns)?;
        if !self.of_table.is_empty() {
            columns.extend(rows_of(table, rows)?);
        }
        Ok(RecordBatch::try_new(Arc::clone(&self.schema), columns)?)
    }
}

fn rows_of(table: &[Column], rows: &[u32]) -> Result<Vec<ArrayRef>, JoinError> {
    let found = rows.iter().filter(|row| **row != NONE).count();
    if found == 0 {
        return Ok(table.iter().map(|column| column.nulls(rows.len())).collect());
    }
    let nulls =
        (found < rows.len()).then(|| rows.iter().map(|row| *row != NONE).collect::<NullBuffer>());
    let rows = UInt32Array::new(rows.to_vec().into(), nulls);
    Ok(table.iter().map(|column| column.take(&rows)).collect::<Result<_, _>>()?)
}
