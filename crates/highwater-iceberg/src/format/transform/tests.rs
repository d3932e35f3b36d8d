//! Transforms against the vectors of the specification, and against calendars.

use arrow::array::{
    BinaryArray, BooleanArray, Date32Array, Decimal128Array, FixedSizeBinaryArray, Int64Array,
    StringArray, TimestampMicrosecondArray,
};

use super::*;

fn apply(transform: &str, column: ArrayRef) -> ArrayRef {
    Transformation::parse(transform).unwrap().apply(&column).unwrap()
}

fn ints(transform: &str, column: ArrayRef) -> Vec<i32> {
    let values = apply(transform, column);
    (0..values.len())
        .map(|row| match value_at(&values, row) {
            Some(Bound::Int(value)) => value,
            other => panic!("{other:?}"),
        })
        .collect()
}

/// 2017-11-16T22:31:08
const MOMENT: i64 = 1_510_871_468_000_000;

/// Source: <https://iceberg.apache.org/spec/#appendix-b-32-bit-hash-requirements>
#[test]
fn buckets_have_the_hashes_of_the_specification() {
    let decimal = Decimal128Array::from(vec![1420]).with_precision_and_scale(9, 2).unwrap();
    let times = TimestampMicrosecondArray::from(vec![MOMENT, MOMENT + 1]);
    let zoned = times.clone().with_timezone("+00:00");
    let four = [0_u8, 1, 2, 3];
    let fixed = FixedSizeBinaryArray::try_from_iter([four].into_iter()).unwrap();
    let cases: [(ArrayRef, &[i32]); 8] = [
        (Arc::new(Int32Array::from(vec![34])), &[2_017_239_379]),
        (Arc::new(Int64Array::from(vec![34])), &[2_017_239_379]),
        (Arc::new(decimal), &[-500_754_589]),
        (Arc::new(Date32Array::from(vec![17_486])), &[-653_330_422]),
        (Arc::new(times), &[-2_047_944_441, -1_207_196_810]),
        (Arc::new(zoned), &[-2_047_944_441, -1_207_196_810]),
        (Arc::new(StringArray::from(vec!["iceberg"])), &[1_210_000_089]),
        (Arc::new(BinaryArray::from_vec(vec![&four])), &[-188_683_207]),
    ];
    let expected = |hash: &i32, buckets: i32| (hash & i32::MAX) % buckets;
    for (column, hashes) in cases {
        for buckets in [i32::MAX, 16, 7] {
            let found = ints(&format!("bucket[{buckets}]"), Arc::clone(&column));
            let wanted: Vec<i32> = hashes.iter().map(|hash| expected(hash, buckets)).collect();
            assert_eq!(found, wanted, "{}", column.data_type());
        }
    }
    let found = ints("bucket[2147483647]", Arc::new(fixed));
    assert_eq!(found, [-188_683_207 & i32::MAX]);
}

#[test]
fn negative_decimals_are_hashed_by_their_shortest_bytes() {
    let column = Decimal128Array::from(vec![-1, 0, 127, 128, -128, -129]);
    let column = column.with_precision_and_scale(9, 2).unwrap();
    // As pyiceberg's BucketTransform(2147483647) has them for -0.01, 0.00 and so on.
    let expected =
        [2_104_291_597, 1_364_076_727, 1_435_096_473, 1_544_076_949, 267_099_677, 1_711_945_809];
    assert_eq!(ints("bucket[2147483647]", Arc::new(column)), expected);
}

#[test]
fn nulls_stay_null() {
    let text: ArrayRef = Arc::new(StringArray::from(vec![None::<&str>]));
    let time: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![None::<i64>]));
    for (transform, column) in
        [("identity", &text), ("bucket[4]", &text), ("truncate[4]", &text), ("void", &text)]
            .into_iter()
            .chain(["year", "month", "day", "hour"].map(|transform| (transform, &time)))
    {
        assert_eq!(value_at(&apply(transform, Arc::clone(column)), 0), None, "{transform}");
    }
    let there: ArrayRef = Arc::new(StringArray::from(vec!["x"]));
    assert_eq!(value_at(&apply("void", there), 0), None);
}

#[test]
fn times_before_1970_belong_to_their_own_day() {
    let second = 1_000_000;
    let moments = [0, -1, -second, -DAY, -DAY - 1, -DAY - second / 2, -DAY + second / 2, MOMENT];
    let column: ArrayRef = Arc::new(TimestampMicrosecondArray::from(moments.to_vec()));
    assert_eq!(ints("day", Arc::clone(&column)), [0, -1, -1, -1, -2, -2, -1, 17_486]);
    assert_eq!(ints("hour", Arc::clone(&column)), [0, -1, -1, -24, -25, -25, -24, 419_686]);
    assert_eq!(ints("month", Arc::clone(&column)), [0, -1, -1, -1, -1, -1, -1, 574]);
    assert_eq!(ints("year", column), [0, -1, -1, -1, -1, -1, -1, 47]);
}

#[test]
fn calendars_agree_over_eight_centuries() {
    let days: Vec<i32> = (-146_097..146_097).collect();
    let column: ArrayRef = Arc::new(Date32Array::from(days.clone()));
    let expected = |part| {
        let part = arrow::compute::date_part(&column, part).unwrap();
        part.as_primitive::<Int32Type>().values().to_vec()
    };
    let years = expected(arrow::compute::DatePart::Year);
    let months = expected(arrow::compute::DatePart::Month);
    assert_eq!(ints("day", Arc::clone(&column)), days);
    let found = ints("year", Arc::clone(&column));
    assert!(found.iter().zip(&years).all(|(found, year)| *found == year - 1970));
    let found = ints("month", Arc::clone(&column));
    let months = years.iter().zip(&months).map(|(year, month)| (year - 1970) * 12 + month - 1);
    assert!(found.into_iter().eq(months));
}

#[test]
fn times_at_the_ends_of_their_type_are_in_order() {
    let column: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![i64::MIN, i64::MAX]));
    assert_eq!(ints("hour", Arc::clone(&column)), [i32::MIN, i32::MAX]);
    for transform in ["year", "month", "day"] {
        let found = ints(transform, Arc::clone(&column));
        assert!(found[0] < -200_000 && found[1] > 200_000, "{transform}: {found:?}");
    }
}

/// Source: <https://iceberg.apache.org/spec/#truncate-transform-details>
#[test]
fn values_are_truncated_downwards() {
    assert_eq!(ints("truncate[10]", Arc::new(Int32Array::from(vec![1, -1, 10]))), [0, -10, 10]);
    let values = apply("truncate[10]", Arc::new(Int64Array::from(vec![-1, i64::MIN])));
    assert_eq!(value_at(&values, 0), Some(Bound::Long(-10)));
    assert_eq!(value_at(&values, 1), Some(Bound::Long(i64::MIN.wrapping_sub(2))));
    let decimal = Decimal128Array::from(vec![1065]).with_precision_and_scale(9, 2).unwrap();
    assert_eq!(value_at(&apply("truncate[50]", Arc::new(decimal)), 0), Some(Bound::Decimal(1050)));
    let text = apply("truncate[3]", Arc::new(StringArray::from(vec!["iceberg", "zöë!", ""])));
    for (row, expected) in ["ice", "zöë", ""].into_iter().enumerate() {
        assert_eq!(value_at(&text, row), Some(Bound::Text(expected.to_owned())));
    }
    let bytes = apply("truncate[3]", Arc::new(BinaryArray::from_vec(vec![&[1, 2, 3, 4]])));
    assert_eq!(value_at(&bytes, 0), Some(Bound::Bytes(vec![1, 2, 3])));
}

#[test]
fn directories_are_named_as_people_read_them() {
    let text = |transform: &str, column: ArrayRef| {
        let transformation = Transformation::parse(transform).unwrap();
        let values = transformation.apply(&column).unwrap();
        transformation.text(values.data_type(), value_at(&values, 0).as_ref())
    };
    let time = |at: i64| -> ArrayRef { Arc::new(TimestampMicrosecondArray::from(vec![at])) };
    let zoned = TimestampMicrosecondArray::from(vec![MOMENT + 250_000]).with_timezone("UTC");
    assert_eq!(text("year", time(MOMENT)), "2017");
    assert_eq!(text("month", time(MOMENT)), "2017-11");
    assert_eq!(text("day", time(MOMENT)), "2017-11-16");
    assert_eq!(text("hour", time(MOMENT)), "2017-11-16-22");
    assert_eq!(text("hour", time(-1)), "1969-12-31-23");
    assert_eq!(text("month", time(-1)), "1969-12");
    assert_eq!(text("identity", time(MOMENT)), "2017-11-16T22:31:08");
    assert_eq!(text("identity", Arc::new(zoned)), "2017-11-16T22:31:08.250000+00:00");
    assert_eq!(text("identity", Arc::new(BooleanArray::from(vec![true]))), "true");
    assert_eq!(text("identity", Arc::new(StringArray::from(vec![None::<&str>]))), "null");
    assert_eq!(text("identity", Arc::new(BinaryArray::from_vec(vec![&[0, 255]]))), "00ff");
    for (unscaled, scale, expected) in
        [(1420, 2, "14.20"), (-5, 2, "-0.05"), (7, 0, "7"), (0, 3, "0.000")]
    {
        let column = Decimal128Array::from(vec![unscaled]);
        let column = column.with_precision_and_scale(9, scale).unwrap();
        assert_eq!(text("identity", Arc::new(column)), expected);
    }
}

#[test]
fn transforms_that_cannot_be_are_none() {
    for text in ["unknown", "bucket[0]", "truncate[0]", "bucket[2147483648]", "zorder", "bucket"] {
        assert!(Transformation::parse(text).is_none(), "{text}");
    }
}
