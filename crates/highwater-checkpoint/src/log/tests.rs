//! The log decides, fences and trims.

use std::collections::BTreeMap;

use futures::executor::block_on;
use highwater_core::{EpochPlan, ErrorKind, Timestamp};

use super::*;

fn record(epoch: u64, run: &str) -> Prepared {
    let epoch = Epoch(epoch);
    Prepared {
        pipeline: "p".parse().unwrap(),
        fingerprint: Digest::of(b"p"),
        run: run.into(),
        id: RecordId { epoch, attempt: 0 },
        plan: EpochPlan {
            epoch,
            now: Timestamp(0),
            sources: BTreeMap::new(),
            targets: BTreeMap::new(),
            watermarks: BTreeMap::new(),
            last: false,
        },
        sinks: Vec::new(),
        replaces: Vec::new(),
        records: BTreeMap::new(),
        observed: Default::default(),
    }
}

fn append(log: &Log, epoch: u64, run: &str) -> Result<Digest> {
    let previous = epoch.checked_sub(1).map(|epoch| RecordId { epoch: Epoch(epoch), attempt: 0 });
    block_on(log.append(&record(epoch, run), previous))
}

#[test]
fn the_newest_record_is_the_highest_attempt_of_the_highest_epoch() {
    let log = Log::new(Storage::memory());
    append(&log, 0, "a").unwrap();
    append(&log, 1, "a").unwrap();
    let mut again = record(1, "a");
    again.id.attempt = 1;
    let first = RecordId { epoch: Epoch(1), attempt: 0 };
    block_on(log.append(&again, Some(first))).unwrap();
    assert_eq!(block_on(log.newest()).unwrap().unwrap().record.id, again.id);
}

#[test]
fn a_second_run_is_fenced_and_the_same_record_is_not() {
    let log = Log::new(Storage::memory());
    let digest = append(&log, 0, "a").unwrap();
    assert_eq!(append(&log, 0, "a").unwrap(), digest);
    assert_eq!(append(&log, 0, "b").unwrap_err().kind(), ErrorKind::Fenced);
}

#[test]
fn a_run_whose_last_record_was_trimmed_is_fenced() {
    let log = Log::new(Storage::memory());
    for epoch in 0..6 {
        append(&log, epoch, "a").unwrap();
    }
    block_on(log.trim()).unwrap();
    let error = append(&log, 3, "zombie").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Fenced);
}

#[test]
fn a_trim_keeps_the_first_record_and_the_two_newest() {
    let log = Log::new(Storage::memory());
    for epoch in 0..6 {
        append(&log, epoch, "a").unwrap();
    }
    block_on(log.trim()).unwrap();
    let kept: Vec<_> = block_on(log.records()).unwrap().iter().map(|id| id.epoch.0).collect();
    assert_eq!(kept, [0, 4, 5]);
}
