//! Numbers as most of them are written: some digits, perhaps with a point, and no exponent.
//!
//! Such a number is found and valued in one pass, eight digits at a time. All others are nothing here.

use crate::decimal::{HIGH, LOW, SMALL_POWERS, eight_digits};

/// So many digits make a number of 64 bits, whatever they are.
const MOST_DIGITS: usize = 19;

/// A number without an exponent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Plain {
    negative: bool,
    /// All digits, without the point.
    digits: u64,
    /// How many of them there are, and how many behind the point.
    count: usize,
    places: usize,
}

impl Plain {
    /// The number with which `bytes` begins, and its length. What follows was not looked at, but it is
    /// neither a digit, nor does it begin an exponent.
    ///
    /// Source: RFC 8259 section 6.
    #[inline(always)]
    pub(super) fn read(bytes: &[u8]) -> Option<(Self, usize)> {
        let negative = bytes.first() == Some(&b'-');
        let begin = usize::from(negative);
        let (mut digits, mut end) = digits(bytes, begin, 0);
        let whole = end - begin;
        if whole == 0 || (whole > 1 && bytes.get(begin) == Some(&b'0')) {
            return None;
        }
        let (mut count, mut places) = (whole, 0);
        if bytes.get(end) == Some(&b'.') {
            let point = end;
            (digits, end) = self::digits(bytes, point + 1, digits);
            places = end - point - 1;
            count += places;
            if places == 0 {
                return None;
            }
        }
        if count > MOST_DIGITS || matches!(bytes.get(end), Some(b'e' | b'E')) {
            return None;
        }
        Some((Self { negative, digits, count, places }, end))
    }

    /// The number, if it has no point, and so few digits that it fits whatever they are.
    #[inline(always)]
    pub(super) fn whole(self) -> Option<i64> {
        if self.places > 0 || self.count == MOST_DIGITS {
            return None;
        }
        let value = i64::try_from(self.digits).ok()?;
        Some(if self.negative { -value } else { value })
    }

    /// The nearest float, the even one of two.
    ///
    /// The digits over a power of ten, divided as whole numbers. The quotient has 63 bits or more, of which a
    /// float keeps 53; in place of the remainder stands the lowest one, which only says that there is more.
    #[inline(always)]
    pub(super) fn float(self) -> Option<f64> {
        let divisor = *SMALL_POWERS.get(self.places)?;
        let value = match self.digits {
            0 => 0.0,
            digits => {
                let (up, down) = (digits.leading_zeros(), divisor.leading_zeros());
                let dividend = u128::from(digits << up) << 63;
                let divisor = u128::from(divisor << down);
                // Below twice the divisor it is, by 63 bits: the quotient has no more than 64.
                let quotient = u64::try_from(dividend / divisor).ok()?;
                let more = u64::from(u128::from(quotient) * divisor != dividend);
                (quotient | more) as f64 * two_to(i64::from(down) - i64::from(up) - 63)
            }
        };
        Some(if self.negative { -value } else { value })
    }
}

/// 2 to a power that is one of a normal float.
#[inline(always)]
fn two_to(power: i64) -> f64 {
    f64::from_bits((power + 1023).cast_unsigned() << 52)
}

/// Appends the digits from `at` on to those of `value`, and tells where they end. Of too many, nobody needs
/// the value.
#[inline(always)]
fn digits(bytes: &[u8], mut at: usize, mut value: u64) -> (u64, usize) {
    loop {
        let turned = word(bytes, at) ^ (LOW * u64::from(b'0'));
        let others = ((turned & !HIGH).wrapping_add(LOW * (0x80 - 10)) | turned) & HIGH;
        if others == 0 {
            value = value.wrapping_mul(100_000_000).wrapping_add(eight_digits(turned));
            at += 8;
            continue;
        }
        let count = usize::try_from(others.trailing_zeros() / 8).unwrap_or_default();
        if count == 0 {
            return (value, at);
        }
        let power = SMALL_POWERS.get(count).copied().unwrap_or_default();
        let more = eight_digits(turned << (64 - 8 * count));
        return (value.wrapping_mul(power).wrapping_add(more), at + count);
    }
}

/// Eight bytes from `at` on, the first of them the lowest. Behind the end come zeros.
#[inline(always)]
fn word(bytes: &[u8], at: usize) -> u64 {
    let rest = bytes.get(at..).unwrap_or_default();
    match rest.first_chunk() {
        Some(chunk) => u64::from_le_bytes(*chunk),
        None => last_word(bytes, rest),
    }
}

/// The same of fewer than eight bytes, which are the last ones of `bytes`.
#[inline(never)]
fn last_word(bytes: &[u8], rest: &[u8]) -> u64 {
    match bytes.last_chunk() {
        Some(chunk) if !rest.is_empty() => u64::from_le_bytes(*chunk) >> (64 - 8 * rest.len()),
        _ => rest.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)),
    }
}

#[cfg(test)]
mod tests;
