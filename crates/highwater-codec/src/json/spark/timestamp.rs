//! Text cast to timestamps as Spark does it, in a session in UTC.

use crate::timestamp::{days_in, days_since_epoch};

use super::zone::Zone;

/// Year, month, day, hour, minute, second, microsecond.
type Parts = [i64; 7];

/// What a text is as a timestamp.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Time {
    /// Microseconds since 1970-01-01 UTC.
    At(i64),
    /// None, as far as Spark is concerned.
    Null,
    /// A time of the day on which Spark reads it.
    Today,
    /// A time in a zone that has a name.
    InZone,
}

/// The point in time that `text` names.
///
/// Source: `SparkDateTimeUtils.stringToTimestamp` of Spark 4.1.
pub(super) fn cast(text: &str) -> Time {
    let trimmed = text.trim_matches(|char: char| char <= ' ' || char == '\u{7f}');
    let Some(Written { parts, zone, dated }) = parse(trimmed, text.starts_with('T')) else {
        return Time::Null;
    };
    let [year, month, day, hour, minute, second, micros] = parts;
    if hour > 23 || minute > 59 || second > 59 {
        return Time::Null;
    }
    let offset = match zone.map_or(Zone::Offset(0), Zone::of) {
        Zone::Unknown => return Time::Null,
        Zone::Offset(seconds) => Some(seconds),
        Zone::Named => None,
    };
    if !dated {
        return Time::Today;
    }
    if !(1..=days_in(year, month)).contains(&day) {
        return Time::Null;
    }
    let Some(offset) = offset else { return Time::InZone };
    let seconds = days_since_epoch(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second;
    let micros = (seconds - offset).checked_mul(1_000_000).and_then(|it| it.checked_add(micros));
    micros.map_or(Time::Null, Time::At)
}

struct Written<'a> {
    parts: Parts,
    zone: Option<&'a str>,
    dated: bool,
}

/// The parts of a text as they come: each ends at a letter that leads to the next one.
struct Parsing {
    parts: Parts,
    /// The part being read; 7 is behind the zone.
    at: usize,
    value: i64,
    digits: u32,
    dated: bool,
}

impl Parsing {
    fn is_valid(&self) -> bool {
        match self.at {
            0 => (4..=6).contains(&self.digits),
            6 => true,
            7 => self.digits == 0,
            _ => (1..=2).contains(&self.digits),
        }
    }

    /// Ends the part and goes on to the part `next`.
    fn end(&mut self, next: usize) -> Option<()> {
        if !self.is_valid() {
            return None;
        }
        if let Some(part) = self.parts.get_mut(self.at) {
            *part = self.value;
        }
        (self.at, self.value, self.digits) = (next, 0, 0);
        Some(())
    }

    fn digit(&mut self, digit: u8) {
        if self.at != 6 || self.digits < 6 {
            self.value = self.value.saturating_mul(10).saturating_add(i64::from(digit - b'0'));
        }
        self.digits = self.digits.saturating_add(1);
    }
}

/// A text without white space round it. Only one that never had any may begin with `T`.
fn parse(text: &str, may_begin_with_t: bool) -> Option<Written<'_>> {
    let (sign, body) = match text.as_bytes().first()? {
        b'-' => (Some(-1), text.get(1..)?),
        b'+' => (Some(1), text.get(1..)?),
        _ => (None, text),
    };
    let parts = [1, 1, 1, 0, 0, 0, 0];
    let mut parsing = Parsing { parts, at: 0, value: 0, digits: 0, dated: true };
    let mut zone = None;
    let mut fraction = 0_u32;
    for (at, byte) in body.bytes().enumerate() {
        match (byte, parsing.at) {
            (b'0'..=b'9', part) => {
                fraction += u32::from(part == 6);
                parsing.digit(byte);
            }
            (b'T', 0) if at == 0 && sign.is_none() && may_begin_with_t => {
                (parsing.at, parsing.dated) = (3, false);
            }
            (b'-', part @ (0 | 1)) => parsing.end(part + 1)?,
            (b':', 0) if sign.is_none() => {
                (parsing.at, parsing.dated) = (3, false);
                parsing.end(4)?;
            }
            (b' ' | b'T', 2) => parsing.end(3)?,
            (b':', part @ (3 | 4)) => parsing.end(part + 1)?,
            (b'.', 5) => parsing.end(6)?,
            (_, 5 | 6) => {
                parsing.end(7)?;
                zone = Some(body.get(at..)?);
                break;
            }
            _ => return None,
        }
    }
    let last = parsing.at;
    parsing.end(last)?;
    let Parsing { mut parts, dated, .. } = parsing;
    let [year, .., micros] = &mut parts;
    *year *= sign.unwrap_or(1);
    *micros *= 10_i64.pow(6_u32.saturating_sub(fraction));
    Some(Written { parts, zone, dated })
}
