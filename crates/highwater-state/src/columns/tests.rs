//! Value columns of every type, filled and read back.

use std::sync::Arc;

use arrow::array::{
    BinaryArray, BinaryViewArray, BooleanArray, Decimal128Array, FixedSizeBinaryArray,
    Float64Array, Int32Array, LargeStringArray, StringArray, StringViewArray,
    TimestampMillisecondArray,
};
use arrow::datatypes::Field;

use super::*;

/// Four rows of each, the second of them null.
fn every_kind() -> Vec<ArrayRef> {
    let fixed = vec![Some(&[1, 2][..]), None, Some(&[3, 4]), Some(&[5, 6])];
    let fixed = FixedSizeBinaryArray::try_from_sparse_iter_with_size(fixed.into_iter(), 2);
    let decimal = Decimal128Array::from(vec![Some(1), None, Some(3), Some(4)]);
    let bytes = vec![Some(&b"a"[..]), None, Some(b""), Some(b"\xff")];
    let long = "a text that is longer than a view";
    let text = vec![Some("a"), None, Some(""), Some(long)];
    vec![
        Arc::new(Int32Array::from(vec![Some(1), None, Some(3), Some(4)])),
        Arc::new(Float64Array::from(vec![Some(1.0), None, Some(-0.0), Some(4.0)])),
        Arc::new(TimestampMillisecondArray::from(vec![Some(1), None, Some(3), Some(4)])),
        Arc::new(decimal.with_precision_and_scale(18, 2).unwrap()),
        Arc::new(BooleanArray::from(vec![Some(true), None, Some(false), Some(true)])),
        Arc::new(StringArray::from(text.clone())),
        Arc::new(LargeStringArray::from(text.clone())),
        Arc::new(StringViewArray::from(text)),
        Arc::new(BinaryArray::from(bytes.clone())),
        Arc::new(BinaryViewArray::from(bytes)),
        Arc::new(fixed.unwrap()),
    ]
}

#[test]
fn values_come_back_in_the_order_of_slots() {
    for array in every_kind() {
        let field = Arc::new(Field::new("c", array.data_type().clone(), true));
        assert!(ValueColumn::holds(field.data_type()));
        let mut column = ValueColumn::new(&field).unwrap();
        column.grow(5).unwrap();
        assert_eq!(column.gather(&[0, 4]).unwrap().null_count(), 2, "{field}");
        column.put(Pairs { slots: &[4, 3, 2, 0], rows: &[0, 1, 2, 3] }, &array).unwrap();
        assert_eq!(&column.gather(&[4, 3, 2, 0]).unwrap(), &array);
        column.reset(0);
        assert_eq!(column.gather(&[0]).unwrap().null_count(), 1);
        assert!(column.held() > 0);
    }
}

#[test]
fn bytes_that_were_replaced_do_not_pile_up() {
    let mut bytes = Bytes::new(DataType::Utf8);
    bytes.grow(2).unwrap();
    for round in 0..1_000 {
        bytes.set(0, format!("round {round}").as_bytes()).unwrap();
        bytes.set(1, b"kept").unwrap();
    }
    assert_eq!((bytes.at(0), bytes.at(1)), (Some(&b"round 999"[..]), Some(&b"kept"[..])));
    assert!(bytes.held() < 1_000, "{} bytes", bytes.held());
}

#[test]
fn nested_values_are_not_kept() {
    let list = DataType::List(Arc::new(Field::new("item", DataType::Int8, true)));
    assert!(!ValueColumn::holds(&list));
}
