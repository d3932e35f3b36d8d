//! The state: a group for each pane and key, with what its aggregates keep.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, RecordBatch, StructArray, TimestampMicrosecondArray, UInt32Array,
};
use arrow::datatypes::{
    DataType, Field, Fields, Int64Type, Schema, SchemaRef, TimeUnit, TimestampMicrosecondType,
};
use highwater_core::{Batch, Error, ErrorKind, Name, Result};
use highwater_state::{Keys, Table, TableSpec, Upserted};

use crate::WindowError;
use crate::aggregate::{Accumulators, Input, Place};
use crate::aggregation::Resolved;
use crate::time::{END, START};

/// What groups are made of, and what becomes of them.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    /// The numbers of the grouping columns, and their fields.
    keys: Vec<usize>,
    fields: Vec<Field>,
    aggregates: Vec<Resolved>,
    zone: Option<Arc<str>>,
    /// How long a window is, in microseconds.
    size: i64,
    output: SchemaRef,
}

impl Shape {
    /// # Errors
    /// `Invalid` when two columns of the output would have one name.
    pub(crate) fn try_new(
        input: &Schema,
        keys: Vec<usize>,
        aggregates: Vec<Resolved>,
        (zone, size): (Option<Arc<str>>, i64),
    ) -> Result<Self, WindowError> {
        let fields = keys.iter().filter_map(|key| input.fields().get(*key));
        let fields: Vec<Field> = fields.map(|field| field.as_ref().clone()).collect();
        let window = DataType::Struct(bounds(zone.as_ref()));
        let mut output = vec![Field::new(WINDOW, window, false)];
        output.extend(fields.iter().cloned());
        output.extend(
            aggregates
                .iter()
                .map(|resolved| Field::new(&resolved.name, resolved.aggregate.output(), true)),
        );
        for (place, field) in output.iter().enumerate() {
            if output.iter().take(place).any(|other| other.name() == field.name()) {
                return Err(WindowError::Twice { column: field.name().clone() });
            }
        }
        let output = Arc::new(Schema::new(output));
        Ok(Self { keys, fields, aggregates, zone, size, output })
    }

    /// The columns of the output.
    pub(crate) fn output(&self) -> &SchemaRef {
        &self.output
    }

    /// The key of a table, which cannot be without any.
    fn key(&self) -> Vec<Field> {
        match self.fields.is_empty() {
            true => vec![Field::new(ALL, DataType::UInt32, false)],
            false => self.fields.clone(),
        }
    }

    /// A table of groups, whose buckets are `width` microseconds long.
    pub(crate) fn groups(&self, width: i64) -> Result<TableSpec> {
        let mut values = vec![Field::new(BEGIN, DataType::Int64, false)];
        for (number, resolved) in self.aggregates.iter().enumerate() {
            let state = resolved.aggregate.state().into_iter();
            values.extend(state.map(|field| {
                let name = format!("__{number}_{}", field.name());
                field.with_name(name)
            }));
        }
        Ok(TableSpec::new(name("groups")?, self.key(), values).with_time(BEGIN, width))
    }

    /// A table of which groups there are, and nothing of them.
    pub(crate) fn marks(&self, width: i64) -> Result<TableSpec> {
        let values = vec![Field::new(BEGIN, DataType::Int64, false)];
        Ok(TableSpec::new(name("marks")?, self.key(), values).with_time(BEGIN, width))
    }

    /// The key columns of rows.
    pub(crate) fn columns(&self, batch: &Batch) -> Result<Vec<ArrayRef>, WindowError> {
        if self.keys.is_empty() {
            return Ok(vec![Arc::new(UInt32Array::from(vec![ALL_KEY; batch.len()]))]);
        }
        let column = |key: &usize| batch.rows.columns().get(*key).cloned();
        self.keys.iter().map(column).collect::<Option<_>>().ok_or(WindowError::Columns)
    }

    /// The key columns of rows of a table, where they begin, and what aggregates keep of them.
    pub(crate) fn parts<'a>(
        &self,
        rows: &'a RecordBatch,
    ) -> Result<(&'a [ArrayRef], &'a ArrayRef, &'a [ArrayRef]), WindowError> {
        let keys = self.fields.len().max(1);
        let (keys, rest) = rows.columns().split_at_checked(keys).ok_or(WindowError::Columns)?;
        let (begin, state) = rest.split_first().ok_or(WindowError::Columns)?;
        Ok((keys, begin, state))
    }

    /// The rows that windows become.
    pub(crate) fn finish(&self, groups: &RecordBatch) -> Result<Batch> {
        let (keys, begin, mut state) = self.parts(groups)?;
        let begin = begin.as_primitive_opt::<Int64Type>().ok_or(WindowError::Columns)?;
        let start = begin.reinterpret_cast::<TimestampMicrosecondType>();
        let end = start.unary::<_, TimestampMicrosecondType>(|it| it.saturating_add(self.size));
        let zoned = |times: TimestampMicrosecondArray| -> ArrayRef {
            Arc::new(times.with_timezone_opt(self.zone.clone()))
        };
        let bounds =
            StructArray::try_new(bounds(self.zone.as_ref()), vec![zoned(start), zoned(end)], None);
        let mut columns: Vec<ArrayRef> = vec![Arc::new(bounds.map_err(WindowError::Rows)?)];
        columns.extend(keys.iter().take(self.fields.len()).cloned());
        for Resolved { aggregate, .. } in &self.aggregates {
            let own = aggregate.state().len();
            let (own, rest) = state.split_at_checked(own).ok_or(WindowError::Columns)?;
            columns.push(aggregate.finish(own)?);
            state = rest;
        }
        let rows = RecordBatch::try_new(Arc::clone(&self.output), columns);
        Ok(rows.map_err(WindowError::Rows)?.into())
    }

    /// Adds rows of a batch to a bucket of groups.
    pub(crate) fn update(
        &self,
        table: &mut Table,
        (bucket, begin): (i64, i64),
        (keys, rows): (&Keys, &[u32]),
        place: Place<'_>,
    ) -> Result<Upserted> {
        let batch = place.batch.ok_or(WindowError::Columns)?;
        let found = put(table, (bucket, begin), keys, rows)?;
        let slots = found.slots();
        let mut groups = table.update(bucket, slots)?;
        let mut first = FIRST;
        for Resolved { aggregate, column, .. } in &self.aggregates {
            let columns = batch.rows.columns().get(*column..).unwrap_or_default();
            let input = Input { columns, rows, slots, place };
            aggregate.update(&mut Accumulators { groups: &mut groups, first }, &input)?;
            first += aggregate.state().len();
        }
        Ok(found)
    }

    /// Adds groups to a bucket of other groups, given what aggregates keep of them.
    pub(crate) fn merge(
        &self,
        table: &mut Table,
        (bucket, begin): (i64, i64),
        (keys, rows): (&Keys, &[u32]),
        mut state: &[ArrayRef],
    ) -> Result<()> {
        let all: Vec<u32> = (0..).take(rows.len()).collect();
        let found = put(table, (bucket, begin), keys, rows)?;
        let slots = found.slots();
        let mut groups = table.update(bucket, slots)?;
        let mut first = FIRST;
        for Resolved { aggregate, .. } in &self.aggregates {
            let own = aggregate.state().len();
            let (columns, rest) = state.split_at_checked(own).ok_or(WindowError::Columns)?;
            let other = Input { columns, rows: &all, slots, place: Place::default() };
            aggregate.merge(&mut Accumulators { groups: &mut groups, first }, &other)?;
            (state, first) = (rest, first + own);
        }
        Ok(())
    }
}

/// Finds the rows of keys in a bucket, or adds them.
pub(crate) fn put(
    table: &mut Table,
    (bucket, begin): (i64, i64),
    keys: &Keys,
    rows: &[u32],
) -> Result<Upserted> {
    let found = table.upsert(keys, bucket, rows)?;
    if found.is_new().contains(&true) {
        let mut groups = table.update(bucket, &[])?;
        let begins = groups.column::<Int64Type>(0)?;
        for (slot, _) in found.slots().iter().zip(found.is_new()).filter(|(_, new)| **new) {
            if let Some(to) = begins.get_mut(*slot as usize) {
                *to = begin;
            }
        }
    }
    Ok(found)
}

fn bounds(zone: Option<&Arc<str>>) -> Fields {
    let time = DataType::Timestamp(TimeUnit::Microsecond, zone.cloned());
    Fields::from(vec![Field::new(START, time.clone(), false), Field::new(END, time, false)])
}

fn name(text: &str) -> Result<Name> {
    text.parse().map_err(|error| Error::new(ErrorKind::Internal, "window", error))
}

/// The key of all rows, where there are no grouping columns.
const ALL_KEY: u32 = 0;
/// The name of the column of windows.
pub(crate) const WINDOW: &str = "window";
/// The number of the first value column of what aggregates keep.
const FIRST: usize = 1;
/// The names of columns of state: where a pane begins, and the key of all rows.
const BEGIN: &str = "__start";
const ALL: &str = "__all";
