//! Tables that others have rolled back, expired, or made anew.

use highwater_core::{ErrorKind, Found};
use highwater_storage::Storage;
use serde_json::{Value, json};

use crate::fixture::{Pipeline, ids, rewrite, rows, version};

/// Three epochs in a table.
async fn three(warehouse: &Storage) -> Pipeline {
    let mut pipeline = Pipeline::open(warehouse).await;
    for epoch in 0..3 {
        let first = i64::try_from(epoch).unwrap() * 10;
        pipeline.append(epoch, &[rows(first..first + 10)]).await;
    }
    pipeline
}

/// Snapshots by sequence number.
fn snapshots(metadata: &Value) -> Vec<Value> {
    let mut all = metadata["snapshots"].as_array().unwrap().clone();
    all.sort_by_key(|snapshot| snapshot["sequence-number"].as_i64());
    all
}

fn set_head(metadata: &mut Value, id: &Value) {
    metadata["current-snapshot-id"] = id.clone();
    metadata["refs"]["main"]["snapshot-id"] = id.clone();
    let at = metadata["last-updated-ms"].clone();
    let log = metadata["snapshot-log"].as_array_mut().unwrap();
    log.push(json!({"snapshot-id": id, "timestamp-ms": at}));
}

/// A snapshot of another engine on top of the head.
fn foreign_append(metadata: &mut Value) {
    let head = metadata["current-snapshot-id"].clone();
    let parent = snapshots(metadata).into_iter().find(|s| s["snapshot-id"] == head).unwrap();
    let sequence = metadata["last-sequence-number"].as_i64().unwrap() + 1;
    let mut snapshot = parent.clone();
    snapshot["snapshot-id"] = json!(7_000 + sequence);
    snapshot["parent-snapshot-id"] = head;
    snapshot["sequence-number"] = json!(sequence);
    snapshot["summary"] = json!({"operation": "append"});
    metadata["last-sequence-number"] = json!(sequence);
    let id = snapshot["snapshot-id"].clone();
    metadata["snapshots"].as_array_mut().unwrap().push(snapshot);
    set_head(metadata, &id);
}

fn roll_back_to(metadata: &mut Value, index: usize) {
    let id = snapshots(metadata)[index]["snapshot-id"].clone();
    set_head(metadata, &id);
}

#[tokio::test]
async fn a_marker_below_foreign_appends_holds() {
    let warehouse = Storage::memory();
    let mut pipeline = three(&warehouse).await;
    rewrite(&warehouse, foreign_append).await;
    rewrite(&warehouse, foreign_append).await;
    assert_eq!(pipeline.found().await, Found::Marker(pipeline.marker(2)));
    pipeline.append(3, &[rows(30..40)]).await;
    assert_eq!(ids(&warehouse).await.len(), 40);
}

#[tokio::test]
async fn a_table_that_was_set_back_says_what_stands() {
    let warehouse = Storage::memory();
    let mut pipeline = three(&warehouse).await;
    rewrite(&warehouse, |metadata| roll_back_to(metadata, 0)).await;
    let last = pipeline.marker(2);
    let standing = Some(pipeline.marker(0).id);
    assert_eq!(pipeline.found().await, Found::RolledBack { last, standing });
}

#[tokio::test]
async fn appends_after_a_rollback_do_not_hide_it() {
    let warehouse = Storage::memory();
    let mut pipeline = three(&warehouse).await;
    rewrite(&warehouse, |metadata| roll_back_to(metadata, 1)).await;
    rewrite(&warehouse, foreign_append).await;
    let last = pipeline.marker(2);
    let standing = Some(pipeline.marker(1).id);
    assert_eq!(pipeline.found().await, Found::RolledBack { last, standing });
}

#[tokio::test]
async fn a_table_without_current_snapshot_was_set_back() {
    let warehouse = Storage::memory();
    let mut pipeline = three(&warehouse).await;
    rewrite(&warehouse, |metadata| {
        let metadata = metadata.as_object_mut().unwrap();
        metadata.remove("current-snapshot-id");
        metadata["refs"] = json!({});
    })
    .await;
    let last = pipeline.marker(2);
    assert_eq!(pipeline.found().await, Found::RolledBack { last, standing: None });
}

#[tokio::test]
async fn expiry_above_the_marker_takes_nothing_away() {
    let warehouse = Storage::memory();
    let mut pipeline = three(&warehouse).await;
    rewrite(&warehouse, foreign_append).await;
    rewrite(&warehouse, foreign_append).await;
    rewrite(&warehouse, |metadata| {
        let head = metadata["current-snapshot-id"].clone();
        let kept = |of: &mut Value| of.as_array_mut().unwrap().retain(|s| s["snapshot-id"] == head);
        kept(&mut metadata["snapshots"]);
        kept(&mut metadata["snapshot-log"]);
    })
    .await;
    assert_eq!(pipeline.found().await, Found::Marker(pipeline.marker(2)));
    pipeline.append(3, &[rows(30..40)]).await;
}

#[tokio::test]
async fn a_lost_property_is_refused() {
    let warehouse = Storage::memory();
    let mut pipeline = three(&warehouse).await;
    rewrite(&warehouse, |metadata| {
        let properties = metadata["properties"].as_object_mut().unwrap();
        properties.remove("highwater.marker.ledger/orders/main").unwrap();
    })
    .await;
    let error = pipeline.committer.load().await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert_eq!(
        error.to_string(),
        "iceberg: table demo.orders lost the property highwater.marker.ledger/orders/main, \
         but its history names epoch 2"
    );
}

#[tokio::test]
async fn a_table_made_anew_is_refused() {
    let warehouse = Storage::memory();
    let mut pipeline = three(&warehouse).await;
    for object in warehouse.list("").await.unwrap() {
        warehouse.delete(&object.path).await.unwrap();
    }
    let error = pipeline.committer.load().await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(error.to_string().contains("was dropped: no metadata"), "{error}");

    Pipeline::open(&warehouse).await;
    let error = pipeline.committer.load().await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(error.to_string().contains("was dropped and made anew"), "{error}");
}

#[tokio::test]
async fn a_branch_keeps_its_retention() {
    let warehouse = Storage::memory();
    let mut pipeline = three(&warehouse).await;
    rewrite(&warehouse, |metadata| {
        metadata["refs"]["main"]["min-snapshots-to-keep"] = json!(7);
    })
    .await;
    pipeline.append(3, &[rows(30..31)]).await;
    let path = format!("demo/orders/metadata/v{}.metadata.json", version(&warehouse).await);
    let bytes = warehouse.read(&path).await.unwrap().unwrap();
    let metadata: Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(metadata["refs"]["main"]["min-snapshots-to-keep"], json!(7));
}
