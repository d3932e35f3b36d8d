//! Sums of floats that are the same in any order.

use arrow::datatypes::i256;

/// The bits of a digit.
const WIDTH: u32 = 24;
const MASK: u128 = (1 << WIDTH) - 1;
/// How many digits are kept.
const KEPT: usize = 4;
/// The number of the highest digit that a float may have, counted from its lowest.
const HIGHEST: u32 = 3;
/// The bits of a sum that are used for something else in the state.
const SPARE: u32 = 4;
/// The unit of the lowest digit is 2 to the power of this: that of the smallest float.
const LOWEST: i32 = -1074;

const POSITIVE: u8 = 1;
const NEGATIVE: u8 = 2;
const NAN: u8 = 4;

/// A sum of floats, by digits of 24 bits.
///
/// Every float is a whole number of the smallest one, and as such has at most four digits that are not zero. They are
/// added up digit by digit and nothing is carried, so the order of additions does not show. Of the highest digit that
/// any value has, and of the three below it, the sums are kept; what lies below those is more than 2^72 times
/// smaller than the largest value. It is left out digit by digit, and so does not depend on order either. A digit has
/// room for 2^35 values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Digits {
    /// 1 more than the number of the highest digit; 0 while all values are zero.
    above: u8,
    /// Which of infinity and NaN were added.
    special: u8,
    /// The sums, the highest first.
    sums: [i64; KEPT],
}

impl Digits {
    /// As it stands in the state.
    pub(crate) fn unpack(packed: i256) -> Self {
        let bytes = packed.to_le_bytes();
        let (words, _) = bytes.as_chunks::<8>();
        let mut sums = [0; KEPT];
        let mut marks = [0; KEPT];
        for ((sum, mark), word) in sums.iter_mut().zip(&mut marks).zip(words) {
            *sum = i64::from_le_bytes(*word) >> SPARE;
            *mark = word[0] & ((1 << SPARE) - 1);
        }
        let [low, high, special, _] = marks;
        Self { above: high << SPARE | low, special, sums }
    }

    /// To be put into the state: each sum has four bits to spare.
    pub(crate) fn pack(self) -> i256 {
        let marks = [self.above & ((1 << SPARE) - 1), self.above >> SPARE, self.special, 0];
        let mut bytes = [0; 32];
        let (words, _) = bytes.as_chunks_mut::<8>();
        for (word, (sum, mark)) in words.iter_mut().zip(self.sums.iter().zip(marks)) {
            *word = (sum << SPARE | i64::from(mark)).to_le_bytes();
        }
        i256::from_le_bytes(bytes)
    }

    /// Adds a value.
    #[inline]
    pub(crate) fn add(&mut self, value: f64) {
        let bits = value.to_bits();
        let exponent = u32::try_from(bits >> 52 & 0x7ff).unwrap_or_default();
        let fraction = bits & ((1 << 52) - 1);
        if exponent == 0x7ff {
            self.special |= match (fraction, value.is_sign_negative()) {
                (0, false) => POSITIVE,
                (0, true) => NEGATIVE,
                _ => NAN,
            };
            return;
        }
        let (whole, place) = match exponent {
            0 => (fraction, 0),
            _ => (fraction | 1 << 52, exponent - 1),
        };
        if whole == 0 {
            return;
        }
        let shift = place % WIDTH;
        let top = (shift + whole.ilog2()) / WIDTH;
        let down = self.lift(u8::try_from(place / WIDTH + top + 1).unwrap_or(u8::MAX));
        // The highest digit that is not zero becomes the last of four.
        let spread = u128::from(whole) << (shift + WIDTH * (HIGHEST - top));
        let sign = if value < 0.0 { -1 } else { 0 };
        let digits = [3 * WIDTH, 2 * WIDTH, WIDTH, 0].map(|below| {
            let digit = i64::try_from(spread >> below & MASK).unwrap_or_default();
            (digit ^ sign).wrapping_sub(sign)
        });
        for (to, digit) in self.sums.iter_mut().skip(down).zip(digits) {
            *to = to.wrapping_add(digit);
        }
    }

    /// Adds another sum.
    pub(crate) fn merge(&mut self, other: Self) {
        self.special |= other.special;
        let down = self.lift(other.above);
        for (to, sum) in self.sums.iter_mut().skip(down).zip(other.sums) {
            *to = to.wrapping_add(sum);
        }
    }

    /// Makes room for a digit; how far it then stands below the highest.
    #[inline]
    fn lift(&mut self, above: u8) -> usize {
        if above <= self.above {
            return usize::from(self.above - above);
        }
        let by = usize::from(above - self.above).min(KEPT);
        self.sums.copy_within(..KEPT - by, by);
        self.sums.iter_mut().take(by).for_each(|sum| *sum = 0);
        self.above = above;
        0
    }

    /// The float that is nearest to the sum.
    pub(crate) fn value(&self) -> f64 {
        match self.special {
            0 => (),
            POSITIVE => return f64::INFINITY,
            NEGATIVE => return f64::NEG_INFINITY,
            _ => return f64::NAN,
        }
        let place =
            |sum: i256, more: i64| (sum << 24_u8).wrapping_add(i256::from_i128(more.into()));
        let sum = self.sums.iter().fold(i256::ZERO, |sum, more| place(sum, *more));
        let lowest = i32::from(self.above) - i32::try_from(KEPT).unwrap_or_default();
        let unit = LOWEST + lowest * i32::try_from(WIDTH).unwrap_or_default();
        let size = rounded(sum.wrapping_abs(), unit);
        if sum.is_negative() { -size } else { size }
    }
}

/// The float that is nearest to a number of less than 255 bits times 2 to the power of `unit`.
fn rounded(whole: i256, unit: i32) -> f64 {
    let bits = 256 - whole.leading_zeros();
    // One bit for all that is cut off says on which side of the middle the number lies.
    let cut = bits.saturating_sub(u64::BITS - 1);
    let down = u8::try_from(cut).unwrap_or(u8::MAX);
    let short = whole >> down;
    let (low, _) = short.to_parts();
    let rest = u64::from((short << down) != whole);
    let mantissa = u64::try_from(low).unwrap_or(u64::MAX) << 1 | rest;
    let power = unit + i32::try_from(cut).unwrap_or_default() - 1;
    // Exact but for the last step.
    let half = power.clamp(-1000, 900);
    mantissa as f64 * two_to(half) * two_to(power - half)
}

/// 2 to a power that is one of a normal float.
fn two_to(power: i32) -> f64 {
    f64::from_bits(u64::try_from(power + 1023).unwrap_or_default() << 52)
}

#[cfg(test)]
mod tests;
