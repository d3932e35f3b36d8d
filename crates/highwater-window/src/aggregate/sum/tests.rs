//! Averages of decimals are rounded half up, away from zero.

use super::*;

#[test]
fn averages_are_rounded_half_up() {
    let divided = |sum: i128, digits, count| divided(i256::from_i128(sum), digits, count);
    assert_eq!(divided(1, 4, 3), Some(3_333));
    assert_eq!(divided(2, 4, 3), Some(6_667));
    assert_eq!(divided(1, 0, 2), Some(1));
    assert_eq!(divided(-1, 0, 2), Some(-1));
    assert_eq!(divided(-1, 4, 3), Some(-3_333));
    assert_eq!(divided(i128::MAX, 4, 1), None);
}

#[test]
fn types_are_those_of_spark() {
    let of = |found, average| Sum::of(&found, average, OwnCount::Yes).unwrap().output();
    assert_eq!(of(DataType::Int32, false), DataType::Int64);
    assert_eq!(of(DataType::Int32, true), DataType::Float64);
    assert_eq!(of(DataType::Decimal128(18, 2), false), DataType::Decimal128(28, 2));
    assert_eq!(of(DataType::Decimal128(30, 2), false), DataType::Decimal128(38, 2));
    assert_eq!(of(DataType::Decimal128(18, 2), true), DataType::Decimal128(22, 6));
    assert_eq!(of(DataType::Decimal128(38, 36), true), DataType::Decimal128(38, 38));
}
