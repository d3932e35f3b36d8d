//! Columns of booleans.

use std::any::Any;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::error::ArrowError;

use super::{Bits, Pairs, Values};

#[derive(Debug, Default)]
pub(crate) struct Bools(pub(crate) Bits);

impl Values for Bools {
    fn grow(&mut self, rows: usize) -> Result<(), ArrowError> {
        self.0.grow(rows);
        Ok(())
    }

    fn put(&mut self, pairs: Pairs<'_>, array: &dyn Array) -> Result<(), ArrowError> {
        let values = array.as_boolean().values();
        for (slot, row) in pairs.iter() {
            self.0.set(slot, row < values.len() && values.value(row));
        }
        Ok(())
    }

    fn gather(&self, slots: &[u32], nulls: Option<NullBuffer>) -> Result<ArrayRef, ArrowError> {
        let bits = BooleanBuffer::collect_bool(slots.len(), |row| {
            slots.get(row).is_some_and(|slot| self.0.at(*slot as usize))
        });
        Ok(std::sync::Arc::new(BooleanArray::new(bits, nulls)))
    }

    fn reset(&mut self, slot: u32) {
        self.0.set(slot as usize, false);
    }

    fn held(&self) -> usize {
        self.0.held()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}
