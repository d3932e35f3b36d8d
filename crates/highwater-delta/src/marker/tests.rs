//! Markers as numbers, and back.

use std::collections::BTreeMap;

use highwater_core::{
    EpochPlan, Gap, Partition, Position, Positions, Range, RangeId, SourcePlan, Target, Timestamp,
    Watermarks,
};

use super::*;

fn owner() -> Owner {
    Owner { pipeline: "ledger".parse().unwrap(), sink: "orders".parse().unwrap() }
}

fn id(epoch: u64) -> MarkerId {
    MarkerId { epoch: Epoch(epoch), digest: Digest::of(&epoch.to_be_bytes()) }
}

fn position(next: i64, detail: &str) -> Position {
    Position { next, detail: Some(detail.to_owned()) }
}

/// A plan of `partitions` of a topic.
fn plan(epoch: u64, partitions: i32) -> EpochPlan {
    let offset = i64::try_from(epoch).unwrap() * 100;
    let detail = r#"{"id":"A1b2C3d4E5f6G7h8","epoch":3}"#;
    let of = |index| Partition::new("trades", index);
    let from: Positions =
        (0..partitions).map(|index| (of(index), position(offset, detail))).collect();
    let range = |index: i32| Range {
        id: RangeId(u32::try_from(index).unwrap()),
        partition: of(index),
        from: position(offset, detail),
        to: position(offset + 100, detail),
    };
    let gaps = vec![Gap { partition: of(0), from: 1, to: None }];
    let source = SourcePlan { from, ranges: (0..partitions).map(range).collect(), gaps };
    let marks = Watermarks { late_before: Timestamp::MIN, watermark: Timestamp(-5) };
    EpochPlan {
        epoch: Epoch(epoch),
        now: Timestamp(1_700_000_000_000_000),
        sources: BTreeMap::from([("trades".parse().unwrap(), source)]),
        targets: BTreeMap::from([("orders".parse().unwrap(), Target("a place".into()))]),
        watermarks: BTreeMap::from([("time".parse().unwrap(), marks)]),
        last: false,
    }
}

fn marker(epoch: u64, plan: Option<EpochPlan>) -> Marker {
    let Owner { pipeline, sink } = owner();
    Marker { pipeline, sink, id: id(epoch), follows: epoch.checked_sub(1).map(id), plan }
}

/// The marker as it is read after it was written.
fn kept(mut marker: Marker) -> Marker {
    let places = marker.plan.iter_mut().flat_map(|plan| plan.targets.values_mut());
    places.for_each(|place| *place = Target::default());
    marker
}

#[test]
fn a_marker_is_read_as_it_was_written() {
    let mut table = Numbers::new();
    for (epoch, plan) in
        [(0, Some(plan(0, 2))), (1, Some(plan(1, 2))), (2, None), (3, Some(plan(3, 1)))]
    {
        let marker = marker(epoch, plan);
        table.extend(numbers(&owner(), &marker, epoch + 10, &table).unwrap());
        let recorded = recorded_of("t", &table, &owner()).unwrap().unwrap();
        assert_eq!(recorded, Recorded { version: epoch + 10, marker: kept(marker) });
        assert_eq!(recorded_of("t", &table, &owner()).unwrap().as_ref(), Some(&recorded));
        assert_eq!(super::recorded("t", &table).unwrap(), [recorded]);
    }
}

#[test]
fn a_commit_says_again_only_what_has_changed_and_what_names_it() {
    let mut table = Numbers::new();
    let first = numbers(&owner(), &marker(1, Some(plan(1, 4))), 1, &table).unwrap();
    table.extend(first.clone());
    let second = numbers(&owner(), &marker(2, Some(plan(2, 4))), 2, &table).unwrap();
    // Id, version, id of what it follows; epoch of the plan, and of each partition an offset
    // thrice.
    assert_eq!(second.len(), 6 + 1 + 6 + 1 + 4 * 3, "{second:?}");
    assert!(first.len() > second.len() + 50, "{}", first.len());
    let names: Numbers = second.into_iter().collect();
    assert_eq!(id_in(&names, &owner()), Some(id(2)));
    let offset = "ledger/orders/plan/at/sources/trades/ranges/3/to/next";
    assert_eq!(names.get(offset), Some(&300));
}

#[test]
fn a_plan_that_is_too_large_is_left_out() {
    let mut table = Numbers::new();
    for (epoch, partitions, kept) in [(0, 2, true), (1, 2000, false), (2, 2, true)] {
        let marker = marker(epoch, Some(plan(epoch, partitions)));
        table.extend(numbers(&owner(), &marker, epoch, &table).unwrap());
        let recorded = recorded_of("t", &table, &owner()).unwrap().unwrap();
        assert_eq!(recorded.marker.id, marker.id);
        assert_eq!(recorded.marker.plan.is_some(), kept);
    }
}

#[test]
fn a_marker_with_a_part_missing_is_told() {
    let mut table: Numbers =
        numbers(&owner(), &marker(1, None), 1, &Numbers::new()).unwrap().into_iter().collect();
    table.remove("ledger/orders/#2").unwrap();
    let error = recorded_of("t", &table, &owner()).unwrap_err();
    assert_eq!(error.to_string(), "the txn actions of table t below ledger/orders are no marker");
    // What another application left under a name of its own is nobody's marker.
    let foreign = Numbers::from([("ledger/orders".into(), 7), ("a/b/c".into(), 1)]);
    assert_eq!(recorded("t", &foreign).unwrap(), []);
}

#[test]
fn markers_of_other_pipelines_are_seen() {
    let ours = owner();
    let mut theirs = marker(0, None);
    theirs.pipeline = "payments".parse().unwrap();
    let owner = Owner { pipeline: theirs.pipeline.clone(), sink: theirs.sink.clone() };
    let table: Numbers =
        numbers(&owner, &theirs, 1, &Numbers::new()).unwrap().into_iter().collect();
    assert_eq!(other_pipeline(&table, &ours.pipeline), Some("payments"));
    assert_eq!(other_pipeline(&table, &owner.pipeline), None);
}

#[test]
fn an_epoch_that_no_action_can_hold_is_told() {
    let mut marker = marker(0, None);
    marker.id.epoch = Epoch(u64::MAX);
    assert_eq!(numbers(&owner(), &marker, 1, &Numbers::new()), None);
}
