//! Other writers: appends, compaction, checkpoints with cleanup, changes of the table between
//! commits.

use highwater_core::{ErrorKind, Swap};
use highwater_storage::Storage;
use serde_json::{Value, json};

use crate::fixture::{Pipeline, actions, all, foreign, ids, info, rows, table, with_column};

/// The file that a version added, as an action.
async fn added(storage: &Storage, version: u64) -> Value {
    all(storage, version, "add").await.remove(0)
}

#[tokio::test]
async fn a_compaction_between_two_commits_loses_nothing() {
    let storage = Storage::memory();
    let mut pipeline = Pipeline::open(&storage).await;
    pipeline.append(0, &[rows(0..3)]).await;
    pipeline.append(1, &[rows(3..6)]).await;
    let staged = pipeline.stage(2, &[rows(6..9)]).await;
    pipeline.found().await;

    // Another engine puts both files into one.
    let one = Pipeline::open(&storage).await.stage(9, &[rows(0..6)]).await.remove(0);
    let remove = |add: Value| {
        let path = add["path"].clone();
        json!({"remove": {"path": path, "dataChange": false, "deletionTimestamp": 1}})
    };
    let stats = json!({"numRecords": 6}).to_string();
    let add = json!({"add": {
        "path": one.path, "size": one.bytes, "partitionValues": {}, "modificationTime": 1,
        "dataChange": false, "stats": stats,
    }});
    let (zero, first) = (added(&storage, 1).await, added(&storage, 2).await);
    foreign(&storage, &[info("OPTIMIZE", &json!({})), remove(zero), remove(first), add]).await;

    let marker = pipeline.marker(2);
    assert!(matches!(pipeline.committer.swap(&marker, &staged).await, Swap::Conflicted));
    pipeline.commit(2, &staged).await;
    assert_eq!(ids(&storage).await, (0..9).collect::<Vec<_>>());
}

/// Replaces the metadata of the table.
async fn alter(storage: &Storage, change: impl FnOnce(&mut Value)) {
    let mut metadata = all(storage, 0, "metaData").await.remove(0);
    change(&mut metadata);
    foreign(storage, &[info("ALTER", &json!({})), json!({"metaData": metadata})]).await;
}

#[tokio::test]
async fn a_column_that_is_added_is_null_and_one_that_is_required_ends_the_run() {
    let storage = Storage::memory();
    let mut pipeline = Pipeline::open(&storage).await;
    pipeline.append(0, &[rows(0..1)]).await;
    let add = async |nullable: bool| {
        let more = with_column(&storage, "more", nullable).await;
        foreign(&storage, &[info("ALTER", &json!({})), more]).await;
    };
    add(true).await;
    pipeline.append(1, &[rows(1..2)]).await;
    assert_eq!(table(&storage).await.schema().fields().len(), 5);
    assert_eq!(ids(&storage).await, [0, 1]);
    add(false).await;
    let error = pipeline.committer.load().await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(
        error
            .to_string()
            .ends_with("column more (long) is required in the table and missing in the rows"),
        "{error}"
    );
}

#[tokio::test]
async fn a_feature_that_comes_later_is_refused_before_anything_is_written() {
    let storage = Storage::memory();
    let mut pipeline = Pipeline::open(&storage).await;
    pipeline.append(0, &[rows(0..1)]).await;
    alter(&storage, |metadata| {
        metadata["configuration"]["delta.constraints.positive"] = "id > 0".into();
    })
    .await;
    let loaded = pipeline.committer.load().await.err().unwrap();
    let opened =
        Pipeline::try_open(&storage, crate::fixture::context("ledger")).await.err().unwrap();
    for error in [loaded, opened] {
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(
            error.to_string().ends_with("has a constraint (delta.constraints.positive)"),
            "{error}"
        );
    }
    let swap = pipeline.committer.swap(&pipeline.marker(1), &[]).await;
    assert!(matches!(swap, Swap::Failed(_)), "{swap:?}");
}

#[tokio::test]
async fn a_table_that_is_partitioned_anew_does_not_take_staged_files() {
    let storage = Storage::memory();
    let mut pipeline = Pipeline::open(&storage).await;
    let staged = pipeline.stage(0, &[rows(0..1)]).await;
    alter(&storage, |metadata| metadata["partitionColumns"] = json!(["note"])).await;
    pipeline.found().await;
    let Swap::Failed(error) = pipeline.committer.swap(&pipeline.marker(0), &staged).await else {
        panic!("a file without its partition")
    };
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert_eq!(actions(&storage, 1).await.len(), 2);
}
