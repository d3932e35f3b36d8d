//! Values of JSON read without the codec that the pipelines use: by `chrono`, and by readers that work on
//! digits as text. They take what the codec takes by strict rules, and nothing else.

use chrono::NaiveDate;
use serde_json::value::RawValue;

const LONGEST: usize = 16 << 20;
const DEEPEST: usize = 64;

/// The record, if it is small and flat enough to be taken, and begins as an object: `serde_json` would take an
/// array for a struct.
pub fn object(record: &[u8]) -> Option<&[u8]> {
    let fits = record.len() <= LONGEST && depth(record) <= DEEPEST;
    Some(record).filter(|record| fits && record.trim_ascii_start().starts_with(b"{"))
}

/// A text, or a number as it is written.
pub fn text(value: &RawValue) -> Option<String> {
    match value.get().as_bytes() {
        [b'"', ..] => serde_json::from_str(value.get()).ok(),
        [b'-' | b'0'..=b'9', ..] => Some(value.get().to_owned()),
        _ => None,
    }
}

/// How deep objects and arrays lie within each other.
fn depth(record: &[u8]) -> usize {
    let (mut depth, mut deepest, mut within, mut escaped) = (0_usize, 0, false, false);
    for byte in record {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if within => escaped = true,
            b'"' => within = !within,
            b'{' | b'[' if !within => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !within => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// A decimal of so many digits, `scale` of them after the point, without that point: `12.5` of scale 2 is 1250.
pub fn decimal(text: &str, digits: usize, scale: i64) -> Option<i128> {
    let (number, exponent) = match text.split_once(['e', 'E']) {
        Some((number, exponent)) => (number, whole(exponent)?),
        None => (text, 0),
    };
    let unsigned = number.strip_prefix(['-', '+']).unwrap_or(number);
    let (before, after) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let all = format!("{before}{after}");
    if all.is_empty() || !all.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let kept = all.trim_end_matches('0');
    let dropped = i64::try_from(all.len() - kept.len()).ok()?;
    let kept = kept.trim_start_matches('0');
    if kept.is_empty() {
        return Some(0);
    }
    let zeros = exponent
        .saturating_sub(i64::try_from(after.len()).ok()?)
        .saturating_add(dropped)
        .saturating_add(scale);
    let zeros = usize::try_from(zeros).ok().filter(|zeros| zeros + kept.len() <= digits)?;
    let unscaled: i128 = format!("{kept}{}", "0".repeat(zeros)).parse().ok()?;
    Some(if number.starts_with('-') { -unscaled } else { unscaled })
}

/// A whole number with a sign or none. One that is too long counts as very large.
fn whole(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let size = digits.parse().unwrap_or(i64::MAX / 4);
    Some(if text.starts_with('-') { -size } else { size })
}

/// A point in time to the microsecond, with a zone or none. In microseconds since 1970 UTC.
pub fn micros(text: &str) -> Option<i64> {
    let (date_and_time, rest) = text.split_at_checked(19)?;
    let pattern = "dddd-dd-ddTdd:dd:dd".bytes().zip(date_and_time.bytes());
    let fits = |(wanted, found): (u8, u8)| match wanted {
        b'd' => found.is_ascii_digit(),
        b'T' => matches!(found, b'T' | b' '),
        _ => found == wanted,
    };
    if !pattern.into_iter().all(fits) {
        return None;
    }
    let number =
        |from: usize, to: usize| -> Option<u32> { date_and_time.get(from..to)?.parse().ok() };
    let year = i32::try_from(number(0, 4)?).ok()?;
    let date = NaiveDate::from_ymd_opt(year, number(5, 7)?, number(8, 10)?)?;
    let second = number(17, 19).filter(|second| *second < 60)?;
    let (fraction, zone) = rest.split_at(rest.find(['Z', '+', '-']).unwrap_or(rest.len()));
    let time = date.and_hms_micro_opt(
        number(11, 13)?,
        number(14, 16)?,
        second,
        part_of_second(fraction)?,
    )?;
    Some(time.and_utc().timestamp_micros() - seconds_east(zone)? * 1_000_000)
}

/// Nothing, or a point and digits, those behind the sixth zeros. In microseconds.
fn part_of_second(text: &str) -> Option<u32> {
    if text.is_empty() {
        return Some(0);
    }
    let digits = text.strip_prefix('.').filter(|digits| !digits.is_empty())?;
    let (six, behind) = digits.split_at_checked(6).unwrap_or((digits, ""));
    let all_digits = six.bytes().all(|byte| byte.is_ascii_digit());
    let fits = all_digits && behind.bytes().all(|byte| byte == b'0');
    format!("{six:0<6}").parse().ok().filter(|_| fits)
}

/// Nothing, `Z`, or a sign and hours and minutes. In seconds.
fn seconds_east(text: &str) -> Option<i64> {
    let Some(time) = text.strip_prefix(['+', '-']) else {
        return matches!(text, "" | "Z").then_some(0);
    };
    let (hours, minutes) = time.split_once(':')?;
    let part = |part: &str, limit: i64| {
        let digits = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
        part.parse::<i64>().ok().filter(|part| digits && *part < limit)
    };
    let seconds: i64 = part(hours, 24)? * 3_600 + part(minutes, 60)? * 60;
    Some(if text.starts_with('-') { -seconds } else { seconds })
}

#[cfg(test)]
mod tests;
