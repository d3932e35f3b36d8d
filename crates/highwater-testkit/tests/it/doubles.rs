//! Failpoints fire where they are armed, the store fails as told, the table suffers what tables do.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use highwater_core::{
    Digest, Epoch, Error, ErrorKind, Failpoint, Failpoints, Found, Limits, Marker, MarkerId, Name,
    Partition, Position, Positions, Sink, SinkContext, Source, StreamInfo, Swap,
};
use highwater_testkit::failpoints::{Armed, Occurrence, Shot, is_injected, never_reached};
use highwater_testkit::faulty::{Fault, FaultyStore, Operation};
use highwater_testkit::memory::MemoryTable;
use highwater_testkit::memory_source::MemorySource;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

use crate::conformance::ids;

#[test]
fn a_failure_passes_and_a_kill_lasts_until_the_next_life() {
    let once = Occurrence { point: Failpoint::Loaded, nth: 1 };
    let then = Occurrence { point: Failpoint::BeforeSwap, nth: 0 };
    let armed = Armed::shooting([(once, Shot::Fail), (then, Shot::Kill)]);
    let failpoints = armed.failpoints();
    failpoints.hit(Failpoint::Loaded).unwrap();
    let failed = failpoints.hit(Failpoint::Loaded).unwrap_err();
    assert_eq!((failed.kind(), is_injected(&failed)), (ErrorKind::Transient, true));
    failpoints.hit(Failpoint::Loaded).unwrap();
    assert_eq!(failpoints.hit(Failpoint::BeforeSwap).unwrap_err().kind(), ErrorKind::Internal);
    assert!(failpoints.hit(Failpoint::AfterSwap).is_err());
    assert!(armed.is_dead());
    armed.revive();
    failpoints.hit(Failpoint::AfterSwap).unwrap();
    armed.assert_fired();
    assert_eq!(armed.fired(), 2);
    let left = never_reached(&armed.seen().iter().map(|it| it.point).collect());
    assert_eq!(left.len(), Failpoint::ALL.len() - 3);
    assert!(!is_injected(&Error::new(ErrorKind::Internal, "kafka", "another")));
}

#[test]
#[should_panic(expected = "commit.after-swap#3")]
fn a_shot_that_never_fired_is_reported() {
    let never = Occurrence { point: Failpoint::AfterSwap, nth: 3 };
    Armed::shooting([(never, Shot::Kill)]).assert_fired();
}

#[tokio::test]
async fn a_rejected_request_is_not_applied_and_a_lost_answer_is() {
    let store = FaultyStore::new(Arc::new(InMemory::new()));
    let (a, b) = (Path::from("log/a"), Path::from("log/b"));
    store.inject(Operation::Put, "log/", 0, Fault::Reject);
    store.inject(Operation::Put, "b", 0, Fault::ApplyThenFail);
    assert!(store.put(&a, "1".into()).await.is_err());
    assert!(store.head(&a).await.is_err());
    assert!(store.put(&b, "1".into()).await.is_err());
    assert_eq!(store.head(&b).await.unwrap().size, 1);
    store.put(&a, "2".into()).await.unwrap();
    store.assert_fired();
    assert_eq!(store.fired(), 2);
}

#[tokio::test]
async fn a_held_request_is_applied_late_although_nobody_waits() {
    let store = FaultyStore::new(Arc::new(InMemory::new()));
    let path = Path::from("a");
    store.inject(Operation::Put, "a", 0, Fault::Hold);
    assert!(store.put(&path, "late".into()).now_or_never().is_none());
    assert_eq!(store.held(), 1);
    assert!(store.head(&path).await.is_err());
    store.release().await;
    assert_eq!(store.get(&path).await.unwrap().bytes().await.unwrap(), "late");
}

#[tokio::test]
async fn every_operation_can_fail() {
    let store = FaultyStore::new(Arc::new(InMemory::new()));
    let (a, b) = (Path::from("dir/a"), Path::from("dir/b"));
    store.put(&a, "1".into()).await.unwrap();
    for operation in [
        Operation::Get,
        Operation::List,
        Operation::Delete,
        Operation::Copy,
        Operation::Rename,
        Operation::Begin,
        Operation::Part,
        Operation::Complete,
    ] {
        store.inject(operation, "dir", 0, Fault::Reject);
    }
    let directory = Path::from("dir");
    assert!(store.get(&a).await.is_err());
    assert!(store.list_with_delimiter(Some(&directory)).await.is_err());
    assert!(store.delete(&a).await.is_err());
    assert!(store.copy(&a, &b).await.is_err());
    assert!(store.rename(&a, &b).await.is_err());
    assert!(store.put_multipart(&b).await.is_err());
    let mut upload = store.put_multipart(&b).await.unwrap();
    assert!(upload.put_part("x".into()).await.is_err());
    assert!(upload.complete().await.is_err());
    store.assert_fired();
    assert!(store.head(&b).await.is_err());
    assert_eq!(store.get(&a).await.unwrap().bytes().await.unwrap(), "1");
}

#[tokio::test]
async fn a_slow_answer_comes() {
    let store = FaultyStore::new(Arc::new(InMemory::new()));
    store.inject(Operation::Put, "", 0, Fault::Slow(Duration::from_millis(5)));
    store.put(&Path::from("a"), "1".into()).await.unwrap();
    store.assert_fired();
}

#[expect(clippy::expect_used, reason = "called with constants only")]
fn name(text: &str) -> Name {
    text.parse().expect("a constant that is a name")
}

fn marker(epoch: u64) -> Marker {
    let id = MarkerId { epoch: Epoch(epoch), digest: Digest::of(b"record") };
    Marker { pipeline: name("p"), sink: name("s"), id, follows: None, plan: None }
}

#[expect(clippy::expect_used, reason = "every test uses the same columns")]
async fn open(table: &MemoryTable) -> Box<dyn highwater_core::Committer> {
    let input = StreamInfo::new(ids(0..0).schema());
    let (pipeline, sink, run) = (name("p"), name("s"), "run".to_owned());
    let failpoints = Failpoints::default();
    let opened = table.open(&SinkContext { pipeline, sink, input, run, failpoints }).await;
    opened.expect("the columns are the same")
}

#[tokio::test]
async fn a_table_that_was_set_back_says_what_it_held() {
    let table = MemoryTable::new("ledger");
    let mut committer = open(&table).await;
    for epoch in 0..2 {
        committer.load().await.unwrap();
        assert!(matches!(committer.swap(&marker(epoch), &[]).await, Swap::Committed));
    }
    table.foreign_append(ids(0..3));
    assert_eq!(committer.load().await.unwrap(), Found::Marker(marker(1)));
    table.roll_back(2);
    let standing = Some(marker(0).id);
    let found = committer.load().await.unwrap();
    assert_eq!(found, Found::RolledBack { last: marker(1), standing });
    assert_eq!((table.row_count(), table.commits().len()), (0, 1));
    assert!(matches!(committer.swap(&marker(2), &[]).await, Swap::Committed));
    assert_eq!(committer.load().await.unwrap(), Found::Marker(marker(2)));
}

#[tokio::test]
async fn a_late_swap_loses_when_its_base_is_gone() {
    let table = MemoryTable::new("ledger");
    let mut committer = open(&table).await;
    table.delay_swaps(2);
    for _ in 0..2 {
        committer.load().await.unwrap();
        assert!(matches!(committer.swap(&marker(0), &[]).await, Swap::Unknown(_)));
    }
    assert_eq!(committer.load().await.unwrap(), Found::Nothing);
    assert_eq!(table.deliver_late(), 1);
    assert_eq!(table.commits().len(), 1);
    table.lose_answers(1);
    committer.load().await.unwrap();
    assert!(matches!(committer.swap(&marker(1), &[]).await, Swap::Unknown(_)));
    assert_eq!(committer.load().await.unwrap(), Found::Marker(marker(1)));
}

#[tokio::test]
async fn records_that_are_gone_are_refused() {
    let source = MemorySource::new("orders", ids(0..0).schema(), 1);
    source.append(0, ids(0..10));
    source.forget_before(0, 5);
    let plan = |from: Positions| {
        let source = source.clone();
        async move { source.plan(&from, None, &Limits::default()).await }
    };
    assert_eq!(plan(Positions::default()).await.unwrap_err().kind(), ErrorKind::Refused);
    let from: Positions = [(Partition::new("orders", 0), Position::at(5))].into_iter().collect();
    let planned = plan(from).await.unwrap();
    assert_eq!((planned.ranges[0].to.next, planned.ended), (10, false));
}
