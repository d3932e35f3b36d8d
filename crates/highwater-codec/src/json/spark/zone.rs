//! Time zones as Java reads their names.

/// Where zones of Java are called after, before a slash.
const AREAS: [&str; 17] = [
    "Africa",
    "America",
    "Antarctica",
    "Arctic",
    "Asia",
    "Atlantic",
    "Australia",
    "Brazil",
    "Canada",
    "Chile",
    "Etc",
    "Europe",
    "Indian",
    "Mexico",
    "Pacific",
    "SystemV",
    "US",
];
/// The zones of Java without a slash whose offset is known to it alone.
const NAMES: [&str; 56] = [
    "ACT",
    "AET",
    "AGT",
    "ART",
    "AST",
    "BET",
    "BST",
    "CAT",
    "CET",
    "CNT",
    "CST",
    "CST6CDT",
    "CTT",
    "Cuba",
    "EAT",
    "ECT",
    "EET",
    "EST5EDT",
    "Egypt",
    "Eire",
    "GB",
    "GB-Eire",
    "Hongkong",
    "IET",
    "IST",
    "Iceland",
    "Iran",
    "Israel",
    "JST",
    "Jamaica",
    "Japan",
    "Kwajalein",
    "Libya",
    "MET",
    "MIT",
    "MST7MDT",
    "NET",
    "NST",
    "NZ",
    "NZ-CHAT",
    "Navajo",
    "PLT",
    "PNT",
    "PRC",
    "PRT",
    "PST",
    "PST8PDT",
    "Poland",
    "Portugal",
    "ROK",
    "SST",
    "Singapore",
    "Turkey",
    "VST",
    "W-SU",
    "WET",
];
/// Other names of UTC.
const UTC: [&str; 7] = ["GMT+0", "GMT-0", "GMT0", "Greenwich", "UCT", "Universal", "Zulu"];

/// The zone that a text names.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Zone {
    /// So many seconds east of UTC.
    Offset(i64),
    /// It is called after a place, such as `Europe/Paris`. What its offset was at a time is not known
    /// here, nor whether the area has such a place.
    Named,
    /// There is none.
    Unknown,
}

impl Zone {
    /// The zone called `text`, with white space round it or not.
    ///
    /// Source: `SparkDateTimeUtils.getZoneId` of Spark 4.1, `ZoneId.of` of Java 17.
    pub(super) fn of(text: &str) -> Self {
        let name = completed(text.trim_matches(|char| char <= ' '));
        let name = match name.as_str() {
            "EST" => "-05:00",
            "MST" => "-07:00",
            "HST" => "-10:00",
            name => name,
        };
        if name == "Z" {
            return Self::Offset(0);
        }
        if name.starts_with(['+', '-']) {
            return offset(name).map_or(Self::Unknown, Self::Offset);
        }
        for prefix in ["UTC", "GMT", "UT"] {
            match name.strip_prefix(prefix) {
                Some("") => return Self::Offset(0),
                Some(rest) if rest.starts_with(['+', '-']) => {
                    return offset(rest).map_or(Self::Unknown, Self::Offset);
                }
                _ => {}
            }
        }
        match name.split_once('/') {
            None if UTC.contains(&name) => Self::Offset(0),
            Some(("Etc", name)) if UTC.contains(&name) || name == "UTC" || name == "GMT" => {
                Self::Offset(0)
            }
            None if NAMES.contains(&name) => Self::Named,
            Some((area, _)) if AREAS.contains(&area) => Self::Named,
            _ => Self::Unknown,
        }
    }
}

/// `+h:mm` and `+hh:m` with the digits that they lack. Either may stand anywhere in the text.
fn completed(text: &str) -> String {
    let mut name = text.to_owned();
    let hour = |at: usize| matches!(name.as_bytes().get(at..at + 3), Some([b'+' | b'-', digit, b':']) if digit.is_ascii_digit());
    if let Some(at) = (0..name.len()).find(|at| hour(*at)) {
        name.insert(at + 1, '0');
    }
    if let Some([tens, ones, b':', minute]) = name.as_bytes().last_chunk::<4>()
        && [tens, ones, minute].iter().all(|byte| byte.is_ascii_digit())
    {
        name.insert(name.len() - 1, '0');
    }
    name
}

/// Seconds of `+h`, `+hh`, `+hh:mm`, `+hhmm`, `+hh:mm:ss` or `+hhmmss`, at most 18 hours.
fn offset(text: &str) -> Option<i64> {
    const MOST: i64 = 18 * 3_600;
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+')?),
    };
    let two = |tens: u8, ones: u8| {
        let both = tens.is_ascii_digit() && ones.is_ascii_digit();
        both.then(|| i64::from((tens - b'0') * 10 + (ones - b'0')))
    };
    let (hours, minutes, seconds) = match *digits.as_bytes() {
        [h] => (two(b'0', h)?, 0, 0),
        [h1, h2] => (two(h1, h2)?, 0, 0),
        [h1, h2, m1, m2] | [h1, h2, b':', m1, m2] => (two(h1, h2)?, two(m1, m2)?, 0),
        [h1, h2, m1, m2, s1, s2] | [h1, h2, b':', m1, m2, b':', s1, s2] => {
            (two(h1, h2)?, two(m1, m2)?, two(s1, s2)?)
        }
        _ => return None,
    };
    let total = hours * 3_600 + minutes * 60 + seconds;
    (minutes < 60 && seconds < 60 && total <= MOST).then_some(sign * total)
}
