//! How many different values there are.

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, Field, Schema};
use highwater_core::{KeyGroups, Result};

use super::{Accumulators, Aggregate, Input, count};
use crate::WindowError;

/// The number of different values, which [`Distinct`](crate::distinct::Distinct) tells: rows alone do not say which
/// values were there before.
#[derive(Debug)]
pub(crate) struct CountDistinct {
    of: DataType,
}

impl CountDistinct {
    /// The count of values of a type; none when they have no bytes that are the same everywhere.
    pub(crate) fn of(of: &DataType) -> Option<Self> {
        let schema = Schema::new(vec![Field::new(VALUE, of.clone(), true)]);
        let is_key = KeyGroups::try_new(&schema, &[VALUE.to_owned()]).is_ok();
        is_key.then(|| Self { of: of.clone() })
    }
}

impl Aggregate for CountDistinct {
    fn takes(&self, input: &DataType) -> bool {
        *input == self.of
    }

    fn state(&self) -> Vec<Field> {
        vec![Field::new("n", DataType::Int64, false)]
    }

    fn output(&self) -> DataType {
        DataType::Int64
    }

    fn update(&self, _state: &mut Accumulators<'_, '_>, _input: &Input<'_>) -> Result<()> {
        Ok(())
    }

    /// Right for the groups of one pane; of several the values are united.
    fn merge(&self, state: &mut Accumulators<'_, '_>, other: &Input<'_>) -> Result<()> {
        count::add(state, other)
    }

    fn finish(&self, state: &[ArrayRef]) -> Result<ArrayRef> {
        Ok(Arc::clone(state.first().ok_or(WindowError::Columns)?))
    }
}

/// The name of the column of values among the keys of the state.
pub(crate) const VALUE: &str = "__value";
