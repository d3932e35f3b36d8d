//! A join within a pipeline: what comes out, and the same after any fault.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::num::NonZeroU64;
use std::sync::Arc;

use highwater_core::arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use highwater_core::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use highwater_join::StaticJoin;
use highwater_pipeline::Pipeline;
use highwater_testkit::harness::{Harness, World};

fn schema(other: &str) -> SchemaRef {
    let columns =
        [Field::new(other, DataType::Utf8, true), Field::new("user_id", DataType::Int64, true)];
    Arc::new(Schema::new(columns.to_vec()))
}

fn rows(other: &str, rows: &[(&str, i64)]) -> RecordBatch {
    let texts: ArrayRef = Arc::new(rows.iter().map(|row| Some(row.0)).collect::<StringArray>());
    // User 0 is nobody.
    let ids = rows.iter().map(|row| (row.1 > 0).then_some(row.1)).collect::<Int64Array>();
    RecordBatch::try_new(schema(other), vec![texts, Arc::new(ids)]).unwrap()
}

fn pipeline(world: &World) -> Pipeline {
    let p = Pipeline::new("enrich");
    let events = p.source("events", world.partitioned_source("events", schema("type"), 2));
    let users = p.source("users", world.versions("users", schema("name")));
    for (name, join) in [
        ("inner", StaticJoin::inner(["user_id"])),
        ("left", StaticJoin::left(["user_id"])),
        ("semi", StaticJoin::semi(["user_id"])),
        ("anti", StaticJoin::anti(["user_id"])),
    ] {
        events.connect(&users).apply(name, join).sink(name, world.table(name));
    }
    p
}

fn harness() -> Harness<'static> {
    let events = |of: &[(&str, i64)]| rows("type", of);
    Harness::new(pipeline)
        .feed_version("users", rows("name", &[("Ada", 1), ("Bo", 2), ("Nobody", 0)]))
        .feed_partitions(
            "events",
            [events(&[("a", 1), ("b", 3), ("c", 2)]), events(&[("d", 0), ("e", 2)])],
        )
        .feed_version("users", rows("name", &[("Ann", 1), ("Cy", 3), ("Di", 3)]))
        .feed_partitions("events", [events(&[("f", 1), ("g", 2)]), events(&[("h", 3)])])
        .records_per_epoch(NonZeroU64::new(2).unwrap())
}

#[test]
fn events_meet_the_users_of_their_epoch() {
    let tables = harness().tables();
    let inner =
        ["1 | a | Ada", "1 | f | Ann", "2 | c | Bo", "2 | e | Bo", "3 | h | Cy", "3 | h | Di"];
    assert_eq!(tables["inner"], inner);
    let unmet = ["2 | g", "3 | b", "null | d"];
    assert_eq!(tables["anti"], unmet);
    assert_eq!(tables["semi"], ["1 | a", "1 | f", "2 | c", "2 | e", "3 | h"]);
    let mut left: Vec<_> = inner.map(ToOwned::to_owned).to_vec();
    left.extend(unmet.map(|row| format!("{row} | null")));
    left.sort();
    assert_eq!(tables["left"], left);
}

#[test]
fn every_single_fault_leaves_the_same_tables() {
    let coverage = harness().every_crash();
    assert!(coverage.runs > 100, "{coverage:?}");
}
