//! Exact decimal numbers from text, without allocation and without rounding.

use crate::Problem;

const MAX_DIGITS: u32 = 38;

/// The powers of ten from 0 to 38.
#[allow(clippy::indexing_slicing, reason = "computed by the compiler, which would stop")]
const POWERS: [i128; 39] = {
    let mut powers = [1; 39];
    let mut at = 1;
    while at < powers.len() {
        powers[at] = powers[at - 1] * 10;
        at += 1;
    }
    powers
};

/// Those of them that 64 bits hold.
#[allow(clippy::indexing_slicing, reason = "computed by the compiler, which would stop")]
pub(crate) const SMALL_POWERS: [u64; 20] = {
    let mut powers = [1; 20];
    let mut at = 1;
    while at < powers.len() {
        powers[at] = powers[at - 1] * 10;
        at += 1;
    }
    powers
};

fn power(exponent: impl Into<u64>) -> Option<i128> {
    POWERS.get(usize::try_from(exponent.into()).ok()?).copied()
}

/// The value of `text` times ten to the power of `scale`, if that is a whole number of at most
/// `precision` digits.
///
/// The text is a sign (or none), digits with a point before, between or after them (or none), and
/// an exponent (or none): `12.3`, `-0.50`, `1e3`, `+.5`. No white space, no grouping, no `NaN`.
/// Zeros that change nothing are no digits too many: `1.2300` fits a scale of 2.
///
/// # Errors
/// `Mismatch` when the text is no number, `OutOfRange` when it has more digits before the point than
/// `precision - scale`, `Inexact` when it has digits other than zero after the last one that is kept.
///
/// # Example
/// ```
/// use highwater_codec::{Problem, parse_decimal};
///
/// assert_eq!(parse_decimal("12.5", 18, 2), Ok(1250));
/// assert_eq!(parse_decimal("1e3", 18, 2), Ok(100_000));
/// assert_eq!(parse_decimal("12.345", 18, 2), Err(Problem::Inexact));
/// ```
pub fn parse_decimal(text: &str, precision: u8, scale: u8) -> Result<i128, Problem> {
    parse(text.as_bytes(), precision, scale)
}

/// [`parse_decimal`] of bytes.
#[inline]
pub(crate) fn parse(text: &[u8], precision: u8, scale: u8) -> Result<i128, Problem> {
    match plain(text, precision, scale) {
        Some(value) => Ok(value),
        None => parse_any(text, precision, scale),
    }
}

/// The same for a number that may have many digits or an exponent, or be none.
#[inline(never)]
fn parse_any(text: &[u8], precision: u8, scale: u8) -> Result<i128, Problem> {
    let number = Number::parse(text).ok_or(Problem::Mismatch)?;
    number.scaled(u32::from(precision).min(MAX_DIGITS), u32::from(scale))
}

/// The answer for what nearly all amounts look like: few digits, no exponent, not more than `scale`
/// digits after the point. Nothing for all others.
fn plain(text: &[u8], precision: u8, scale: u8) -> Option<i128> {
    const FITS_U64: usize = 19;
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, text),
    };
    if digits.len() > FITS_U64 {
        return None;
    }
    let (value, after_point) = match word(digits) {
        Some(word) => few_digits(word, digits.len())?,
        None => many_digits(digits)?,
    };
    let up = usize::from(scale).checked_sub(after_point)?;
    let value = u128::from(value) * u128::from(*SMALL_POWERS.get(up)?);
    let value = i128::try_from(value)
        .ok()
        .filter(|value| power(precision).is_some_and(|end| *value < end))?;
    Some(if negative { -value } else { value })
}

/// The value of some digits without their point, and how many of them come after it.
#[inline(never)]
fn many_digits(digits: &[u8]) -> Option<(u64, usize)> {
    let mut value = 0_u64;
    let mut point = None;
    for (at, byte) in digits.iter().enumerate() {
        let digit = byte.wrapping_sub(b'0');
        if digit <= 9 {
            value = value * 10 + u64::from(digit);
        } else if *byte == b'.' && point.is_none() {
            point = Some(at);
        } else {
            return None;
        }
    }
    let after_point = point.map_or(0, |at| digits.len() - at - 1);
    (digits.len() > usize::from(point.is_some())).then_some((value, after_point))
}

/// The lowest and the highest bit of each byte.
pub(crate) const LOW: u64 = 0x0101_0101_0101_0101;
pub(crate) const HIGH: u64 = 0x8080_8080_8080_8080;

/// The same of the first `length` bytes of a word, one to eight, all at once: amounts differ in how many
/// digits they have, so that no processor foretells the end of a loop over them.
#[inline]
fn few_digits(word: u64, length: usize) -> Option<(u64, usize)> {
    let other = word ^ (LOW * u64::from(b'.'));
    // The lowest bit is exact. Those above it mean nothing.
    let points = other.wrapping_sub(LOW) & !other & HIGH;
    let point = points & points.wrapping_neg();
    let before = (point >> 7).wrapping_sub(1);
    let (mut count, mut after_point) = (length, 0);
    if point != 0 {
        count = length.checked_sub(1).filter(|count| *count > 0)?;
        after_point = count.checked_sub(usize::try_from(point.trailing_zeros() / 8).ok()?)?;
    }
    let digits = (word & before) | ((word >> 8) & !before);
    let digits = (digits ^ (LOW * u64::from(b'0'))) << 64_usize.checked_sub(8 * count)?;
    if (digits.wrapping_add(LOW * (0x80 - 10)) | digits) & HIGH != 0 {
        return None;
    }
    Some((eight_digits(digits), after_point))
}

/// The number that eight digits make, each of them a byte from 0 to 9, the first one the lowest.
#[inline(always)]
pub(crate) fn eight_digits(digits: u64) -> u64 {
    // Two by two: to numbers of two digits, of four, and of eight.
    let pairs = digits * 10 + (digits >> 8);
    let each = |pairs: u64, units: u64| (pairs & 0xff_0000_00ff).wrapping_mul(units);
    let value =
        each(pairs, 100 + (1_000_000 << 32)).wrapping_add(each(pairs >> 16, 1 + (10_000 << 32)));
    value >> 32
}

/// A text of one to eight bytes as a word, whose lowest byte is the first.
#[inline]
fn word(text: &[u8]) -> Option<u64> {
    let ends = (text.first_chunk(), text.last_chunk());
    match (text.len(), ends) {
        (4..=8, (Some(first), Some(last))) => {
            let shift = 8 * (text.len() - 4);
            Some(
                u64::from(u32::from_le_bytes(*first))
                    | u64::from(u32::from_le_bytes(*last)) << shift,
            )
        }
        (1..=3, _) => Some(text.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte))),
        _ => None,
    }
}

/// A number as its digits from the first to the last that is not zero, and the power of ten of that
/// last digit.
struct Number {
    negative: bool,
    /// Meaningless with more than 38 digits.
    digits: u128,
    count: u64,
    unit: i64,
}

impl Number {
    fn parse(text: &[u8]) -> Option<Self> {
        let (negative, text) = match text {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            _ => (false, text),
        };
        let end = text.iter().position(|byte| matches!(byte, b'e' | b'E')).unwrap_or(text.len());
        let (mantissa, exponent) = text.split_at_checked(end)?;
        let exponent = match exponent {
            [] => 0,
            [_, exponent @ ..] => parse_exponent(exponent)?,
        };
        let mut number = Self { negative, digits: 0, count: 0, unit: 0 };
        let mut zeros = 0_u64; // after the last digit that is not zero
        let mut point = false;
        let mut any = false;
        let mut place = 0_i64; // the power of ten of the digit just read, as if no more came
        for byte in mantissa {
            match byte {
                b'.' if !point => point = true,
                b'0'..=b'9' => {
                    any = true;
                    place -= i64::from(point);
                    number.unit += i64::from(!point && number.count > 0);
                    if *byte == b'0' {
                        zeros += u64::from(number.count > 0);
                    } else {
                        number.push(zeros, byte - b'0');
                        zeros = 0;
                        number.unit = place;
                    }
                }
                _ => return None,
            }
        }
        number.unit = number.unit.saturating_add(exponent);
        any.then_some(number)
    }

    fn push(&mut self, zeros: u64, digit: u8) {
        self.count += zeros + 1;
        if self.count <= u64::from(MAX_DIGITS) {
            let shift = u32::try_from(zeros + 1).unwrap_or(MAX_DIGITS);
            self.digits = self.digits * 10_u128.pow(shift) + u128::from(digit);
        }
    }

    fn scaled(&self, precision: u32, scale: u32) -> Result<i128, Problem> {
        if self.count == 0 {
            return Ok(0);
        }
        let up = self.unit.saturating_add(i64::from(scale));
        let count = i64::try_from(self.count).unwrap_or(i64::MAX);
        if count.saturating_add(up) > i64::from(precision) {
            return Err(Problem::OutOfRange);
        }
        let up = u64::try_from(up).or(Err(Problem::Inexact))?;
        // At most `precision` digits from here on: no step overflows.
        let value = i128::try_from(self.digits).or(Err(Problem::OutOfRange))?;
        let value =
            value.checked_mul(power(up).ok_or(Problem::OutOfRange)?).ok_or(Problem::OutOfRange)?;
        Ok(if self.negative { -value } else { value })
    }
}

fn parse_exponent(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    if digits.is_empty() {
        return None;
    }
    // An exponent beyond this decides by its sign alone: no value has so many digits.
    const BEYOND: i64 = 1 << 40;
    let mut value = 0_i64;
    for byte in digits {
        let digit = byte.is_ascii_digit().then(|| i64::from(byte - b'0'))?;
        value = (value * 10 + digit).min(BEYOND);
    }
    Some(if negative { -value } else { value })
}

#[cfg(test)]
mod tests;
