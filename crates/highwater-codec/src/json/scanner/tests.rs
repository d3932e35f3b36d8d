//! What is passed is what serde_json takes, as far as it is passed.

use proptest::prelude::*;
use proptest::test_runner::Config;
use serde_json::value::RawValue;

use super::{MAX_DEPTH, Scanner};

/// The length of the value with which `bytes` begins, if it is passed.
fn passed(bytes: &[u8], depth: usize) -> Option<usize> {
    let mut scanner = Scanner(bytes);
    scanner.value(depth)?;
    Some(bytes.len() - scanner.0.len())
}

#[test]
fn a_string_ends_at_its_quote_and_holds_nothing_special() {
    for length in 0..40 {
        for at in 0..=length {
            for byte in 0..=u8::MAX {
                let mut bytes = vec![b'x'; length];
                bytes.insert(at, byte);
                for after in ["\"", "\",", "\":12345678"] {
                    let text = [b"\"", &*bytes, after.as_bytes()].concat();
                    let expected = match byte {
                        b'"' => Some(at + 2),
                        b'\\' | ..b' ' | 0x80.. => None,
                        _ => Some(length + 3),
                    };
                    assert_eq!(passed(&text, 0), expected, "byte {byte} at {at} of {length}");
                }
                assert!(byte == b'"' || passed(&[b"\"", &*bytes].concat(), 0).is_none());
            }
        }
    }
}

#[test]
fn strings_are_utf_8() {
    for (text, good) in [
        (b"\"0123456\xc3\xa9\"".as_slice(), true),
        (b"\"\xf0\x9f\x98\x80 and more than a word\"", true),
        (b"\"\xc3\xa9\\n\"", false),
        (b"\"\xc3\xa9\n\"", false),
        (b"\"\xc3\"", false),
        (b"\"\xc3\" \xa9\"", false),
        (b"\"\xed\xa0\x80\"", false),
        (b"\"\xc3\xa9", false),
    ] {
        assert_eq!(passed(text, 0), good.then_some(text.len()), "{text:?}");
    }
}

#[test]
fn containers_lie_as_deep_as_they_may() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(passed(nested(MAX_DEPTH).as_bytes(), 0), Some(2 * MAX_DEPTH));
    assert_eq!(passed(nested(MAX_DEPTH - 1).as_bytes(), 1), Some(2 * MAX_DEPTH - 2));
    assert_eq!(passed(nested(MAX_DEPTH).as_bytes(), 1), None);
    assert_eq!(passed("{\"a\":".repeat(1_000_000).as_bytes(), 1), None);
    let object = |keys: usize| format!("{{{}\"x\":1}}", "\"x\":1,".repeat(keys - 1));
    assert!(passed(object(super::MAX_KEYS).as_bytes(), 1).is_some());
    assert!(passed(object(super::MAX_KEYS + 1).as_bytes(), 1).is_none());
}

proptest! {
    #![proptest_config(Config::with_cases(3_000))]

    #[test]
    fn numbers_are_those_of_json(text in "-?[0-9]{0,3}[0-9.eE+-]{0,6}") {
        let is_json = serde_json::from_str::<&RawValue>(&text).is_ok();
        prop_assert_eq!(passed(text.as_bytes(), 0) == Some(text.len()), is_json);
    }

    #[test]
    fn values_are_those_of_json(
        parts in prop::collection::vec(
            prop::sample::select(vec![
                "{", "}", "[", "]", ",", ":", "\"a\"", "\"b\":", "1", "-0.5e1", "01", "true", "nul",
                "null", "false", " ", "\n", "\u{b}", "\"",
            ]),
            0..10,
        )
    ) {
        let text = parts.concat();
        let mut scanner = Scanner(text.as_bytes());
        scanner.space();
        let passed = scanner.value(0).map(|()| scanner.space()).is_some() && scanner.0.is_empty();
        prop_assert_eq!(passed, serde_json::from_str::<&RawValue>(&text).is_ok(), "{}", text);
    }
}
