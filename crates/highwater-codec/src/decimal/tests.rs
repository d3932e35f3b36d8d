//! The short way and the long way give one answer. Answers of Python are in `tests/it/oracle.rs`.

use proptest::prelude::*;
use proptest::test_runner::Config;

use super::{Number, plain};

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
