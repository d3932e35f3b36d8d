//! Text cast to decimals as Spark does it: trimmed, any digits of Unicode, rounded half up.

/// The zeros of the decimal digits that fit one UTF-16 unit; those of a kind follow each other.
///
/// Source: `Character.digit` of Java 17, for Unicode 13.
const ZEROS: [u32; 37] = [
    0x30, 0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66,
    0xde6, 0xe50, 0xed0, 0xf20, 0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90,
    0x1b50, 0x1bb0, 0x1c40, 0x1c50, 0xa620, 0xa8d0, 0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0xff10,
];
/// The most digits before the point that Spark looks at.
const MAX_DIGITS: i64 = 38;

/// The value of `text` times ten to the power of `scale`, rounded, if it has at most `precision`
/// digits then.
///
/// Source: `Decimal.fromString` of Spark 4.1 and `BigDecimal(String)` of Java 17.
pub(super) fn cast(text: &str, precision: u8, scale: u8) -> Option<i128> {
    let number = Number::parse(text.trim_matches(|char| char <= ' '))?;
    let value = number.rounded(i64::from(scale), i64::from(precision))?;
    (value < 10_i128.checked_pow(u32::from(precision))?).then_some(if number.negative {
        -value
    } else {
        value
    })
}

fn digit(char: char) -> Option<u8> {
    if char.is_ascii() {
        return u8::try_from(char.to_digit(10)?).ok();
    }
    let code = u32::from(char);
    let zero = ZEROS.iter().find(|zero| (**zero..**zero + 10).contains(&code))?;
    u8::try_from(code - zero).ok()
}

/// A number as its digits from the first that is not zero.
struct Number {
    negative: bool,
    digits: Vec<u8>,
    /// How many of the digits stand behind the point, less the exponent.
    scale: i64,
}

impl Number {
    fn parse(text: &str) -> Option<Self> {
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, parse_exponent(exponent)?),
            None => (unsigned, 0),
        };
        let mut number = Self { negative, digits: Vec::new(), scale: -exponent };
        let (mut point, mut any) = (false, false);
        for char in mantissa.chars() {
            if char == '.' && !point {
                point = true;
                continue;
            }
            let digit = digit(char)?;
            any = true;
            number.scale += i64::from(point);
            if digit > 0 || !number.digits.is_empty() {
                number.digits.push(digit);
            }
        }
        (any && i32::try_from(number.scale).is_ok()).then_some(number)
    }

    /// The number times ten to the power of `scale`, rounded half up, away from zero. Nothing when it
    /// has more digits than Spark looks at.
    fn rounded(&self, scale: i64, precision: i64) -> Option<i128> {
        let count = i64::try_from(self.digits.len()).ok()?;
        // Spark counts in 32 bits, so that an exponent near their end passes.
        if (MAX_DIGITS + 1..=i64::from(i32::MAX)).contains(&(count.max(1) - self.scale)) {
            return None;
        }
        let kept = count - self.scale + scale;
        if self.digits.is_empty() || kept < 0 {
            return Some(0);
        }
        if kept > precision {
            return None;
        }
        let kept = usize::try_from(kept).ok()?;
        let digits = self.digits.iter().chain(std::iter::repeat(&0)).take(kept);
        let value = digits.fold(0_i128, |value, digit| value * 10 + i128::from(*digit));
        let up = self.digits.get(kept).is_some_and(|digit| *digit >= 5);
        Some(value + i128::from(up))
    }
}

fn parse_exponent(text: &str) -> Option<i64> {
    const LONGEST: usize = 10;
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let digits: Option<Vec<u8>> = digits.chars().map(digit).collect();
    let digits = digits.filter(|digits| !digits.is_empty())?;
    let zeros = digits.iter().take_while(|digit| **digit == 0).count();
    if digits.len() - zeros > LONGEST {
        return None;
    }
    let value = digits.iter().fold(0, |value, digit| value * 10 + i64::from(*digit));
    let value = if negative { -value } else { value };
    i32::try_from(value).ok().map(i64::from)
}
