//! Sums and averages of floats, the same in any order.

use std::hint::black_box;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float64Array, PrimitiveArray};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Decimal256Type, Field, Float32Type, Float64Type, Int64Type, i256,
};
use highwater_core::Result;

use super::count::OwnCount;
use super::{Accumulators, Aggregate, Input};
use crate::WindowError;
use crate::digits::Digits;

/// The sum or the average of floats, in [`Digits`] and rounded once.
#[derive(Debug)]
pub(crate) struct FloatSum {
    of: DataType,
    average: bool,
    own: OwnCount,
}

impl FloatSum {
    /// The sum of values of a type; none when they are not floats.
    pub(crate) fn of(of: &DataType, average: bool, own: OwnCount) -> Option<Self> {
        let takes = matches!(of, DataType::Float32 | DataType::Float64);
        takes.then(|| Self { of: of.clone(), average, own })
    }

    fn add<T>(&self, state: &mut Accumulators<'_, '_>, input: &Input<'_>) -> Result<()>
    where
        T: ArrowPrimitiveType,
        T::Native: Into<f64>,
    {
        let values: &PrimitiveArray<T> =
            input.values()?.as_primitive_opt().ok_or(WindowError::Columns)?;
        change(self.sums(state)?, input, |digits, row| {
            if let Some(value) = values.values().get(row) {
                digits.add((*value).into());
            }
        });
        Ok(())
    }

    fn sums<'a>(&self, state: &'a mut Accumulators<'_, '_>) -> Result<&'a mut [i256]> {
        state.column::<Decimal256Type>(self.own.behind())
    }
}

/// Changes the digits of the group of each row. Where there are no more groups than rows, digits are unpacked
/// once for each group, and not for each row.
fn change(sums: &mut [i256], input: &Input<'_>, mut with: impl FnMut(&mut Digits, usize)) {
    if sums.len() <= input.rows().len() {
        let mut all: Vec<Digits> = sums.iter().map(|sum| Digits::unpack(*sum)).collect();
        input.each(|slot, row| {
            if let Some(digits) = all.get_mut(slot) {
                with(digits, row);
            }
        });
        // Those of other groups are what they were, bit by bit.
        sums.iter_mut().zip(all).for_each(|(sum, digits)| *sum = digits.pack());
        return;
    }
    for few in input.chunks(NEAR) {
        // To work on a sum takes so long that no processor looks for the next one meanwhile. To read them all
        // before brings them near, and the waits overlap.
        let near = few.slots().iter().filter_map(|slot| sums.get(*slot as usize));
        let parts = near.map(|sum| sum.to_parts());
        black_box(parts.fold(0, |all, (low, high)| all ^ low ^ high.cast_unsigned()));
        few.each(|slot, row| {
            if let Some(sum) = sums.get_mut(slot) {
                let mut digits = Digits::unpack(*sum);
                with(&mut digits, row);
                *sum = digits.pack();
            }
        });
    }
}

impl Aggregate for FloatSum {
    fn takes(&self, input: &DataType) -> bool {
        *input == self.of
    }

    fn state(&self) -> Vec<Field> {
        self.own.and([Field::new("sum", DataType::Decimal256(76, 0), false)])
    }

    fn output(&self) -> DataType {
        DataType::Float64
    }

    fn update(&self, state: &mut Accumulators<'_, '_>, input: &Input<'_>) -> Result<()> {
        self.own.update(state, input)?;
        match self.of {
            DataType::Float32 => self.add::<Float32Type>(state, input),
            _ => self.add::<Float64Type>(state, input),
        }
    }

    fn merge(&self, state: &mut Accumulators<'_, '_>, other: &Input<'_>) -> Result<()> {
        self.own.merge(state, other)?;
        let sums = other.column(self.own.behind())?.as_primitive_opt::<Decimal256Type>();
        let sums = sums.ok_or(WindowError::Columns)?;
        change(self.sums(state)?, other, |digits, row| {
            if let Some(sum) = sums.values().get(row) {
                digits.merge(Digits::unpack(*sum));
            }
        });
        Ok(())
    }

    fn finish(&self, state: &[ArrayRef]) -> Result<ArrayRef> {
        let [counts, sums] = state else { return Err(WindowError::Columns.into()) };
        let counts = counts.as_primitive_opt::<Int64Type>().ok_or(WindowError::Columns)?.values();
        let sums = sums.as_primitive_opt::<Decimal256Type>().ok_or(WindowError::Columns)?.values();
        let results = counts.iter().zip(sums.iter()).map(|(count, sum)| {
            let sum = (*count > 0).then(|| Digits::unpack(*sum).value());
            sum.map(|sum| if self.average { sum / *count as f64 } else { sum })
        });
        Ok(Arc::new(results.collect::<Float64Array>()))
    }
}

/// So many sums lie in the nearest cache.
const NEAR: usize = 64;
