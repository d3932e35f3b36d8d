//! Bounds as the specification writes them.

use highwater_parquet::Bound;
use iceberg::spec::{Datum, PrimitiveType};

use super::datum;

#[test]
fn bounds_become_values_of_their_column() {
    let decimal = PrimitiveType::Decimal { precision: 18, scale: 2 };
    let cases = [
        (Bound::Boolean(true), PrimitiveType::Boolean, Datum::bool(true)),
        (Bound::Int(-7), PrimitiveType::Int, Datum::int(-7)),
        (Bound::Int(3), PrimitiveType::Date, Datum::date(3)),
        (Bound::Long(i64::MIN), PrimitiveType::Long, Datum::long(i64::MIN)),
        (Bound::Long(9), PrimitiveType::Timestamptz, Datum::timestamptz_micros(9)),
        (Bound::Long(9), PrimitiveType::Timestamp, Datum::timestamp_micros(9)),
        (Bound::Double(-0.5), PrimitiveType::Double, Datum::double(-0.5)),
        (Bound::Float(1.5), PrimitiveType::Float, Datum::float(1.5)),
        (Bound::Text("é".into()), PrimitiveType::String, Datum::string("é")),
        (Bound::Bytes(vec![1, 2]), PrimitiveType::Binary, Datum::binary([1, 2])),
        (Bound::Bytes(vec![1, 2]), PrimitiveType::Fixed(2), Datum::fixed([1, 2])),
    ];
    for (bound, kind, expected) in cases {
        assert_eq!(datum(&bound, &kind), Some(expected), "{bound:?}");
    }
    let negative = datum(&Bound::Decimal(-101), &decimal).unwrap();
    assert_eq!(negative.to_bytes().unwrap().as_slice(), [0x9b]);
}

#[test]
fn bounds_of_another_kind_are_left_out() {
    assert_eq!(datum(&Bound::Long(1), &PrimitiveType::Int), None);
    assert_eq!(datum(&Bound::Text("a".into()), &PrimitiveType::Binary), None);
    assert_eq!(datum(&Bound::Bytes(vec![0; 16]), &PrimitiveType::Fixed(20)), None);
}
