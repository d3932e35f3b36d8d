//! The verdict on every base, and the loop of a commit.

use super::*;
use crate::{Epoch, Marker};

const DIGESTS: [&[u8]; 3] = [b"a", b"b", b"c"];

fn id(epoch: u64, digest: usize) -> MarkerId {
    MarkerId { epoch: Epoch(epoch), digest: Digest::of(DIGESTS[digest]) }
}

fn marker(id: MarkerId) -> Marker {
    let (pipeline, sink) = ("ledger".parse().unwrap(), "ledger".parse().unwrap());
    Marker { pipeline, sink, id, follows: None, plan: None }
}

fn ids() -> impl Iterator<Item = MarkerId> {
    (0..4).flat_map(|epoch| (0..DIGESTS.len()).map(move |digest| id(epoch, digest)))
}

fn rules() -> Vec<Rule> {
    let follows = || std::iter::once(None).chain([id(0, 0), id(1, 0), id(1, 2)].map(Some));
    let replaces = [vec![], vec![Digest::of(DIGESTS[1])]];
    follows()
        .flat_map(|follows| replaces.clone().map(|replaces| (follows, replaces)))
        .map(|(follows, replaces)| Rule { mine: id(2, 0), on: Footing::on(follows), replaces })
        .collect()
}

/// The rule as the design states it, case by case.
fn expected(rule: &Rule, found: Option<MarkerId>) -> Verdict {
    let replaced = |it: MarkerId| it.epoch == Epoch(2) && rule.replaces.contains(&it.digest);
    match (found, rule.on.follows) {
        (Some(it), _) if it == rule.mine || replaced(it) => Verdict::Committed(it),
        (found, follows) if found == follows => Verdict::Swap,
        (None, Some(_)) => Verdict::RolledBack { found: None },
        (Some(it), Some(follows)) if it.epoch < follows.epoch => {
            Verdict::RolledBack { found: Some(it) }
        }
        (Some(it), _) => Verdict::Fenced { found: it },
        (None, None) => unreachable!("equal to what it follows"),
    }
}

#[test]
fn every_base_is_judged_as_designed() {
    for rule in rules() {
        for found in std::iter::once(None).chain(ids().map(Some)) {
            let full = found.map_or(Found::Nothing, |id| Found::Marker(marker(id)));
            assert_eq!(rule.judge(&full), expected(&rule, found), "{rule:?} on {found:?}");
        }
    }
}

#[test]
fn a_table_that_was_set_back_is_left_alone_until_that_is_accepted() {
    for mut rule in rules() {
        for last in ids() {
            let standing = rule.on.follows;
            let found = Found::RolledBack { last: marker(last), standing };
            rule.on.accepts = None;
            assert_eq!(rule.judge(&found), Verdict::RolledBack { found: standing }, "{rule:?}");
            rule.on.accepts = Some(last);
            assert_eq!(rule.judge(&found), Verdict::Swap, "{rule:?}");
        }
    }
}

#[test]
fn another_marker_of_the_same_epoch_fences() {
    let rule = Rule { mine: id(2, 0), on: Footing::on(Some(id(1, 0))), replaces: vec![] };
    assert_eq!(rule.judge(&Found::Marker(marker(id(2, 1)))), Verdict::Fenced { found: id(2, 1) });
    assert_eq!(rule.judge(&Found::Marker(marker(id(1, 1)))), Verdict::Fenced { found: id(1, 1) });
}

#[test]
fn a_replaced_record_counts_as_committed_in_its_epoch_only() {
    let replaces = vec![Digest::of(DIGESTS[1])];
    let rule = Rule { mine: id(2, 0), on: Footing::on(Some(id(1, 0))), replaces };
    assert_eq!(rule.judge(&Found::Marker(marker(id(2, 1)))), Verdict::Committed(id(2, 1)));
    assert_eq!(rule.judge(&Found::Marker(marker(id(3, 1)))), Verdict::Fenced { found: id(3, 1) });
}

#[test]
fn every_attempt_begins_with_a_load() {
    let rule = Rule { mine: id(0, 0), on: Footing::on(None), replaces: vec![] };
    let mut machine = CommitMachine::new(rule, 2);
    for _ in 0..2 {
        assert_eq!(machine.next_move(), Move::Load);
        machine.loaded(&Found::Nothing);
        assert_eq!(machine.next_move(), Move::Swap);
        machine.unresolved();
    }
    assert_eq!(machine.next_move(), Move::Load);
    machine.loaded(&Found::Nothing);
    assert_eq!(machine.next_move(), Move::End(Ended::GaveUp));
}

#[test]
fn the_last_load_still_finds_a_commit() {
    let rule = Rule { mine: id(0, 0), on: Footing::on(None), replaces: vec![] };
    let mut machine = CommitMachine::new(rule, 1);
    machine.loaded(&Found::Nothing);
    machine.unresolved();
    machine.loaded(&Found::Marker(marker(id(0, 0))));
    assert_eq!(machine.next_move(), Move::End(Ended::Committed(id(0, 0))));
}

#[test]
fn an_answer_ends_the_commit() {
    let rule = Rule { mine: id(1, 0), on: Footing::on(Some(id(0, 0))), replaces: vec![] };
    let mut machine = CommitMachine::new(rule.clone(), 1);
    machine.loaded(&Found::Marker(marker(id(0, 0))));
    machine.committed();
    assert_eq!(machine.next_move(), Move::End(Ended::Committed(id(1, 0))));
    assert_eq!(machine.rule(), &rule);
}
