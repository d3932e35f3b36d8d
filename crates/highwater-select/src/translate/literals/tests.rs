//! Which number a literal is.

use super::*;

fn decimal(value: i128, precision: u8, scale: i8) -> Option<ScalarValue> {
    Some(ScalarValue::Decimal128(Some(value), precision, scale))
}

#[test]
fn whole_numbers_take_the_shortest_type_that_holds_them() {
    assert_eq!(number("2147483647", false, false), Some(ScalarValue::Int32(Some(i32::MAX))));
    assert_eq!(number("2147483648", false, true), Some(ScalarValue::Int32(Some(i32::MIN))));
    assert_eq!(number("2147483648", false, false), Some(ScalarValue::Int64(Some(2_147_483_648))));
    assert_eq!(number("1", true, false), Some(ScalarValue::Int64(Some(1))));
    assert_eq!(
        number("9223372036854775808", false, true),
        Some(ScalarValue::Int64(Some(i64::MIN)))
    );
    assert_eq!(number("9223372036854775808", false, false), decimal(1 << 63, 19, 0));
    assert_eq!(number("9223372036854775808", true, false), None);
}

#[test]
fn a_point_makes_a_decimal_of_the_digits_that_are_there() {
    assert_eq!(number("1.50", false, false), decimal(150, 3, 2));
    assert_eq!(number("0.05", false, true), decimal(-5, 2, 2));
    assert_eq!(number("007.5", false, false), decimal(75, 2, 1));
    assert_eq!(number(".5", false, false), decimal(5, 1, 1));
    let most = "9".repeat(38);
    assert_eq!(number(&most, false, false), decimal(most.parse().unwrap(), 38, 0));
    assert_eq!(number(&format!("{most}9"), false, false), None);
}

#[test]
fn an_exponent_makes_a_double() {
    assert_eq!(number("1e3", false, true), Some(ScalarValue::Float64(Some(-1000.0))));
}
