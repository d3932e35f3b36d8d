//! Every way in which a run can have ended, and what the next start makes of it.

use std::collections::BTreeMap;

use highwater_core::{Marker, Partition, Position, Positions, SourcePlan, Timestamp};

use super::*;
use crate::{Prepared, SinkShare};

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn id(epoch: u64, record: &str) -> MarkerId {
    MarkerId { epoch: Epoch(epoch), digest: Digest::of(record.as_bytes()) }
}

fn plan(epoch: u64) -> EpochPlan {
    let at = |next| (Partition::new("t", 0), Position::at(next));
    let from: Positions = [at(i64::try_from(epoch).unwrap() * 10)].into_iter().collect();
    let source = SourcePlan { from, ..SourcePlan::default() };
    EpochPlan {
        epoch: Epoch(epoch),
        now: Timestamp(0),
        sources: BTreeMap::from([(name("in"), source)]),
        targets: BTreeMap::new(),
        watermarks: BTreeMap::new(),
        last: false,
    }
}

fn holds(marker: MarkerId) -> Found {
    Found::Marker(full(marker))
}

fn full(marker: MarkerId) -> Marker {
    Marker {
        pipeline: name("p"),
        sink: name("main"),
        id: marker,
        follows: None,
        plan: Some(plan(marker.epoch.0)),
    }
}

fn back(last: MarkerId, standing: Option<MarkerId>) -> Found {
    Found::RolledBack { last: full(last), standing }
}

fn tables(main: Found, side: Found) -> Vec<(Name, Found)> {
    vec![(name("main"), main), (name("side"), side)]
}

/// Record 5 with rows for both sinks, which follow epochs 4 and 2.
fn head() -> Head {
    let follows = |epoch, record| Footing::on(Some(id(epoch, record)));
    let share = |sink: &str, on| SinkShare {
        sink: name(sink),
        share: Share::Commit { on, staged: Vec::new() },
    };
    let record = Prepared {
        pipeline: name("p"),
        fingerprint: Digest::of(b""),
        run: "r".to_owned(),
        id: RecordId { epoch: Epoch(5), attempt: 0 },
        plan: plan(5),
        sinks: vec![share("main", follows(4, "four")), share("side", follows(2, "two"))],
        replaces: Vec::new(),
        records: BTreeMap::new(),
        state: None,
        observed: Default::default(),
    };
    Head { record, digest: Digest::of(b"five") }
}

fn quiet_side() -> Head {
    let mut head = head();
    head.record.sinks[1].share = Share::Quiet { on: Footing::on(Some(id(2, "two"))) };
    head
}

fn refused(head: Option<&Head>, main: Found, side: Found) -> Stop {
    decide(head, &tables(main, side), OnRollback::Refuse, &BTreeMap::new()).unwrap_err()
}

fn accepted(head: Option<&Head>, main: Found, side: Found) -> Resume {
    decide(head, &tables(main, side), OnRollback::Accept, &BTreeMap::new()).unwrap()
}

fn resume(head: Option<&Head>, main: Found, side: Found) -> Resume {
    decide(head, &tables(main, side), OnRollback::Refuse, &BTreeMap::new()).unwrap()
}

#[test]
fn nothing_anywhere_begins_anew() {
    assert_eq!(resume(None, Found::Nothing, Found::Nothing), Resume::Fresh);
}

#[test]
fn a_record_in_every_table_is_followed_by_the_next() {
    let five = id(5, "five");
    let Resume::Next { last, standing, .. } = resume(Some(&head()), holds(five), holds(five))
    else {
        panic!("every table holds it")
    };
    assert_eq!(last, Epoch(5));
    assert_eq!(standing[&name("side")], Footing::on(Some(five)));
}

#[test]
fn a_prepared_record_is_committed_where_it_lacks() {
    let (four, two, five) = (holds(id(4, "four")), holds(id(2, "two")), holds(id(5, "five")));
    let Resume::Finish(pending) = resume(Some(&head()), four, two.clone()) else { panic!() };
    assert_eq!(pending.lacking, [name("main"), name("side")]);
    let Resume::Finish(pending) = resume(Some(&head()), five, two) else { panic!() };
    assert_eq!(pending.lacking, [name("side")]);
}

#[test]
fn a_quiet_sink_lacks_nothing() {
    let resumed = resume(Some(&quiet_side()), holds(id(5, "five")), holds(id(2, "two")));
    assert!(matches!(resumed, Resume::Next { last: Epoch(5), .. }));
}

#[test]
fn an_earlier_record_of_the_same_plan_counts_as_committed() {
    let mut head = head();
    head.record.replaces.push(Digest::of(b"five, first"));
    let resumed = resume(Some(&head), holds(id(5, "five, first")), holds(id(5, "five")));
    assert!(matches!(resumed, Resume::Next { .. }));
}

#[test]
fn a_table_ahead_of_the_log_fences() {
    for ahead in [id(6, "six"), id(5, "another five"), id(4, "another four")] {
        let stop = refused(Some(&head()), holds(ahead), holds(id(2, "two")));
        assert_eq!(stop, Stop::Fenced { sink: name("main"), found: ahead.epoch });
    }
    let stop = refused(Some(&quiet_side()), holds(id(5, "five")), holds(id(6, "six")));
    assert!(matches!(stop, Stop::Fenced { .. }));
}

#[test]
fn a_table_behind_the_log_was_rolled_back() {
    let two = || holds(id(2, "two"));
    for (main, side) in [
        (back(id(5, "five"), Some(id(3, "three"))), two()),
        (back(id(5, "five"), Some(id(4, "four"))), two()),
        (back(id(4, "four"), Some(id(3, "three"))), two()),
        (Found::Nothing, two()),
        (back(id(4, "four"), None), two()),
        (holds(id(5, "five")), back(id(2, "two"), None)),
    ] {
        assert!(matches!(refused(Some(&head()), main, side), Stop::RolledBack { .. }));
    }
}

#[test]
fn a_first_epoch_that_was_taken_out_is_not_committed_again() {
    let mut head = head();
    head.record.id.epoch = Epoch(0);
    for share in &mut head.record.sinks {
        share.share = Share::Commit { on: Footing::default(), staged: Vec::new() };
    }
    let zero = id(0, "five");
    let stop = refused(Some(&head), back(zero, None), holds(zero));
    assert!(matches!(stop, Stop::RolledBack { .. }));
    let Resume::Next { standing, .. } = accepted(Some(&head), back(zero, None), holds(zero)) else {
        panic!("the rows that were taken out stay out")
    };
    assert_eq!(standing[&name("main")], Footing { follows: None, accepts: Some(zero) });
}

#[test]
fn an_accepted_rollback_goes_on_from_what_stands() {
    let three = Some(id(3, "three"));
    let five = || holds(id(5, "five"));
    let Resume::Next { last, standing, .. } =
        accepted(Some(&head()), back(id(5, "five"), three), five())
    else {
        panic!("epoch 5 had been committed")
    };
    let on = Footing { follows: three, accepts: Some(id(5, "five")) };
    assert_eq!((last, standing[&name("main")]), (Epoch(5), on));

    let Resume::Rerun(again) = accepted(Some(&head()), back(id(4, "four"), three), five()) else {
        panic!("epoch 5 follows a commit that was taken out")
    };
    assert_eq!(again.id, RecordId { epoch: Epoch(5), attempt: 1 });
    assert_eq!(again.lacking, [name("main")]);
    assert_eq!(again.replaces, [Digest::of(b"five")]);
}

#[test]
fn an_accepted_rollback_needs_no_second_choice() {
    let three = Some(id(3, "three"));
    let mut head = head();
    let accepted = Footing { follows: three, accepts: Some(id(4, "four")) };
    head.record.sinks[0].share = Share::Commit { on: accepted, staged: Vec::new() };
    let main = back(id(4, "four"), three);
    let resumed = resume(Some(&head), main, holds(id(5, "five")));
    assert!(matches!(resumed, Resume::Finish(_)), "{resumed:?}");
}

#[test]
fn a_lost_log_is_made_up_for_by_the_primary() {
    let five = || holds(id(5, "five"));
    let Resume::Next { last, plan: found, .. } = resume(None, five(), five()) else { panic!() };
    assert_eq!((last, found), (Epoch(5), plan(5)));

    let Resume::Rerun(again) = resume(None, five(), holds(id(2, "two"))) else { panic!() };
    assert_eq!((again.plan, again.lacking), (plan(5), vec![name("side")]));
    assert_eq!(again.replaces, [Digest::of(b"five")]);
}

#[test]
fn a_lost_log_with_a_side_ahead_stops() {
    let stop = refused(None, holds(id(5, "five")), holds(id(6, "six")));
    assert!(matches!(stop, Stop::SideAhead { .. }));
    let stop = refused(None, Found::Nothing, holds(id(0, "zero")));
    assert!(matches!(stop, Stop::SideAhead { holds: None, .. }));
}

#[test]
fn a_lost_log_with_a_rollback_stops_until_it_is_accepted() {
    let main = || back(id(5, "five"), Some(id(3, "three")));
    let side = || holds(id(5, "five"));
    assert!(matches!(refused(None, main(), side()), Stop::RolledBack { held: Epoch(5), .. }));
    assert!(matches!(accepted(None, main(), side()), Resume::Next { last: Epoch(5), .. }));
}

#[test]
fn a_marker_without_a_plan_cannot_stand_in_for_the_log() {
    let mut marker = full(id(5, "five"));
    marker.plan = None;
    let stop = refused(None, Found::Marker(marker), Found::Nothing);
    assert!(matches!(stop, Stop::NoPlan { .. }));
}

#[test]
fn other_sinks_are_another_pipeline() {
    let sinks = vec![(name("main"), Found::Nothing)];
    let stop = decide(Some(&head()), &sinks, OnRollback::Accept, &BTreeMap::new()).unwrap_err();
    assert!(matches!(stop, Stop::OtherPipeline { what: "sinks", .. }));
}

fn stateful(description: &str) -> BTreeMap<Name, StepState> {
    let description = description.to_owned();
    BTreeMap::from([(name("count"), StepState { description, tables: BTreeMap::new() })])
}

#[test]
fn state_cannot_be_made_up_for_by_a_table() {
    let (sinks, steps) = (tables(holds(id(5, "five")), holds(id(5, "five"))), stateful("count v0"));
    for choice in [OnRollback::Refuse, OnRollback::Accept] {
        let stop = decide(None, &sinks, choice, &steps).unwrap_err();
        assert_eq!(
            stop,
            Stop::NoState { step: name("count"), sink: name("main"), found: Epoch(5) }
        );
    }
    let nothing = tables(Found::Nothing, Found::Nothing);
    let fresh = decide(None, &nothing, OnRollback::Refuse, &steps).unwrap();
    assert_eq!(fresh, Resume::Fresh);
}

#[test]
fn state_of_other_steps_is_refused_and_the_step_is_named() {
    let sinks = tables(holds(id(5, "five")), holds(id(5, "five")));
    let saved = |steps| {
        let mut head = head();
        head.record.state = Some(crate::StateManifest { objects: Vec::new(), steps });
        head
    };
    let check = |head: &Head, steps| decide(Some(head), &sinks, OnRollback::Accept, &steps);
    let head = saved(stateful("count v0"));
    assert!(matches!(check(&head, stateful("count v0")), Ok(Resume::Next { .. })));
    let told = |result: Result<Resume, Stop>| result.unwrap_err().to_string();
    let text = told(check(&head, stateful("count v1")));
    assert_eq!(text, "step count kept state of count v0, and today it keeps state of count v1");
    let text = told(check(&head, BTreeMap::new()));
    assert_eq!(text, "step count kept state of count v0, and today it keeps no state");
    let text = told(check(&self::head(), stateful("count v0")));
    assert_eq!(text, "step count kept no state, and today it keeps state of count v0");
}
