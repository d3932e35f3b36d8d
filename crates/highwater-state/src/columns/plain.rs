//! Columns of values that all have the same width.

use std::any::Any;

use arrow::array::{Array, ArrayData, ArrayRef};
use arrow::buffer::{Buffer, NullBuffer};
use arrow::datatypes::{ArrowNativeType, DataType};
use arrow::error::ArrowError;

use super::{Pairs, Values, build, reserve};

#[derive(Debug)]
pub(crate) struct Plain<N> {
    pub(crate) values: Vec<N>,
    found: DataType,
}

impl<N> Plain<N> {
    pub(crate) fn new(found: DataType) -> Self {
        Self { values: Vec::new(), found }
    }
}

impl<N: ArrowNativeType> Values for Plain<N> {
    fn grow(&mut self, rows: usize) -> Result<(), ArrowError> {
        reserve(&mut self.values, rows);
        self.values.resize(self.values.len() + rows, N::default());
        Ok(())
    }

    fn expect(&mut self, rows: usize) {
        self.values.reserve_exact(rows);
    }

    fn put(&mut self, pairs: Pairs<'_>, array: &dyn Array) -> Result<(), ArrowError> {
        let data = array.to_data();
        let from = data.buffer::<N>(0);
        for (slot, row) in pairs.iter() {
            if let (Some(to), Some(value)) = (self.values.get_mut(slot), from.get(row)) {
                *to = *value;
            }
        }
        Ok(())
    }

    fn gather(&self, slots: &[u32], nulls: Option<NullBuffer>) -> Result<ArrayRef, ArrowError> {
        let at = |slot: &u32| self.values.get(*slot as usize).copied().unwrap_or_default();
        let values: Vec<N> = slots.iter().map(at).collect();
        let data = ArrayData::builder(self.found.clone()).len(slots.len());
        build(data.add_buffer(Buffer::from_vec(values)).nulls(nulls))
    }

    fn reset(&mut self, slot: u32) {
        if let Some(value) = self.values.get_mut(slot as usize) {
            *value = N::default();
        }
    }

    fn held(&self) -> usize {
        self.values.capacity() * size_of::<N>()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}
