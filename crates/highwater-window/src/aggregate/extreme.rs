//! The least and the greatest of numbers and times.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, ArrowNativeTypeOp, ArrowPrimitiveType, AsArray, PrimitiveArray,
    downcast_primitive, make_array,
};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::datatypes::{DataType, Field, Float32Type, Float64Type, UInt8Type};
use highwater_core::Result;

use super::{Accumulators, Aggregate, Input};
use crate::WindowError;

/// Which of two values is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    Least,
    Greatest,
}

impl Wanted {
    /// Whether a new value that compares so with the old one takes its place.
    pub(crate) fn is(self, new: Ordering) -> bool {
        match self {
            Self::Least => new == Ordering::Less,
            Self::Greatest => new == Ordering::Greater,
        }
    }
}

/// The least or the greatest value of a type. NaN is above all other floats, and there is one zero, as in Spark.
struct Extreme<T: ArrowPrimitiveType> {
    of: DataType,
    wanted: Wanted,
    /// Makes equal values the same.
    same: fn(T::Native) -> T::Native,
}

/// The extreme of values of a type; none when they are not numbers or times.
pub(crate) fn extreme(of: &DataType, wanted: Wanted) -> Option<Arc<dyn Aggregate>> {
    macro_rules! extreme {
        ($t:ty) => {
            Some(Arc::new(Extreme::<$t> { of: of.clone(), wanted, same: |value| value }))
        };
    }
    match of {
        DataType::Interval(_) | DataType::Float16 => None,
        DataType::Float32 => {
            let same = |value: f32| if value.is_nan() { f32::NAN } else { value + 0.0 };
            Some(Arc::new(Extreme::<Float32Type> { of: of.clone(), wanted, same }))
        }
        DataType::Float64 => {
            let same = |value: f64| if value.is_nan() { f64::NAN } else { value + 0.0 };
            Some(Arc::new(Extreme::<Float64Type> { of: of.clone(), wanted, same }))
        }
        _ => downcast_primitive! {
            of => (extreme),
            _ => None,
        },
    }
}

impl<T: ArrowPrimitiveType> fmt::Debug for Extreme<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}({})", self.wanted, self.of)
    }
}

impl<T: ArrowPrimitiveType> Aggregate for Extreme<T> {
    fn takes(&self, input: &DataType) -> bool {
        *input == self.of
    }

    fn state(&self) -> Vec<Field> {
        state(&self.of)
    }

    fn output(&self) -> DataType {
        self.of.clone()
    }

    fn update(&self, state: &mut Accumulators<'_, '_>, input: &Input<'_>) -> Result<()> {
        let values: &PrimitiveArray<T> =
            input.values()?.as_primitive_opt().ok_or(WindowError::Columns)?;
        let mut fresh = see(state, input)?.into_iter().peekable();
        let (extremes, values) = (state.column::<T>(VALUE)?, values.values());
        input.each(|slot, row| {
            let Some((extreme, value)) = extremes.get_mut(slot).zip(values.get(row)) else {
                return;
            };
            let value = (self.same)(*value);
            let first = fresh.next_if_eq(&slot).is_some();
            if first || self.wanted.is(value.compare(*extreme)) {
                *extreme = value;
            }
        });
        Ok(())
    }

    fn merge(&self, state: &mut Accumulators<'_, '_>, other: &Input<'_>) -> Result<()> {
        self.update(state, &Seen::of(other)?.input(other))
    }

    fn finish(&self, state: &[ArrayRef]) -> Result<ArrayRef> {
        finish(state)
    }
}

/// What is kept of a group: whether there is a value yet, and which.
pub(crate) fn state(of: &DataType) -> Vec<Field> {
    vec![Field::new("seen", DataType::UInt8, false), Field::new("value", of.clone(), false)]
}

/// Marks groups as having a value, and tells which had none, in the order of their first rows.
pub(crate) fn see(state: &mut Accumulators<'_, '_>, input: &Input<'_>) -> Result<Vec<usize>> {
    let mut fresh = Vec::new();
    let seen = state.column::<UInt8Type>(SEEN)?;
    input.each(|slot, _| {
        if let Some(seen) = seen.get_mut(slot).filter(|seen| **seen == 0) {
            *seen = 1;
            fresh.push(slot);
        }
    });
    Ok(fresh)
}

/// Those of other groups that have a value.
pub(crate) struct Seen {
    rows: Vec<u32>,
    slots: Vec<u32>,
}

impl Seen {
    pub(crate) fn of(other: &Input<'_>) -> Result<Self> {
        let seen = other.column(SEEN)?.as_primitive_opt::<UInt8Type>();
        let seen = seen.ok_or(WindowError::Columns)?.values();
        let pairs = other.rows.iter().zip(other.slots);
        let (rows, slots) = pairs.filter(|(row, _)| seen.get(**row as usize) == Some(&1)).unzip();
        Ok(Self { rows, slots })
    }

    /// Their values, as if they were rows.
    pub(crate) fn input<'a>(&'a self, other: &Input<'a>) -> Input<'a> {
        let columns = other.columns.get(VALUE..).unwrap_or_default();
        Input { columns, rows: &self.rows, slots: &self.slots, place: other.place }
    }
}

/// The values of groups that have one.
pub(crate) fn finish(state: &[ArrayRef]) -> Result<ArrayRef> {
    let [seen, values] = state else { return Err(WindowError::Columns.into()) };
    let seen = seen.as_primitive_opt::<UInt8Type>().ok_or(WindowError::Columns)?;
    let valid = BooleanBuffer::collect_bool(seen.len(), |row| seen.value(row) == 1);
    let data = values.to_data().into_builder().nulls(Some(NullBuffer::new(valid)));
    Ok(make_array(data.build().map_err(WindowError::Rows)?))
}

/// The numbers of the columns.
const SEEN: usize = 0;
pub(crate) const VALUE: usize = 1;
