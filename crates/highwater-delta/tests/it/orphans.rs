//! What a sweep takes, and all that it leaves.

use std::collections::BTreeSet;
use std::time::Duration;

use highwater_core::{Ended, ErrorKind, Swap};
use highwater_delta::{DeltaTable, Maintenance, ORPHAN_AGE};
use highwater_storage::Storage;
use serde_json::{Value, json};

use crate::fixture::{Pipeline, all, context, foreign, ids, info, name, rows, table};
use crate::valued;

const AT_ONCE: Duration = Duration::ZERO;

async fn open(storage: &Storage, run: &str) -> Pipeline {
    let sink = DeltaTable::new(storage.clone()).append().partition_by(["note"]);
    let mut cx = context("ledger");
    cx.run = run.to_owned();
    Pipeline::try_open_with(sink, cx).await.unwrap()
}

async fn paths(storage: &Storage) -> BTreeSet<String> {
    let objects = storage.list("").await.unwrap();
    objects.into_iter().map(|object| object.path).collect()
}

async fn orphans(storage: &Storage, age: Duration) -> BTreeSet<String> {
    let orphans = table(storage).await.orphans(age).await.unwrap();
    orphans.into_iter().map(|orphan| storage.path_of(&orphan.location).unwrap()).collect()
}

#[tokio::test]
async fn a_sweep_takes_what_the_log_does_not_name_and_nothing_else() {
    let storage = Storage::memory();
    let mut pipeline = open(&storage, "run").await;
    let mut lost = BTreeSet::new();
    for epoch in 0..6 {
        let first = i64::try_from(epoch).unwrap() * 4;
        // Another instance staged the same epoch and never prepared it.
        let staged = open(&storage, "lost").await.stage(epoch, &[rows(first..first + 4)]).await;
        lost.extend(staged.into_iter().map(|file| file.path));
        pipeline.append(epoch, &[rows(first..first + 4)]).await;
    }
    assert!(lost.iter().any(|path| path.contains("%20")), "a path that is encoded: {lost:?}");
    for file in ["part-0.parquet", "x/orders-0-run.parquet", "orders-0-run-0-0.orc"] {
        storage.replace(file, "foreign".into()).await.unwrap();
    }
    let before = paths(&storage).await;
    assert_eq!(orphans(&storage, AT_ONCE).await, lost);
    assert_eq!(paths(&storage).await, before);

    let policy = Maintenance::default().remove_orphans(AT_ONCE);
    let done = DeltaTable::new(storage.clone()).maintain(policy).await.unwrap();
    assert_eq!(done.orphans.len(), lost.len());
    assert_eq!(paths(&storage).await, before.difference(&lost).cloned().collect());
    assert_eq!(ids(&storage).await, (0..24).collect::<Vec<_>>());
    assert!(table(&storage).await.remove_orphans(AT_ONCE).await.unwrap().is_empty());
    pipeline.append(6, &[rows(24..28)]).await;
    assert_eq!(ids(&storage).await, (0..28).collect::<Vec<_>>());
}

#[tokio::test]
async fn files_behind_a_checkpoint_are_named_by_it() {
    let storage = Storage::memory();
    let sink = DeltaTable::new(storage.clone())
        .append()
        .partition_by(["note"])
        .create_property("delta.checkpointInterval", "3")
        .create_property("delta.logRetentionDuration", "interval 0 seconds");
    let mut pipeline = Pipeline::try_open_with(sink, context("ledger")).await.unwrap();
    for epoch in 0..4 {
        let first = i64::try_from(epoch).unwrap() * 4;
        pipeline.append(epoch, &[rows(first..first + 4)]).await;
    }
    let policy = Maintenance::default().remove_orphans(AT_ONCE);
    let done = DeltaTable::new(storage.clone()).maintain(policy).await.unwrap();
    assert_eq!((done.checkpoint, done.log_files, done.orphans), (Some(4), 4, vec![]));
    assert_eq!(ids(&storage).await, (0..16).collect::<Vec<_>>());
}

#[tokio::test]
async fn files_that_others_removed_stay_while_the_log_tells_of_them() {
    let storage = Storage::memory();
    let mut pipeline = Pipeline::open(&storage).await;
    pipeline.append(0, &[rows(0..4)]).await;
    let add = all(&storage, 1, "add").await.remove(0);
    let remove: Value = json!({"remove": {
        "path": add["path"], "dataChange": true, "deletionTimestamp": 1,
    }});
    foreign(&storage, &[info("DELETE", &json!({})), remove]).await;
    assert!(ids(&storage).await.is_empty());
    assert!(orphans(&storage, AT_ONCE).await.is_empty());
}

fn is_vector(path: &str) -> bool {
    path.ends_with(".bin")
}

#[tokio::test]
async fn deletion_vectors_of_attempts_that_were_not_applied_are_orphans() {
    let storage = Storage::memory();
    let mut pipeline = valued::open(&storage, valued::How::Vectors).await;
    pipeline.append(0, &[valued::rows(&[(1, 10), (2, 20), (3, 30)])]).await;
    pipeline.append(1, &[valued::rows(&[(1, 11)])]).await;
    let staged = pipeline.stage(2, &[valued::rows(&[(2, 21)])]).await;
    pipeline.found().await;
    foreign(&storage, &[json!({"txn": {"appId": "other", "version": 1}})]).await;
    let named = paths(&storage).await;
    let swap = pipeline.committer.swap(&pipeline.marker(2), &staged).await;
    assert!(matches!(swap, Swap::Conflicted), "{swap:?}");
    let lost: BTreeSet<_> = paths(&storage).await.difference(&named).cloned().collect();
    assert!(lost.len() == 1 && lost.iter().all(|path| is_vector(path)), "{lost:?}");
    let mine = pipeline.marker(2).id;
    assert_eq!(pipeline.commit(2, &staged).await, Ended::Committed(mine));
    for file in ["deletion_vector_of_mine.bin", "x/deletion_vector.bin"] {
        storage.replace(file, "foreign".into()).await.unwrap();
    }

    // Those that earlier versions have are named by what was removed since.
    assert_eq!(paths(&storage).await.iter().filter(|path| is_vector(path)).count(), 5);
    assert!(orphans(&storage, ORPHAN_AGE).await.is_empty());
    assert_eq!(orphans(&storage, AT_ONCE).await, lost);
    assert_eq!(table(&storage).await.remove_orphans(AT_ONCE).await.unwrap().len(), 1);
    assert_eq!(valued::seen(&storage).await, [(1, 11), (2, 21), (3, 30)]);
    pipeline.append(3, &[valued::rows(&[(3, 31)])]).await;
    assert_eq!(valued::seen(&storage).await, [(1, 11), (2, 21), (3, 31)]);
}

#[tokio::test]
async fn what_an_update_has_replaced_goes_when_the_log_tells_of_it_no_more() {
    let storage = Storage::memory();
    let at_once = "interval 0 seconds";
    let sink = valued::updating(&storage, valued::How::Vectors)
        .create_property("delta.checkpointInterval", "3")
        .create_property("delta.logRetentionDuration", at_once)
        .create_property("delta.deletedFileRetentionDuration", at_once);
    let mut pipeline = Pipeline::try_open_with(sink, valued::cx()).await.unwrap();
    pipeline.append(0, &[valued::rows(&[(1, 10), (2, 20), (3, 30)])]).await;
    for epoch in 1..6 {
        pipeline.append(epoch, &[valued::rows(&[(1, 10 + i64::try_from(epoch).unwrap())])]).await;
    }
    let seen = valued::seen(&storage).await;
    let policy = Maintenance::default().remove_orphans(AT_ONCE);
    let done = DeltaTable::new(storage.clone()).maintain(policy).await.unwrap();
    assert_eq!(done.checkpoint, Some(6));
    let left = paths(&storage).await;
    let left: Vec<_> = left.iter().filter(|path| !path.starts_with("_delta_log/")).collect();
    // Two files, the vector of one of them, and the file that the newest commit has removed.
    assert_eq!(left.len(), 4, "{left:?}");
    assert_eq!(left.iter().filter(|path| is_vector(path)).count(), 1);
    assert_eq!(valued::seen(&storage).await, seen);
    pipeline.append(6, &[valued::rows(&[(2, 21)])]).await;
    assert_eq!(valued::seen(&storage).await, [(1, 15), (2, 21), (3, 30)]);
}

#[tokio::test]
async fn files_that_a_prepared_record_may_name_stay_however_old() {
    let storage = Storage::memory();
    let mut pipeline = open(&storage, "run").await;
    let unclaimed = pipeline.stage(0, &[rows(0..4)]).await;
    assert!(orphans(&storage, AT_ONCE).await.is_empty());
    let mine = pipeline.marker(0).id;
    assert_eq!(pipeline.commit(0, &unclaimed).await, Ended::Committed(mine));
    let prepared = pipeline.stage(1, &[rows(4..8)]).await;
    assert!(table(&storage).await.remove_orphans(AT_ONCE).await.unwrap().is_empty());
    let mine = pipeline.marker(1).id;
    assert_eq!(pipeline.commit(1, &prepared).await, Ended::Committed(mine));
    assert_eq!(ids(&storage).await, (0..8).collect::<Vec<_>>());

    // A sink without a marker in this table has nothing here that is known to be done.
    let mut cx = context("ledger");
    cx.sink = name("returns");
    let sink = DeltaTable::new(storage.clone()).append();
    Pipeline::try_open_with(sink, cx).await.unwrap().stage(0, &[rows(0..4)]).await;
    assert!(orphans(&storage, AT_ONCE).await.is_empty());
}

#[tokio::test]
async fn files_younger_than_the_age_stay_and_what_is_unreadable_ends_the_sweep() {
    let storage = Storage::memory();
    let mut pipeline = open(&storage, "run").await;
    let lost = open(&storage, "lost").await.stage(0, &[rows(0..1)]).await;
    pipeline.append(0, &[rows(0..1)]).await;
    assert!(orphans(&storage, ORPHAN_AGE).await.is_empty());
    assert_eq!(orphans(&storage, AT_ONCE).await.len(), lost.len());
    let read = table(&storage).await;
    storage.replace("_delta_log/00000000000000000001.json", "{".into()).await.unwrap();
    let error = read.remove_orphans(AT_ONCE).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    assert!(storage.length(&lost[0].path).await.unwrap().is_some());
}
