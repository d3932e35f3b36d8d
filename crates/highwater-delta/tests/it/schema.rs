//! Tables that are there already, and rows that do not fit them.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use highwater_core::{ErrorKind, Sink as _, StreamInfo};
use highwater_delta::DeltaTable;
use highwater_storage::Storage;
use serde_json::json;

use crate::fixture::{Pipeline, all, context, table};

fn input(fields: Vec<Field>) -> StreamInfo {
    StreamInfo::new(Arc::new(Schema::new(fields)))
}

#[tokio::test]
async fn a_table_of_another_schema_is_refused_with_all_that_does_not_fit() {
    let storage = Storage::memory();
    Pipeline::open(&storage).await;
    let mut cx = context("ledger");
    cx.input = input(vec![
        Field::new("id", DataType::Int32, true),
        Field::new("more", DataType::Utf8, true),
    ]);
    let error = Pipeline::try_open(&storage, cx).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert_eq!(
        error.to_string(),
        "delta: table memory://storage does not take the rows: \
         column id (long) is required in the table and may be null in the rows; \
         column id is long in the table and integer in the rows; \
         column more (string) is missing in the table"
    );
    assert_eq!(table(&storage).await.version(), 0);
}

#[test]
fn what_delta_does_not_have_is_told_without_contacting_anything() {
    let sink = DeltaTable::at("/nowhere").unwrap().append();
    let error = sink.resolve(&input(vec![Field::new("n", DataType::UInt32, true)])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert_eq!(
        error.to_string(),
        "delta: column n of table /nowhere has the type UInt32, which Delta does not have"
    );
    let rows = input(vec![
        Field::new("n", DataType::Int32, true),
        Field::new("b", DataType::Binary, true),
    ]);
    for columns in [vec!["missing"], vec!["b"], vec!["n", "n"]] {
        let error = sink.clone().partition_by(columns).resolve(&rows).unwrap_err();
        assert!(error.to_string().contains("cannot be partitioned by"), "{error}");
    }
    let error = sink.clone().create_property("delta.enableRowTracking", "true").resolve(&rows);
    assert!(error.unwrap_err().to_string().contains("property delta.enableRowTracking=true"));
    sink.resolve(&rows).unwrap();
    assert_eq!(sink.describe(), "delta /nowhere");
    assert!(DeltaTable::at("gs://bucket/table").is_err());
}

#[tokio::test]
async fn timestamps_without_a_zone_need_a_feature_and_get_it() {
    let storage = Storage::memory();
    let mut cx = context("ledger");
    cx.input =
        input(vec![Field::new("at", DataType::Timestamp(TimeUnit::Microsecond, None), true)]);
    let sink = DeltaTable::new(storage.clone()).append().create_property("owner", "somebody");
    Pipeline::try_open_with(sink, cx).await.unwrap();
    let protocol = all(&storage, 0, "protocol").await.remove(0);
    assert_eq!(
        protocol,
        json!({
            "minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": ["timestampNtz"],
            "writerFeatures": ["appendOnly", "invariants", "timestampNtz"],
        })
    );
    let table = table(&storage).await;
    assert_eq!(
        table.schema().field(0).data_type(),
        &DataType::Timestamp(TimeUnit::Microsecond, None)
    );
    assert_eq!(table.property("owner"), Some("somebody"));
}

#[tokio::test]
async fn a_table_that_is_not_there_cannot_be_read() {
    let error = DeltaTable::new(Storage::memory()).read().await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert_eq!(error.to_string(), "delta: table memory://storage is not there: it has no log");
}
