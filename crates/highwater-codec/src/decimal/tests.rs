//! The short way and the long way give one answer. Answers of Python are in `tests/it/oracle.rs`.

use proptest::prelude::*;
use proptest::test_runner::Config;

use super::{Number, few_digits, many_digits, plain, word};

#[test]
fn few_digits_at_once_are_what_they_are_one_by_one() {
    const BYTES: [u8; 9] = [b'0', b'1', b'9', b'.', b'/', b':', b'-', 0, 0xff];
    for length in 1..=8_usize {
        // All texts of up to five bytes; of longer ones those that repeat their first five.
        let mut text = vec![0; length];
        for number in 0..9_usize.pow(5) {
            let mut rest = number;
            for at in 0..length {
                text[at] = if at < 5 { BYTES[rest % 9] } else { text[at - 5] };
                rest /= 9;
            }
            let at_once = few_digits(word(&text).expect("it is short"), length);
            assert_eq!(at_once, many_digits(&text), "{text:?}");
        }
    }
    assert_eq!((word(b""), word(b"123456789")), (None, None));
}

proptest! {
    #![proptest_config(Config::with_cases(2_000))]

    #[test]
    fn the_short_way_answers_as_the_long_way(
        text in "-?[0-9]{0,20}(\\.[0-9]{0,12})?",
        precision in 1_u8..=38,
        scale in 0_u8..=38,
    ) {
        let scale = scale.min(precision);
        if let Some(value) = plain(text.as_bytes(), precision, scale) {
            let number = Number::parse(text.as_bytes()).expect("a number");
            prop_assert_eq!(number.scaled(u32::from(precision), u32::from(scale)), Ok(value));
        }
    }

    #[test]
    fn what_is_written_is_read(value in any::<i64>(), scale in 0_u8..=18) {
        let unit = 10_u64.pow(u32::from(scale));
        let (sign, digits) = (if value < 0 { "-" } else { "" }, value.unsigned_abs());
        let text = format!("{sign}{}.{:0width$}", digits / unit, digits % unit, width = usize::from(scale));
        prop_assert_eq!(super::parse_decimal(&text, 38, scale), Ok(i128::from(value)));
    }
}
