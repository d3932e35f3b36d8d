//! A record survives its storage, and damage never goes unseen.

use highwater_core::{ErrorKind, Groups, Level, Timestamp};

use super::*;
use crate::{StateObject, StepState};

fn record() -> Prepared {
    let staged = Staged { path: "a".into(), bytes: 10, rows: 3, detail: "{}".into() };
    Prepared {
        pipeline: "p".parse().unwrap(),
        fingerprint: Digest::of(b"p"),
        run: "run".into(),
        id: RecordId { epoch: Epoch(7), attempt: 1 },
        plan: EpochPlan {
            epoch: Epoch(7),
            now: Timestamp(1),
            sources: BTreeMap::new(),
            targets: BTreeMap::new(),
            watermarks: BTreeMap::new(),
            last: false,
        },
        sinks: vec![SinkShare {
            sink: "s".parse().unwrap(),
            share: Share::Commit { on: Footing::default(), staged: vec![staged] },
        }],
        replaces: vec![Digest::of(b"first")],
        records: BTreeMap::from([("in".parse().unwrap(), 3)]),
        state: Some(StateManifest {
            objects: vec![StateObject {
                path: "state/7-0-run.hws".into(),
                bytes: 1000,
                epoch: Epoch(7),
                level: Level::EPOCH,
                groups: Groups::of_worker(0, 2),
                newest: BTreeMap::from([(
                    "dedupe".parse().unwrap(),
                    BTreeMap::from([("seen".parse().unwrap(), -3)]),
                )]),
            }],
            steps: BTreeMap::from([("dedupe".parse().unwrap(), StepState::default())]),
        }),
        observed: Default::default(),
    }
}

#[test]
fn a_record_reads_back_with_its_digest() {
    let (bytes, digest) = record().encode().unwrap();
    assert_eq!(Prepared::decode(&bytes, "here").unwrap(), (record(), digest));
}

#[test]
fn a_record_from_before_there_was_state_still_reads() {
    let stateless = Prepared { state: None, ..record() };
    let (bytes, digest) = stateless.encode().unwrap();
    assert!(!String::from_utf8_lossy(&bytes).contains("state"), "it is left out");
    assert_eq!(Prepared::decode(&bytes, "here").unwrap(), (stateless, digest));
}

#[test]
fn every_flipped_bit_and_every_cut_is_seen() {
    let (bytes, _) = record().encode().unwrap();
    for place in 0..bytes.len() {
        assert!(Prepared::decode(&bytes[..place], "here").is_err(), "cut at {place}");
        let mut damaged = bytes.to_vec();
        damaged[place] ^= 1;
        if let Ok((read, _)) = Prepared::decode(&damaged, "here") {
            assert_eq!(read, record(), "bit flipped at {place}");
        }
    }
}

#[test]
fn a_later_format_is_refused_by_name() {
    let (bytes, _) = record().encode().unwrap();
    let text =
        String::from_utf8(bytes.to_vec()).unwrap().replacen("\"version\":1", "\"version\":9", 1);
    let error = Prepared::decode(text.as_bytes(), "here").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(error.to_string().contains("version 9"), "{error}");
}

#[test]
fn a_plan_too_large_for_table_metadata_stays_out_of_the_marker() {
    let sink = "s".parse().unwrap();
    let mut record = record();
    assert!(record.marker(Digest::of(b""), &sink, None).plan.is_some());
    let huge = highwater_core::Target("x".repeat(LARGEST_PLAN_IN_A_MARKER));
    record.plan.targets.insert(sink.clone(), huge);
    assert!(record.marker(Digest::of(b""), &sink, None).plan.is_none());
}

#[test]
fn sinks_that_hold_the_epoch_are_left_alone() {
    let mut record = record();
    record.hold_still(&[]);
    assert_eq!(record.sinks[0].share, Share::Quiet { on: Footing::default() });
    assert!(record.rule(Digest::of(b""), &"s".parse().unwrap()).is_none());
}
