//! How many rows there are, or how many values that are not null.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray};
use arrow::datatypes::{DataType, Field, Int64Type};
use highwater_core::Result;

use super::{Accumulators, Aggregate, Input};
use crate::WindowError;

/// Whether an aggregate keeps a count of its own, as the first column of its state. Where another one counts the
/// same, that is handed to it when it is finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OwnCount {
    Yes,
    No,
}

impl OwnCount {
    /// What an aggregate keeps besides, behind the count if it has one.
    pub(crate) fn and(self, others: impl IntoIterator<Item = Field>) -> Vec<Field> {
        let count = (self == Self::Yes).then(|| Field::new("n", DataType::Int64, false));
        count.into_iter().chain(others).collect()
    }

    /// The number of the first column behind the count.
    pub(crate) fn behind(self) -> usize {
        usize::from(self == Self::Yes)
    }

    /// Counts rows, unless another aggregate does.
    pub(crate) fn update(self, state: &mut Accumulators<'_, '_>, input: &Input<'_>) -> Result<()> {
        if self == Self::Yes { count(state, input) } else { Ok(()) }
    }

    /// Adds the counts of other groups, unless another aggregate does.
    pub(crate) fn merge(self, state: &mut Accumulators<'_, '_>, other: &Input<'_>) -> Result<()> {
        if self == Self::Yes { add(state, other) } else { Ok(()) }
    }
}

/// Counts values that are not null. Rows are counted by a column that never is.
#[derive(Debug)]
pub(crate) struct Count(pub(crate) OwnCount);

impl Aggregate for Count {
    fn takes(&self, _input: &DataType) -> bool {
        true
    }

    fn state(&self) -> Vec<Field> {
        self.0.and([])
    }

    fn output(&self) -> DataType {
        DataType::Int64
    }

    fn update(&self, state: &mut Accumulators<'_, '_>, input: &Input<'_>) -> Result<()> {
        self.0.update(state, input)
    }

    fn merge(&self, state: &mut Accumulators<'_, '_>, other: &Input<'_>) -> Result<()> {
        self.0.merge(state, other)
    }

    fn finish(&self, state: &[ArrayRef]) -> Result<ArrayRef> {
        Ok(Arc::clone(state.first().ok_or(WindowError::Columns)?))
    }
}

/// Adds 1 for each value that is not null, to the first column of the state.
fn count(state: &mut Accumulators<'_, '_>, input: &Input<'_>) -> Result<()> {
    let counts = state.column::<Int64Type>(0)?;
    input.each(|slot, _| {
        if let Some(count) = counts.get_mut(slot) {
            *count += 1;
        }
    });
    Ok(())
}

/// Adds the first column of other groups to the first of the state.
pub(crate) fn add(state: &mut Accumulators<'_, '_>, other: &Input<'_>) -> Result<()> {
    let more = other.column(0)?.as_primitive_opt::<Int64Type>().ok_or(WindowError::Columns)?;
    let counts = state.column::<Int64Type>(0)?;
    other.each(|slot, row| {
        if let Some((count, more)) = counts.get_mut(slot).zip(more.values().get(row)) {
            *count += more;
        }
    });
    Ok(())
}
