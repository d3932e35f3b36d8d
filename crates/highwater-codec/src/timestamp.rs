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
    let (head, rest) = text.as_bytes().split_first_chunk::<19>().ok_or(Problem::Mismatch)?;
    let &[
        y1,
        y2,
        y3,
        y4,
        b'-',
        mo1,
        mo2,
        b'-',
        d1,
        d2,
        b'T' | b' ',
        h1,
        h2,
        b':',
        mi1,
        mi2,
        b':',
        s1,
        s2,
    ] = head
    else {
        return Err(Problem::Mismatch);
    };
    let year = two(y1, y2)? * 100 + two(y3, y4)?;
    let (month, day) = (two(mo1, mo2)?, two(d1, d2)?);
    let (hour, minute, second) = (two(h1, h2)?, two(mi1, mi2)?, two(s1, s2)?);
    let (fraction, zone) = split_fraction(rest)?;
    let micros = parse_fraction(fraction)?;
    let offset = parse_zone(zone)?;
    let on_calendar = (1..=days_in(year, month)).contains(&day);
    if !on_calendar || hour > 23 || minute > 59 || second > 59 {
        return Err(Problem::OutOfRange);
    }
    let seconds = days_since_epoch(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second;
    Ok((seconds - offset) * 1_000_000 + micros)
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

/// Days since 1970-01-01. Years are counted from March, so that the leap day is the last of its year.
///
/// Source: Howard Hinnant, "chrono-compatible low-level date algorithms", `days_from_civil`.
pub(crate) fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let year = if month > 2 { year } else { year - 1 };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests;
