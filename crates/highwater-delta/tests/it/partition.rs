//! Partitioned tables.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, StringArray};
use highwater_core::{SinkContext, StreamInfo};
use highwater_delta::DeltaTable;
use highwater_storage::Storage;
use serde_json::{Value, json};

use crate::fixture::{Pipeline, all, batches, context, ids, table};

const COUNTRIES: [Option<&str>; 6] =
    [Some("nl"), Some("a/b c=%2F"), None, Some(""), Some("Zoë's"), Some("nl")];

fn rows(first: i64) -> RecordBatch {
    let countries: ArrayRef = Arc::new(StringArray::from(COUNTRIES.to_vec()));
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(first..first + 6));
    let days = Arc::new(arrow::array::Date32Array::from(vec![19_675; 6]));
    RecordBatch::try_from_iter([("country", countries), ("id", ids), ("day", days as ArrayRef)])
        .unwrap()
}

fn cx() -> SinkContext {
    SinkContext { input: StreamInfo::new(rows(0).schema()), ..context("ledger") }
}

async fn partitioned(storage: &Storage, columns: &[&str]) -> Pipeline {
    let sink = DeltaTable::new(storage.clone()).append().partition_by(columns.iter().copied());
    Pipeline::try_open_with(sink, cx()).await.unwrap()
}

#[tokio::test]
async fn rows_of_every_partition_come_back() {
    let directory = tempfile::tempdir().unwrap();
    let local = Storage::open(directory.path().to_str().unwrap()).unwrap();
    for storage in [Storage::memory(), local] {
        let mut pipeline = partitioned(&storage, &["day", "country"]).await;
        pipeline.append(0, &[rows(0), rows(6)]).await;
        assert_eq!(table(&storage).await.partition_columns(), ["day", "country"]);
        let mut seen: Vec<(i64, Option<String>)> = Vec::new();
        for batch in batches(&storage).await {
            let ids = batch.column_by_name("id").unwrap();
            let ids = ids.as_primitive::<arrow::datatypes::Int64Type>();
            let countries = batch.column_by_name("country").unwrap().as_string::<i32>();
            let countries = countries.iter().map(|country| country.map(ToOwned::to_owned));
            seen.extend(ids.values().iter().copied().zip(countries));
        }
        seen.sort();
        let wanted =
            |id: i64| COUNTRIES[usize::try_from(id % 6).unwrap()].filter(|it| !it.is_empty());
        let wanted: Vec<_> = (0..12).map(|id| (id, wanted(id).map(ToOwned::to_owned))).collect();
        assert_eq!(seen, wanted);
    }
}

#[tokio::test]
async fn files_lie_in_directories_and_say_their_values() {
    let storage = Storage::memory();
    let mut pipeline = partitioned(&storage, &["country"]).await;
    pipeline.append(0, &[rows(0)]).await;
    let adds = all(&storage, 1, "add").await;
    assert_eq!(adds.len(), 4);
    let of = |value: Value| {
        adds.iter().find(|add| add["partitionValues"] == json!({"country": value})).unwrap()
    };
    let path = of(json!("a/b c=%2F"))["path"].as_str().unwrap();
    assert!(path.starts_with("country=a%252Fb%2520c%253D%25252F/orders-0-run-0-"), "{path}");
    let path = of(Value::Null)["path"].as_str().unwrap();
    assert!(path.starts_with("country=__HIVE_DEFAULT_PARTITION__/"), "{path}");
    let stats: Value = serde_json::from_str(of(json!("nl"))["stats"].as_str().unwrap()).unwrap();
    assert_eq!(stats["minValues"], json!({"id": 0, "day": "2023-11-14"}));
}

#[tokio::test]
async fn a_table_that_is_there_keeps_its_partitions() {
    let storage = Storage::memory();
    partitioned(&storage, &["day"]).await.append(0, &[rows(0)]).await;
    partitioned(&storage, &["country"]).await.append(1, &[rows(6)]).await;
    assert_eq!(table(&storage).await.partition_columns(), ["day"]);
    assert_eq!(all(&storage, 2, "add").await.len(), 1);
    assert_eq!(ids(&storage).await, (0..12).collect::<Vec<_>>());
}

#[tokio::test]
async fn little_memory_makes_more_files_of_the_same_rows() {
    let storage = Storage::memory();
    let sink = DeltaTable::new(storage.clone()).append().partition_by(["country"]);
    let mut pipeline = Pipeline::try_open_with(sink.writer_memory(1), cx()).await.unwrap();
    pipeline.append(0, &[rows(0), rows(6)]).await;
    assert!(all(&storage, 1, "add").await.len() > 4);
    assert_eq!(ids(&storage).await, (0..12).collect::<Vec<_>>());
}
