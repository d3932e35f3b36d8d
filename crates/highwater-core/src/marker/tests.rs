//! Markers as JSON, and what a load says.

use super::*;
use crate::{Partition, Position, Range, RangeId, SourcePlan, Target, Timestamp};

fn plan() -> EpochPlan {
    let partition = Partition::new("orders", 0);
    let from = [(partition.clone(), Position::at(3))].into_iter().collect();
    let (start, end) = (Position::at(3), Position::at(9));
    let range = Range { id: RangeId(0), partition, from: start, to: end };
    let source = SourcePlan { from, ranges: vec![range], gaps: Vec::new() };
    EpochPlan {
        epoch: Epoch(4),
        now: Timestamp(1),
        sources: [("orders".parse().unwrap(), source)].into_iter().collect(),
        targets: [("ledger".parse().unwrap(), Target("{}".to_owned()))].into_iter().collect(),
        watermarks: std::collections::BTreeMap::new(),
        last: false,
    }
}

fn marker(epoch: u64) -> Marker {
    let id = |epoch| MarkerId { epoch: Epoch(epoch), digest: Digest::of(b"record") };
    let follows = epoch.checked_sub(1).map(id);
    let (pipeline, sink) = ("pipeline".parse().unwrap(), "ledger".parse().unwrap());
    Marker { pipeline, sink, id: id(epoch), follows, plan: None }
}

#[test]
fn a_marker_comes_back_from_json() {
    for marker in [marker(0), marker(4), Marker { plan: Some(plan()), ..marker(4) }] {
        let json = serde_json::to_string(&marker).unwrap();
        assert_eq!(serde_json::from_str::<Marker>(&json).unwrap(), marker);
    }
}

#[test]
fn its_json_is_flat_and_leaves_out_what_is_not_there() {
    let json = serde_json::to_value(marker(0)).unwrap();
    let digest = Digest::of(b"record").to_string();
    let expected = serde_json::json!({
        "pipeline": "pipeline", "sink": "ledger", "epoch": 0, "digest": digest, "follows": null,
    });
    assert_eq!(json, expected);
}

#[test]
fn what_stands_and_what_was_last_differ_after_a_rollback() {
    assert_eq!(Found::Nothing.standing(), None);
    assert_eq!(Found::Nothing.last(), None);
    let there = Found::Marker(marker(4));
    assert_eq!(there.standing(), Some(marker(4).id));
    assert_eq!(there.last(), Some(&marker(4)));
    let back = Found::RolledBack { last: marker(4), standing: Some(marker(1).id) };
    assert_eq!(back.standing(), Some(marker(1).id));
    assert_eq!(back.last(), Some(&marker(4)));
}

#[test]
fn a_plan_knows_where_it_ends() {
    let plan = plan();
    assert!(plan.moves());
    let positions = plan.positions();
    let orders = &positions[&"orders".parse().unwrap()];
    assert_eq!(orders.get(&Partition::new("orders", 0)), Some(&Position::at(9)));
    let mut again = plan.clone();
    for source in again.sources.values_mut() {
        source.from = source.to();
    }
    assert!(!again.moves(), "the same version of a table");
    let still = EpochPlan { sources: Default::default(), ..plan };
    assert!(!still.moves());
}
