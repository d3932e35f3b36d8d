//! Years that Python does not have. All else is in `tests/it/oracle.rs`.

use super::{Date, days_in, days_since_epoch, parse, parse_timestamp};
use crate::Problem;

#[test]
fn the_year_0_is_a_leap_year() {
    let day = 86_400_000_000;
    let first = parse_timestamp("0001-01-01T00:00:00Z").unwrap();
    assert_eq!(parse_timestamp("0000-01-01T00:00:00Z"), Ok(first - 366 * day));
    assert_eq!(parse_timestamp("0000-02-29T00:00:00+00:00"), Ok(first - 307 * day));
    assert_eq!(parse_timestamp("0000-02-30T00:00:00"), Err(Problem::OutOfRange));
    assert_eq!(parse_timestamp("0000-01-01T00:00:00+01:00"), Ok(first - 366 * day - day / 24));
}

#[test]
fn days_follow_each_other_over_all_years() {
    assert_eq!(days_since_epoch(1970, 1, 1), 0);
    let mut expected = days_since_epoch(-9_999, 1, 1);
    for year in -9_999..=9_999 {
        for month in 1..=12 {
            assert_eq!(days_since_epoch(year, month, 1), expected, "{year}-{month}");
            expected += days_in(year, month);
        }
    }
}

#[test]
fn each_byte_counts() {
    let good = "2025-01-16T12:30:05";
    for at in 0..good.len() {
        for byte in 0..0x80 {
            let mut text = good.as_bytes().to_vec();
            text[at] = byte;
            let text = String::from_utf8(text).unwrap();
            let looks_good = match good.as_bytes()[at] {
                b'T' => matches!(byte, b'T' | b' '),
                digit @ b'0'..=b'9' => byte.is_ascii_digit() || byte == digit,
                other => byte == other,
            };
            let found = parse_timestamp(&text);
            assert_eq!(found == Err(Problem::Mismatch), !looks_good, "{text:?}: {found:?}");
        }
    }
    for at in 0..good.len() {
        assert_eq!(parse_timestamp(&good[..at]), Err(Problem::Mismatch));
    }
    // One second is one second, wherever its digit stands.
    let micros = |text: &str| parse_timestamp(text).unwrap();
    let seconds = |text: &str| (micros(text) - micros(good)) / 1_000_000;
    assert_eq!(seconds("2025-01-16 12:30:15Z"), 10);
    assert_eq!(seconds("2025-01-16T12:41:05"), 660);
    assert_eq!(seconds("2025-01-16T23:30:05"), 11 * 3_600);
    assert_eq!(seconds("2025-01-27T12:30:05"), 11 * 86_400);
    assert_eq!(seconds("2025-12-16T12:30:05"), 334 * 86_400);
    assert_eq!(seconds("1025-01-16T12:30:05"), -365_243 * 86_400);
}

#[test]
fn six_digits_are_read_as_any_other_number_of_them() {
    let good = "2025-01-16T12:30:05.123456";
    assert_eq!(parse_timestamp(good).unwrap() % 60_000_000, 5_123_456);
    for at in 18..good.len() {
        // A second zone is wrong for the long way alone.
        for byte in (0..0x80).filter(|byte| *byte != b'Z') {
            let mut text = good.as_bytes().to_vec();
            text[at] = byte;
            let text = String::from_utf8(text).unwrap();
            let long_way = parse_timestamp(&format!("{text}+00:00"));
            assert_eq!(parse_timestamp(&text), long_way, "{text:?}");
            assert_eq!(parse_timestamp(&format!("{text}Z")), long_way, "{text:?}");
        }
    }
}

#[test]
fn the_date_of_the_last_one_changes_nothing() {
    let texts = [
        "2025-01-16T12:30:05",
        "2025-01-16T23:59:59.999999",
        "2025-02-30T00:00:00",
        "2025-02-30T00:00:01Z",
        "2025-02-3x",
        "2025-01-16T24:00:00",
        "2025-01-16T12:30:05+25:00",
        "2025-01-16X12:30:05",
        "2025-01-17T12:30:05",
        "1970-01-01T00:00:00",
        "2025-13-16T00:00:00",
        "\0\0\0\0\0\0\0\0\0\0T00:00:00",
        "2025/01/16T00:00:00",
    ];
    let mut last = Date::default();
    for (one, other) in texts.iter().flat_map(|one| texts.map(|other| (*one, other))) {
        for text in [one, one, other] {
            assert_eq!(parse(text.as_bytes(), &mut last), parse_timestamp(text), "{text:?}");
        }
    }
}
