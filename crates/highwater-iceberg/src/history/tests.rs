//! Verdicts over made-up histories.

use highwater_core::{Digest, Epoch, Found, Marker, MarkerId};

use super::{Ancestor, judge};
use crate::error::IcebergError;
use crate::marker::{Owner, Recorded, Stamp};

fn owner() -> Owner {
    Owner { pipeline: "p".parse().unwrap(), sink: "s".parse().unwrap() }
}

fn id(epoch: u64) -> MarkerId {
    MarkerId { epoch: Epoch(epoch), digest: Digest::of(&epoch.to_le_bytes()) }
}

/// The marker of an epoch, committed by the snapshot of this sequence number.
fn recorded(sequence_number: i64, epoch: u64) -> Recorded {
    let Owner { pipeline, sink } = owner();
    let marker = Marker { pipeline, sink, id: id(epoch), follows: None, plan: None };
    Recorded { sequence_number, marker }
}

fn ours(sequence: i64, epoch: u64) -> Ancestor {
    let (pipeline, sink) = ("p".to_owned(), "s".to_owned());
    Ancestor::Snapshot { sequence, stamp: Some(Stamp { pipeline, sink, id: id(epoch) }) }
}

fn of_sink(sink: &str, sequence: i64, epoch: u64) -> Ancestor {
    let (pipeline, sink) = ("p".to_owned(), sink.to_owned());
    Ancestor::Snapshot { sequence, stamp: Some(Stamp { pipeline, sink, id: id(epoch) }) }
}

fn foreign(sequence: i64) -> Ancestor {
    Ancestor::Snapshot { sequence, stamp: None }
}

fn verdict(marker: Option<Recorded>, history: Vec<Ancestor>) -> Result<Found, IcebergError> {
    verdict_with(marker, history, true)
}

/// The verdict on a table that still has the snapshot of the marker somewhere, or has it no more.
fn verdict_with(
    marker: Option<Recorded>,
    history: Vec<Ancestor>,
    kept: bool,
) -> Result<Found, IcebergError> {
    judge("t", &owner(), marker, history.into_iter(), |sequence| kept && sequence == 5)
}

fn holds(history: Vec<Ancestor>) {
    let marker = recorded(5, 3);
    let found = verdict(Some(marker.clone()), history).unwrap();
    assert_eq!(found, Found::Marker(marker.marker));
}

fn rolled_back(history: Vec<Ancestor>, standing: Option<u64>) {
    let marker = recorded(5, 3);
    let found = verdict(Some(marker.clone()), history).unwrap();
    let standing = standing.map(id);
    assert_eq!(found, Found::RolledBack { last: marker.marker, standing });
}

#[test]
fn a_commit_in_the_history_holds() {
    holds(vec![ours(5, 3)]);
    holds(vec![foreign(7), of_sink("other", 6, 9), ours(5, 3), ours(4, 2)]);
}

#[test]
fn a_history_cut_off_above_the_commit_holds() {
    holds(vec![Ancestor::Expired]);
    holds(vec![foreign(8), foreign(6), Ancestor::Expired]);
}

#[test]
fn a_history_that_begins_above_a_commit_that_is_gone_holds() {
    let of = |history| verdict_with(Some(recorded(5, 3)), history, false).unwrap();
    let held = Found::Marker(recorded(5, 3).marker);
    assert_eq!(of(vec![foreign(8), foreign(6)]), held);
    assert_ne!(of(vec![foreign(8), foreign(4)]), held, "what is below was there before the commit");
    assert_ne!(of(vec![]), held, "a table without a head was emptied");
}

#[test]
fn a_history_without_the_commit_was_set_back() {
    rolled_back(vec![], None);
    rolled_back(vec![ours(4, 2)], Some(2));
    rolled_back(vec![foreign(4), of_sink("other", 3, 9), ours(2, 1)], Some(1));
    rolled_back(vec![foreign(9), foreign(8), ours(4, 2), ours(3, 1)], Some(2));
    rolled_back(vec![foreign(9), foreign(4), Ancestor::Expired], None);
    rolled_back(vec![foreign(9)], None); // replaced as a whole: the commit is kept beside
}

#[test]
fn a_history_that_knows_more_than_the_property_is_refused() {
    let lost = |found| matches!(found, Err(IcebergError::MarkerLost { .. }));
    assert!(lost(verdict(None, vec![foreign(3), ours(2, 1)])));
    assert!(lost(verdict(Some(recorded(5, 3)), vec![ours(6, 4), ours(5, 3)])));
}

#[test]
fn without_any_trace_nothing_was_committed() {
    assert_eq!(verdict(None, vec![]).unwrap(), Found::Nothing);
    let others = vec![foreign(3), of_sink("other", 2, 1), Ancestor::Expired];
    assert_eq!(verdict(None, others).unwrap(), Found::Nothing);
}
