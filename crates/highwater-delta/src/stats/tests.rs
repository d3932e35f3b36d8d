//! Statistics of columns of many types.

use arrow::datatypes::Field;
use highwater_parquet::Bound;
use serde_json::{Value, json};

use super::*;

fn metrics(nulls: u64, nans: Option<u64>, bounds: Option<(Bound, Bound)>) -> ColumnMetrics {
    let (lower, upper) = bounds.unzip();
    ColumnMetrics { field_id: 1, compressed_bytes: 1, values: 9, nulls, nans, lower, upper }
}

fn of(columns: Vec<(Field, Vec<ColumnMetrics>)>, indexed: Option<usize>) -> Value {
    let (fields, columns): (Vec<_>, Vec<_>) = columns.into_iter().unzip();
    let columns = columns.into_iter().flatten().collect();
    let report = FileReport { rows: 9, bytes: 1, split_offsets: vec![], columns };
    serde_json::from_str(&stats(&report, &fields.into(), indexed).unwrap()).unwrap()
}

fn field(name: &str, kind: DataType) -> Field {
    Field::new(name, kind, true)
}

#[test]
fn bounds_are_written_where_they_can_be() {
    let below =
        DataType::Struct(vec![field("x", DataType::Date32), field("y", DataType::Boolean)].into());
    let list = DataType::List(field("item", DataType::Int64).into());
    let floats = || Some((Bound::Double(-1.5), Bound::Double(f64::INFINITY)));
    let texts = Some((Bound::Text("a\"".into()), Bound::Text("z".into())));
    let days = Some((Bound::Int(-1), Bound::Int(0)));
    let time = DataType::Timestamp(TimeUnit::Microsecond, Some("+00:00".into()));
    let stats = of(
        vec![
            (
                field("id", DataType::Int64),
                vec![metrics(0, None, Some((Bound::Long(1), Bound::Long(3))))],
            ),
            (field("list", list), vec![metrics(2, None, None)]),
            (
                field("s", below),
                vec![
                    metrics(1, None, days),
                    metrics(4, None, Some((Bound::Boolean(false), Bound::Boolean(true)))),
                ],
            ),
            (field("d", DataType::Float64), vec![metrics(0, Some(0), floats())]),
            (field("n", DataType::Float64), vec![metrics(0, Some(1), floats())]),
            (field("t", DataType::Utf8), vec![metrics(9, None, texts)]),
            (field("at", time), vec![metrics(0, None, Some((Bound::Long(1), Bound::Long(1))))]),
            (
                field("m", DataType::Decimal128(38, 2)),
                vec![metrics(0, None, Some((Bound::Decimal(-105), Bound::Decimal(7))))],
            ),
        ],
        None,
    );
    let expected = json!({
        "numRecords": 9,
        "minValues": {
            "id": 1, "s": {"x": "1969-12-31"}, "d": -1.5, "t": "a\"",
            "at": "1970-01-01T00:00:00.000Z", "m": -1.05,
        },
        "maxValues": {
            "id": 3, "s": {"x": "1970-01-01"}, "t": "z",
            "at": "1970-01-01T00:00:00.001Z", "m": 0.07,
        },
        "nullCount": {"id": 0, "s": {"x": 1, "y": 4}, "d": 0, "n": 0, "t": 9, "at": 0, "m": 0},
        "tightBounds": true,
    });
    assert_eq!(stats, expected);
}

#[test]
fn only_the_first_columns_have_any() {
    let column = |name: &str| {
        (
            field(name, DataType::Int64),
            vec![metrics(0, None, Some((Bound::Long(1), Bound::Long(2))))],
        )
    };
    let stats = of(vec![column("a"), column("b"), column("c")], Some(2));
    assert_eq!(stats["nullCount"], json!({"a": 0, "b": 0}));
    assert_eq!(of(vec![column("a")], Some(0))["minValues"], json!({}));
}

#[test]
fn bounds_are_kept_and_told_to_be_loose() {
    let tight = r#"{"numRecords":3,"minValues":{"a":1.10},"nullCount":{"a":0},"tightBounds":true}"#;
    assert_eq!(
        loosened(Some(tight), 3).unwrap(),
        r#"{"minValues":{"a":1.10},"nullCount":{"a":0},"numRecords":3,"tightBounds":false}"#
    );
    assert_eq!(loosened(None, 7).unwrap(), r#"{"numRecords":7,"tightBounds":false}"#);
    assert!(loosened(Some("?"), 7).is_err());
}
