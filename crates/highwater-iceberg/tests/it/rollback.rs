//! Tables that others have rolled back, expired, or made anew.

use highwater_core::{ErrorKind, Found};
use highwater_storage::Storage;
use serde_json::{Value, json};

use crate::fixture::{Pipeline, ids, metadata, rewrite, rows};
use crate::lake::{Lake, in_both_catalogs};

in_both_catalogs!(
    a_marker_below_foreign_appends_holds,
    a_table_that_was_set_back_says_what_stands,
    appends_after_a_rollback_do_not_hide_it,
    a_table_without_current_snapshot_was_set_back,
    expiry_above_the_marker_takes_nothing_away,
    expiry_that_cuts_the_history_takes_nothing_away,
    a_lost_property_is_refused,
    a_branch_keeps_its_retention,
);

/// Three epochs in a table.
async fn three(lake: &dyn Lake) -> Pipeline {
    let mut pipeline = Pipeline::open(lake).await;
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

async fn a_marker_below_foreign_appends_holds(lake: &dyn Lake) {
    let mut pipeline = three(lake).await;
    rewrite(lake, foreign_append).await;
    rewrite(lake, foreign_append).await;
    assert_eq!(pipeline.found().await, Found::Marker(pipeline.marker(2)));
    pipeline.append(3, &[rows(30..40)]).await;
    assert_eq!(ids(lake).await.len(), 40);
}

async fn a_table_that_was_set_back_says_what_stands(lake: &dyn Lake) {
    let mut pipeline = three(lake).await;
    rewrite(lake, |metadata| roll_back_to(metadata, 0)).await;
    let last = pipeline.marker(2);
    let standing = Some(pipeline.marker(0).id);
    assert_eq!(pipeline.found().await, Found::RolledBack { last, standing });
}

async fn appends_after_a_rollback_do_not_hide_it(lake: &dyn Lake) {
    let mut pipeline = three(lake).await;
    rewrite(lake, |metadata| roll_back_to(metadata, 1)).await;
    rewrite(lake, foreign_append).await;
    let last = pipeline.marker(2);
    let standing = Some(pipeline.marker(1).id);
    assert_eq!(pipeline.found().await, Found::RolledBack { last, standing });
}

async fn a_table_without_current_snapshot_was_set_back(lake: &dyn Lake) {
    let mut pipeline = three(lake).await;
    rewrite(lake, |metadata| {
        let metadata = metadata.as_object_mut().unwrap();
        metadata.remove("current-snapshot-id");
        metadata["refs"] = json!({});
    })
    .await;
    let last = pipeline.marker(2);
    assert_eq!(pipeline.found().await, Found::RolledBack { last, standing: None });
}

async fn expiry_above_the_marker_takes_nothing_away(lake: &dyn Lake) {
    let mut pipeline = three(lake).await;
    rewrite(lake, foreign_append).await;
    rewrite(lake, foreign_append).await;
    rewrite(lake, |metadata| {
        let head = metadata["current-snapshot-id"].clone();
        let kept = |of: &mut Value| of.as_array_mut().unwrap().retain(|s| s["snapshot-id"] == head);
        kept(&mut metadata["snapshots"]);
        kept(&mut metadata["snapshot-log"]);
    })
    .await;
    assert_eq!(pipeline.found().await, Found::Marker(pipeline.marker(2)));
    pipeline.append(3, &[rows(30..40)]).await;
}

/// As pyiceberg expires: the oldest snapshot that is left forgets its parent.
async fn expiry_that_cuts_the_history_takes_nothing_away(lake: &dyn Lake) {
    let mut pipeline = three(lake).await;
    rewrite(lake, foreign_append).await;
    let keep_the_head = |metadata: &mut Value, all: bool| {
        let head = metadata["current-snapshot-id"].clone();
        let snapshots = metadata["snapshots"].as_array_mut().unwrap();
        snapshots.retain(|snapshot| all || snapshot["snapshot-id"] == head);
        for snapshot in snapshots.iter_mut().filter(|it| it["snapshot-id"] == head) {
            snapshot.as_object_mut().unwrap().remove("parent-snapshot-id");
        }
        metadata["snapshot-log"] =
            json!([{"snapshot-id": head, "timestamp-ms": metadata["last-updated-ms"]}]);
    };
    rewrite(lake, |metadata| keep_the_head(metadata, true)).await;
    let last = pipeline.marker(2);
    assert_eq!(pipeline.found().await, Found::RolledBack { last, standing: None });
    rewrite(lake, |metadata| keep_the_head(metadata, false)).await;
    assert_eq!(pipeline.found().await, Found::Marker(pipeline.marker(2)));
    pipeline.append(3, &[rows(30..40)]).await;
    assert_eq!(pipeline.found().await, Found::Marker(pipeline.marker(3)));
}

async fn a_lost_property_is_refused(lake: &dyn Lake) {
    let mut pipeline = three(lake).await;
    rewrite(lake, |metadata| {
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

async fn a_branch_keeps_its_retention(lake: &dyn Lake) {
    let mut pipeline = three(lake).await;
    rewrite(lake, |metadata| {
        metadata["refs"]["main"]["min-snapshots-to-keep"] = json!(7);
    })
    .await;
    pipeline.append(3, &[rows(30..31)]).await;
    let metadata = metadata(lake).await;
    assert_eq!(metadata["refs"]["main"]["min-snapshots-to-keep"], json!(7));
}
