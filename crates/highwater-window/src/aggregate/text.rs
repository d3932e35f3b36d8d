//! The least and the greatest of text and binary, by their bytes.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field};
use highwater_core::Result;

use super::extreme::{Seen, VALUE, Wanted, finish, see, state};
use super::{Accumulators, Aggregate, Input};
use crate::WindowError;

/// The least or the greatest text.
#[derive(Debug)]
pub(crate) struct TextExtreme {
    of: DataType,
    wanted: Wanted,
}

impl TextExtreme {
    /// The extreme of values of a type; none when they are neither text nor binary.
    pub(crate) fn of(of: &DataType, wanted: Wanted) -> Option<Self> {
        use DataType::{Binary, BinaryView, LargeBinary, LargeUtf8, Utf8, Utf8View};
        let takes = matches!(of, Utf8 | LargeUtf8 | Utf8View | Binary | LargeBinary | BinaryView);
        takes.then(|| Self { of: of.clone(), wanted })
    }
}

impl Aggregate for TextExtreme {
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
        let values = cast(input.values()?, &DataType::Binary).map_err(WindowError::Rows)?;
        let values = values.as_binary::<i32>();
        let mut fresh = see(state, input)?.into_iter().peekable();
        for (slot, row) in input.slots.iter().zip(input.rows) {
            let row = *row as usize;
            if row >= values.len() || values.is_null(row) {
                continue;
            }
            let value = values.value(row);
            let first = fresh.next_if_eq(&(*slot as usize)).is_some();
            if first || self.wanted.is(value.cmp(state.bytes(VALUE, *slot)?)) {
                state.set_bytes(VALUE, *slot, value)?;
            }
        }
        Ok(())
    }

    fn merge(&self, state: &mut Accumulators<'_, '_>, other: &Input<'_>) -> Result<()> {
        self.update(state, &Seen::of(other)?.input(other))
    }

    fn finish(&self, state: &[ArrayRef]) -> Result<ArrayRef> {
        finish(state)
    }
}
