//! What the checkpoint log must do, on whatever storage.
#![expect(clippy::expect_used, reason = "a suite ends at the first thing that does not hold")]

use std::collections::BTreeMap;

use futures::future::join_all;
use highwater_checkpoint::{Log, Prepared, RecordId};
use highwater_core::{Digest, Epoch, EpochPlan, ErrorKind, Timestamp};
use highwater_storage::Storage;

const RACERS: usize = 8;

/// Runs a log in the empty `storage` through a race for one record, reading back, fencing and
/// trimming.
///
/// # Panics
/// When the log or the storage does something else than a pipeline relies on.
pub async fn log(storage: Storage) {
    let log = Log::new(storage.clone());
    assert!(log.newest().await.expect("an empty log").is_none(), "the storage is not empty");
    let winner = race(&storage).await;
    let first = log.newest().await.expect("a log").expect("the record of the race");
    assert_eq!(first.digest, winner, "the winner of the race is what is read");

    let again = log.append(&first.record, None).await.expect("its own record again");
    assert_eq!(again, first.digest, "a record that is there already counts when it is the same");

    let mut previous = first.record.id;
    for epoch in 1..6 {
        let record = record("a", RecordId { epoch: Epoch(epoch), attempt: 0 });
        let digest = log.append(&record, Some(previous)).await.expect("the next record");
        let newest = log.newest().await.expect("a log").expect("a record");
        assert_eq!((newest.record, newest.digest), (record.clone(), digest), "what was written");
        previous = record.id;
        log.trim().await.expect("a trim");
    }
    check_rerun(&log, previous).await;
    check_fences(&log).await;
}

/// Many runs prepare the same epoch at once: one wins, and the others are fenced.
async fn race(storage: &Storage) -> Digest {
    let put = |run: usize| {
        let log = Log::new(storage.clone());
        async move { log.append(&record(&run.to_string(), first_id()), None).await }
    };
    let answers = join_all((0..RACERS).map(put)).await;
    let kinds = answers.iter().filter_map(|it| it.as_ref().err().map(|error| error.kind()));
    let kinds: Vec<_> = kinds.collect();
    assert_eq!(kinds, vec![ErrorKind::Fenced; RACERS - 1], "all but one are fenced");
    answers.into_iter().find_map(Result::ok).expect("one wins")
}

/// A plan that is run again has a record of its own, which is the newest.
async fn check_rerun(log: &Log, previous: RecordId) {
    let id = RecordId { attempt: previous.attempt + 1, ..previous };
    let rerun = record("a", id);
    log.append(&rerun, Some(previous)).await.expect("the record of a second attempt");
    let newest = log.newest().await.expect("a log").expect("a record");
    assert_eq!(newest.record, rerun, "the second attempt is the newest");
    let before = log.read(previous).await.expect("a log");
    assert!(before.is_some(), "the record before the newest is kept");
}

async fn check_fences(log: &Log) {
    log.trim().await.expect("a trim");
    let kept = log.read(first_id()).await.expect("a log");
    assert!(kept.is_some(), "trimming keeps the first record");
    let gone = RecordId { epoch: Epoch(2), attempt: 0 };
    assert!(log.read(gone).await.expect("a log").is_none(), "trimming removes what is old");
    let newest = log.newest().await.expect("a log").expect("a record");

    // Somebody slept since epoch 2 and goes on: what its record was to follow is trimmed.
    let late = record("late", RecordId { epoch: Epoch(3), attempt: 0 });
    let kind = log.append(&late, Some(gone)).await.map_err(|error| error.kind());
    assert_eq!(kind, Err(ErrorKind::Fenced), "a successor trimmed the record before");
    let still = log.newest().await.expect("a log").expect("a record");
    assert_eq!(still, newest, "a late record does not become the newest");

    let other = record("other", newest.record.id);
    let kind = log.append(&other, None).await.map_err(|error| error.kind());
    assert_eq!(kind, Err(ErrorKind::Fenced), "a record is never overwritten");
    let still = log.newest().await.expect("a log").expect("a record");
    assert_eq!(still, newest, "a record is never changed");
}

fn first_id() -> RecordId {
    RecordId { epoch: Epoch(0), attempt: 0 }
}

fn record(run: &str, id: RecordId) -> Prepared {
    let (sources, targets) = (BTreeMap::new(), BTreeMap::new());
    Prepared {
        pipeline: "pipeline".parse().expect("a constant that is a name"),
        fingerprint: Digest::of(b"pipeline"),
        run: run.to_owned(),
        id,
        plan: EpochPlan {
            epoch: id.epoch,
            now: Timestamp(0),
            sources,
            targets,
            watermarks: BTreeMap::new(),
            last: false,
        },
        sinks: Vec::new(),
        replaces: Vec::new(),
        records: BTreeMap::new(),
        state: None,
        observed: BTreeMap::new(),
    }
}
