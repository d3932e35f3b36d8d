//! Keys there and back, for every type that a key can have.

use arrow::array::{
    Array, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Decimal256Array,
    FixedSizeBinaryArray, Float32Array, Float64Array, Int8Array, Int64Array, LargeBinaryArray,
    LargeStringArray, StringArray, StringViewArray, Time64MicrosecondArray,
    TimestampMicrosecondArray, UInt16Array,
};
use arrow::datatypes::{Field, Schema, i256};
use proptest::prelude::*;

use super::*;

fn codec(columns: &[ArrayRef], nullable: bool) -> KeyCodec {
    let field = |(at, column): (usize, &ArrayRef)| {
        Field::new(format!("c{at}"), column.data_type().clone(), nullable)
    };
    let schema = Arc::new(Schema::new(columns.iter().enumerate().map(field).collect::<Vec<_>>()));
    let names: Vec<_> = schema.fields().iter().map(|it| it.name().clone()).collect();
    let groups = KeyGroups::try_new(&schema, &names).unwrap();
    KeyCodec::new(schema, groups)
}

fn encoded(keys: &Keys) -> Vec<&[u8]> {
    (0..).take(keys.len()).map(|row| keys.at(row).1).collect()
}

/// Three rows of every type, the second of them null.
fn every_type() -> Vec<ArrayRef> {
    let time = TimestampMicrosecondArray::from(vec![Some(7), None, Some(-7)]);
    let fixed = vec![Some(&[1, 2][..]), None, Some(&[3, 4])];
    let fixed = FixedSizeBinaryArray::try_from_sparse_iter_with_size(fixed.into_iter(), 2);
    let decimal = Decimal128Array::from(vec![Some(12_345), None, Some(-1)]);
    vec![
        Arc::new(Int8Array::from(vec![Some(1), None, Some(-1)])),
        Arc::new(UInt16Array::from(vec![Some(1), None, Some(u16::MAX)])),
        Arc::new(Int64Array::from(vec![Some(i64::MIN), None, Some(0)])),
        Arc::new(Float32Array::from(vec![Some(0.5), None, Some(f32::NAN)])),
        Arc::new(Float64Array::from(vec![Some(0.0), None, Some(f64::INFINITY)])),
        Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)])),
        Arc::new(Date32Array::from(vec![Some(19_000), None, Some(0)])),
        Arc::new(Time64MicrosecondArray::from(vec![Some(1), None, Some(2)])),
        Arc::new(time.with_timezone("+00:00")),
        Arc::new(decimal.with_precision_and_scale(18, 2).unwrap()),
        Arc::new(Decimal256Array::from(vec![Some(i256::MAX), None, Some(i256::ONE)])),
        Arc::new(StringArray::from(vec![Some("a"), None, Some("")])),
        Arc::new(LargeStringArray::from(vec![Some("a"), None, Some("")])),
        Arc::new(StringViewArray::from(vec![Some("longer than a view is"), None, Some("")])),
        Arc::new(BinaryArray::from(vec![Some(&b"a"[..]), None, Some(b"\0")])),
        Arc::new(LargeBinaryArray::from(vec![Some(&b"a"[..]), None, Some(b"\0")])),
        Arc::new(fixed.unwrap()),
    ]
}

#[test]
fn the_bytes_of_a_key_have_its_hash() {
    for nullable in [true, false] {
        let rows = if nullable { 3 } else { 1 };
        let all: Vec<_> = every_type().iter().map(|it| it.slice(3 - rows, rows)).collect();
        let keys_of = |codec: KeyCodec, columns: &[ArrayRef]| {
            let keys = codec.keys(columns).unwrap();
            let hashes: Vec<_> = encoded(&keys).into_iter().map(|key| codec.hash(key)).collect();
            assert_eq!(hashes, keys.hashes(), "{columns:?}");
        };
        all.iter().for_each(|column| {
            keys_of(codec(std::slice::from_ref(column), nullable), std::slice::from_ref(column))
        });
        keys_of(codec(&all, nullable), &all);
        for columns in 1..all.len() {
            let codec = codec(&all, nullable);
            let names: Vec<_> = (0..columns).map(|at| format!("c{at}")).collect();
            let some = KeyGroups::try_new(&codec.schema, &names).unwrap();
            keys_of(codec.with_groups(Some(some)), &all);
        }
    }
}

#[test]
fn every_type_comes_back_from_its_bytes() {
    for nullable in [true, false] {
        let all: Vec<ArrayRef> = match nullable {
            true => every_type(),
            false => every_type().iter().map(|it| it.slice(2, 1)).collect(),
        };
        let alone = all.iter().map(|column| vec![Arc::clone(column)]);
        for columns in alone.chain([all.clone()]) {
            let codec = codec(&columns, nullable);
            let keys = codec.keys(&columns).unwrap();
            let back = codec.decode(encoded(&keys).into_iter()).unwrap();
            assert_eq!(format!("{back:?}"), format!("{columns:?}"), "nullable {nullable}");
            let names: Vec<_> = codec.schema.fields().iter().map(|it| it.name().clone()).collect();
            let groups = KeyGroups::try_new(&codec.schema, &names).unwrap();
            let rows = RecordBatch::try_new(Arc::clone(&codec.schema), columns).unwrap();
            let of = keys.hashes().iter().map(|hash| KeyGroups::group(*hash));
            assert_eq!(of.collect::<Vec<_>>(), groups.of(&rows).unwrap());
        }
    }
}

/// Keys of one column, cut out of a longer one, are those that its values have one by one.
#[test]
fn a_column_of_keys_is_copied_as_its_values_are() {
    for column in every_type() {
        let (first, last) = (column.slice(0, 1), column.slice(2, 1));
        let parts: [&dyn Array; 5] = [&first, &last, &last, &first, &last];
        let all = arrow::compute::concat(&parts).unwrap();
        for (from, rows) in [(0, 5), (1, 3), (4, 1), (2, 0)] {
            let cut = all.slice(from, rows);
            let codec = codec(&[Arc::clone(&cut)], false);
            let mut expected = Vec::new();
            visit(&cut, |value| expected.push(value.unwrap().to_vec())).unwrap();
            let keys = codec.keys(&[cut]).unwrap();
            assert_eq!(encoded(&keys), expected, "{from} {rows} {all:?}");
            assert_eq!(keys.longest(), expected.iter().map(Vec::len).max().unwrap_or(0));
        }
    }
}

#[test]
fn floats_have_one_zero_and_one_nan() {
    let quiet = f64::from_bits(0xfff8_0000_0000_0001);
    let column: ArrayRef = Arc::new(Float64Array::from(vec![0.0, -0.0, f64::NAN, quiet]));
    let keys = codec(&[Arc::clone(&column)], false).keys(&[column]).unwrap();
    let of = encoded(&keys);
    assert!(of[0] == of[1] && of[2] == of[3] && of[0] != of[2]);
}

#[test]
fn columns_of_another_type_are_refused() {
    let (text, number): (ArrayRef, ArrayRef) =
        (Arc::new(StringArray::from(vec!["a"])), Arc::new(Int64Array::from(vec![1])));
    assert!(codec(&[text], false).keys(&[number]).is_err());
}

#[test]
fn a_key_that_ends_too_early_is_an_error() {
    let columns = every_type();
    let codec = codec(&columns, true);
    assert!(codec.decode([&[1_u8, 1][..]].into_iter()).is_err());
}

proptest! {
    #[test]
    fn keys_are_equal_exactly_when_their_bytes_are(
        rows in prop::collection::vec(("[ab]{0,2}", prop::option::of("[ab]{0,2}"), prop::option::of(0..2_i64)), 1..20),
    ) {
        let columns: Vec<ArrayRef> = vec![
            Arc::new(StringArray::from_iter_values(rows.iter().map(|row| row.0.as_str()))),
            Arc::new(StringArray::from_iter(rows.iter().map(|row| row.1.as_deref()))),
            Arc::new(Int64Array::from_iter(rows.iter().map(|row| row.2))),
        ];
        let codec = codec(&columns, true);
        let keys = codec.keys(&columns).unwrap();
        let of = encoded(&keys);
        for (a, left) in rows.iter().enumerate() {
            for (b, right) in rows.iter().enumerate() {
                prop_assert_eq!(left == right, of[a] == of[b]);
            }
        }
        let alone = self::codec(&columns[1..2], true);
        let keys = alone.keys(&columns[1..2]).unwrap();
        let of = encoded(&keys);
        for (a, left) in rows.iter().enumerate() {
            for (b, right) in rows.iter().enumerate() {
                prop_assert_eq!(left.1 == right.1, of[a] == of[b]);
            }
        }
    }
}
