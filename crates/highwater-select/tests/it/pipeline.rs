//! A pipeline as a user writes it: what comes out, and the same after any fault.

use std::num::NonZeroU64;
use std::sync::Arc;

use highwater_core::arrow::array::{ArrayRef, RecordBatch, StringArray};
use highwater_core::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use highwater_pipeline::Pipeline;
use highwater_select::Expressions as _;
use highwater_testkit::harness::{Harness, World};

fn schema() -> SchemaRef {
    let columns =
        ["event_id", "event_type", "value"].map(|name| Field::new(name, DataType::Utf8, true));
    Arc::new(Schema::new(columns.to_vec()))
}

fn events(rows: &[[&str; 3]]) -> RecordBatch {
    let column = |place: usize| {
        Arc::new(rows.iter().map(|row| Some(row[place])).collect::<StringArray>()) as ArrayRef
    };
    RecordBatch::try_new(schema(), (0..3).map(column).collect()).unwrap()
}

fn pipeline(world: &World) -> Pipeline {
    let p = Pipeline::new("events");
    let events = p.source("events", world.partitioned_source("events", schema(), 2));
    let enriched = events.select(
        "enriched",
        [
            "event_id",
            "CAST(value AS DECIMAL(18,2)) AS value",
            "upper(event_type) AS type",
            "now() AS seen_at",
        ],
    );
    enriched.sink("enriched", world.table("enriched"));
    enriched.rejected().sink("rejected", world.table("rejected"));
    let large = enriched.filter_where("large", "value > 10 AND type <> 'TEST'");
    large.sink("large", world.table("large"));
    p
}

fn harness() -> Harness<'static> {
    Harness::new(pipeline)
        .feed_partitions(
            "events",
            [
                events(&[["a", "click", "12.505"], ["b", "view", "much"], ["c", "view", "3"]]),
                events(&[["d", "test", "99"], ["e", "click", "-1e1"]]),
            ],
        )
        .feed_partitions("events", [events(&[["f", "click", ""], ["g", "view", "10.01"]])])
        .records_per_epoch(NonZeroU64::new(2).unwrap())
}

#[test]
fn rows_are_computed_kept_and_rejected() {
    let tables = harness().tables();
    let now = "1970-01-01T00:00:00Z";
    let row = |row: &str| format!("{row} | {now}");
    let enriched = [
        "a | 12.51 | CLICK",
        "c | 3.00 | VIEW",
        "d | 99.00 | TEST",
        "e | -10.00 | CLICK",
        "g | 10.01 | VIEW",
    ];
    assert_eq!(tables["enriched"], enriched.map(row));
    assert_eq!(tables["large"], ["a | 12.51 | CLICK", "g | 10.01 | VIEW"].map(row));
    let reason = "is no decimal(18,2)";
    let rejected = &tables["rejected"];
    let line = |row: &str, text: &str| {
        format!("{row} | CAST(value AS DECIMAL(18,2)) AS value: '{text}' {reason}")
    };
    assert_eq!(rejected[..], [line("b | view | much", "much"), line("f | click | ", "")]);
}

#[test]
fn every_single_fault_leaves_the_same_tables() {
    let coverage = harness().every_crash();
    assert!(coverage.runs > 60, "{coverage:?}");
}

#[test]
fn mistakes_are_told_with_all_others_of_a_pipeline() {
    let world = schema();
    let source = highwater_testkit::memory_source::MemorySource::new("events", world, 1);
    let p = Pipeline::new("events");
    let events = p.source("events", source);
    let _one = events.select("one", ["vlaue"]);
    let other = events.filter_where("other", "value > ");
    other.sink("events", highwater_testkit::memory::MemoryTable::new("events"));
    let mistakes = p.build().unwrap_err().to_string();
    assert_eq!(
        mistakes,
        "pipeline events cannot be built\n  one: select: there is no column vlaue\n    vlaue\n    ^^^^^; did you mean \
         value? There are value, event_type, event_id\n  other: select: expected an expression, found the end\n    \
         value > \n            ^; correct it and start again"
    );
}
