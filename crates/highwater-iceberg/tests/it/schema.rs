//! Columns, names and features that fit or do not.

use std::sync::Arc;

use highwater_core::arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, StructArray};
use highwater_core::arrow::datatypes::{DataType, Field, Fields, Schema, TimeUnit};
use highwater_core::{Error, ErrorKind, Sink, StreamInfo};
use highwater_iceberg::FileCatalog;
use highwater_storage::Storage;
use serde_json::json;

use crate::fixture::{Pipeline, TABLE, context, ids, rewrite, rows, schema, table};

fn resolve(fields: Vec<Field>) -> Result<(), Error> {
    let sink = FileCatalog::new(Storage::memory()).table(TABLE).append();
    sink.resolve(&StreamInfo::new(Arc::new(Schema::new(fields)))).map(|_| ())
}

#[test]
fn every_type_of_iceberg_is_taken_and_no_other() {
    let below = Fields::from(vec![Field::new("x", DataType::Float32, true)]);
    let zone = |zone: &str| DataType::Timestamp(TimeUnit::Microsecond, Some(zone.into()));
    let good = [
        DataType::Boolean,
        DataType::Int32,
        DataType::Int64,
        DataType::Float32,
        DataType::Float64,
        DataType::Decimal128(38, 0),
        DataType::Date32,
        DataType::Timestamp(TimeUnit::Microsecond, None),
        zone("+00:00"),
        zone("UTC"),
        DataType::Utf8,
        DataType::Binary,
        DataType::FixedSizeBinary(16),
        DataType::Struct(below),
    ];
    for kind in good {
        resolve(vec![Field::new("c", kind, true)]).unwrap();
    }
    let bad = [
        DataType::Int16,
        DataType::UInt64,
        DataType::Timestamp(TimeUnit::Nanosecond, None),
        zone("Europe/Berlin"),
        DataType::Decimal128(5, -2),
        DataType::Struct(Fields::from(vec![Field::new("y", DataType::Int8, true)])),
    ];
    for kind in bad {
        let error = resolve(vec![Field::new("c", kind, true)]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
        assert!(error.to_string().contains("column c"), "{error}");
    }
    let twice = vec![Field::new("c", DataType::Utf8, true); 2];
    assert_eq!(resolve(twice).unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!(resolve(vec![]).unwrap_err().kind(), ErrorKind::Invalid);
}

#[test]
fn names_stay_in_the_warehouse() {
    for name in ["orders", "demo.", ".orders", "../x.y", "demo/x.y", "de mo.x", "a..b", "", "."] {
        let sink = FileCatalog::new(Storage::memory()).table(name).append();
        let error = sink.resolve(&StreamInfo::new(schema())).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{name:?}");
    }
    let sink = FileCatalog::new(Storage::memory()).table("a.b_1.C-2").append();
    sink.resolve(&StreamInfo::new(schema())).unwrap();
}

#[test]
fn properties_are_checked_before_anything_runs() {
    let properties = [
        ("write.target-file-size-bytes", "big"),
        ("write.parquet.compression-codec", "lzo"),
        ("write.parquet.compression-level", "40"),
        ("write.parquet.profile", "v2"),
        ("highwater.marker.a/b/main", "{}"),
        ("format-version", "3"),
    ];
    for (key, value) in properties {
        let sink = FileCatalog::new(Storage::memory()).table(TABLE).append();
        let error =
            sink.create_property(key, value).resolve(&StreamInfo::new(schema())).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.to_string().contains(key), "{error}");
    }
}

async fn open_with(warehouse: &Storage, fields: Vec<Field>) -> Result<Pipeline, Error> {
    let mut cx = context("ledger", "run");
    cx.input = StreamInfo::new(Arc::new(Schema::new(fields)));
    Pipeline::try_open(warehouse, cx).await
}

fn fields() -> Vec<Field> {
    schema().fields().iter().map(|field| field.as_ref().clone()).collect()
}

#[tokio::test]
async fn columns_that_do_not_fit_are_named() {
    let warehouse = Storage::memory();
    Pipeline::open(&warehouse).await;

    let mut missing = fields();
    missing.push(Field::new("extra", DataType::Utf8, true));
    let mut differs = fields();
    differs[2] = Field::new("amount", DataType::Decimal128(18, 3), true);
    let mut wider = fields();
    wider[2] = Field::new("amount", DataType::Decimal128(20, 2), true);
    let mut nullable = fields();
    nullable[0] = Field::new("id", DataType::Int64, true);
    let absent = fields().split_off(1);

    let expected = [
        (missing, "column extra (string) is missing in the table"),
        (differs, "column amount is decimal(18, 2) in the table and decimal(18, 3) in the rows"),
        (wider, "column amount is decimal(18, 2) in the table and decimal(20, 2) in the rows"),
        (nullable, "column id (long) is required in the table and may be null in the rows"),
        (absent, "column id (long) is required in the table and missing in the rows"),
    ];
    for (fields, difference) in expected {
        let error = open_with(&warehouse, fields).await.err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        let text = "iceberg: table demo.orders does not take the rows:";
        assert_eq!(error.to_string(), format!("{text} {difference}"));
    }
}

#[tokio::test]
async fn optional_columns_of_the_table_may_be_left_out() {
    let warehouse = Storage::memory();
    Pipeline::open(&warehouse).await.append(0, &[rows(0..3)]).await;
    let ids_only: Vec<Field> = fields().into_iter().take(1).collect();
    let mut pipeline = open_with(&warehouse, ids_only.clone()).await.unwrap();
    let column: ArrayRef = Arc::new(Int64Array::from(vec![3, 4]));
    let batch = RecordBatch::try_new(Arc::new(Schema::new(ids_only)), vec![column]).unwrap();
    pipeline.append(1, &[batch]).await;
    assert_eq!(ids(&warehouse).await, [0, 1, 2, 3, 4]);
}

#[tokio::test]
async fn structs_are_matched_by_their_parts() {
    let warehouse = Storage::memory();
    let parts =
        vec![Field::new("a", DataType::Int64, false), Field::new("b", DataType::Utf8, true)];
    let shape = DataType::Struct(Fields::from(parts.clone()));
    let fields = vec![Field::new("id", DataType::Int64, false), Field::new("s", shape, false)];
    let mut pipeline = open_with(&warehouse, fields.clone()).await.unwrap();
    let id: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
    let a: ArrayRef = Arc::new(Int64Array::from(vec![10, 20]));
    let b: ArrayRef = Arc::new(StringArray::from(vec![Some("x"), None]));
    let s: ArrayRef = Arc::new(StructArray::new(Fields::from(parts), vec![a, b], None));
    let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), vec![id, s]).unwrap();
    pipeline.append(0, &[batch]).await;
    assert_eq!(ids(&warehouse).await, [1, 2]);

    let other = DataType::Struct(Fields::from(vec![Field::new("a", DataType::Utf8, false)]));
    let fields = vec![Field::new("id", DataType::Int64, false), Field::new("s", other, false)];
    let error = open_with(&warehouse, fields).await.err().unwrap();
    let difference = "column s.a is long in the table and string in the rows";
    assert!(error.to_string().ends_with(difference), "{error}");
}

#[tokio::test]
async fn tables_with_more_features_are_unsupported() {
    let partitioned = json!([{"spec-id": 0, "fields":
        [{"source-id": 1, "field-id": 1000, "name": "the id", "transform": "bucket[4]"}]}]);
    for (case, text) in [
        (
            0,
            "iceberg: table demo.orders is partitioned by the id: highwater cannot write the name \
             \"the id\" into a manifest",
        ),
        (2, "iceberg: table demo.orders has format version v3, and highwater writes version 2"),
    ] {
        let warehouse = Storage::memory();
        Pipeline::open(&warehouse).await;
        rewrite(&warehouse, |metadata| match case {
            0 => metadata["partition-specs"] = partitioned.clone(),
            _ => {
                metadata["format-version"] = json!(3);
                metadata["next-row-id"] = json!(0);
            }
        })
        .await;
        let error = Pipeline::try_open(&warehouse, context("ledger", "run")).await.err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert_eq!(error.to_string(), text);
    }
}

#[tokio::test]
async fn a_column_added_by_another_engine_is_read_as_null() {
    let warehouse = Storage::memory();
    let mut pipeline = Pipeline::open(&warehouse).await;
    pipeline.append(0, &[rows(0..3)]).await;
    rewrite(&warehouse, |metadata| {
        let mut schema = metadata["schemas"][0].clone();
        schema["schema-id"] = json!(1);
        let column = json!({"id": 9, "name": "later", "required": false, "type": "date"});
        schema["fields"].as_array_mut().unwrap().push(column);
        metadata["schemas"].as_array_mut().unwrap().push(schema);
        metadata["current-schema-id"] = json!(1);
        metadata["last-column-id"] = json!(9);
    })
    .await;
    pipeline.append(1, &[rows(3..5)]).await;
    assert_eq!(ids(&warehouse).await, [0, 1, 2, 3, 4]);
    assert_eq!(table(&warehouse).await.schema().field(4).name(), "later");
}
