//! Numbers against those of the standard library.

use proptest::prelude::*;

use super::{POWERS, Plain, SHIFT};

fn float(text: &str) -> Option<f64> {
    let (number, length) = Plain::read(text.as_bytes())?;
    assert_eq!(length, text.len(), "{text}");
    number.float()
}

/// More bytes than are looked at together.
const NEXT: &str = ", \"next\": 12345678, \"and\": [12345678]";

/// The number is there, with the bits that the standard library gives it, whatever stands behind it.
fn agrees(text: &str) {
    let expected: f64 = text.parse().unwrap();
    for behind in ["", ",", "}", "}}}}}}}}}", NEXT, " ", "x", "/", ":"] {
        let whole = format!("{text}{behind}");
        let (number, length) = Plain::read(whole.as_bytes()).unwrap();
        assert_eq!(length, text.len(), "{whole}");
        assert_eq!(number.float().map(f64::to_bits), Some(expected.to_bits()), "{whole}");
        let whole: Option<i64> = text.parse().ok().filter(|_| number.count < 19);
        assert_eq!(number.whole(), whole, "{text}");
    }
}

#[test]
fn floats_are_the_nearest_and_of_two_the_even_one() {
    for text in [
        "0",
        "-0",
        "0.0",
        "-0.000",
        "1",
        "-1",
        "7",
        "10",
        "0.1",
        "0.5",
        "1.5",
        "12.50",
        "412.07519631254423",
        "9007199254740992",
        "9007199254740993",
        "9007199254740994",
        "9007199254740995",
        "9007199254740997",
        "18014398509481985",
        "18014398509481986",
        "18014398509481987",
        "18014398509481990",
        "4503599627370496.5",
        "4503599627370497.5",
        "4503599627370497.499",
        "4503599627370497.501",
        "9223372036854775807",
        "9223372036854775808",
        "9999999999999999999",
        "1000000000000000000",
        "0.000000000000000001",
        "0.999999999999999999",
        "1.000000000000000000",
        "0.3",
        "2.675",
        "179.97693134862315",
        "99999999",
        "100000000",
        "12345678",
        "123456789",
        "1234567.8",
        "12345678.9",
        "1.2345678",
        "1.23456789",
    ] {
        agrees(text);
        agrees(&format!("-{}", text.trim_start_matches('-')));
    }
}

#[test]
fn what_is_no_number_or_has_more_to_it_is_nothing() {
    for text in [
        "",
        "-",
        "+1",
        "01",
        "-01",
        "00",
        ".5",
        "1.",
        "-.5",
        "1.e5",
        "1e5",
        "1E5",
        "1.5e-3",
        "1.5E",
        "--1",
        "a",
        "null",
        "\"1\"",
        "12345678901234567890",
        "1.2345678901234567890",
        "0.1234567890123456789",
        "1234567.1234567890123",
        "1234567.123456789012345",
        "\u{ff11}",
    ] {
        assert_eq!(Plain::read(text.as_bytes()), None, "{text}");
        let among = format!("{text}, {NEXT}");
        assert_eq!(Plain::read(among.as_bytes()), None, "{among}");
    }
    for text in ["1.5", "1.0", "1234567890123456789"] {
        let (number, _) = Plain::read(text.as_bytes()).unwrap();
        assert_eq!(number.whole(), None, "{text}");
    }
}

#[test]
fn only_digits_are_digits() {
    for place in 0..18 {
        for byte in 0..=u8::MAX {
            let mut text = b"111111111111111111".to_vec();
            text[place] = byte;
            let length = match byte {
                b'0' if place == 0 => None,
                b'0'..=b'9' => Some(18),
                b'-' if place == 0 => Some(18),
                b'.' if (1..17).contains(&place) => Some(18),
                b'.' | b'e' | b'E' => None,
                _ if place == 0 => None,
                _ => Some(place),
            };
            let found = Plain::read(&text).map(|(_, length)| length);
            assert_eq!(found, length, "{byte} at {place}");
            text.extend_from_slice(NEXT.as_bytes());
            let found = Plain::read(&text).map(|(_, length)| length);
            assert_eq!(found, length, "{byte} at {place}, and more");
        }
    }
}

/// Digits with a point somewhere in them, or none.
fn pointed(digits: u64, places: usize) -> String {
    let digits = format!("{digits:0width$}", width = places + 1);
    let (whole, fraction) = digits.split_at(digits.len() - places);
    if places == 0 { whole.to_owned() } else { format!("{whole}.{fraction}") }
}

proptest! {
    #[test]
    fn a_power_of_ten_divides_as_the_processor_does(
        power in 0_usize..POWERS.len(), digits in any::<u64>(), near in -2_i64..3,
    ) {
        let power = POWERS[power];
        // Any digits, and those of a multiple or next to one.
        for digits in [digits, (digits / power.divisor * power.divisor).wrapping_add_signed(near)] {
            let digits = digits.unbounded_shl(digits.leading_zeros());
            let (whole, divisor) = (u128::from(digits) << SHIFT, u128::from(power.divisor));
            let (quotient, rest) = power.divide(digits);
            prop_assert_eq!((quotient.into(), rest.into()), (whole / divisor, whole % divisor));
        }
    }

    #[test]
    fn digits_with_a_point_are_what_they_are_elsewhere(
        bits in any::<u64>(), shorter in 0_u32..64, places in 0_usize..19, negative in any::<bool>(),
    ) {
        let digits = (bits >> shorter) % 10_000_000_000_000_000_000;
        let text = pointed(digits, places);
        prop_assume!(text.len() - usize::from(places > 0) <= 19);
        agrees(&if negative { format!("-{text}") } else { text });
    }

    /// The shortest digits that tell a float from all others, and those of its middle to the next one.
    #[test]
    fn floats_come_back(value in 1e-3..1e15_f64) {
        let text = format!("{value:?}");
        if let Some(found) = float(&text) {
            prop_assert_eq!(found.to_bits(), value.to_bits());
        }
        let middle = format!("{:.17}", value / 2.0 + value.next_up() / 2.0);
        let middle: String = middle.chars().take(20).collect();
        if let Some(found) = float(&middle) {
            prop_assert_eq!(found.to_bits(), middle.parse::<f64>().unwrap().to_bits());
        }
    }
}
