//! Two committers, and answers that are lost.

use std::sync::Arc;

use highwater_core::{Ended, ErrorKind, Failpoint, Found, Swap};
use highwater_storage::Storage;
use highwater_testkit::failpoints::{Armed, Occurrence, Shot};
use highwater_testkit::faulty::{Fault, FaultyStore, Operation};
use object_store::memory::InMemory;

use crate::fixture::{Pipeline, context, ids, name, rows, table, version};
use crate::lake::{Lake, Sql, in_both_catalogs};

in_both_catalogs!(
    of_two_swaps_on_one_base_the_later_one_conflicts,
    the_same_record_is_committed_once_whoever_sends_it,
    a_swap_needs_a_load,
    another_pipeline_is_refused,
    a_lost_answer_is_found_out_by_loading,
    a_failed_load_leaves_nothing_to_swap_on,
    a_stale_base_stays_stale,
);

async fn of_two_swaps_on_one_base_the_later_one_conflicts(lake: &dyn Lake) {
    let mut first = Pipeline::open(lake).await;
    let mut cx = context("ledger", "run");
    cx.sink = name("returns");
    let mut second = Pipeline::try_open(lake, cx).await.unwrap();
    let (of_first, of_second) =
        (first.stage(0, &[rows(0..3)]).await, second.stage(0, &[rows(3..6)]).await);
    first.found().await;
    second.found().await;
    let (one, two) = (first.marker(0), second.marker(0));
    assert!(matches!(first.committer.swap(&one, &of_first).await, Swap::Committed));
    assert!(matches!(second.committer.swap(&two, &of_second).await, Swap::Conflicted));
    assert_eq!(second.commit(0, &of_second).await, Ended::Committed(two.id));
    assert_eq!(ids(lake).await, [0, 1, 2, 3, 4, 5]);
    assert_eq!(table(lake).await.markers().unwrap(), [one.clone(), two]);
    assert_eq!(first.found().await, Found::Marker(one));
}

async fn the_same_record_is_committed_once_whoever_sends_it(lake: &dyn Lake) {
    let mut first = Pipeline::open(lake).await;
    let mut second = Pipeline::open(lake).await;
    let staged = first.stage(0, &[rows(0..3)]).await;
    first.found().await;
    second.found().await;
    let marker = first.marker(0);
    assert!(matches!(second.committer.swap(&marker, &staged).await, Swap::Committed));
    assert!(matches!(first.committer.swap(&marker, &staged).await, Swap::Conflicted));
    assert_eq!(first.commit(0, &staged).await, Ended::Committed(marker.id));
    assert_eq!(ids(lake).await, [0, 1, 2]);
}

async fn a_swap_needs_a_load(lake: &dyn Lake) {
    let mut pipeline = Pipeline::open(lake).await;
    let marker = pipeline.marker(0);
    let Swap::Failed(error) = pipeline.committer.swap(&marker, &[]).await else { panic!() };
    assert_eq!(error.kind(), ErrorKind::Internal);
    pipeline.append(0, &[]).await;
    let again = pipeline.committer.swap(&marker, &[]).await;
    assert!(matches!(again, Swap::Failed(_)), "{again:?}");
    assert_eq!(version(lake).await, 2);
}

async fn another_pipeline_is_refused(lake: &dyn Lake) {
    let mut late = Pipeline::try_open(lake, context("other", "run")).await.unwrap();
    Pipeline::open(lake).await.append(0, &[rows(0..3)]).await;
    let opened = Pipeline::try_open(lake, context("other", "run")).await.err().unwrap();
    let loaded = late.committer.load().await.err().unwrap();
    for error in [opened, loaded] {
        assert_eq!(error.kind(), ErrorKind::Refused);
        assert_eq!(
            error.to_string(),
            "iceberg: pipeline ledger writes table demo.orders, so pipeline other cannot"
        );
        assert!(error.next_step().starts_with("use another --table"), "{error:?}");
    }
}

/// A pipeline that fails at a failpoint, the first time.
async fn failing(lake: &dyn Lake, point: Failpoint) -> Pipeline {
    let mut cx = context("ledger", "run");
    cx.failpoints = Armed::shooting([(Occurrence { point, nth: 0 }, Shot::Fail)]).failpoints();
    Pipeline::try_open(lake, cx).await.unwrap()
}

async fn a_lost_answer_is_found_out_by_loading(lake: &dyn Lake) {
    let mut pipeline = failing(lake, Failpoint::AfterSwap).await;
    let staged = pipeline.stage(0, &[rows(0..3)]).await;
    pipeline.found().await;
    let marker = pipeline.marker(0);
    let swap = pipeline.committer.swap(&marker, &staged).await;
    assert!(matches!(swap, Swap::Unknown(_)), "{swap:?}");
    assert_eq!(pipeline.found().await, Found::Marker(marker.clone()));
    assert_eq!(pipeline.commit(0, &staged).await, Ended::Committed(marker.id));
    pipeline.append(1, &[rows(3..5)]).await;
    assert_eq!(ids(lake).await, [0, 1, 2, 3, 4]);
}

#[tokio::test]
async fn what_fails_before_the_swap_was_not_applied() {
    for (at, lake) in [
        (Failpoint::ManifestsWritten, &Storage::memory() as &dyn Lake),
        (Failpoint::BeforeSwap, &Storage::memory()),
        (Failpoint::ManifestsWritten, &Sql::new()),
        (Failpoint::BeforeSwap, &Sql::new()),
    ] {
        let mut pipeline = failing(lake, at).await;
        let staged = pipeline.stage(0, &[rows(0..3)]).await;
        pipeline.found().await;
        let marker = pipeline.marker(0);
        let swap = pipeline.committer.swap(&marker, &staged).await;
        assert!(matches!(swap, Swap::Failed(_)), "{swap:?}");
        assert_eq!(pipeline.found().await, Found::Nothing);
        assert_eq!(version(lake).await, 1);
        assert_eq!(pipeline.commit(0, &staged).await, Ended::Committed(marker.id));
        assert_eq!(ids(lake).await, [0, 1, 2]);
    }
}

async fn a_failed_load_leaves_nothing_to_swap_on(lake: &dyn Lake) {
    let mut pipeline = failing(lake, Failpoint::Loaded).await;
    assert!(pipeline.committer.load().await.is_err());
    let swap = pipeline.committer.swap(&pipeline.marker(0), &[]).await;
    assert!(matches!(swap, Swap::Failed(_)), "{swap:?}");
}

async fn a_stale_base_stays_stale(lake: &dyn Lake) {
    let mut pipeline = Pipeline::open(lake).await;
    pipeline.found().await;
    let mut cx = context("ledger", "run");
    cx.sink = name("returns");
    Pipeline::try_open(lake, cx).await.unwrap().append(0, &[]).await;
    for _ in 0..2 {
        let swap = pipeline.committer.swap(&pipeline.marker(0), &[]).await;
        assert!(matches!(swap, Swap::Conflicted), "{swap:?}");
    }
}

fn faulty() -> (FaultyStore, Storage) {
    let store = FaultyStore::new(Arc::new(InMemory::new()));
    let warehouse = Storage::with_store(Arc::new(store.clone()), "memory://faulty");
    (store, warehouse)
}

const SECOND: &str = "metadata/v2.metadata.json";

#[tokio::test]
async fn a_swap_whose_request_fails_is_unknown_and_resolved() {
    for (fault, applied) in [(Fault::Reject, false), (Fault::ApplyThenFail, true)] {
        let (store, warehouse) = faulty();
        let mut pipeline = Pipeline::open(&warehouse).await;
        let staged = pipeline.stage(0, &[rows(0..3)]).await;
        store.inject(Operation::Put, SECOND, 0, fault);
        pipeline.found().await;
        let marker = pipeline.marker(0);
        let swap = pipeline.committer.swap(&marker, &staged).await;
        assert!(matches!(swap, Swap::Unknown(_)), "{swap:?}");
        store.assert_fired();
        let expected = if applied { Found::Marker(marker.clone()) } else { Found::Nothing };
        assert_eq!(pipeline.found().await, expected);
        assert_eq!(pipeline.commit(0, &staged).await, Ended::Committed(marker.id));
        assert_eq!(ids(&warehouse).await, [0, 1, 2]);
        assert_eq!(table(&warehouse).await.snapshots(), 1);
        pipeline.append(1, &[rows(3..4)]).await;
    }
}

#[tokio::test]
async fn a_late_twin_is_recognised_as_ours() {
    let (store, warehouse) = faulty();
    let mut pipeline = Pipeline::open(&warehouse).await;
    let staged = pipeline.stage(0, &[rows(0..3)]).await;
    let marker = pipeline.marker(0);
    pipeline.found().await;
    store.inject(Operation::Put, SECOND, 0, Fault::ApplyThenFail);
    let first = pipeline.committer.swap(&marker, &staged).await;
    assert!(matches!(first, Swap::Unknown(_)), "{first:?}");
    let again = pipeline.committer.swap(&marker, &staged).await;
    assert!(matches!(again, Swap::Committed), "{again:?}");
    assert_eq!(pipeline.found().await, Found::Marker(marker));
    assert_eq!(ids(&warehouse).await, [0, 1, 2]);
}

#[tokio::test]
async fn what_fails_around_the_swap_fails_or_does_not_matter() {
    for within in ["-m0.avro", "snap-"] {
        let (store, warehouse) = faulty();
        let mut pipeline = Pipeline::open(&warehouse).await;
        let staged = pipeline.stage(0, &[rows(0..3)]).await;
        pipeline.found().await;
        store.inject(Operation::Put, within, 0, Fault::Reject);
        let marker = pipeline.marker(0);
        let swap = pipeline.committer.swap(&marker, &staged).await;
        assert!(matches!(swap, Swap::Failed(_)), "{swap:?}");
        assert_eq!(pipeline.commit(0, &staged).await, Ended::Committed(marker.id));
        assert_eq!(ids(&warehouse).await, [0, 1, 2]);
    }
    let (store, warehouse) = faulty();
    let mut pipeline = Pipeline::open(&warehouse).await;
    store.inject(Operation::Put, "version-hint", 0, Fault::Reject);
    pipeline.append(0, &[]).await;
    store.assert_fired();
    pipeline.append(1, &[]).await;
    assert_eq!(Pipeline::open(&warehouse).await.found().await, Found::Marker(pipeline.marker(1)));
}

#[tokio::test]
async fn the_cost_of_a_commit_is_a_few_requests() {
    let (store, warehouse) = faulty();
    let mut pipeline = Pipeline::open(&warehouse).await;
    pipeline.append(0, &[rows(0..3)]).await;
    for epoch in 1..5 {
        let staged = pipeline.stage(epoch, &[rows(0..3)]).await;
        let before = store.requests();
        pipeline.commit(epoch, &staged).await;
        // Base and the version above it; manifest, list, metadata; base again and the hint.
        assert_eq!(store.requests() - before, 7);
    }
}
