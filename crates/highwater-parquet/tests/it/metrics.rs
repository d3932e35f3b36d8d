//! Counts and bounds against plain computations.

use std::fmt::Debug;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, FixedSizeBinaryArray,
    Float32Array, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray, StructArray,
    TimestampNanosecondArray,
};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, SchemaRef, TimeUnit};
use highwater_parquet::{Bound, ColumnMetrics, FileOptions, FileReport};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use crate::{field, schema, written};

fn metrics(report: &FileReport, id: i32) -> &ColumnMetrics {
    report.columns.iter().find(|column| column.field_id == id).unwrap()
}

/// One row of a file with a column of every kind.
#[derive(Clone, Debug)]
struct Row {
    long: Option<i64>,
    double: Option<f64>,
    text: Option<String>,
    bytes: Option<Vec<u8>>,
    decimal: Option<i128>,
    small_decimal: Option<i64>,
    boolean: Option<bool>,
    inside: Option<Option<f32>>,
}

fn row() -> impl Strategy<Value = Row> {
    let double = prop_oneof![
        any::<f64>(),
        Just(f64::NAN),
        Just(f64::INFINITY),
        Just(f64::NEG_INFINITY),
        Just(-0.0),
        Just(0.0)
    ];
    let text = prop_oneof!["[a-c]{0,40}", "\\PC{0,30}", "[\u{10FFFE}\u{10FFFF}]{14,20}"];
    let bytes = prop_oneof![vec(any::<u8>(), 0..40), vec(254_u8..=255, 14..20)];
    let limit = 10_i128.pow(38) - 1;
    (
        option::of(any::<i64>()),
        option::of(double),
        option::of(text),
        option::of(bytes),
        option::of(-limit..=limit),
        option::of(-999_999_999_i64..=999_999_999),
        option::of(any::<bool>()),
        option::of(option::of(prop_oneof![any::<f32>(), Just(f32::NAN)])),
    )
        .prop_map(|(long, double, text, bytes, decimal, small_decimal, boolean, inside)| Row {
            long,
            double,
            text,
            bytes,
            decimal,
            small_decimal,
            boolean,
            inside,
        })
}

fn all_kinds() -> SchemaRef {
    let inside = field(9, "float", DataType::Float32, true);
    schema([
        field(1, "long", DataType::Int64, true),
        field(2, "double", DataType::Float64, true),
        field(3, "text", DataType::Utf8, true),
        field(4, "bytes", DataType::Binary, true),
        field(5, "decimal", DataType::Decimal128(38, 4), true),
        field(6, "small_decimal", DataType::Decimal128(9, 2), true),
        field(7, "boolean", DataType::Boolean, true),
        field(8, "struct", DataType::Struct(vec![inside].into()), true),
    ])
}

fn batch(rows: &[Row]) -> RecordBatch {
    let DataType::Struct(inside) = all_kinds().field(7).data_type().clone() else { unreachable!() };
    // Below a null struct lies a NaN that must not be counted.
    let floats = rows.iter().map(|row| row.inside.unwrap_or(Some(f32::NAN)));
    let present: NullBuffer = rows.iter().map(|row| row.inside.is_some()).collect();
    let floats: ArrayRef = Arc::new(Float32Array::from_iter(floats));
    let decimals = Decimal128Array::from_iter(rows.iter().map(|row| row.decimal));
    let small = rows.iter().map(|row| row.small_decimal.map(i128::from));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from_iter(rows.iter().map(|row| row.long))),
        Arc::new(Float64Array::from_iter(rows.iter().map(|row| row.double))),
        Arc::new(StringArray::from_iter(rows.iter().map(|row| row.text.as_deref()))),
        Arc::new(BinaryArray::from_iter(rows.iter().map(|row| row.bytes.as_deref()))),
        Arc::new(decimals.with_precision_and_scale(38, 4).unwrap()),
        Arc::new(Decimal128Array::from_iter(small).with_precision_and_scale(9, 2).unwrap()),
        Arc::new(BooleanArray::from_iter(rows.iter().map(|row| row.boolean))),
        Arc::new(StructArray::new(inside, vec![floats], Some(present))),
    ];
    RecordBatch::try_new(all_kinds(), columns).unwrap()
}

/// Compares counts, and gives the least and greatest value that bounds speak of.
fn counted<T: Copy + PartialOrd + Debug>(
    metrics: &ColumnMetrics,
    values: impl Iterator<Item = Option<T>>,
    is_nan: impl Fn(T) -> bool,
) -> Option<(T, T)> {
    let values: Vec<Option<T>> = values.collect();
    let there: Vec<T> = values.iter().copied().flatten().collect();
    assert_eq!(metrics.values, values.len() as u64);
    assert_eq!(metrics.nulls, (values.len() - there.len()) as u64);
    let nans = there.iter().filter(|value| is_nan(**value)).count() as u64;
    assert_eq!(metrics.nans.unwrap_or(0), nans);
    let bounded: Vec<T> = there.into_iter().filter(|value| !is_nan(*value)).collect();
    assert_eq!(metrics.lower.is_some(), !bounded.is_empty());
    let least = bounded.iter().copied().reduce(|a, b| if b < a { b } else { a });
    least.zip(bounded.iter().copied().reduce(|a, b| if b > a { b } else { a }))
}

/// Compares bounds that are exact.
fn exact<T: Copy + PartialOrd + Debug>(
    metrics: &ColumnMetrics,
    values: impl Iterator<Item = Option<T>>,
    is_nan: impl Fn(T) -> bool,
    bound: impl Fn(T) -> Bound,
) {
    let expected = counted(metrics, values, is_nan);
    assert_eq!(metrics.lower, expected.map(|(least, _)| bound(least)));
    assert_eq!(metrics.upper, expected.map(|(_, greatest)| bound(greatest)));
}

fn text_bounds(metrics: &ColumnMetrics, rows: &[Row]) {
    let values = rows.iter().map(|row| row.text.as_deref());
    let Some((least, greatest)) = counted(metrics, values, |_| false) else { return };
    let short = |text: &str| text.chars().take(16).collect::<String>();
    assert_eq!(metrics.lower, Some(Bound::Text(short(least))));
    match &metrics.upper {
        Some(Bound::Text(upper)) if greatest.chars().count() <= 16 => assert_eq!(upper, greatest),
        Some(Bound::Text(upper)) => {
            assert!(upper.as_str() > greatest && upper.chars().count() <= 16);
            // Nothing of the same length lies between.
            assert!(*upper > short(greatest));
        }
        Some(other) => panic!("{other:?}"),
        None => assert_eq!(short(greatest), "\u{10FFFF}".repeat(16)),
    }
}

fn byte_bounds(metrics: &ColumnMetrics, rows: &[Row]) {
    let values = rows.iter().map(|row| row.bytes.as_deref());
    let Some((least, greatest)) = counted(metrics, values, |_| false) else { return };
    assert_eq!(metrics.lower, Some(Bound::Bytes(least[..least.len().min(16)].to_vec())));
    match &metrics.upper {
        Some(Bound::Bytes(upper)) if greatest.len() <= 16 => assert_eq!(upper, greatest),
        Some(Bound::Bytes(upper)) => assert!(&upper[..] > greatest && upper.len() <= 16),
        Some(other) => panic!("{other:?}"),
        None => assert_eq!(greatest[..16], [255; 16]),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn metrics_are_what_a_plain_computation_gives(
        rows in vec(row(), 0..60),
        split in 1_usize..40,
        group in 1_usize..40,
    ) {
        let batches: Vec<_> = rows.chunks(split).map(batch).collect();
        let options = FileOptions::default().with_row_group_rows(group);
        let (report, bytes) = written(&all_kinds(), &options, &batches).unwrap();
        prop_assert_eq!(report.rows, rows.len() as u64);
        prop_assert_eq!(report.bytes, bytes.len() as u64);
        let of = |id| metrics(&report, id);
        exact(of(1), rows.iter().map(|row| row.long), |_| false, Bound::Long);
        exact(of(2), rows.iter().map(|row| row.double), f64::is_nan, Bound::Double);
        text_bounds(of(3), &rows);
        byte_bounds(of(4), &rows);
        exact(of(5), rows.iter().map(|row| row.decimal), |_| false, Bound::Decimal);
        let small = rows.iter().map(|row| row.small_decimal);
        exact(of(6), small, |_| false, |value| Bound::Decimal(value.into()));
        exact(of(7), rows.iter().map(|row| row.boolean), |_| false, Bound::Boolean);
        exact(of(9), rows.iter().map(|row| row.inside.flatten()), f32::is_nan, Bound::Float);
        let bytes_of_columns: u64 = report.columns.iter().map(|column| column.compressed_bytes).sum();
        prop_assert!(bytes_of_columns < report.bytes);
        let json = serde_json::to_string(&report).unwrap();
        prop_assert_eq!(serde_json::from_str::<FileReport>(&json).unwrap(), report);
    }
}

#[test]
fn a_column_of_nan_has_no_bounds() {
    let schema = schema([field(1, "a", DataType::Float64, false)]);
    let nan: ArrayRef = Arc::new(Float64Array::from(vec![f64::NAN; 3]));
    let rows = RecordBatch::try_new(Arc::clone(&schema), vec![nan]).unwrap();
    let (report, _) = written(&schema, &FileOptions::default(), &[rows]).unwrap();
    let column = metrics(&report, 1);
    assert_eq!((column.values, column.nulls, column.nans), (3, 0, Some(3)));
    assert_eq!((&column.lower, &column.upper), (&None, &None));
}

#[test]
fn dates_times_and_identifiers_have_the_bounds_of_their_type() {
    let schema = schema([
        field(1, "date", DataType::Date32, false),
        field(2, "nanos", DataType::Timestamp(TimeUnit::Nanosecond, None), false),
        field(3, "uuid", DataType::FixedSizeBinary(16), false),
        field(4, "int", DataType::Int32, false),
    ]);
    let uuids = [[0xff; 16], [1; 16]];
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Date32Array::from(vec![20_000, -1])),
        Arc::new(TimestampNanosecondArray::from(vec![7, -3])),
        Arc::new(FixedSizeBinaryArray::try_from_iter(uuids.iter()).unwrap()),
        Arc::new(Int32Array::from(vec![i32::MAX, i32::MIN])),
    ];
    let rows = RecordBatch::try_new(Arc::clone(&schema), columns).unwrap();
    let (report, _) = written(&schema, &FileOptions::default(), &[rows]).unwrap();
    let bounds = |id| (metrics(&report, id).lower.clone(), metrics(&report, id).upper.clone());
    assert_eq!(bounds(1), (Some(Bound::Int(-1)), Some(Bound::Int(20_000))));
    assert_eq!(bounds(2), (Some(Bound::Long(-3)), Some(Bound::Long(7))));
    let bytes = |of: u8| Some(Bound::Bytes(vec![of; 16]));
    assert_eq!(bounds(3), (bytes(1), bytes(0xff)));
    assert_eq!(bounds(4), (Some(Bound::Int(i32::MIN)), Some(Bound::Int(i32::MAX))));
}
