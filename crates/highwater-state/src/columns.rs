//! Value columns of rows in memory: typed, growing, changed in place.

use std::any::Any;
use std::fmt;

use arrow::array::{Array, ArrayRef, downcast_primitive, make_array};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::datatypes::{ArrowPrimitiveType, DataType, FieldRef};
use arrow::error::ArrowError;

mod bits;
mod bools;
mod bytes;
mod plain;

pub(crate) use bits::Bits;
pub(crate) use bools::Bools;
pub(crate) use bytes::Bytes;
pub(crate) use plain::Plain;

/// Values of one type, by row.
pub(crate) trait Values: Any + Send + fmt::Debug {
    /// Adds so many rows of zeros, or of nothing.
    fn grow(&mut self, rows: usize) -> Result<(), ArrowError>;

    /// Makes room for so many rows, as far as it is known how much one takes.
    fn expect(&mut self, _rows: usize) {}

    /// Sets each slot to the value of the row beside it. The array is of the type of the column.
    fn put(&mut self, pairs: Pairs<'_>, array: &dyn Array) -> Result<(), ArrowError>;

    /// The values of some slots, in this order.
    fn gather(&self, slots: &[u32], nulls: Option<NullBuffer>) -> Result<ArrayRef, ArrowError>;

    /// Sets a slot to zero, or to nothing.
    fn reset(&mut self, slot: u32);

    /// Bytes that it takes.
    fn held(&self) -> usize;

    fn as_any(&self) -> &dyn Any;

    fn as_any_mut(&mut self) -> &mut dyn Any;
}

/// Slots, and the rows of an array that go there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pairs<'a> {
    pub(crate) slots: &'a [u32],
    pub(crate) rows: &'a [u32],
}

impl<'a> Pairs<'a> {
    fn iter(self) -> impl Iterator<Item = (usize, usize)> + 'a {
        self.slots.iter().zip(self.rows).map(|(slot, row)| (*slot as usize, *row as usize))
    }
}

/// A column of values with its nulls.
#[derive(Debug)]
pub(crate) struct ValueColumn {
    pub(crate) valid: Option<Bits>,
    pub(crate) values: Box<dyn Values>,
}

impl ValueColumn {
    /// Whether there are columns of a type.
    pub(crate) fn holds(found: &DataType) -> bool {
        values(found).is_some()
    }

    /// An empty column; none when [`holds`](Self::holds) says no.
    pub(crate) fn new(field: &FieldRef) -> Option<Self> {
        let values = values(field.data_type())?;
        Some(Self { valid: field.is_nullable().then(Bits::default), values })
    }

    /// Adds rows: null where the column has nulls, else zero or empty.
    pub(crate) fn grow(&mut self, rows: usize) -> Result<(), ArrowError> {
        if let Some(valid) = &mut self.valid {
            valid.grow(rows);
        }
        self.values.grow(rows)
    }

    pub(crate) fn expect(&mut self, rows: usize) {
        self.values.expect(rows);
    }

    pub(crate) fn put(&mut self, pairs: Pairs<'_>, array: &ArrayRef) -> Result<(), ArrowError> {
        if let Some(valid) = &mut self.valid {
            for (slot, row) in pairs.iter() {
                valid.set(slot, array.is_valid(row));
            }
        }
        self.values.put(pairs, array.as_ref())
    }

    pub(crate) fn reset(&mut self, slot: u32) {
        if let Some(valid) = &mut self.valid {
            valid.set(slot as usize, false);
        }
        self.values.reset(slot);
    }

    pub(crate) fn gather(&self, slots: &[u32]) -> Result<ArrayRef, ArrowError> {
        let nulls = self.valid.as_ref().map(|valid| {
            NullBuffer::new(BooleanBuffer::collect_bool(slots.len(), |row| {
                slots.get(row).is_some_and(|slot| valid.at(*slot as usize))
            }))
        });
        self.values.gather(slots, nulls.filter(|nulls| nulls.null_count() > 0))
    }

    pub(crate) fn held(&self) -> usize {
        self.values.held() + self.valid.as_ref().map_or(0, Bits::held)
    }
}

fn values(found: &DataType) -> Option<Box<dyn Values>> {
    macro_rules! plain {
        ($t:ty) => {
            Some(Box::new(Plain::<<$t as ArrowPrimitiveType>::Native>::new(found.clone())))
        };
    }
    downcast_primitive! {
        found => (plain),
        DataType::Boolean => Some(Box::<Bools>::default()),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View
        | DataType::Binary | DataType::LargeBinary | DataType::BinaryView
        | DataType::FixedSizeBinary(_) => Some(Box::new(Bytes::new(found.clone()))),
        _ => None,
    }
}

/// Room for `more`, an eighth ahead: of what doubling leaves idle, hardly any does. The system moves large vectors
/// without copying them.
pub(crate) fn reserve<T>(vec: &mut Vec<T>, more: usize) {
    const FEWEST: usize = 64;
    if vec.capacity() - vec.len() < more {
        vec.reserve_exact(more.max(vec.len() / 8).max(FEWEST));
    }
}

fn build(data: arrow::array::ArrayDataBuilder) -> Result<ArrayRef, ArrowError> {
    Ok(make_array(data.align_buffers(true).build()?))
}

#[cfg(test)]
mod tests;
