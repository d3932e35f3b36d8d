//! Types of both sides, and what does not fit.

use std::sync::Arc;

use arrow::datatypes::Field;

use super::*;

fn schema(fields: Vec<Field>) -> Result<TableSchema, DeltaError> {
    table_schema("t", &Schema::new(fields))
}

fn list(of: DataType) -> DataType {
    DataType::List(Arc::new(Field::new("item", of, true)))
}

fn map() -> DataType {
    let entries =
        vec![Field::new("keys", DataType::Utf8, false), Field::new("values", DataType::Int8, true)];
    let entries = Field::new("entries", DataType::Struct(entries.into()), false);
    DataType::Map(Arc::new(entries), false)
}

#[test]
fn every_type_that_delta_has_is_written_as_the_log_has_it() {
    let micros =
        |zone: Option<&str>| DataType::Timestamp(TimeUnit::Microsecond, zone.map(Into::into));
    let below = DataType::Struct(vec![Field::new("x", DataType::Date32, false)].into());
    let kinds = [
        (DataType::Boolean, r#""boolean""#),
        (DataType::Int8, r#""byte""#),
        (DataType::Int16, r#""short""#),
        (DataType::Int32, r#""integer""#),
        (DataType::Int64, r#""long""#),
        (DataType::Float32, r#""float""#),
        (DataType::Float64, r#""double""#),
        (DataType::Decimal128(38, 0), r#""decimal(38,0)""#),
        (DataType::Decimal128(5, 5), r#""decimal(5,5)""#),
        (DataType::Date32, r#""date""#),
        (micros(Some("+00:00")), r#""timestamp""#),
        (micros(None), r#""timestamp_ntz""#),
        (DataType::Utf8View, r#""string""#),
        (DataType::LargeBinary, r#""binary""#),
        (list(DataType::Int64), r#"{"type":"array","elementType":"long","containsNull":true}"#),
        (map(), r#"{"type":"map","keyType":"string","valueType":"byte","valueContainsNull":true}"#),
        (
            below,
            r#"{"type":"struct","fields":[COLUMN"type":"date","nullable":false,"metadata":{}}]}"#,
        ),
    ];
    for (kind, expected) in kinds {
        let made = schema(vec![Field::new("c", kind, true)]).unwrap();
        let text = serde_json::to_string(&made).unwrap();
        let expected = expected.replace("COLUMN", r#"{"name":"x","#);
        let expected = format!(
            r#"{{"type":"struct","fields":[{{"name":"c","type":{expected},{}}}]}}"#,
            r#""nullable":true,"metadata":{}"#
        );
        assert_eq!(text, expected);
        assert_eq!(parse("t", &text).unwrap(), made);
    }
}

#[test]
fn types_and_names_that_delta_does_not_have_are_told() {
    for kind in [
        DataType::UInt8,
        DataType::UInt64,
        DataType::Time64(TimeUnit::Microsecond),
        DataType::Timestamp(TimeUnit::Nanosecond, None),
        DataType::Timestamp(TimeUnit::Millisecond, None),
        DataType::FixedSizeBinary(4),
        DataType::Decimal128(3, 4),
        DataType::Decimal128(3, -1),
        DataType::Decimal256(40, 0),
        list(DataType::UInt16),
    ] {
        let error = schema(vec![Field::new("c", kind.clone(), true)]).unwrap_err();
        assert!(matches!(error, DeltaError::ColumnType { .. }), "{kind}: {error}");
    }
    let text = |name: &str| Field::new(name, DataType::Utf8, true);
    let empty = DataType::Struct(Fields::empty());
    for fields in [
        vec![],
        vec![text("a"), text("A")],
        vec![text("a b")],
        vec![text("")],
        vec![Field::new("s", empty, true)],
    ] {
        let error = schema(fields).unwrap_err();
        assert!(matches!(error, DeltaError::ColumnNames { .. }), "{error}");
    }
}

#[test]
fn everything_that_does_not_fit_is_in_one_message() {
    let below = |kind| DataType::Struct(vec![Field::new("x", kind, true)].into());
    let theirs = schema(vec![
        Field::new("id", DataType::Int64, false),
        Field::new("at", DataType::Date32, false),
        Field::new("s", below(DataType::Int32), true),
        Field::new("note", DataType::Utf8, true),
    ])
    .unwrap();
    let ours = schema(vec![
        Field::new("id", DataType::Int64, true),
        Field::new("s", below(DataType::Utf8), true),
        Field::new("more", list(DataType::Int64), true),
    ])
    .unwrap();
    let error = ours.fits("t", &theirs).unwrap_err();
    assert_eq!(
        error.to_string(),
        "table t does not take the rows: \
         column id (long) is required in the table and may be null in the rows; \
         column s.x is integer in the table and string in the rows; \
         column more (array<long>) is missing in the table; \
         column at (date) is required in the table and missing in the rows"
    );
    let fits = schema(vec![
        Field::new("at", DataType::Date32, false),
        Field::new("id", DataType::Int64, false),
    ]);
    fits.unwrap().fits("t", &theirs).unwrap();
}
