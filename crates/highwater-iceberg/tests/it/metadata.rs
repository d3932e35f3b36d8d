//! Metadata files, hints and manifests.

use highwater_core::{ErrorKind, Found};
use highwater_iceberg::{FileCatalog, IcebergSink};
use highwater_storage::Storage;
use serde_json::json;

use crate::fixture::{Pipeline, TABLE, context, ids, metadata, rewrite, rows, table, version};

fn sink(warehouse: &Storage) -> IcebergSink {
    FileCatalog::new(warehouse.clone()).table(TABLE).append()
}

async fn metadata_files(warehouse: &Storage) -> Vec<String> {
    let objects = warehouse.list("demo/orders/metadata").await.unwrap();
    let names = objects.iter().filter_map(|object| object.path.rsplit('/').next());
    names.filter(|name| name.ends_with(".metadata.json")).map(ToOwned::to_owned).collect()
}

#[tokio::test]
async fn old_metadata_is_deleted_from_below() {
    let warehouse = Storage::memory();
    let sink = sink(&warehouse).create_property("write.metadata.previous-versions-max", "2");
    let mut pipeline = Pipeline::try_open_with(sink, context("ledger", "run")).await.unwrap();
    for epoch in 0..6 {
        pipeline.append(epoch, &[]).await;
    }
    let kept = ["v5.metadata.json", "v6.metadata.json", "v7.metadata.json"];
    assert_eq!(metadata_files(&warehouse).await, kept);
}

#[tokio::test]
async fn metadata_stays_where_the_table_says_so() {
    let warehouse = Storage::memory();
    let sink = sink(&warehouse)
        .create_property("write.metadata.previous-versions-max", "1")
        .create_property("write.metadata.delete-after-commit.enabled", "false");
    let mut pipeline = Pipeline::try_open_with(sink, context("ledger", "run")).await.unwrap();
    for epoch in 0..3 {
        pipeline.append(epoch, &[]).await;
    }
    assert_eq!(metadata_files(&warehouse).await.len(), 4);
}

#[tokio::test]
async fn snapshots_that_are_too_old_leave_the_metadata_and_their_rows_stay() {
    let warehouse = Storage::memory();
    let sink = sink(&warehouse)
        .create_property("highwater.expire-after-commit.enabled", "true")
        .create_property("history.expire.max-snapshot-age-ms", "60000")
        .create_property("history.expire.min-snapshots-to-keep", "3");
    let mut pipeline = Pipeline::try_open_with(sink, context("ledger", "run")).await.unwrap();
    let append = async |pipeline: &mut Pipeline, epochs: std::ops::Range<i64>| {
        for epoch in epochs {
            pipeline.append(epoch.unsigned_abs(), &[rows(epoch..epoch + 1)]).await;
        }
    };
    append(&mut pipeline, 0..5).await;
    assert_eq!(table(&warehouse).await.snapshots(), 5, "all of them are young");
    rewrite(&warehouse, |metadata| {
        for list in ["snapshots", "snapshot-log"] {
            for entry in metadata[list].as_array_mut().unwrap() {
                entry["timestamp-ms"] = json!(entry["timestamp-ms"].as_i64().unwrap() - 60_001);
            }
        }
        // A tag keeps the rows as they were, however long ago.
        let all = metadata["snapshots"].as_array().unwrap();
        let first =
            all.iter().find(|it| it["sequence-number"] == 1).unwrap()["snapshot-id"].clone();
        metadata["refs"]["first"] = json!({"snapshot-id": first, "type": "tag"});
    })
    .await;
    append(&mut pipeline, 5..7).await;
    let metadata = metadata(&warehouse).await;
    let left = metadata["snapshots"].as_array().unwrap();
    let mut numbers: Vec<_> =
        left.iter().map(|it| it["sequence-number"].as_i64().unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, [1, 5, 6, 7]);
    assert_eq!(metadata["snapshot-log"].as_array().unwrap().len(), 3);
    assert_eq!(ids(&warehouse).await, (0..7).collect::<Vec<_>>());
    // The marker holds, also for an instance that has seen nothing of it.
    let mut again = Pipeline::open(&warehouse).await;
    assert_eq!(again.found().await, Found::Marker(again.marker(6)));
}

#[tokio::test]
async fn a_hint_that_is_gone_or_wrong_misleads_nobody() {
    let warehouse = Storage::memory();
    let sink = sink(&warehouse).create_property("write.metadata.previous-versions-max", "2");
    let mut pipeline = Pipeline::try_open_with(sink, context("ledger", "run")).await.unwrap();
    for epoch in 0..5 {
        pipeline.append(epoch, &[]).await;
    }
    let path = "demo/orders/metadata/version-hint.text";
    for hint in ["1", "99", "4", "five", "", "6"] {
        warehouse.replace(path, hint.to_owned().into()).await.unwrap();
        let mut again = Pipeline::open(&warehouse).await;
        assert_eq!(again.found().await, Found::Marker(again.marker(4)), "{hint:?}");
    }
    warehouse.delete(path).await.unwrap();
    assert_eq!(table(&warehouse).await.snapshots(), 5);
}

#[tokio::test]
async fn a_committer_that_slept_does_not_fill_a_hole() {
    let warehouse = Storage::memory();
    let sink = sink(&warehouse).create_property("write.metadata.previous-versions-max", "1");
    let mut sleeper = Pipeline::try_open_with(sink, context("ledger", "run")).await.unwrap();
    let staged = sleeper.stage(0, &[rows(0..3)]).await;
    sleeper.found().await;

    let mut pipeline = Pipeline::open(&warehouse).await;
    for epoch in 0..5 {
        pipeline.append(epoch, &[]).await;
    }
    let marker = sleeper.marker(0);
    let swap = sleeper.committer.swap(&marker, &staged).await;
    assert!(matches!(swap, highwater_core::Swap::Unknown(_)), "{swap:?}");
    assert_eq!(sleeper.found().await, Found::Marker(pipeline.marker(4)));
    assert!(ids(&warehouse).await.is_empty());
    assert_eq!(pipeline.found().await, Found::Marker(pipeline.marker(4)));
    pipeline.append(5, &[rows(0..2)]).await;
    assert_eq!(ids(&warehouse).await, [0, 1]);
}

#[tokio::test]
async fn small_manifests_are_merged() {
    let warehouse = Storage::memory();
    let sink = sink(&warehouse).create_property("commit.manifest.min-count-to-merge", "4");
    let mut pipeline = Pipeline::try_open_with(sink, context("ledger", "run")).await.unwrap();
    for epoch in 0..10 {
        let first = i64::try_from(epoch).unwrap() * 2;
        pipeline.append(epoch, &[rows(first..first + 2)]).await;
    }
    assert_eq!(ids(&warehouse).await, (0..20).collect::<Vec<_>>());
    let objects = warehouse.list("demo/orders/metadata").await.unwrap();
    let merged = objects.iter().filter(|object| object.path.ends_with("-merged.avro")).count();
    assert_eq!(merged, 3);
    let table = table(&warehouse).await;
    assert_eq!(table.data_files().await.unwrap().len(), 10);
    assert_eq!(table.summary("total-data-files"), Some("10"));
    assert_eq!(table.summary("total-records"), Some("20"));
    // A committer without a cache reads what the others have written.
    Pipeline::open(&warehouse).await.append(10, &[rows(20..21)]).await;
    assert_eq!(ids(&warehouse).await.len(), 21);
}

#[tokio::test]
async fn the_tables_of_another_catalog_are_left_alone() {
    let warehouse = Storage::memory();
    let path = "demo/orders/metadata/00000-abc.metadata.json";
    warehouse.replace(path, "{}".into()).await.unwrap();
    let error = Pipeline::try_open(&warehouse, context("ledger", "run")).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().ends_with("is metadata of another kind of catalog"), "{error}");
}

#[tokio::test]
async fn metadata_that_cannot_be_read_is_named() {
    let warehouse = Storage::memory();
    warehouse.replace("demo/orders/metadata/v1.metadata.json", "{".into()).await.unwrap();
    let error = Pipeline::try_open(&warehouse, context("ledger", "run")).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    let location = "memory://storage/demo/orders/metadata/v1.metadata.json";
    assert!(error.to_string().contains(location), "{error}");
}

#[tokio::test]
async fn metadata_that_contradicts_itself_is_corrupt() {
    for key in
        ["current-schema-id", "current-snapshot-id", "default-sort-order-id", "default-spec-id"]
    {
        let warehouse = Storage::memory();
        Pipeline::open(&warehouse).await.append(0, &[rows(0..1)]).await;
        rewrite(&warehouse, |metadata| metadata[key] = json!(99)).await;
        let error = Pipeline::try_open(&warehouse, context("ledger", "run")).await.err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{key}: {error}");
    }
}

#[tokio::test]
async fn a_marker_that_cannot_be_read_is_corrupt() {
    let warehouse = Storage::memory();
    let mut pipeline = Pipeline::open(&warehouse).await;
    pipeline.append(0, &[]).await;
    rewrite(&warehouse, |metadata| {
        metadata["properties"]["highwater.marker.ledger/orders/main"] = json!("{}");
    })
    .await;
    assert_eq!(pipeline.committer.load().await.err().unwrap().kind(), ErrorKind::Corrupt);
    assert_eq!(table(&warehouse).await.markers().unwrap_err().kind(), ErrorKind::Corrupt);
}

#[tokio::test]
async fn versions_are_those_of_the_table() {
    let warehouse = Storage::memory();
    let mut pipeline = Pipeline::open(&warehouse).await;
    pipeline.append(0, &[rows(0..1)]).await;
    assert_eq!(version(&warehouse).await, 2);
    assert_eq!(table(&warehouse).await.property("write.parquet.compression-codec"), Some("zstd"));
}
