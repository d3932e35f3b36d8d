//! Escapes against serde_json.

use proptest::prelude::*;
use proptest::test_runner::Config;

use super::{Token, check_passed_over};

proptest! {
    #![proptest_config(Config::with_cases(2_000))]

    #[test]
    fn strings_are_those_of_serde_json(
        parts in prop::collection::vec(
            prop::sample::select(vec![
                "\\n", "\\\\", "\\\"", "\\/", "\\b", "\\f", "\\r", "\\t", "\\u0041", "\\uD83D",
                "\\ude00", "\\ud83d\\ude00", "\\uFFFF", "\\u0000", "x", "é", "😀", "u", "d83d",
            ]),
            0..8,
        )
    ) {
        let raw = format!("\"{}\"", parts.concat());
        let expected = serde_json::from_str::<String>(&raw).ok();
        let mut scratch = String::new();
        let found = match Token::of(&raw, &mut scratch) {
            Ok(Token::Text(text)) => Some(String::from_utf8(text.to_vec()).unwrap()),
            Ok(other) => panic!("{other:?}"),
            Err(_) => None,
        };
        prop_assert_eq!(&found, &expected);
        let within = format!("[1,{{{raw}:[{raw}]}}]");
        let passes = check_passed_over(&within, 1, &mut scratch).is_ok();
        prop_assert_eq!(passes, expected.is_some());
    }
}
