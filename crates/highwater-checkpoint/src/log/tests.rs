//! The log decides, fences and trims.

use std::collections::BTreeMap;

use futures::executor::block_on;
use highwater_core::{EpochPlan, ErrorKind, Groups, Level, Timestamp};

use super::*;
use crate::{StateManifest, StateObject};

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
        state: None,
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

/// A record that names the objects of some epochs of run `a`.
fn with_state(epoch: u64, objects: impl IntoIterator<Item = u64>) -> Prepared {
    let object = |epoch| StateObject {
        path: state_path(Epoch(epoch), 0, "a"),
        bytes: 1,
        epoch: Epoch(epoch),
        level: Level::EPOCH,
        groups: Groups::ALL,
        newest: BTreeMap::new(),
    };
    let objects = objects.into_iter().map(object).collect();
    let state = Some(StateManifest { objects, steps: BTreeMap::new() });
    Prepared { state, ..record(epoch, "a") }
}

fn states(log: &Log) -> Vec<String> {
    let objects = block_on(log.storage.list("state")).unwrap();
    objects.into_iter().map(|object| object.path).collect()
}

#[test]
fn a_trim_of_state_keeps_what_records_name_and_what_others_may_be_about_to_name() {
    let log = Log::new(Storage::memory());
    let put = |epoch, run: &str| {
        let path = state_path(Epoch(epoch), 0, run);
        assert_eq!(block_on(log.storage.create(&path, "x".into())).unwrap(), Created::Created);
    };
    (0..6).for_each(|epoch| put(epoch, "a"));
    block_on(log.trim_state("a")).unwrap();
    assert_eq!(states(&log).len(), 6, "without a record nothing is known");
    for (epoch, objects) in [(0, vec![0]), (1, vec![0, 1]), (2, vec![2]), (3, vec![2, 3])] {
        block_on(log.append(&with_state(epoch, objects), None)).unwrap();
    }
    ["b", "dead"].iter().for_each(|run| put(3, run));
    put(2, "dead");
    put(4, "b");
    let aside = "state/notes.txt";
    assert_eq!(block_on(log.storage.create(aside, "x".into())).unwrap(), Created::Created);
    block_on(log.trim_state("b")).unwrap();
    let at = |epoch, run| state_path(Epoch(epoch), 0, run);
    let all = [0, 1, 2, 3, 4, 5].map(|epoch| at(epoch, "a"));
    let [zero, one, two, three, four, five] = all;
    let others = |kept: Vec<String>| {
        let mut kept = kept;
        kept.extend([four.clone(), five.clone(), at(3, "dead"), at(4, "b"), aside.to_owned()]);
        kept.sort();
        kept
    };
    let first = vec![zero.clone(), one, two.clone(), three.clone()];
    assert_eq!(states(&log), others(first), "own ones of the newest epoch go");
    block_on(log.trim()).unwrap();
    block_on(log.trim_state("b")).unwrap();
    assert_eq!(
        states(&log),
        others(vec![zero, two, three]),
        "only the trimmed record named epoch 1"
    );
}

#[test]
fn the_record_before_an_epoch_is_its_newest_attempt() {
    let log = Log::new(Storage::memory());
    for epoch in 0..3 {
        append(&log, epoch, "a").unwrap();
    }
    let mut again = record(1, "a");
    again.id.attempt = 1;
    block_on(log.append(&again, None)).unwrap();
    let before = |epoch| block_on(log.newest_before(Epoch(epoch))).unwrap().map(|it| it.record.id);
    assert_eq!(before(2), Some(again.id));
    assert_eq!(before(1), Some(record(0, "a").id));
    assert_eq!(before(0), None);
}
