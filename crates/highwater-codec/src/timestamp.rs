//! Points in time from RFC 3339 text, to the microsecond and without allocation.

use crate::Problem;

/// Microseconds since 1970-01-01 UTC of `text`, such as `2025-01-16T12:30:00.5+02:00`.
///
/// Date and time are divided by `T` or one space. The zone is `Z` or hours and minutes from UTC; a
/// time without a zone is UTC. The fraction may have any number of digits as long as those after the
/// sixth are zeros. Years are 0000 to 9999 of the Gregorian calendar, also before it was introduced.
///
/// # Errors
/// `Mismatch` when the text is of another form, `OutOfRange` when there is no such date, time or
/// zone (30 February, 24:00:00, second 60), `Inexact` when it is finer than a microsecond.
///
/// # Example
/// ```
/// use highwater_codec::{Problem, parse_timestamp};
///
/// assert_eq!(parse_timestamp("1970-01-01T00:00:01.5"), Ok(1_500_000));
/// assert_eq!(parse_timestamp("1970-01-01T02:00:00+02:00"), Ok(0));
/// assert_eq!(parse_timestamp("1970-02-30T00:00:00Z"), Err(Problem::OutOfRange));
/// ```
///
/// Source: RFC 3339 section 5.6, with upper-case letters only and a zone that may be left out.
pub fn parse_timestamp(text: &str) -> Result<i64, Problem> {
    parse(text.as_bytes(), &mut Date::default())
}

/// [`parse_timestamp`] of bytes. Most are of the date that `last` was read.
#[inline(always)]
pub(crate) fn parse(text: &[u8], last: &mut Date) -> Result<i64, Problem> {
    let usual = text.strip_suffix(b"Z").unwrap_or(text).try_into().ok();
    match usual.and_then(|text| parse_usual(text, last)) {
        Some(micros) => Ok(micros),
        None => parse_any(text, last),
    }
}

/// The length that most times have: six digits after the point, and no zone.
const LENGTH: usize = b"2025-01-16T12:30:00.123456".len();

/// The microseconds of a time of that length on the same date as the last one.
#[inline(always)]
fn parse_usual(text: &[u8; LENGTH], last: &Date) -> Option<i64> {
    let (date, rest) = text.split_first_chunk::<10>()?;
    if last.text != *date {
        return None;
    }
    let seconds = seconds_of_day(rest.first_chunk()?)??;
    let fraction = digit_pairs(rest.last_chunk()?, b"0.000000")?.map(i64::from);
    let [_, _, first, _, second, _, third, _] = fraction;
    let micros = first * 10_000 + second * 100 + third;
    Some((last.days? * 86_400 + seconds) * 1_000_000 + micros)
}

/// The same for any text.
#[inline(never)]
fn parse_any(text: &[u8], last: &mut Date) -> Result<i64, Problem> {
    let (date, rest) = text.split_first_chunk::<10>().ok_or(Problem::Mismatch)?;
    let (time, rest) = rest.split_first_chunk::<9>().ok_or(Problem::Mismatch)?;
    if last.text != *date {
        *last = Date::read(date).ok_or(Problem::Mismatch)?;
    }
    let seconds = seconds_of_day(time).ok_or(Problem::Mismatch)?;
    let (fraction, zone) = split_fraction(rest)?;
    let (micros, offset) = (parse_fraction(fraction)?, parse_zone(zone)?);
    let (days, seconds) = last.days.zip(seconds).ok_or(Problem::OutOfRange)?;
    Ok((days * 86_400 + seconds - offset) * 1_000_000 + micros)
}

/// A date as it is written, such as `2025-01-16`.
#[derive(Debug)]
pub(crate) struct Date {
    text: [u8; 10],
    /// Those since 1970-01-01; none where the calendar has no such date.
    days: Option<i64>,
}

impl Default for Date {
    fn default() -> Self {
        Self { text: *b"1970-01-01", days: Some(0) }
    }
}

impl Date {
    /// Nothing for what is not of the form of a date.
    #[inline(never)]
    fn read(text: &[u8; 10]) -> Option<Self> {
        let (head, rest) = text.split_first_chunk::<8>()?;
        let &[d1, d2] = rest else { return None };
        let [century, _, year, _, _, month, _, _] = digit_pairs(head, b"0000-00-")?;
        let (year, month) = (i64::from(century) * 100 + i64::from(year), i64::from(month));
        let day = two(d1, d2).ok()?;
        let on_calendar = (1..=days_in(year, month)).contains(&day);
        let days = on_calendar.then(|| days_since_epoch(year, month, day));
        Some(Self { text: *text, days })
    }
}

/// The seconds of a time behind its divider, such as `T12:30:00`: nothing for another form, and none
/// where the day has no such time.
#[inline]
#[expect(clippy::option_option, reason = "another form and no such time are two things")]
fn seconds_of_day(text: &[u8; 9]) -> Option<Option<i64>> {
    let [b'T' | b' ', time @ ..] = text else { return None };
    let [hour, _, _, minute, _, _, second, _] = digit_pairs(time, b"00:00:00")?.map(i64::from);
    let on_clock = hour <= 23 && minute <= 59 && second <= 59;
    Some(on_clock.then_some(hour * 3_600 + minute * 60 + second))
}

/// For each byte of `text` the number that its digit makes with the next one. `form` has a 0 for
/// each digit; all other bytes must be as they are there.
#[inline]
fn digit_pairs(text: &[u8; 8], form: &[u8; 8]) -> Option<[u8; 8]> {
    let each = |byte: u8| u64::from_le_bytes([byte; 8]);
    // Up to 9 where there is a digit, 0 where another byte is as it must be.
    let digits = u64::from_le_bytes(*text) ^ u64::from_le_bytes(*form);
    let limits =
        u64::from_le_bytes(form.map(|byte| if byte == b'0' { 0x80 - 10 } else { 0x80 - 1 }));
    let beyond = ((digits & each(0x7f)) + limits) | digits;
    if beyond & each(0x80) != 0 {
        return None;
    }
    Some((digits * 10 + (digits >> 8)).to_le_bytes())
}

fn two(tens: u8, ones: u8) -> Result<i64, Problem> {
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    if tens > 9 || ones > 9 {
        return Err(Problem::Mismatch);
    }
    Ok(i64::from(tens * 10 + ones))
}

/// The digits after the point, and what follows them.
fn split_fraction(rest: &[u8]) -> Result<(&[u8], &[u8]), Problem> {
    let [b'.', rest @ ..] = rest else {
        return Ok((&[], rest));
    };
    let end = rest.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
    if end == 0 {
        return Err(Problem::Mismatch);
    }
    rest.split_at_checked(end).ok_or(Problem::Mismatch)
}

fn parse_fraction(digits: &[u8]) -> Result<i64, Problem> {
    let mut micros = 0;
    let mut unit = 100_000;
    for digit in digits {
        if unit == 0 && *digit != b'0' {
            return Err(Problem::Inexact);
        }
        micros += i64::from(digit - b'0') * unit;
        unit /= 10;
    }
    Ok(micros)
}

/// Seconds east of UTC.
fn parse_zone(zone: &[u8]) -> Result<i64, Problem> {
    match *zone {
        [] | [b'Z'] => Ok(0),
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let (hours, minutes) = (two(h1, h2)?, two(m1, m2)?);
            if hours > 23 || minutes > 59 {
                return Err(Problem::OutOfRange);
            }
            let seconds = hours * 3_600 + minutes * 60;
            Ok(if sign == b'-' { -seconds } else { seconds })
        }
        _ => Err(Problem::Mismatch),
    }
}

/// The days of a month; none for one that there is not.
pub(crate) fn days_in(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 0,
    }
}

/// Days since 1970-01-01, of a month from 1 to 12. Years are counted from March, so that the leap day is
/// the last of its year, and from so many eras of 400 years ago that they are never negative: quotients of
/// such numbers by constants are products.
///
/// Source: Howard Hinnant, "chrono-compatible low-level date algorithms", `days_from_civil`; the days before
/// a month are those of Cassio Neri and Lorenz Schneider, "Euclidean affine functions and their
/// application to calendar algorithms".
#[inline]
pub(crate) fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    const ERAS: i64 = 1_000_000;
    const DAYS_OF_ERA: i64 = 146_097;
    let (year, month) = if month > 2 { (year, month) } else { (year - 1, month + 12) };
    let year = (year + 400 * ERAS).cast_unsigned();
    let century = year / 100;
    let before_year = (year * 1_461 / 4 - century + century / 4).cast_signed();
    let before_month = (979 * month - 2_919) >> 5;
    before_year - ERAS * DAYS_OF_ERA + before_month + day - 1 - 719_468
}

#[cfg(test)]
mod tests;
