//! Values in words.

use std::sync::Arc;

use arrow::array::{
    BooleanArray, Date32Array, Decimal128Array, Int32Array, StringArray, TimestampMicrosecondArray,
};

use super::*;

#[test]
fn partition_values_are_written_as_the_log_has_them() {
    let decimals =
        Decimal128Array::from(vec![Some(-5), None]).with_precision_and_scale(9, 2).unwrap();
    let times = TimestampMicrosecondArray::from(vec![-1, 1_700_000_000_000_000]);
    let columns: [(ArrayRef, [Option<&str>; 2]); 7] = [
        (Arc::new(Int32Array::from(vec![Some(-7), None])), [Some("-7"), None]),
        (Arc::new(BooleanArray::from(vec![true, false])), [Some("true"), Some("false")]),
        (Arc::new(StringArray::from(vec!["a/b", ""])), [Some("a/b"), None]),
        (Arc::new(decimals), [Some("-0.05"), None]),
        (Arc::new(Date32Array::from(vec![-1, 19_675])), [Some("1969-12-31"), Some("2023-11-14")]),
        (
            Arc::new(times.clone()),
            [Some("1969-12-31 23:59:59.999999"), Some("2023-11-14 22:13:20.000000")],
        ),
        (
            Arc::new(times.with_timezone("+00:00")),
            [Some("1969-12-31T23:59:59.999999Z"), Some("2023-11-14T22:13:20.000000Z")],
        ),
    ];
    for (column, expected) in columns {
        assert!(makes_partitions(column.data_type()));
        let values = [0, 1].map(|row| partition_value(&column, row));
        assert_eq!(values.each_ref().map(Option::as_deref), expected);
    }
}

#[test]
fn bounds_in_milliseconds_still_hold() {
    let both = |micros| [false, true].map(|up| millis(micros, true, up).unwrap());
    assert_eq!(both(1_999), ["1970-01-01T00:00:00.001Z", "1970-01-01T00:00:00.002Z"]);
    assert_eq!(both(2_000), ["1970-01-01T00:00:00.002Z", "1970-01-01T00:00:00.002Z"]);
    assert_eq!(both(-1), ["1969-12-31T23:59:59.999Z", "1970-01-01T00:00:00.000Z"]);
    assert_eq!(millis(0, false, true).unwrap(), "1970-01-01T00:00:00.000");
    assert_eq!(millis(i64::MAX, true, true), None);
}

#[test]
fn decimals_keep_their_scale() {
    let of = |unscaled, scale| decimal(unscaled, scale);
    assert_eq!([of(0, 2), of(-1, 2), of(123, 2), of(-123, 0)], ["0.00", "-0.01", "1.23", "-123"]);
}
