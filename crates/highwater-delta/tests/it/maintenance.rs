//! Checkpoints, the end of old commits, and commits that go on meanwhile.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use highwater_core::{Ended, Found};
use highwater_delta::{DeltaSink, DeltaTable, Maintained, Maintenance};
use highwater_storage::Storage;
use highwater_testkit::faulty::{Fault, FaultyStore, Operation};
use object_store::memory::InMemory;
use serde_json::Value;

use crate::fixture::{Pipeline, context, ids, log_path, name, rows, table};

/// With a checkpoint every four commits, and no commit kept for longer than it must be.
fn sink(storage: &Storage) -> DeltaSink {
    DeltaTable::new(storage.clone())
        .append()
        .create_property("delta.checkpointInterval", "4")
        .create_property("delta.logRetentionDuration", "interval 0 seconds")
}

async fn open(storage: &Storage) -> Pipeline {
    Pipeline::try_open_with(sink(storage), context("ledger")).await.unwrap()
}

/// Appends a row in each of these epochs.
async fn append(pipeline: &mut Pipeline, epochs: std::ops::Range<u64>) {
    for epoch in epochs {
        let first = i64::try_from(epoch).unwrap();
        pipeline.append(epoch, &[rows(first..first + 1)]).await;
    }
}

async fn maintain(storage: &Storage) -> Maintained {
    DeltaTable::new(storage.clone()).maintain(Maintenance::default()).await.unwrap()
}

/// The files of the log by their names.
async fn log(storage: &Storage) -> Vec<String> {
    let objects = storage.list("_delta_log").await.unwrap();
    let name =
        |path: &str| path.strip_prefix("_delta_log/").unwrap().trim_start_matches('0').to_owned();
    objects.iter().map(|object| name(&object.path)).collect()
}

#[tokio::test]
async fn a_checkpoint_is_written_when_it_is_due() {
    let storage = Storage::memory();
    let mut pipeline = open(&storage).await;
    append(&mut pipeline, 0..3).await;
    assert_eq!(maintain(&storage).await, Maintained::default());
    append(&mut pipeline, 3..4).await;
    let done = maintain(&storage).await;
    assert_eq!((done.checkpoint, done.log_files), (Some(4), 4));
    assert_eq!(log(&storage).await, ["4.checkpoint.parquet", "4.json", "_last_checkpoint"]);
    let hint = storage.read("_delta_log/_last_checkpoint").await.unwrap().unwrap();
    let hint: Value = serde_json::from_slice(&hint).unwrap();
    assert_eq!(hint["version"], 4);
    assert_eq!(maintain(&storage).await, Maintained::default());

    // Who was there and who comes later find the same, and go on.
    let last = Found::Marker(pipeline.marker(3));
    assert_eq!(pipeline.found().await, last);
    assert_eq!(open(&storage).await.found().await, last);
    assert_eq!(ids(&storage).await, [0, 1, 2, 3]);
    append(&mut pipeline, 4..8).await;
    assert_eq!(maintain(&storage).await.checkpoint, Some(8));
    assert_eq!(ids(&storage).await, (0..8).collect::<Vec<_>>());
    assert_eq!(table(&storage).await.property("delta.checkpointInterval"), Some("4"));
}

#[tokio::test]
async fn commits_that_are_young_or_wanted_stay() {
    for (key, value) in [
        ("delta.logRetentionDuration", "interval 1 day"),
        ("delta.enableExpiredLogCleanup", "false"),
    ] {
        let storage = Storage::memory();
        let sink = sink(&storage).create_property(key, value);
        let mut pipeline = Pipeline::try_open_with(sink, context("ledger")).await.unwrap();
        append(&mut pipeline, 0..9).await;
        let done = maintain(&storage).await;
        assert_eq!((done.checkpoint, done.log_files), (Some(9), 0), "{key}");
    }
}

#[tokio::test]
async fn the_commit_that_a_quiet_sink_stands_on_stays() {
    let storage = Storage::memory();
    let mut cx = context("ledger");
    cx.sink = name("returns");
    let mut quiet = Pipeline::try_open_with(sink(&storage), cx).await.unwrap();
    append(&mut quiet, 0..1).await;
    let mut pipeline = open(&storage).await;
    append(&mut pipeline, 0..4).await;
    let done = maintain(&storage).await;
    assert_eq!((done.checkpoint, done.log_files), (Some(5), 0));
    append(&mut quiet, 1..2).await;
    append(&mut pipeline, 4..8).await;
    let done = maintain(&storage).await;
    assert_eq!((done.checkpoint, done.log_files), (Some(10), 5));
    assert_eq!(log(&storage).await.first().unwrap(), "5.checkpoint.parquet");
    assert!(storage.length(&log_path(6)).await.unwrap().is_some());
    assert_eq!(quiet.found().await, Found::Marker(quiet.marker(1)));
}

pub(crate) fn faulty() -> (FaultyStore, Storage) {
    let store = FaultyStore::new(Arc::new(InMemory::new()));
    let storage = Storage::with_store(Arc::new(store.clone()), "memory://faulty");
    (store, storage.at("orders"))
}

#[tokio::test]
async fn maintenance_that_is_cut_off_leaves_a_table_that_reads_the_same() {
    let steps =
        [(Operation::Put, "checkpoint.parquet", 1), (Operation::Put, "_last_checkpoint", 1)];
    for (operation, within, times) in [&steps[..], &[(Operation::Delete, ".json", 4)]].concat() {
        for nth in 0..times {
            let (store, storage) = faulty();
            let mut pipeline = open(&storage).await;
            append(&mut pipeline, 0..4).await;
            store.inject(operation, within, nth, Fault::Reject);
            let table = DeltaTable::new(storage.clone());
            let failed = table.maintain(Maintenance::default()).await;
            store.assert_fired();
            assert!(failed.is_err(), "{operation:?} {within} {nth}");
            assert_eq!(ids(&storage).await, [0, 1, 2, 3]);
            assert_eq!(open(&storage).await.found().await, Found::Marker(pipeline.marker(3)));
            append(&mut pipeline, 4..9).await;
            maintain(&storage).await;
            assert_eq!(ids(&storage).await, (0..9).collect::<Vec<_>>());
            assert_eq!(log(&storage).await.first().unwrap(), "9.checkpoint.parquet");
        }
    }
}

/// Appends until `done`, which something beside the commits must bring about.
pub(crate) async fn append_until(
    pipeline: &mut Pipeline,
    mut done: impl AsyncFnMut() -> bool,
) -> u64 {
    let start = Instant::now();
    let mut epoch = 0;
    while !done().await {
        assert!(start.elapsed() < Duration::from_secs(60), "not after {epoch} epochs");
        append(pipeline, epoch..epoch + 1).await;
        epoch += 1;
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    epoch
}

#[tokio::test]
async fn a_sink_maintains_its_table_beside_its_commits() {
    let storage = Storage::memory();
    let sink = sink(&storage).maintain(Maintenance::default());
    let mut pipeline = Pipeline::try_open_with(sink, context("ledger")).await.unwrap();
    // The second one takes the first one away.
    let epochs = append_until(&mut pipeline, async || {
        let log = log(&storage).await;
        let first = log.first().unwrap().split_once('.').unwrap().0.parse::<u64>();
        log.iter().any(|name| name.ends_with(".checkpoint.parquet")) && first.is_ok_and(|it| it > 8)
    });
    let epochs = epochs.await;
    assert_eq!(ids(&storage).await, (0..i64::try_from(epochs).unwrap()).collect::<Vec<_>>());
    assert_eq!(pipeline.found().await, Found::Marker(pipeline.marker(epochs - 1)));
}

#[tokio::test]
async fn no_commit_hears_of_maintenance_that_fails() {
    let (store, storage) = faulty();
    store.inject(Operation::Put, "checkpoint.parquet", 0, Fault::Reject);
    let sink = sink(&storage).maintain(Maintenance::default());
    let mut pipeline = Pipeline::try_open_with(sink, context("ledger")).await.unwrap();
    let failed = append_until(&mut pipeline, async || store.fired() > 0).await;
    let staged = pipeline.stage(failed, &[]).await;
    let mine = pipeline.marker(failed).id;
    assert_eq!(pipeline.commit(failed, &staged).await, Ended::Committed(mine));
    assert_eq!(ids(&storage).await, (0..i64::try_from(failed).unwrap()).collect::<Vec<_>>());
}

#[tokio::test]
async fn intervals_that_are_none_are_refused_when_the_table_is_made() {
    for (key, value) in [
        ("delta.checkpointInterval", "0"),
        ("delta.logRetentionDuration", "interval 1 month"),
        ("delta.enableExpiredLogCleanup", "maybe"),
    ] {
        let storage = Storage::memory();
        let sink = sink(&storage).create_property(key, value);
        let error = Pipeline::try_open_with(sink, context("ledger")).await.err().unwrap();
        assert!(error.to_string().contains(&format!("property {key}={value}")), "{error}");
    }
}

/// A commit takes as long in a table with a long history as in a new one.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes a minute, and measures"]
async fn commits_stay_as_fast_as_they_were() {
    const AROUND: [u64; 2] = [20, 2000];
    let directory = tempfile::tempdir().unwrap();
    let storage = Storage::open(directory.path().to_str().unwrap()).unwrap();
    let sink = DeltaTable::new(storage.clone()).append().maintain(Maintenance::default());
    let mut pipeline = Pipeline::try_open_with(sink, context("ledger")).await.unwrap();
    let mut times: BTreeMap<u64, Vec<Duration>> = BTreeMap::new();
    for epoch in 0..=AROUND[1] + 20 {
        let staged = pipeline.stage(epoch, &[rows(0..1)]).await;
        let mine = pipeline.marker(epoch).id;
        let start = Instant::now();
        assert_eq!(pipeline.commit(epoch, &staged).await, Ended::Committed(mine));
        if let Some(version) = AROUND.iter().find(|version| epoch.abs_diff(**version) <= 20) {
            times.entry(*version).or_default().push(start.elapsed());
        }
    }
    let median = |version: u64| {
        let mut times = times[&version].clone();
        times.sort_unstable();
        times[times.len() / 2]
    };
    let (early, late) = (median(AROUND[0]), median(AROUND[1]));
    eprintln!("a commit takes {early:?} at version {}, {late:?} at {}", AROUND[0], AROUND[1]);
    assert!(late.as_secs_f64() <= 1.5 * early.as_secs_f64());
    let start = Instant::now();
    assert_eq!(table(&storage).await.version(), AROUND[1] + 21);
    eprintln!("a start takes {:?}", start.elapsed());
}
