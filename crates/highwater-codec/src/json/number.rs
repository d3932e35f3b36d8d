//! Numbers as most of them are written: some digits, perhaps with a point, and no exponent.
//!
//! Such a number is found and valued in one pass, eight digits at a time. All others are nothing here.

use crate::decimal::{HIGH, LOW, SMALL_POWERS, eight_digits};

/// So many digits make a number of 64 bits, whatever they are.
const MOST_DIGITS: usize = 19;

/// In so many bytes most numbers end.
const NEAR: usize = 32;

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
        match bytes.first_chunk().and_then(Self::read_short) {
            Some(read) => Some(read),
            None => Self::read_long(bytes),
        }
    }

    /// The same, unless there are so many digits on one side of the point that they have to be counted: without a
    /// loop, which takes a twentieth off a record.
    #[inline(always)]
    fn read_short(bytes: &[u8; NEAR]) -> Option<(Self, usize)> {
        let negative = bytes[0] == b'-';
        let begin = usize::from(negative);
        let (mut digits, whole) = run(bytes, begin).filter(|(_, whole)| (1..8).contains(whole))?;
        let (mut places, mut end) = (0, begin + whole);
        if *bytes.get(end)? == b'.' {
            (digits, places) = followed(digits, run(bytes, end + 1)?);
            if places == 8 {
                let more;
                (digits, more) = followed(digits, run(bytes, end + 9).filter(|(_, it)| *it < 8)?);
                places += more;
            }
            end += 1 + places;
            if places == 0 {
                return None;
            }
        }
        let (count, exponent) = (whole + places, *bytes.get(end)? | b' ' == b'e');
        if exponent || count > MOST_DIGITS || (whole > 1 && *bytes.get(begin)? == b'0') {
            return None;
        }
        Some((Self { negative, digits, count, places }, end))
    }

    /// The same for any number.
    #[inline(never)]
    fn read_long(bytes: &[u8]) -> Option<(Self, usize)> {
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
    /// The digits over a power of ten, divided as whole numbers. The quotient has 62 bits or more, of which a
    /// float keeps 53; in place of the remainder stands the lowest one, which only says that there is more.
    #[inline(always)]
    pub(super) fn float(self) -> Option<f64> {
        let power = POWERS.get(self.places)?;
        let up = self.digits.leading_zeros();
        // 0 is divided as well: a branch that is hardly ever taken costs more than it saves.
        let (quotient, rest) = power.divide(self.digits.unbounded_shl(up));
        let bits = (quotient | u64::from(rest > 0)).cast_signed();
        let value = bits as f64 * two_to(i64::from(power.up) - i64::from(up) - SHIFT);
        Some(if self.negative { -value } else { value })
    }
}

/// A power of ten, shifted up until it has all 64 bits, to divide by.
#[derive(Clone, Copy, Debug)]
struct Power {
    up: u32,
    divisor: u64,
    /// Of 2^128 - 1 over the divisor, which has 65 bits, the lower 64.
    reciprocal: u64,
}

/// The digits are shifted up so much before they are divided: the quotient then has a sign to spare, and more
/// bits than a float.
const SHIFT: i64 = 62;

#[allow(clippy::indexing_slicing, reason = "computed by the compiler, which would stop")]
const POWERS: [Power; SMALL_POWERS.len()] = {
    let mut powers = [Power { up: 0, divisor: 0, reciprocal: 0 }; SMALL_POWERS.len()];
    let mut at = 0;
    while at < powers.len() {
        let up = SMALL_POWERS[at].leading_zeros();
        let divisor = SMALL_POWERS[at] << up;
        let (_, reciprocal) = halves(u128::MAX / divisor as u128);
        powers[at] = Power { up, divisor, reciprocal };
        at += 1;
    }
    powers
};

impl Power {
    /// `digits` times 2^62 over the divisor, and what is left over.
    ///
    /// `Source:` N. Möller and T. Granlund, "Improved division by invariant integers", algorithm 4: two products
    /// take less time than the division of the processor.
    #[inline(always)]
    fn divide(&self, digits: u64) -> (u64, u64) {
        let (high, low) = (digits >> (64 - SHIFT), digits << SHIFT);
        let estimate = u128::from(self.reciprocal) * u128::from(high)
            + (u128::from(high) << u64::BITS | u128::from(low));
        let (whole, fraction) = halves(estimate);
        let mut quotient = whole.wrapping_add(1);
        let mut rest = low.wrapping_sub(quotient.wrapping_mul(self.divisor));
        if rest > fraction {
            quotient = quotient.wrapping_sub(1);
            rest = rest.wrapping_add(self.divisor);
        }
        if rest >= self.divisor {
            quotient = quotient.wrapping_add(1);
            rest -= self.divisor;
        }
        (quotient, rest)
    }
}

/// The upper and the lower half of a number.
#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "it is cut in two")]
const fn halves(number: u128) -> (u64, u64) {
    ((number >> u64::BITS) as u64, number as u64)
}

/// 2 to a power that is one of a normal float.
#[inline(always)]
fn two_to(power: i64) -> f64 {
    f64::from_bits((power + 1023).cast_unsigned() << 52)
}

/// The digits from a place on as a number, and how many there are, up to eight.
#[inline(always)]
fn run(bytes: &[u8; NEAR], at: usize) -> Option<(u64, usize)> {
    Some(first_digits(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?)))
}

/// The digits with which a word begins as a number, and how many there are.
#[inline(always)]
fn first_digits(word: u64) -> (u64, usize) {
    let turned = word ^ (LOW * u64::from(b'0'));
    // The high bit of each byte that is no digit.
    let others = ((turned & !HIGH).wrapping_add(LOW * (0x80 - 10)) | turned) & HIGH;
    let bits = others.trailing_zeros() & !7;
    (eight_digits(turned.unbounded_shl(u64::BITS - bits)), bits as usize / 8)
}

/// A number with some more digits behind its own, and how many.
#[inline(always)]
fn followed(digits: u64, (more, count): (u64, usize)) -> (u64, usize) {
    let power = SMALL_POWERS.get(count).copied().unwrap_or_default();
    (digits.wrapping_mul(power).wrapping_add(more), count)
}

/// Appends the digits from `at` on to those of `value`, and tells where they end. Of too many, nobody needs
/// the value.
fn digits(bytes: &[u8], mut at: usize, mut value: u64) -> (u64, usize) {
    loop {
        let count;
        (value, count) = followed(value, first_digits(word(bytes, at)));
        at += count;
        if count < 8 {
            return (value, at);
        }
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
