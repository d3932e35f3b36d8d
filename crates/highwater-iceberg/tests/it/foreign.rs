//! What other engines do to snapshots between the plan of an epoch and its swap.

use highwater_core::Ended;
use highwater_storage::Storage;
use serde_json::{Value, json};

use crate::fixture::{Pipeline, ids, rewrite, rows};

/// A snapshot above the head with the manifests of an earlier one: what a delete of all that came
/// after it leaves.
fn take_out(metadata: &mut Value, operation: &str) {
    let mut snapshots = metadata["snapshots"].as_array().unwrap().clone();
    snapshots.sort_by_key(|snapshot| snapshot["sequence-number"].as_i64());
    let head = snapshots.last().unwrap().clone();
    let mut next = head.clone();
    next["snapshot-id"] = json!(4711);
    next["parent-snapshot-id"] = head["snapshot-id"].clone();
    next["sequence-number"] = json!(head["sequence-number"].as_i64().unwrap() + 1);
    next["manifest-list"] = snapshots[0]["manifest-list"].clone();
    next["summary"] = json!({"operation": operation});
    metadata["last-sequence-number"] = next["sequence-number"].clone();
    metadata["current-snapshot-id"] = json!(4711);
    metadata["refs"]["main"]["snapshot-id"] = json!(4711);
    metadata["snapshots"].as_array_mut().unwrap().push(next);
}

#[tokio::test]
async fn rows_that_another_engine_took_out_stay_out() {
    for operation in ["delete", "overwrite", "replace"] {
        let warehouse = Storage::memory();
        let mut pipeline = Pipeline::open(&warehouse).await;
        pipeline.append(0, &[rows(0..3)]).await;
        pipeline.append(1, &[rows(3..6)]).await;
        let planned = pipeline.stage(2, &[rows(6..9)]).await;
        rewrite(&warehouse, |metadata| take_out(metadata, operation)).await;
        let mine = pipeline.marker(2).id;
        assert_eq!(pipeline.commit(2, &planned).await, Ended::Committed(mine));
        pipeline.append(3, &[rows(9..12)]).await;
        assert_eq!(ids(&warehouse).await, [0, 1, 2, 6, 7, 8, 9, 10, 11], "{operation}");
    }
}

#[tokio::test]
async fn branches_and_tags_of_others_stay_where_they_are() {
    let warehouse = Storage::memory();
    let mut pipeline = Pipeline::open(&warehouse).await;
    pipeline.append(0, &[rows(0..3)]).await;
    let planned = pipeline.stage(1, &[rows(3..6)]).await;
    let mut refs = Value::Null;
    rewrite(&warehouse, |metadata| {
        let head = metadata["current-snapshot-id"].clone();
        metadata["refs"]["audit"] = json!({"snapshot-id": head, "type": "branch"});
        metadata["refs"]["first"] = json!({"snapshot-id": head, "type": "tag"});
        refs = metadata["refs"].clone();
    })
    .await;
    let mine = pipeline.marker(1).id;
    assert_eq!(pipeline.commit(1, &planned).await, Ended::Committed(mine));
    rewrite(&warehouse, |metadata| {
        for name in ["audit", "first"] {
            assert_eq!(metadata["refs"][name]["snapshot-id"], refs[name]["snapshot-id"]);
        }
        assert_ne!(metadata["refs"]["main"], refs["main"]);
    })
    .await;
    assert_eq!(ids(&warehouse).await, [0, 1, 2, 3, 4, 5]);
}
