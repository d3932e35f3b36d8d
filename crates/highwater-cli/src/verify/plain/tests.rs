//! The second opinion agrees with the codec.

use highwater_codec::{parse_decimal, parse_timestamp};

use super::*;

#[test]
fn decimals_are_read_as_the_codec_does() {
    for text in [
        "12.5",
        "-0.50",
        "1e3",
        "+.5",
        "12.345",
        "12.3400",
        "",
        ".",
        "e5",
        "1e",
        "1e+2",
        "1E-2",
        "1e-3",
        "9999999999999999.99",
        "99999999999999999.9",
        "0e999999999999999999999",
        "NaN",
        "1e999999999999999999999",
        "100e-4",
        "0001.00",
        "1 ",
        "--1",
        "1.2.3",
        "٣",
    ] {
        assert_eq!(decimal(text, 18, 2), parse_decimal(text, 18, 2).ok(), "{text}");
    }
    assert_eq!(decimal("1200e-2", 19, 0), Some(12));
    assert_eq!(decimal("1.5", 19, 0), None);
}

#[test]
fn times_are_read_as_the_codec_does() {
    for text in [
        "2025-01-16T00:00:00",
        "2025-01-16 23:59:59.999999",
        "2025-02-29T00:00:00",
        "2024-02-29T00:00:00Z",
        "2025-01-16T24:00:00",
        "2025-01-16T00:00:60",
        "0000-01-01T00:00:00",
        "2025-01-16T00:00:00.",
        "2025-01-16T00:00:00.1234560",
        "2025-01-16T00:00:00.1234567",
        "2025-01-16T00:00:00+02:00",
        "2025-01-16T00:00:00+2:00",
        "2025-01-16T00:00:00-23:59",
        "2025-01-16T00:00:00+24:00",
        "2025-01-16",
        "",
        "2025-01-16T00:00:00z",
        "٣٣٣٣",
        "2025-01-16t00:00:00",
        "2025-01-16T00:00:00 Z",
        "2025-01-16T00:00:00Z ",
    ] {
        assert_eq!(micros(text), parse_timestamp(text).ok(), "{text}");
    }
}

#[test]
fn depth_counts_outside_of_strings() {
    assert_eq!(depth(br#"{"a\"[[[": [{"b": "}}"}]}"#), 3);
    assert_eq!(depth(b"}}{"), 1);
}

#[test]
fn only_objects_that_are_taken_are_read() {
    assert_eq!(object(b" {}"), Some(&b" {}"[..]));
    assert_eq!(object(b"[]"), None);
    assert_eq!(object(b""), None);
    let deep = |levels| [b"{\"a\":".repeat(levels), b"1".to_vec(), b"}".repeat(levels)].concat();
    assert!(object(&deep(64)).is_some() && object(&deep(65)).is_none());
}
