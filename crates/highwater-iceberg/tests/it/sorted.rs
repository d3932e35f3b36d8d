//! Files that say they are sorted are sorted.

use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::{concat_batches, take_record_batch};
use arrow::datatypes::{Int64Type, UInt32Type};
use futures::TryStreamExt;
use highwater_core::{Ended, ErrorKind, Sink, Staged, StreamInfo};
use highwater_iceberg::{FileCatalog, IcebergSink, asc, bucket, desc};
use highwater_storage::Storage;
use iceberg::spec::{Manifest, ManifestList, TableMetadata};
use serde_json::json;

use crate::fixture::{Pipeline, TABLE, context, ids, rewrite, rows, schema, table, version};

fn sink(warehouse: &Storage) -> IcebergSink {
    FileCatalog::new(warehouse.clone()).table(TABLE).append()
}

async fn open(sink: IcebergSink) -> Pipeline {
    Pipeline::try_open_with(sink, context("ledger", "run")).await.unwrap()
}

/// Batches of 100 of these ids, in an order that looks like none.
fn shuffled(count: i64) -> Vec<RecordBatch> {
    let all = rows(0..count);
    let length = u32::try_from(count).unwrap();
    let places = (0..length).map(|at| at * 7919 % length);
    let all = take_record_batch(
        &all,
        &arrow::array::PrimitiveArray::<UInt32Type>::from_iter_values(places),
    );
    let all = all.unwrap();
    (0..all.num_rows()).step_by(100).map(|at| all.slice(at, 100)).collect()
}

/// The ids of each file, and the sort order it claims.
async fn files(warehouse: &Storage) -> Vec<(Vec<i64>, Option<i32>)> {
    let path = format!("demo/orders/metadata/v{}.metadata.json", version(warehouse).await);
    let bytes = warehouse.read(&path).await.unwrap().unwrap();
    let metadata: TableMetadata = serde_json::from_slice(&bytes).unwrap();
    let read = |location: &str| {
        let path = warehouse.path_of(location).unwrap();
        async move { warehouse.read(&path).await.unwrap().unwrap() }
    };
    let list = read(metadata.current_snapshot().unwrap().manifest_list()).await;
    let list = ManifestList::parse_with_version(&list, metadata.format_version()).unwrap();
    let mut found = Vec::new();
    for file in list.consume_entries() {
        let manifest = Manifest::parse_avro(&read(&file.manifest_path).await).unwrap();
        for entry in manifest.entries() {
            let bytes = read(entry.file_path()).await;
            let reader =
                parquet::arrow::arrow_reader::ParquetRecordBatchReader::try_new(bytes, 1024);
            let batches: Vec<RecordBatch> = reader.unwrap().map(Result::unwrap).collect();
            let all = concat_batches(&batches[0].schema(), &batches).unwrap();
            let ids = all.column(0).as_primitive::<Int64Type>().values().to_vec();
            found.push((ids, entry.data_file().sort_order_id()));
        }
    }
    found
}

#[tokio::test]
async fn every_file_is_sorted_and_says_so() {
    let warehouse = Storage::memory();
    let sink = sink(&warehouse).partition_by([bucket(2, "id")]).sort_by([desc("id")]);
    let mut pipeline = open(sink).await;
    pipeline.append(0, &shuffled(10_000)).await;
    let files = files(&warehouse).await;
    assert_eq!(files.len(), 2);
    for (ids, order) in files {
        assert!(ids.len() > 4000 && ids.is_sorted_by(|one, next| one > next));
        assert_eq!(order, Some(1));
    }
    assert_eq!(ids(&warehouse).await, (0..10_000).collect::<Vec<_>>());
}

#[tokio::test]
async fn short_memory_makes_more_files_not_unsorted_ones() {
    let warehouse = Storage::memory();
    let mut pipeline = open(sink(&warehouse).sort_by([asc("id")]).writer_memory(20_000)).await;
    let staged: Vec<Staged> = pipeline.stage(0, &shuffled(5000)).await;
    assert!(staged.len() >= 5, "{}", staged.len());
    let mine = pipeline.marker(0).id;
    assert_eq!(pipeline.commit(0, &staged).await, Ended::Committed(mine));
    for (ids, order) in files(&warehouse).await {
        assert!(ids.is_sorted());
        assert_eq!(order, Some(1));
    }
    assert_eq!(ids(&warehouse).await, (0..5000).collect::<Vec<_>>());
}

#[tokio::test]
async fn equal_rows_keep_their_order_and_nulls_their_end() {
    for (by, first_is_null) in [(asc("note"), true), (asc("note").nulls_last(), false)] {
        let warehouse = Storage::memory();
        let mut pipeline = open(sink(&warehouse).sort_by([by])).await;
        pipeline.append(0, &[rows(0..30), rows(30..60)]).await;
        let table = table(&warehouse).await;
        let batches: Vec<_> = table.rows().await.unwrap().try_collect().await.unwrap();
        let all = concat_batches(&table.schema(), &batches).unwrap();
        let ids = all.column(0).as_primitive::<Int64Type>().values();
        let nulls: Vec<i64> = (0..all.num_rows())
            .filter(|row| all.column(1).is_null(*row))
            .map(|row| ids[row])
            .collect();
        assert_eq!(nulls, (0..60).step_by(3).collect::<Vec<_>>());
        assert_eq!(all.column(1).is_null(0), first_is_null);
        let notes = all.column(1).as_string::<i32>();
        let notes: Vec<_> = notes.iter().flatten().collect();
        assert!(notes.is_sorted());
    }
}

#[tokio::test]
async fn an_order_that_changes_is_claimed_by_later_files_only() {
    let warehouse = Storage::memory();
    let mut pipeline = open(sink(&warehouse)).await;
    let planned = pipeline.stage(0, &shuffled(200)).await;
    let order = |id: i32, transform: &str| {
        json!({"order-id": id, "fields": [{"source-id": 1, "transform": transform,
            "direction": "asc", "null-order": "nulls-first"}]})
    };
    let set = |id: i32, transform: &str| {
        let order = order(id, transform);
        let warehouse = &warehouse;
        async move {
            rewrite(warehouse, |metadata| {
                metadata["sort-orders"].as_array_mut().unwrap().push(order);
                metadata["default-sort-order-id"] = json!(id);
            })
            .await;
        }
    };
    set(1, "identity").await;
    let mine = pipeline.marker(0).id;
    assert_eq!(pipeline.commit(0, &planned).await, Ended::Committed(mine));
    assert_eq!(files(&warehouse).await[0].1, None);

    let planned = pipeline.stage(1, &shuffled(200)).await;
    set(2, "bucket[4]").await;
    let mine = pipeline.marker(1).id;
    assert_eq!(pipeline.commit(1, &planned).await, Ended::Committed(mine));
    pipeline.append(2, &shuffled(200)).await;
    let orders: Vec<_> = files(&warehouse).await.into_iter().map(|(_, order)| order).collect();
    assert_eq!(orders, [Some(2), Some(1), None]);

    let planned = pipeline.stage(3, &shuffled(200)).await;
    rewrite(&warehouse, |metadata| {
        metadata["sort-orders"].as_array_mut().unwrap().retain(|order| order["order-id"] != 2);
        metadata["default-sort-order-id"] = json!(1);
    })
    .await;
    let mine = pipeline.marker(3).id;
    assert_eq!(pipeline.commit(3, &planned).await, Ended::Committed(mine));
    assert_eq!(files(&warehouse).await[0].1, None);
}

#[test]
fn orders_are_checked_before_anything_runs() {
    for (by, problem) in [
        (vec![asc("absent")], "absent asc nulls first: there is no column absent"),
        (vec![asc("id"), desc("id")], "id desc nulls last: the column stands before already"),
    ] {
        let sink = sink(&Storage::memory()).sort_by(by);
        let error = sink.resolve(&StreamInfo::new(Arc::clone(&schema()))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        let text = format!("iceberg: table demo.orders cannot be sorted by {problem}");
        assert_eq!(error.to_string(), text);
    }
}
