//! Which text is a decimal, and which one.

use super::*;

fn parse(text: &str, precision: u8, scale: u8) -> Option<i128> {
    let signature = Signature::exact(vec![DataType::Utf8], Volatility::Immutable);
    DecimalOf { precision, scale, or_null: false, signature }.parse(text)
}

#[test]
fn numbers_are_rounded_half_up() {
    for (text, value) in [
        ("0", 0),
        ("-0", 0),
        ("12.5", 1_250),
        ("+12.", 1_200),
        (".5", 50),
        ("12.345", 1_235),
        ("-12.345", -1_235),
        ("12.3449999999999999999999999999999999999999999999999", 1_234),
        ("0.004", 0),
        ("0.005", 1),
        ("-0.005", -1),
        ("0.0005", 0),
        ("5e-3", 1),
        ("5e-4", 0),
        ("9e-400", 0),
        ("1e3", 100_000),
        ("1.25E+1", 1_250),
        ("000000000000000000000000000000000000000000000001", 100),
        ("0e99999", 0),
        ("99999999.99", 9_999_999_999),
        ("99999999.994", 9_999_999_999),
    ] {
        assert_eq!(parse(text, 10, 2), Some(value), "{text}");
    }
    let most = "9".repeat(38);
    assert_eq!(parse(&most, 38, 0), most.parse().ok());
    assert_eq!(parse(&format!("0.{most}"), 38, 38), most.parse().ok());
}

#[test]
fn what_is_no_number_or_does_not_fit_is_none() {
    for text in [
        "",
        " ",
        ".",
        "-",
        "+.",
        "e",
        "e5",
        "1e",
        "1e+",
        "1e1.5",
        "1.2.3",
        "--1",
        "1 ",
        " 1",
        "1,5",
        "0x10",
        "NaN",
        "Infinity",
        "much",
        "١",
        "1e99999999999",
        "100000000",
        "99999999.995",
        "1e8",
    ] {
        assert_eq!(parse(text, 10, 2), None, "{text}");
    }
    assert_eq!(parse(&format!("1{}", "0".repeat(38)), 38, 0), None);
    assert_eq!(parse("1e38", 38, 0), None);
    assert_eq!(parse(&"9".repeat(100), 38, 0), None);
}
