//! The state: a group for each pane and key, with what its aggregates keep.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, RecordBatch, StructArray, TimestampMicrosecondArray, UInt32Array,
};
use arrow::datatypes::{
    DataType, Field, Fields, Int64Type, Schema, SchemaRef, TimeUnit, TimestampMicrosecondType,
};
use highwater_core::{Batch, Error, ErrorKind, Name, Result};
use highwater_state::{Keys, RowsMut, Table, TableSpec, Upserted};

use crate::WindowError;
use crate::aggregate::distinct::VALUE;
use crate::aggregate::{Accumulators, Input, Place};
use crate::aggregation::Resolved;
use crate::distinct::DistinctSpec;
use crate::time::{END, START};

/// What groups are made of, and what becomes of them.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    /// The numbers of the grouping columns, and their fields.
    keys: Vec<usize>,
    fields: Vec<Field>,
    aggregates: Vec<Resolved>,
    ends: Ends,
    output: SchemaRef,
}

/// Where windows begin and end.
#[derive(Clone, Debug)]
pub(crate) struct Ends {
    /// The time zone that they are told in.
    pub(crate) zone: Option<Arc<str>>,
    /// How far a window ends behind the last of the times that are kept of it, in microseconds.
    pub(crate) size: i64,
    /// Whether the times of the first and of the last row are kept, and not where the window begins.
    pub(crate) session: bool,
}

/// Rows of a table of groups: their keys, the times that are kept of them, and what aggregates keep.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parts<'a> {
    pub(crate) keys: &'a [ArrayRef],
    pub(crate) times: &'a [ArrayRef],
    pub(crate) state: &'a [ArrayRef],
}

impl Shape {
    /// # Errors
    /// `Invalid` when two columns of the output would have one name.
    pub(crate) fn try_new(
        input: &Schema,
        keys: Vec<usize>,
        aggregates: Vec<Resolved>,
        ends: Ends,
    ) -> Result<Self, WindowError> {
        let fields = keys.iter().filter_map(|key| input.fields().get(*key));
        let fields: Vec<Field> = fields.map(|field| field.as_ref().clone()).collect();
        let window = DataType::Struct(bounds(ends.zone.as_ref()));
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
        Ok(Self { keys, fields, aggregates, ends, output })
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

    /// How many times are kept of a group: they stand before what aggregates keep.
    pub(crate) fn times(&self) -> usize {
        1 + usize::from(self.ends.session)
    }

    /// How far rows of a session may lie apart, in microseconds.
    pub(crate) fn gap(&self) -> i64 {
        self.ends.size
    }

    /// What aggregates keep of a group; `which` tells columns of one table apart.
    fn state(&self, which: &str) -> impl Iterator<Item = Field> {
        let all = self.aggregates.iter().enumerate();
        all.flat_map(move |(number, resolved)| {
            let named = move |field: Field| {
                let name = format!("__{number}_{}{which}", field.name());
                field.with_name(name)
            };
            resolved.aggregate.state().into_iter().map(named)
        })
    }

    /// A table of groups, whose buckets are `width` microseconds long.
    pub(crate) fn groups(&self, width: i64) -> Result<TableSpec> {
        let mut values = vec![Field::new(BEGIN, DataType::Int64, false)];
        if self.ends.session {
            values.push(Field::new(LAST, DataType::Int64, false));
        }
        let goes_by = if self.ends.session { LAST } else { BEGIN };
        values.extend(self.state(""));
        Ok(TableSpec::new(name("groups")?, self.key(), values).with_time(goes_by, width))
    }

    /// How many columns aggregates keep of a group.
    pub(crate) fn width(&self) -> usize {
        self.aggregates.iter().map(|resolved| resolved.width).sum()
    }

    /// A table of groups that are put together from panes: how many of these have a group, and what aggregates keep; each
    /// of all panes, and of those that came since.
    pub(crate) fn sliding(&self) -> Result<TableSpec> {
        let mut values = [PANES, CAME].map(|it| Field::new(it, DataType::Int64, false)).to_vec();
        values.extend(self.state("").chain(self.state(CAME)));
        Ok(TableSpec::new(name("windows")?, self.key(), values))
    }

    /// What counts of different values keep beside groups, in panes of `width` microseconds.
    pub(crate) fn distinct(&self, input: &Schema, width: i64) -> Result<Vec<DistinctSpec>> {
        let (mut all, mut count) = (Vec::new(), 0);
        for (number, resolved) in self.aggregates.iter().enumerate() {
            if resolved.distinct {
                let value = input.fields().get(resolved.column).ok_or(WindowError::Columns)?;
                let mut key = self.key();
                let group = key.len();
                key.push(value.as_ref().clone().with_name(VALUE));
                let values = vec![Field::new(BEGIN, DataType::Int64, false)];
                let values = TableSpec::new(name(&format!("distinct_{number}"))?, key, values);
                let values = values.with_time(BEGIN, width).with_groups_by(group);
                all.push(DistinctSpec { values, column: resolved.column, count });
            }
            count += resolved.width;
        }
        Ok(all)
    }

    /// Whether different values are counted.
    pub(crate) fn counts_distinct(&self) -> bool {
        self.aggregates.iter().any(|resolved| resolved.distinct)
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

    /// Rows of a table of groups.
    pub(crate) fn parts<'a>(&self, rows: &'a RecordBatch) -> Result<Parts<'a>, WindowError> {
        let keys = self.fields.len().max(1);
        let (keys, rest) = rows.columns().split_at_checked(keys).ok_or(WindowError::Columns)?;
        let (times, state) = rest.split_at_checked(self.times()).ok_or(WindowError::Columns)?;
        Ok(Parts { keys, times, state })
    }

    /// The rows that windows become.
    pub(crate) fn finish(&self, groups: Parts<'_>) -> Result<Batch> {
        let Parts { keys, times, state } = groups;
        let Ends { zone, size, .. } = &self.ends;
        let micros = |times: Option<&ArrayRef>| {
            let times = times.and_then(|times| times.as_primitive_opt::<Int64Type>());
            let times = times.ok_or(WindowError::Columns)?;
            Ok::<_, WindowError>(times.reinterpret_cast::<TimestampMicrosecondType>())
        };
        let (start, last) = (micros(times.first())?, micros(times.last())?);
        let end = last.unary::<_, TimestampMicrosecondType>(|it| it.saturating_add(*size));
        let zoned = |times: TimestampMicrosecondArray| -> ArrayRef {
            Arc::new(times.with_timezone_opt(zone.clone()))
        };
        let bounds =
            StructArray::try_new(bounds(zone.as_ref()), vec![zoned(start), zoned(end)], None);
        let mut columns: Vec<ArrayRef> = vec![Arc::new(bounds.map_err(WindowError::Rows)?)];
        columns.extend(keys.iter().take(self.fields.len()).cloned());
        let mut rest = state;
        for Resolved { aggregate, width, shared, .. } in &self.aggregates {
            let (own, behind) = rest.split_at_checked(*width).ok_or(WindowError::Columns)?;
            // One whose count is another's gets that before its own columns: as if it had kept it.
            let count = shared.and_then(|shared| state.get(shared)).cloned();
            let all: Vec<ArrayRef> = count.into_iter().chain(own.iter().cloned()).collect();
            columns.push(aggregate.finish(&all)?);
            rest = behind;
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
        let found = put(table, (bucket, begin), keys, rows)?;
        self.add_rows(&mut table.update(bucket, found.slots())?, (found.slots(), rows), place)?;
        Ok(found)
    }

    /// Adds groups to a bucket of other groups, given what aggregates keep of them.
    pub(crate) fn merge(
        &self,
        table: &mut Table,
        (bucket, begin): (i64, i64),
        (keys, rows): (&Keys, &[u32]),
        state: &[ArrayRef],
    ) -> Result<()> {
        let all: Vec<u32> = (0..).take(rows.len()).collect();
        let found = put(table, (bucket, begin), keys, rows)?;
        let mut groups = table.update(bucket, found.slots())?;
        self.add_groups((&mut groups, self.times()), (found.slots(), &all), state)
    }

    /// Adds rows of a batch to groups.
    pub(crate) fn add_rows(
        &self,
        groups: &mut RowsMut<'_>,
        (slots, rows): (&[u32], &[u32]),
        place: Place<'_>,
    ) -> Result<()> {
        let batch = place.batch.ok_or(WindowError::Columns)?;
        let mut first = self.times();
        for Resolved { aggregate, column, width, .. } in &self.aggregates {
            let columns = batch.rows.columns().get(*column..).unwrap_or_default();
            let input = Input { columns, rows, slots, place };
            aggregate.update(&mut Accumulators { groups, first }, &input)?;
            first += width;
        }
        Ok(())
    }

    /// Adds groups to other groups. What is kept of these begins at some column of theirs.
    pub(crate) fn add_groups(
        &self,
        (groups, mut first): (&mut RowsMut<'_>, usize),
        (slots, rows): (&[u32], &[u32]),
        mut state: &[ArrayRef],
    ) -> Result<()> {
        for Resolved { aggregate, width, .. } in &self.aggregates {
            let (columns, rest) = state.split_at_checked(*width).ok_or(WindowError::Columns)?;
            let other = Input { columns, rows, slots, place: Place::default() };
            aggregate.merge(&mut Accumulators { groups, first }, &other)?;
            (state, first) = (rest, first + width);
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
/// The names of columns of state: where a pane begins, or the first row; the last row; and the key of all rows.
const BEGIN: &str = "__start";
const LAST: &str = "__last";
/// Of groups that are put together: how many panes have them, and how many of those that came since.
const PANES: &str = "__panes";
const CAME: &str = "__came";
const ALL: &str = "__all";
