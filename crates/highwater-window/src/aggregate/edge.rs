//! The first and the last value, by event time.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Field, Int64Type, UInt8Type};
use highwater_core::Result;

use super::extreme::Wanted;
use super::{Accumulators, Aggregate, Input};
use crate::WindowError;

/// The value of the first or the last row, null or not. Rows of one event time go by source, partition and
/// offset: no two have all of these in common.
#[derive(Debug)]
pub(crate) struct Edge {
    of: DataType,
    wanted: Wanted,
}

/// Where a row stands among all others.
type Rank<'a> = (i64, &'a [u8], i64);

impl Edge {
    /// The first value of a type, or the last one; none when no state can hold it.
    pub(crate) fn of(of: &DataType, wanted: Wanted) -> Option<Self> {
        let holds = of.is_primitive() || *of == DataType::Boolean || {
            use DataType::{Binary, BinaryView, LargeBinary, LargeUtf8, Utf8, Utf8View};
            matches!(of, Utf8 | LargeUtf8 | Utf8View | Binary | LargeBinary | BinaryView)
        };
        holds.then(|| Self { of: of.clone(), wanted })
    }

    /// Puts a row in the place of that of its group, if it is the wanted one of both.
    fn put(&self, state: &mut Accumulators<'_, '_>, slot: u32, rank: Rank<'_>) -> Result<bool> {
        let at = slot as usize;
        let (time, origin, offset) = rank;
        if state.column::<UInt8Type>(SEEN)?.get(at) == Some(&1) {
            let old_time = state.column::<Int64Type>(TIME)?.get(at).copied().unwrap_or_default();
            let old_offset =
                state.column::<Int64Type>(OFFSET)?.get(at).copied().unwrap_or_default();
            let by = time.cmp(&old_time).then(origin.cmp(state.bytes(ORIGIN, slot)?));
            if !self.wanted.is(by.then(offset.cmp(&old_offset))) {
                return Ok(false);
            }
        }
        set::<UInt8Type>(state, SEEN, at, 1)?;
        set::<Int64Type>(state, TIME, at, time)?;
        set::<Int64Type>(state, OFFSET, at, offset)?;
        if state.bytes(ORIGIN, slot)? != origin {
            state.set_bytes(ORIGIN, slot, origin)?;
        }
        Ok(true)
    }

    /// Puts rows of which `rank` tells the rank into their groups, with their values.
    fn put_all<'r>(
        &self,
        state: &mut Accumulators<'_, '_>,
        input: &Input<'_>,
        values: &ArrayRef,
        rank: impl Fn(usize) -> Option<Rank<'r>>,
    ) -> Result<()> {
        let (mut slots, mut rows) = (Vec::new(), Vec::new());
        for (slot, row) in input.slots.iter().zip(input.rows) {
            let rank = rank(*row as usize).ok_or(WindowError::Columns)?;
            if self.put(state, *slot, rank)? {
                slots.push(*slot);
                rows.push(*row);
            }
        }
        // One behind the other: of two rows of a group the later counts.
        state.fill(VALUE, &slots, values, &rows)
    }
}

fn set<T: arrow::datatypes::ArrowPrimitiveType>(
    state: &mut Accumulators<'_, '_>,
    column: usize,
    at: usize,
    to: T::Native,
) -> Result<()> {
    if let Some(value) = state.column::<T>(column)?.get_mut(at) {
        *value = to;
    }
    Ok(())
}

impl Aggregate for Edge {
    fn takes(&self, input: &DataType) -> bool {
        *input == self.of
    }

    fn state(&self) -> Vec<Field> {
        vec![
            Field::new("seen", DataType::UInt8, false),
            Field::new("time", DataType::Int64, false),
            Field::new("origin", DataType::Utf8, false),
            Field::new("offset", DataType::Int64, false),
            Field::new("value", self.of.clone(), true),
        ]
    }

    fn output(&self) -> DataType {
        self.of.clone()
    }

    fn update(&self, state: &mut Accumulators<'_, '_>, input: &Input<'_>) -> Result<()> {
        let rows = input.rows.len();
        let unplaced = |what| WindowError::Unplaced { rows, what };
        let batch = input.place.batch.ok_or(WindowError::Columns)?;
        let origin = batch.origin.as_ref().ok_or_else(|| unplaced("source and partition"))?;
        let offsets = batch.offsets.as_ref().ok_or_else(|| unplaced("offsets"))?;
        let (origin, times) = (origin.to_string(), input.place.times);
        let rank = |row: usize| Some((*times.get(row)?, origin.as_bytes(), offsets.at(row)?));
        self.put_all(state, input, input.values()?, rank)
    }

    fn merge(&self, state: &mut Accumulators<'_, '_>, other: &Input<'_>) -> Result<()> {
        let times = other.column(TIME)?.as_primitive_opt::<Int64Type>();
        let offsets = other.column(OFFSET)?.as_primitive_opt::<Int64Type>();
        let (times, offsets) = times.zip(offsets).ok_or(WindowError::Columns)?;
        let origins = other.column(ORIGIN)?.as_string_opt::<i32>().ok_or(WindowError::Columns)?;
        let rank = |row: usize| {
            let origin = (row < origins.len()).then(|| origins.value(row).as_bytes())?;
            Some((*times.values().get(row)?, origin, *offsets.values().get(row)?))
        };
        self.put_all(state, other, other.column(VALUE)?, rank)
    }

    fn finish(&self, state: &[ArrayRef]) -> Result<ArrayRef> {
        Ok(Arc::clone(state.get(VALUE).ok_or(WindowError::Columns)?))
    }
}

/// The numbers of the columns.
const SEEN: usize = 0;
const TIME: usize = 1;
const ORIGIN: usize = 2;
const OFFSET: usize = 3;
const VALUE: usize = 4;
