//! Doubles as Java 17 writes them.
//!
//! Java before 19 does not always write the shortest digits, so its algorithm has to be followed.

use std::ops::{Add, Div, Mul, Rem};

use num_bigint::BigUint;

/// Bits of a double behind the first one.
const EXPONENT_SHIFT: i32 = 52;
const BIAS: i32 = 1023;
/// Powers of five that fit a long.
const LONG_POWERS: i32 = 27;

/// Appends `value` as `Double.toString` of Java 17 does.
///
/// Source: `FloatingDecimal` of the JDK, before JDK-4511638 changed its digits.
pub(super) fn write(value: f64, out: &mut String) {
    if value.is_nan() {
        return out.push_str("NaN");
    }
    if value.is_sign_negative() {
        out.push('-');
    }
    if value.is_infinite() {
        return out.push_str("Infinity");
    }
    if value == 0.0 {
        return out.push_str("0.0");
    }
    let (digits, exponent) = digits_of(value.abs());
    layout(&digits, exponent, out);
}

/// The value is 0.DIGITS times ten to the power of the exponent.
fn layout(digits: &str, exponent: i32, out: &mut String) {
    match usize::try_from(exponent) {
        Ok(before @ 1..8) => {
            let (whole, fraction) = digits.split_at_checked(before).unwrap_or((digits, ""));
            out.push_str(whole);
            out.extend(std::iter::repeat_n('0', before - whole.len()));
            out.push('.');
            out.push_str(if fraction.is_empty() { "0" } else { fraction });
        }
        _ if (-2..=0).contains(&exponent) => {
            out.push_str("0.");
            out.extend((exponent..0).map(|_| '0'));
            out.push_str(digits);
        }
        _ => {
            let (first, others) = digits.split_at_checked(1).unwrap_or((digits, ""));
            out.push_str(first);
            out.push('.');
            out.push_str(if others.is_empty() { "0" } else { others });
            out.push('E');
            out.push_str(&(exponent - 1).to_string());
        }
    }
}

fn bits_of_power(five: i32) -> i32 {
    // 5^n needs n * log2(5) bits; exact up to the powers that fit a long.
    if five == 0 { 0 } else { five.saturating_mul(2_321_928) / 1_000_000 + 1 }
}

/// The digits of a positive, finite number, and the exponent of 0.DIGITS.
fn digits_of(value: f64) -> (String, i32) {
    let bits = value.to_bits();
    let fraction = bits & ((1 << EXPONENT_SHIFT) - 1);
    let raw = i32::try_from(bits >> EXPONENT_SHIFT).unwrap_or_default();
    let (fraction, exponent, significant) = if raw == 0 {
        let zeros = small(fraction.leading_zeros());
        let shift = zeros - (63 - EXPONENT_SHIFT);
        (fraction << shift, 1 - shift - BIAS, 64 - zeros)
    } else {
        (fraction | 1 << EXPONENT_SHIFT, raw - BIAS, EXPONENT_SHIFT + 1)
    };
    let tail = small(fraction.trailing_zeros());
    let count = EXPONENT_SHIFT + 1 - tail;
    let tiny = (count - exponent - 1).max(0);
    if tiny == 0 && (-21..=62).contains(&exponent) && count < 64 {
        return whole_digits(fraction, exponent, significant);
    }
    let ten = floor_log(fraction, exponent);
    let scale =
        Scale::new(Parts { fraction: fraction >> tail, count, exponent, tiny, significant, ten });
    scale.develop(ten)
}

fn small(count: u32) -> i32 {
    i32::try_from(count).unwrap_or_default()
}

/// A whole number below 2^63, without the digits that a double does not tell apart.
fn whole_digits(fraction: u64, exponent: i32, significant: i32) -> (String, i32) {
    let value = if exponent >= EXPONENT_SHIFT {
        fraction << (exponent - EXPONENT_SHIFT)
    } else {
        fraction >> (EXPONENT_SHIFT - exponent)
    };
    let beyond = exponent - significant - 1;
    let dropped =
        if beyond > 1 { u32::try_from(beyond * 30_103 / 100_000).unwrap_or(0) } else { 0 };
    let unit = 10_u64.pow(dropped);
    let kept = value / unit + u64::from(dropped > 0 && value % unit >= unit / 2);
    let digits = kept.to_string();
    let length = i32::try_from(digits.len()).unwrap_or_default() + small(dropped);
    let digits = digits.trim_end_matches('0');
    (digits.to_owned(), length)
}

/// About the logarithm to the base of ten, cut.
#[allow(clippy::approx_constant, reason = "the JDK's number, which has fewer digits")]
fn floor_log(fraction: u64, exponent: i32) -> i32 {
    let mantissa = f64::from_bits(0x3ff0_0000_0000_0000 | fraction & ((1 << EXPONENT_SHIFT) - 1));
    let log = (mantissa - 1.5) * 0.289_529_654
        + 0.176_091_259
        + f64::from(exponent) * 0.301_029_995_663_981;
    // Between -400 and 400.
    (-400..=400).rev().find(|whole| f64::from(*whole) <= log).unwrap_or_default()
}

struct Parts {
    fraction: u64,
    count: i32,
    exponent: i32,
    tiny: i32,
    significant: i32,
    ten: i32,
}

/// The number is numerator / denominator, times ten to the power of its exponent; half of a unit in
/// the last place is margin / denominator. Each is a number times powers of five and two.
struct Scale {
    fraction: u64,
    fives: [u32; 3],
    twos: [u32; 3],
    fits_long: bool,
}

impl Scale {
    fn new(parts: Parts) -> Self {
        let Parts { fraction, count, exponent, tiny, significant, ten } = parts;
        let (up, down) = ((-ten).max(0), ten.max(0));
        let mut twos = [up + tiny + exponent, down + tiny, 0];
        let [numerator, denominator, margin] = &mut twos;
        *margin = *numerator - significant;
        *numerator -= count - 1;
        let common = (*numerator).min(*denominator);
        *numerator -= common;
        *denominator -= common;
        *margin -= common;
        if count == 1 {
            *margin -= 1;
        }
        if *margin < 0 {
            *numerator -= *margin;
            *denominator -= *margin;
            *margin = 0;
        }
        let power = |five: i32| if five < LONG_POWERS { bits_of_power(five) } else { five * 3 };
        let fits = count + *numerator + power(up) < 64 && *denominator + 1 + power(down + 1) < 64;
        let unsigned = |number: i32| u32::try_from(number).unwrap_or_default();
        Self {
            fraction,
            fives: [up, down, up].map(unsigned),
            twos: twos.map(unsigned),
            fits_long: fits,
        }
    }

    fn develop(self, ten: i32) -> (String, i32) {
        let Self { fraction, fives: [n5, d5, m5], twos: [n2, d2, m2], fits_long } = self;
        if fits_long {
            let power = |five: u32, two: u32| 5_u128.pow(five) << two;
            let numbers = (u128::from(fraction) * power(n5, n2), power(d5, d2), power(m5, m2));
            return develop(numbers, |sum, tens| sum > tens, ten);
        }
        let power = |five: u32, two: u32| BigUint::from(5_u32).pow(five) << two;
        let numbers = (power(n5, n2) * fraction, power(d5, d2), power(m5, m2));
        // With long numbers Java stops one step earlier when both are equal.
        develop(numbers, |sum, tens| sum >= tens, ten)
    }
}

/// Divides until what is left is within the margin, and rounds the last digit.
fn develop<N>(
    (mut rest, divisor, mut margin): (N, N, N),
    reaches: fn(&N, &N) -> bool,
    mut ten: i32,
) -> (String, i32)
where
    N: Clone + PartialOrd + From<u32> + Add<Output = N> + Mul<Output = N> + Div<Output = N>,
    N: Rem<Output = N>,
    u8: TryFrom<N>,
{
    let base = || N::from(10_u32);
    let tens = divisor.clone() * base();
    let mut digits: Vec<u8> = Vec::new();
    let (mut low, mut high);
    let mut first = true;
    loop {
        let digit = u8::try_from(rest.clone() / divisor.clone()).unwrap_or_default();
        rest = (rest % divisor.clone()) * base();
        margin = margin * base();
        low = rest < margin;
        high = reaches(&(rest.clone() + margin.clone()), &tens);
        if first && digit == 0 && !high {
            ten -= 1;
        } else {
            digits.push(digit);
        }
        // A number that is written with an exponent has two digits at least.
        let goes_on = std::mem::take(&mut first) && !(-3..8).contains(&ten);
        if (low || high) && !goes_on {
            break;
        }
    }
    let twice = rest * N::from(2_u32);
    let is_odd = digits.last().is_some_and(|digit| digit % 2 == 1);
    let up = high && (!low || twice > tens || (twice == tens && is_odd));
    if up && round_up(&mut digits) {
        ten += 1;
    }
    (digits.into_iter().map(|digit| char::from(b'0' + digit)).collect(), ten + 1)
}

/// Adds one to the last digit. Says whether that made a digit more, which takes the place of one.
fn round_up(digits: &mut [u8]) -> bool {
    for digit in digits.iter_mut().rev() {
        if *digit < 9 {
            *digit += 1;
            return false;
        }
        *digit = 0;
    }
    if let Some(first) = digits.first_mut() {
        *first = 1;
    }
    true
}
