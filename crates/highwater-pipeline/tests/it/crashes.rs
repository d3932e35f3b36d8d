//! A crash or an error at every step, alone and in pairs, leaves the same tables.

use std::num::NonZeroU64;
use std::sync::Arc;

use highwater_core::Phase;
use highwater_pipeline::Pipeline;
use highwater_testkit::failpoints::never_reached;
use highwater_testkit::harness::{Harness, World};
use highwater_testkit::memory::MemoryTable;

use crate::builder::column;
use crate::numbers;

/// Numbers, and those below zero in a table of their own.
fn pipeline(world: &World) -> Pipeline {
    let p = Pipeline::new("orders");
    let schema = numbers([0]).schema();
    let orders = p.source("orders", world.source("orders", Arc::clone(&schema)));
    let orders = orders.map_batches("positive", schema, |rows, cx| {
        for (row, n) in (0..).zip(column(rows).values()) {
            if *n < 0 {
                cx.reject(row, "below zero");
            }
        }
        Ok(rows.clone())
    });
    for name in ["orders", "rejected"] {
        let table = world.table(name);
        world.read_with(&format!("epochs of {name}"), move || vec![epochs(&table)]);
    }
    orders.rejected().sink("rejected", world.table("rejected"));
    orders.sink("orders", world.table("orders"));
    p
}

/// The epochs that a table holds.
fn epochs(table: &MemoryTable) -> arrow::array::RecordBatch {
    let epoch = |marker: highwater_core::MarkerId| i64::try_from(marker.epoch.0).unwrap();
    let commits = table.commits();
    numbers(commits.iter().filter_map(|commit| Some(epoch(commit.marker.clone()?.1))))
}

/// Epochs with and without rows for the side table, over two starts, until the log is trimmed.
fn harness() -> Harness<'static> {
    Harness::new(pipeline)
        .feed("orders", numbers([1, 2, 3, 4, -5]))
        .feed("orders", numbers([6, 7, -8]))
        .records_per_epoch(NonZeroU64::new(2).unwrap())
}

#[test]
fn every_row_arrives_once() {
    let tables = harness().tables();
    assert_eq!(tables["orders"], ["1", "2", "3", "4", "6", "7"]);
    assert_eq!(tables["epochs of orders"], ["0", "1", "2", "3", "4"]);
    assert_eq!(tables["rejected"], ["-5 | below zero", "-8 | below zero"]);
    assert_eq!(tables["epochs of rejected"], ["0", "2", "4"]);
}

#[test]
fn every_single_fault_leaves_the_same_tables() {
    let coverage = harness().every_crash();
    assert!(coverage.runs > 100, "{coverage:?}");
}

#[test]
fn every_pair_of_faults_leaves_the_same_tables() {
    let coverage =
        Harness::new(pipeline).feed("orders", numbers([1, 2, -3])).every_pair_of_faults();
    assert!(coverage.runs > 1_000, "{coverage:?}");
    let missed = never_reached(&coverage.fired);
    let missed: Vec<_> = missed.iter().filter(|it| it.phase() != Phase::State).collect();
    assert!(missed.is_empty(), "failpoints without a case: {missed:?}");
}
