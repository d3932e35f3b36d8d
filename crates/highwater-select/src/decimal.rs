//! Text as decimals. The cast of arrow takes text without digits for zero, and knows no exponents.

use std::sync::Arc;

use arrow::array::{AsArray, Decimal128Array};
use arrow::datatypes::DataType;
use datafusion_common::{Result, ScalarValue, exec_err, internal_err};
use datafusion_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

/// The decimal that a text is, rounded half up to its scale.
#[derive(Debug, PartialEq, Eq, Hash)]
struct DecimalOf {
    precision: u8,
    scale: u8,
    /// Whether what is none is null.
    or_null: bool,
    signature: Signature,
}

/// A function from text to decimals; text that is none fails, or is null.
///
/// `Source:` Spark 4.1, `Decimal.fromStringANSI`; text with spaces around it is none here.
pub(crate) fn of_text(precision: u8, scale: u8, or_null: bool) -> ScalarUDF {
    let signature = Signature::exact(vec![DataType::Utf8], Volatility::Immutable);
    ScalarUDF::new_from_impl(DecimalOf { precision, scale, or_null, signature })
}

impl DecimalOf {
    fn data_type(&self) -> DataType {
        // At most 38, so it never wraps.
        DataType::Decimal128(self.precision, self.scale.cast_signed())
    }
}

impl ScalarUDFImpl for DecimalOf {
    fn name(&self) -> &str {
        "decimal_of"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        Ok(self.data_type())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match args.args.first() {
            Some(ColumnarValue::Array(texts)) => {
                let values = texts.as_string::<i32>().iter().map(|text| self.value(text));
                let values: Decimal128Array = values.collect::<Result<_>>()?;
                Ok(ColumnarValue::Array(Arc::new(values.with_data_type(self.data_type()))))
            }
            Some(ColumnarValue::Scalar(ScalarValue::Utf8(text))) => {
                let (value, scale) = (self.value(text.as_deref())?, self.scale.cast_signed());
                let value = ScalarValue::Decimal128(value, self.precision, scale);
                Ok(ColumnarValue::Scalar(value))
            }
            _ => internal_err!("a decimal is made of one text"),
        }
    }
}

impl DecimalOf {
    fn value(&self, text: Option<&str>) -> Result<Option<i128>> {
        let Some(text) = text else { return Ok(None) };
        match self.parse(text) {
            None if !self.or_null => {
                exec_err!("'{text}' is no decimal({},{})", self.precision, self.scale)
            }
            value => Ok(value),
        }
    }

    /// The value in units of the scale; none for what is no number, or has too many digits before its point.
    fn parse(&self, text: &str) -> Option<i128> {
        let (minus, text) = match text.strip_prefix(['-', '+']) {
            Some(rest) => (text.starts_with('-'), rest),
            None => (false, text),
        };
        let (number, exponent) = match text.split_once(['e', 'E']) {
            Some((number, exponent)) => (number, exponent.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let mut digits = whole.bytes().chain(fraction.bytes());
        if !digits.clone().all(|digit| digit.is_ascii_digit()) || digits.clone().next().is_none() {
            return None;
        }
        // By how many places the point moves to the right until the scale is reached.
        let moved =
            i64::from(exponent) - i64::try_from(fraction.len()).ok()? + i64::from(self.scale);
        let count = i64::try_from(whole.len() + fraction.len()).ok()?;
        let kept = usize::try_from(count.saturating_add(moved).clamp(0, count)).ok()?;
        let mut value = 0_i128;
        for digit in digits.by_ref().take(kept) {
            value = value.checked_mul(10)?.checked_add(i128::from(digit - b'0'))?;
        }
        // Where more is cut off than there are digits, the first one cut off is a zero.
        let next = if count.saturating_add(moved) < 0 { None } else { digits.next() };
        if next.is_some_and(|digit| digit >= b'5') {
            value = value.checked_add(1)?;
        }
        if value != 0 && moved > 0 {
            value = value.checked_mul(10_i128.checked_pow(u32::try_from(moved).ok()?)?)?;
        }
        let most = 10_i128.checked_pow(u32::from(self.precision))?;
        (value < most).then_some(if minus { -value } else { value })
    }
}

#[cfg(test)]
mod tests;
