//! What an append leaves behind.

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{DataType, TimeUnit};
use highwater_core::{Epoch, EpochPlan, Found, Swap, Timestamp};
use highwater_storage::Storage;
use serde_json::{Value, json};

use crate::fixture::{Pipeline, actions, all, batches, ids, rows, schema, table};

#[tokio::test]
async fn rows_come_back_as_they_were() {
    let storage = Storage::memory();
    let mut pipeline = Pipeline::open(&storage).await;
    pipeline.append(0, &[rows(0..2), rows(2..5)]).await;
    let read = batches(&storage).await;
    let schema = table(&storage).await.schema();
    let names = |fields: &arrow::datatypes::Fields| {
        fields.iter().map(|field| field.name().clone()).collect::<Vec<_>>()
    };
    assert_eq!(names(schema.fields()), names(crate::fixture::schema().fields()));
    assert!(matches!(
        schema.field(3).data_type(),
        DataType::Timestamp(TimeUnit::Microsecond, Some(zone)) if &**zone == "UTC"
    ));
    let all: RecordBatch = arrow::compute::concat_batches(&read[0].schema(), &read).unwrap();
    assert_eq!(all.column(0).as_ref(), rows(0..5).column(0).as_ref());
    assert_eq!(all.column(1).as_ref(), rows(0..5).column(1).as_ref());
    assert_eq!(all.column(2).as_ref(), rows(0..5).column(2).as_ref());
    let times = all.column(3).as_primitive::<arrow::datatypes::TimestampMicrosecondType>();
    assert_eq!(times.values(), &[0, 1_000_000, 2_000_000, 3_000_000, 4_000_000]);
    assert_eq!(schema.fields().len(), self::schema().fields().len());
}

#[tokio::test]
async fn a_new_table_has_the_oldest_protocol() {
    let storage = Storage::memory();
    Pipeline::open(&storage).await;
    let protocol = all(&storage, 0, "protocol").await;
    assert_eq!(protocol, [json!({"minReaderVersion": 1, "minWriterVersion": 2})]);
    let metadata = all(&storage, 0, "metaData").await.remove(0);
    assert_eq!(metadata["format"], json!({"provider": "parquet", "options": {}}));
    let schema: Value = serde_json::from_str(metadata["schemaString"].as_str().unwrap()).unwrap();
    assert_eq!(
        schema["fields"][0],
        json!({"name": "id", "type": "long", "nullable": false, "metadata": {}})
    );
    assert_eq!(schema["fields"][3]["type"], "timestamp");
}

#[tokio::test]
async fn a_commit_names_its_files_and_what_they_hold() {
    let storage = Storage::memory();
    let mut pipeline = Pipeline::open(&storage).await;
    pipeline.append(0, &[]).await;
    pipeline.append(1, &[rows(1..4)]).await;
    let info = all(&storage, 2, "commitInfo").await.remove(0);
    assert_eq!(info["operation"], "STREAMING UPDATE");
    assert_eq!(info["isBlindAppend"], true);
    assert_eq!(info["operationParameters"]["queryId"], "ledger/orders");
    let txns = all(&storage, 2, "txn").await;
    assert!(txns.contains(&json!({"appId": "ledger/orders", "version": 1})), "{txns:?}");
    let adds = all(&storage, 2, "add").await;
    let [add] = adds.as_slice() else { panic!("{adds:?}") };
    assert_eq!(add["path"], "orders-1-run-0-0.parquet");
    let bytes = storage.length("orders-1-run-0-0.parquet").await.unwrap();
    assert_eq!((add["size"].as_u64(), &add["dataChange"]), (bytes, &json!(true)));
    let stats: Value = serde_json::from_str(add["stats"].as_str().unwrap()).unwrap();
    assert_eq!(stats["numRecords"], 3);
    assert_eq!(stats["minValues"]["id"], 1);
    assert_eq!(stats["maxValues"]["amount"], json!(3.03));
    assert_eq!(stats["maxValues"]["at"], "1970-01-01T00:00:03.000Z");
    assert_eq!(stats["nullCount"], json!({"id": 0, "note": 1, "amount": 0, "at": 0}));
    // The claim has a marker and no file.
    assert!(actions(&storage, 1).await.iter().all(|action| action.get("add").is_none()));
}

#[tokio::test]
async fn a_file_that_is_there_is_seen_by_its_length() {
    let storage = Storage::memory();
    let mut pipeline = Pipeline::open(&storage).await;
    let staged = pipeline.stage(0, &[rows(0..3)]).await;
    assert!(pipeline.committer.check(&staged).await.unwrap());
    storage.delete(&staged[0].path).await.unwrap();
    assert!(!pipeline.committer.check(&staged).await.unwrap());
}

#[tokio::test]
async fn the_plan_of_an_epoch_is_read_from_the_table() {
    let storage = Storage::memory();
    let mut pipeline = Pipeline::open(&storage).await;
    pipeline.found().await;
    let mut marker = pipeline.marker(0);
    let (now, sources, targets) = (Timestamp(-3), Default::default(), Default::default());
    let watermarks = Default::default();
    marker.plan =
        Some(EpochPlan { epoch: Epoch(0), now, sources, targets, watermarks, last: false });
    assert!(matches!(pipeline.committer.swap(&marker, &[]).await, Swap::Committed));
    assert_eq!(pipeline.found().await, Found::Marker(marker.clone()));
    let mut later = Pipeline::open(&storage).await;
    assert_eq!(later.found().await, Found::Marker(marker));
}

#[tokio::test]
async fn a_table_in_a_directory_is_read_again_later() {
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path().join("a lake/orders");
    let storage = Storage::open(place.to_str().unwrap()).unwrap();
    for epoch in 0..12 {
        let first = i64::try_from(epoch).unwrap();
        Pipeline::open(&storage).await.append(epoch, &[rows(first..first + 1)]).await;
    }
    assert_eq!(ids(&storage).await, (0..12).collect::<Vec<_>>());
    assert_eq!(table(&storage).await.version(), 12);
}
