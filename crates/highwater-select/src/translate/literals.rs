//! Values that stand in the text.

use arrow::compute::kernels::cast_utils::parse_interval_month_day_nano;
use datafusion_common::ScalarValue;
use datafusion_expr::{Expr, lit};
use sqlparser::ast::{self, Spanned as _, Value};

use super::{Result, Translator};

impl Translator<'_> {
    /// A value, or what it is with a minus before it.
    pub(super) fn literal(&self, value: &ast::ValueWithSpan, minus: bool) -> Result<Expr> {
        match &value.value {
            Value::Number(digits, long) => match number(digits, *long, minus) {
                Some(number) => Ok(Expr::Literal(number, None)),
                None => Err(self.misfit(value.span, "this number has too many digits")),
            },
            Value::SingleQuotedString(text) => Ok(lit(text.clone())),
            Value::Boolean(truth) => Ok(lit(*truth)),
            Value::Null => Ok(Expr::Literal(ScalarValue::Null, None)),
            Value::DoubleQuotedString(_) => {
                let what = "in double quotes Spark has text, and others have names";
                let instead = "write text in single quotes, and names in backquotes";
                Err(self.unsupported(value.span, what, instead))
            }
            _ => {
                let what = "such literals are not known";
                Err(self.unsupported(value.span, what, "write text in single quotes"))
            }
        }
    }

    /// A type and a text, such as `DATE '2024-02-29'`.
    pub(super) fn typed(&self, typed: &ast::TypedString) -> Result<Expr> {
        let span = typed.value.span;
        let made = self.literal(&typed.value, false)?;
        let to = self.sql_type(&typed.data_type, span)?;
        self.as_type(made, &to, span)
    }

    /// A span of time: `INTERVAL '5' MINUTE`, `INTERVAL 1 DAY`.
    pub(super) fn interval(&self, interval: &ast::Interval) -> Result<Expr> {
        let span = interval.value.span();
        let text = match &*interval.value {
            ast::Expr::Value(value) => match &value.value {
                Value::Number(digits, false) => Some(digits),
                Value::SingleQuotedString(text) => Some(text),
                _ => None,
            },
            _ => None,
        };
        let plain = interval.last_field.is_none() && interval.leading_precision.is_none();
        let (Some(text), true) = (text, plain) else {
            let what = "a span of time is one number and one unit";
            return Err(self.unsupported(span, what, "write INTERVAL '5' MINUTE, and add them up"));
        };
        let unit = interval.leading_field.as_ref().map(ToString::to_string).unwrap_or_default();
        let parsed = parse_interval_month_day_nano(&format!("{text} {unit}"));
        let parsed = parsed.map_err(|error| self.misfit(span, error.to_string()))?;
        Ok(Expr::Literal(ScalarValue::IntervalMonthDayNano(Some(parsed)), None))
    }
}

/// A number by the rules of Spark: whole ones are the shortest of int and long that they fit into, those with a point
/// are decimals, and those with an exponent are doubles.
fn number(digits: &str, long: bool, minus: bool) -> Option<ScalarValue> {
    let signed = if minus { format!("-{digits}") } else { digits.to_owned() };
    if digits.contains(['e', 'E']) {
        return Some(ScalarValue::Float64(Some(signed.parse().ok()?)));
    }
    if let (Ok(int), false) = (signed.parse(), long) {
        return Some(ScalarValue::Int32(Some(int)));
    }
    if let Ok(int) = signed.parse() {
        return Some(ScalarValue::Int64(Some(int)));
    }
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all = format!("{whole}{fraction}");
    let counted = all.trim_start_matches('0').len().max(fraction.len()).max(1);
    let precision = u8::try_from(counted).ok().filter(|precision| *precision <= 38)?;
    let scale = i8::try_from(fraction.len()).ok()?;
    let value: i128 = all.parse().ok().filter(|_| !long)?;
    let value = if minus { value.checked_neg()? } else { value };
    Some(ScalarValue::Decimal128(Some(value), precision, scale))
}

#[cfg(test)]
mod tests;
