//! How bounds are cut, and what they look like at rest.

use super::*;

fn text(text: &str) -> Bound {
    Bound::Text(text.into())
}

#[test]
fn short_values_are_bounds_as_they_are() {
    let short = text("0123456789abcdef");
    assert_eq!(short.clone().cut_up(), Some(short.clone()));
    assert_eq!(short.clone().cut_down(), short);
    assert_eq!(text("\u{10FFFF}").cut_up(), Some(text("\u{10FFFF}")));
    assert_eq!(Bound::Bytes(vec![255; 16]).cut_up(), Some(Bound::Bytes(vec![255; 16])));
    assert_eq!(Bound::Long(7).cut_up(), Some(Bound::Long(7)));
}

#[test]
fn upper_bounds_are_rounded_up() {
    assert_eq!(text("0123456789abcdef!").cut_up(), Some(text("0123456789abcdeg")));
    assert_eq!(text("ééééééééééééééééé").cut_up(), Some(text("éééééééééééééééê")));
    assert_eq!(text("000000000000000\u{D7FF}!").cut_up(), Some(text("000000000000000\u{E000}")));
    let last = format!("0000\u{0}{}", "\u{10FFFF}".repeat(12));
    assert_eq!(text(&last).cut_up(), Some(text("0000\u{1}")));
    assert_eq!(text(&"\u{10FFFF}".repeat(17)).cut_up(), None);
    let mut bytes = vec![255; 17];
    assert_eq!(Bound::Bytes(bytes.clone()).cut_up(), None);
    bytes[3] = 7;
    assert_eq!(Bound::Bytes(bytes).cut_up(), Some(Bound::Bytes(vec![255, 255, 255, 8])));
}

#[test]
fn lower_bounds_are_beginnings() {
    assert_eq!(text("ééééééééééééééééé").cut_down(), text("éééééééééééééééé"));
    assert_eq!(Bound::Bytes(vec![1; 20]).cut_down(), Bound::Bytes(vec![1; 16]));
}

#[test]
fn decimals_are_twos_complement() {
    assert_eq!(decimal(&[0xff]), Some(-1));
    assert_eq!(decimal(&[0x00, 0xff]), Some(255));
    assert_eq!(decimal(&i128::MIN.to_be_bytes()), Some(i128::MIN));
    assert_eq!(decimal(&[]), None);
    assert_eq!(decimal(&[0; 17]), None);
}

#[test]
fn every_bound_survives_json() {
    for bound in [
        Bound::Boolean(true),
        Bound::Int(i32::MIN),
        Bound::Long(i64::MAX),
        Bound::Float(f32::NEG_INFINITY),
        Bound::Double(f64::INFINITY),
        Bound::Double(-0.0),
        Bound::Double(0.1 + 0.2),
        Bound::Decimal(i128::MIN),
        text("\u{0}\"é"),
        Bound::Bytes(vec![0, 255]),
    ] {
        let json = serde_json::to_string(&bound).unwrap();
        let value: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(serde_json::from_value::<Bound>(value).unwrap(), bound, "{json}");
    }
}
