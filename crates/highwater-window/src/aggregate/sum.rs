//! Sums and averages of integers and decimals: exact, and so the same in any order.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, ArrowPrimitiveType, AsArray, Decimal128Array, Float64Array, Int64Array,
};
use arrow::datatypes::{
    DECIMAL128_MAX_PRECISION, DECIMAL128_MAX_SCALE, DataType, Decimal128Type, Decimal256Type,
    Field, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type,
    UInt64Type, i256,
};
use highwater_core::Result;

use super::count::OwnCount;
use super::{Accumulators, Aggregate, Input};
use crate::WindowError;

/// By how many digits a sum may be longer than what it is of, as in Spark.
const LONGER: u8 = 10;
/// How many digits of an average of decimals stand behind those of its values, as in Spark.
const FINER: u8 = 4;

/// The sum or the average of integers or decimals.
///
/// A sum takes 128 bits, or 256 of decimals so long that ten more digits would not fit. What then does not fit
/// into the type of the result is null.
#[derive(Debug)]
pub(crate) struct Sum {
    of: DataType,
    average: bool,
    own: OwnCount,
}

impl Sum {
    /// The sum of values of a type; none when it has none.
    pub(crate) fn of(of: &DataType, average: bool, own: OwnCount) -> Option<Self> {
        let takes = of.is_integer() || matches!(of, DataType::Decimal128(_, scale) if *scale >= 0);
        takes.then(|| Self { of: of.clone(), average, own })
    }

    /// Whether 128 bits might not do.
    fn is_wide(&self) -> bool {
        matches!(self.of, DataType::Decimal128(precision, _)
            if precision.saturating_add(LONGER) > DECIMAL128_MAX_PRECISION)
    }

    fn add<T>(&self, state: &mut Accumulators<'_, '_>, input: &Input<'_>) -> Result<()>
    where
        T: ArrowPrimitiveType,
        T::Native: Into<i128>,
    {
        let values = input.values()?.as_primitive_opt::<T>().ok_or(WindowError::Columns)?.values();
        if self.is_wide() {
            let sums = state.column::<Decimal256Type>(self.own.behind())?;
            input.each(|slot, row| {
                if let Some((sum, value)) = sums.get_mut(slot).zip(values.get(row)) {
                    *sum = sum.wrapping_add(i256::from_i128((*value).into()));
                }
            });
        } else {
            let sums = state.column::<Decimal128Type>(self.own.behind())?;
            input.each(|slot, row| {
                if let Some((sum, value)) = sums.get_mut(slot).zip(values.get(row)) {
                    *sum = sum.wrapping_add((*value).into());
                }
            });
        }
        Ok(())
    }

    /// The sums of groups, nothing for those without a value, and how many values they are of.
    fn sums(&self, state: &[ArrayRef]) -> Result<Vec<Option<(i256, i64)>>, WindowError> {
        let [counts, sums] = state else { return Err(WindowError::Columns) };
        let counts = counts.as_primitive_opt::<Int64Type>().ok_or(WindowError::Columns)?.values();
        let some = |(count, sum): (&i64, i256)| (*count > 0).then_some((sum, *count));
        Ok(if self.is_wide() {
            let sums = sums.as_primitive_opt::<Decimal256Type>().ok_or(WindowError::Columns)?;
            counts.iter().zip(sums.values().iter().copied()).map(some).collect()
        } else {
            let sums = sums.as_primitive_opt::<Decimal128Type>().ok_or(WindowError::Columns)?;
            let sums = sums.values().iter().map(|sum| i256::from_i128(*sum));
            counts.iter().zip(sums).map(some).collect()
        })
    }
}

impl Aggregate for Sum {
    fn takes(&self, input: &DataType) -> bool {
        *input == self.of
    }

    fn state(&self) -> Vec<Field> {
        let sum = match self.is_wide() {
            true => DataType::Decimal256(76, 0),
            false => DataType::Decimal128(DECIMAL128_MAX_PRECISION, 0),
        };
        self.own.and([Field::new("sum", sum, false)])
    }

    /// `Source:` Spark 4.1, `Sum` and `Average`.
    fn output(&self) -> DataType {
        match (&self.of, self.average) {
            (DataType::Decimal128(precision, scale), false) => {
                let precision = precision.saturating_add(LONGER).min(DECIMAL128_MAX_PRECISION);
                DataType::Decimal128(precision, *scale)
            }
            (DataType::Decimal128(precision, scale), true) => {
                let precision = precision.saturating_add(FINER).min(DECIMAL128_MAX_PRECISION);
                DataType::Decimal128(precision, finer(*scale))
            }
            (_, false) => DataType::Int64,
            (_, true) => DataType::Float64,
        }
    }

    fn update(&self, state: &mut Accumulators<'_, '_>, input: &Input<'_>) -> Result<()> {
        self.own.update(state, input)?;
        match self.of {
            DataType::Int8 => self.add::<Int8Type>(state, input),
            DataType::Int16 => self.add::<Int16Type>(state, input),
            DataType::Int32 => self.add::<Int32Type>(state, input),
            DataType::Int64 => self.add::<Int64Type>(state, input),
            DataType::UInt8 => self.add::<UInt8Type>(state, input),
            DataType::UInt16 => self.add::<UInt16Type>(state, input),
            DataType::UInt32 => self.add::<UInt32Type>(state, input),
            DataType::UInt64 => self.add::<UInt64Type>(state, input),
            _ => self.add::<Decimal128Type>(state, input),
        }
    }

    fn merge(&self, state: &mut Accumulators<'_, '_>, other: &Input<'_>) -> Result<()> {
        self.own.merge(state, other)?;
        let more = other.column(self.own.behind())?;
        if self.is_wide() {
            let more = more.as_primitive_opt::<Decimal256Type>().ok_or(WindowError::Columns)?;
            let sums = state.column::<Decimal256Type>(self.own.behind())?;
            other.each(|slot, row| {
                if let Some((sum, more)) = sums.get_mut(slot).zip(more.values().get(row)) {
                    *sum = sum.wrapping_add(*more);
                }
            });
        } else {
            let more = more.as_primitive_opt::<Decimal128Type>().ok_or(WindowError::Columns)?;
            let sums = state.column::<Decimal128Type>(self.own.behind())?;
            other.each(|slot, row| {
                if let Some((sum, more)) = sums.get_mut(slot).zip(more.values().get(row)) {
                    *sum = sum.wrapping_add(*more);
                }
            });
        }
        Ok(())
    }

    fn finish(&self, state: &[ArrayRef]) -> Result<ArrayRef> {
        let sums = self.sums(state)?.into_iter();
        let output = self.output();
        Ok(match (&self.of, &output) {
            (DataType::Decimal128(_, scale), DataType::Decimal128(precision, to)) => {
                let average = |(sum, count)| divided(sum, to - scale, count);
                let whole = |(sum, _): (i256, i64)| sum.to_i128();
                let fits = |value: &i128| value.unsigned_abs() < 10_u128.pow((*precision).into());
                let values: Decimal128Array = match self.average {
                    true => sums.map(|it| it.and_then(average).filter(fits)).collect(),
                    false => sums.map(|it| it.and_then(whole).filter(fits)).collect(),
                };
                Arc::new(values.with_data_type(output))
            }
            (_, DataType::Float64) => {
                let values = sums.map(|it| it.map(|(sum, count)| ratio(sum, count)));
                Arc::new(values.collect::<Float64Array>())
            }
            _ => {
                let whole = |(sum, _): (i256, i64)| i64::try_from(sum.to_i128()?).ok();
                Arc::new(sums.map(|it| it.and_then(whole)).collect::<Int64Array>())
            }
        })
    }
}

fn finer(scale: i8) -> i8 {
    let finer = i8::try_from(FINER).unwrap_or_default();
    scale.saturating_add(finer).min(DECIMAL128_MAX_SCALE)
}

/// A sum with so many digits more, divided by a count, half up.
fn divided(sum: i256, digits: i8, count: i64) -> Option<i128> {
    let factor = i256::from_i128(10_i128.checked_pow(u32::try_from(digits).ok()?)?);
    let (numerator, count) = (sum.checked_mul(factor)?, i256::from_i128(count.into()));
    let (quotient, rest) = (numerator.checked_div(count)?, numerator.checked_rem(count)?);
    let up = rest.wrapping_abs().wrapping_mul(i256::from_i128(2)) >= count;
    let step = if numerator.is_negative() { i256::MINUS_ONE } else { i256::ONE };
    quotient.wrapping_add(if up { step } else { i256::ZERO }).to_i128()
}

/// Both are rounded to the nearest number that there is, and so is their ratio.
fn ratio(sum: i256, count: i64) -> f64 {
    sum.to_i128().map_or(f64::NAN, |sum| sum as f64) / count as f64
}

#[cfg(test)]
mod tests;
