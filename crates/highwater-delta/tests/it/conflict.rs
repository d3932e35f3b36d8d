//! Two committers, and answers that are lost.

use std::sync::Arc;

use highwater_core::{Ended, ErrorKind, Failpoint, Found, Swap};
use highwater_delta::DeltaTable;
use highwater_storage::Storage;
use highwater_testkit::failpoints::{Armed, Occurrence, Shot};
use highwater_testkit::faulty::{Fault, FaultyStore, Operation};
use object_store::memory::InMemory;

use crate::fixture::{Pipeline, all, context, ids, log_path, name, rows, table};

#[tokio::test]
async fn of_two_swaps_on_one_base_the_later_one_conflicts() {
    let storage = Storage::memory();
    let mut first = Pipeline::open(&storage).await;
    let mut cx = context("ledger");
    cx.sink = name("returns");
    let mut second = Pipeline::try_open(&storage, cx).await.unwrap();
    let (of_first, of_second) =
        (first.stage(0, &[rows(0..3)]).await, second.stage(0, &[rows(3..6)]).await);
    first.found().await;
    second.found().await;
    let (one, two) = (first.marker(0), second.marker(0));
    assert!(matches!(first.committer.swap(&one, &of_first).await, Swap::Committed));
    for _ in 0..2 {
        // It neither loads nor tries again: a stale base stays stale.
        let swap = second.committer.swap(&two, &of_second).await;
        assert!(matches!(swap, Swap::Conflicted), "{swap:?}");
    }
    assert_eq!(second.commit(0, &of_second).await, Ended::Committed(two.id));
    assert_eq!(ids(&storage).await, [0, 1, 2, 3, 4, 5]);
    assert_eq!(table(&storage).await.markers().unwrap(), [one.clone(), two]);
    assert_eq!(first.found().await, Found::Marker(one));
}

#[tokio::test]
async fn the_same_record_is_committed_once_whoever_sends_it() {
    let storage = Storage::memory();
    let mut first = Pipeline::open(&storage).await;
    let mut second = Pipeline::open(&storage).await;
    let staged = first.stage(0, &[rows(0..3)]).await;
    first.found().await;
    second.found().await;
    let marker = first.marker(0);
    assert!(matches!(second.committer.swap(&marker, &staged).await, Swap::Committed));
    assert!(matches!(first.committer.swap(&marker, &staged).await, Swap::Committed));
    assert_eq!(first.commit(0, &staged).await, Ended::Committed(marker.id));
    first.append(1, &[rows(3..4)]).await;
    assert_eq!(ids(&storage).await, [0, 1, 2, 3]);
    assert_eq!(table(&storage).await.version(), 2);
}

#[tokio::test]
async fn another_record_of_the_same_epoch_fences() {
    let storage = Storage::memory();
    let mut first = Pipeline::open(&storage).await;
    let mut second = Pipeline::open(&storage).await;
    first.append(0, &[]).await;
    let mut other = second.marker(0);
    other.id.digest = highwater_core::Digest::of(b"another run");
    let found = first.marker(0).id;
    let ended = second.commit_as(&other, highwater_core::Footing::on(None), &[]).await;
    assert_eq!(ended, Ended::Fenced { found });
}

#[tokio::test]
async fn a_swap_needs_a_load() {
    let storage = Storage::memory();
    let mut pipeline = Pipeline::open(&storage).await;
    let marker = pipeline.marker(0);
    let Swap::Failed(error) = pipeline.committer.swap(&marker, &[]).await else { panic!() };
    assert_eq!(error.kind(), ErrorKind::Internal);
    pipeline.append(0, &[]).await;
    let again = pipeline.committer.swap(&marker, &[]).await;
    assert!(matches!(again, Swap::Failed(_)), "{again:?}");
    assert_eq!(table(&storage).await.version(), 1);
}

#[tokio::test]
async fn another_pipeline_is_refused() {
    let storage = Storage::memory();
    let mut late = Pipeline::try_open(&storage, context("other")).await.unwrap();
    Pipeline::open(&storage).await.append(0, &[rows(0..3)]).await;
    let opened = Pipeline::try_open(&storage, context("other")).await.err().unwrap();
    let loaded = late.committer.load().await.err().unwrap();
    for error in [opened, loaded] {
        assert_eq!(error.kind(), ErrorKind::Refused);
        assert_eq!(
            error.to_string(),
            "delta: pipeline ledger writes table memory://storage, so pipeline other cannot"
        );
        assert!(error.next_step().starts_with("use another --table"), "{error:?}");
    }
}

/// A pipeline that fails at a failpoint, the first time.
async fn failing(storage: &Storage, point: Failpoint) -> Pipeline {
    let mut cx = context("ledger");
    cx.failpoints = Armed::shooting([(Occurrence { point, nth: 0 }, Shot::Fail)]).failpoints();
    Pipeline::try_open(storage, cx).await.unwrap()
}

#[tokio::test]
async fn a_lost_answer_is_found_out_by_loading() {
    let storage = Storage::memory();
    let mut pipeline = failing(&storage, Failpoint::AfterSwap).await;
    let staged = pipeline.stage(0, &[rows(0..3)]).await;
    pipeline.found().await;
    let marker = pipeline.marker(0);
    let swap = pipeline.committer.swap(&marker, &staged).await;
    assert!(matches!(swap, Swap::Unknown(_)), "{swap:?}");
    assert_eq!(pipeline.found().await, Found::Marker(marker.clone()));
    assert_eq!(pipeline.commit(0, &staged).await, Ended::Committed(marker.id));
    pipeline.append(1, &[rows(3..5)]).await;
    assert_eq!(ids(&storage).await, [0, 1, 2, 3, 4]);
}

#[tokio::test]
async fn what_fails_before_the_swap_was_not_applied() {
    let storage = Storage::memory();
    let mut pipeline = failing(&storage, Failpoint::BeforeSwap).await;
    let staged = pipeline.stage(0, &[rows(0..3)]).await;
    pipeline.found().await;
    let marker = pipeline.marker(0);
    let swap = pipeline.committer.swap(&marker, &staged).await;
    assert!(matches!(swap, Swap::Failed(_)), "{swap:?}");
    assert_eq!(pipeline.found().await, Found::Nothing);
    assert_eq!(table(&storage).await.version(), 0);
    assert_eq!(pipeline.commit(0, &staged).await, Ended::Committed(marker.id));
    assert_eq!(ids(&storage).await, [0, 1, 2]);
}

#[tokio::test]
async fn a_failed_load_leaves_nothing_to_swap_on() {
    let mut pipeline = failing(&Storage::memory(), Failpoint::Loaded).await;
    assert!(pipeline.committer.load().await.is_err());
    let swap = pipeline.committer.swap(&pipeline.marker(0), &[]).await;
    assert!(matches!(swap, Swap::Failed(_)), "{swap:?}");
}

fn faulty() -> (FaultyStore, Storage) {
    let store = FaultyStore::new(Arc::new(InMemory::new()));
    let storage = Storage::with_store(Arc::new(store.clone()), "memory://faulty");
    (store, storage.at("orders"))
}

#[tokio::test]
async fn a_swap_whose_request_fails_is_unknown_and_resolved() {
    for (fault, applied) in [(Fault::Reject, false), (Fault::ApplyThenFail, true)] {
        let (store, storage) = faulty();
        let mut pipeline = Pipeline::open(&storage).await;
        let staged = pipeline.stage(0, &[rows(0..3)]).await;
        store.inject(Operation::Put, &log_path(1), 0, fault);
        pipeline.found().await;
        let marker = pipeline.marker(0);
        let swap = pipeline.committer.swap(&marker, &staged).await;
        assert!(matches!(swap, Swap::Unknown(_)), "{swap:?}");
        store.assert_fired();
        let expected = if applied { Found::Marker(marker.clone()) } else { Found::Nothing };
        assert_eq!(pipeline.found().await, expected);
        assert_eq!(pipeline.commit(0, &staged).await, Ended::Committed(marker.id));
        assert_eq!(ids(&storage).await, [0, 1, 2]);
        assert_eq!(table(&storage).await.version(), 1);
        pipeline.append(1, &[rows(3..4)]).await;
    }
}

#[tokio::test]
async fn a_late_twin_is_recognised_as_ours() {
    let (store, storage) = faulty();
    let mut pipeline = Pipeline::open(&storage).await;
    let staged = pipeline.stage(0, &[rows(0..3)]).await;
    let marker = pipeline.marker(0);
    pipeline.found().await;
    store.inject(Operation::Put, &log_path(1), 0, Fault::ApplyThenFail);
    let first = pipeline.committer.swap(&marker, &staged).await;
    assert!(matches!(first, Swap::Unknown(_)), "{first:?}");
    let again = pipeline.committer.swap(&marker, &staged).await;
    assert!(matches!(again, Swap::Committed), "{again:?}");
    assert_eq!(pipeline.found().await, Found::Marker(marker));
    assert_eq!(ids(&storage).await, [0, 1, 2]);
}

#[tokio::test]
async fn an_occupied_version_that_cannot_be_read_is_unknown() {
    let (store, storage) = faulty();
    let mut first = Pipeline::open(&storage).await;
    let mut second = Pipeline::open(&storage).await;
    second.found().await;
    first.append(0, &[]).await;
    store.inject(Operation::Get, &log_path(1), 0, Fault::Reject);
    let swap = second.committer.swap(&second.marker(0), &[]).await;
    assert!(matches!(swap, Swap::Unknown(_)), "{swap:?}");
    store.assert_fired();
}

#[tokio::test]
async fn the_cost_of_a_commit_is_a_few_requests() {
    let (store, storage) = faulty();
    let mut pipeline = Pipeline::open(&storage).await;
    pipeline.append(0, &[rows(0..3)]).await;
    for epoch in 1..5 {
        let staged = pipeline.stage(epoch, &[rows(0..3)]).await;
        let before = store.requests();
        pipeline.commit(epoch, &staged).await;
        // The version above the base is not there, the base is; then the commit.
        assert_eq!(store.requests() - before, 3);
    }
}

#[tokio::test]
async fn of_two_creators_one_wins_and_the_other_checks() {
    let (store, storage) = faulty();
    store.inject(Operation::Put, &log_path(0), 0, Fault::Hold);
    let late = Pipeline::open(&storage);
    tokio::pin!(late);
    let none = futures::poll!(&mut late);
    assert!(none.is_pending());
    Pipeline::open(&storage).await.append(0, &[rows(0..2)]).await;
    // Not until its request is applied does the first one find the table of the other.
    store.release().await;
    let mut late = late.await;
    assert!(matches!(late.found().await, Found::Marker(_)));
    late.append(1, &[rows(2..3)]).await;
    assert_eq!(ids(&storage).await, [0, 1, 2]);
    assert_eq!(all(&storage, 0, "metaData").await.len(), 1);
}

#[tokio::test]
async fn a_commit_that_a_listing_overlooks_is_no_hole() {
    let (store, storage) = faulty();
    let mut pipeline = Pipeline::open(&storage).await;
    for epoch in 0..3 {
        let id = i64::try_from(epoch).unwrap();
        pipeline.append(epoch, &[rows(id..id + 1)]).await;
    }
    store.inject(Operation::List, "_delta_log", 0, Fault::Overlook);
    store.inject(Operation::List, "_delta_log", 1, Fault::Overlook);
    assert_eq!(table(&storage).await.version(), 3);
    store.assert_fired();

    storage.delete(&log_path(1)).await.unwrap();
    let error = DeltaTable::new(storage).read().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.to_string().contains("version 1 is missing"), "{error}");
}
