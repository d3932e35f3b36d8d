//! The same for sinks that replace rows: pairs of a key and a value, by every mode.

use std::num::NonZeroU64;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use highwater_core::Failpoint;
use highwater_delta::{DeltaSink, DeltaTable};
use highwater_pipeline::Pipeline;
use highwater_testkit::failpoints::never_reached;
use highwater_testkit::harness::{Harness, World};

use super::block_on;
use crate::fixture::{active, batches};

fn rows<const N: usize>(pairs: [(i64, i64); N]) -> RecordBatch {
    let keys: ArrayRef = Arc::new(Int64Array::from_iter_values(pairs.map(|(key, _)| key)));
    let values: ArrayRef = Arc::new(Int64Array::from_iter_values(pairs.map(|(_, value)| value)));
    RecordBatch::try_from_iter([("k", keys), ("v", values)]).unwrap()
}

fn observed(world: &World, sink: fn(&DeltaTable) -> DeltaSink) -> Pipeline {
    let lake = world.storage();
    let read = lake.clone();
    world.read_with("totals", move || {
        block_on(async {
            active(&read.at("totals")).await;
            batches(&read.at("totals")).await
        })
    });
    let p = Pipeline::new("totals");
    let totals = p.source("totals", world.source("totals", rows([]).schema()));
    totals.sink("totals", sink(&DeltaTable::new(lake.at("totals"))));
    p
}

/// Epochs of two rows, over two starts.
fn harness(sink: fn(&DeltaTable) -> DeltaSink) -> Harness<'static> {
    Harness::new(move |world: &World| observed(world, sink))
        .feed("totals", rows([(1, 10), (2, 20), (1, 11), (3, 30), (3, 31)]))
        .feed("totals", rows([(2, 21), (2, 22), (4, 40), (1, 12)]))
        .records_per_epoch(NonZeroU64::new(2).unwrap())
}

fn by_vectors(table: &DeltaTable) -> DeltaSink {
    table.update(["k"])
}

fn by_copies(table: &DeltaTable) -> DeltaSink {
    table.update(["k"]).create_property("delta.enableDeletionVectors", "false")
}

#[test]
fn the_last_row_of_each_key_stands_whatever_happens() {
    for sink in [by_vectors, by_copies] {
        assert_eq!(harness(sink).tables()["totals"], ["1 | 12", "2 | 22", "3 | 31", "4 | 40"]);
        let coverage = harness(sink).every_crash();
        assert!(coverage.runs > 100, "{coverage:?}");
        let missed = never_reached(&coverage.fired);
        assert!(!missed.contains(&Failpoint::ManifestsWritten), "{missed:?}");
    }
}

#[test]
fn the_last_epoch_stands_whatever_happens() {
    assert_eq!(harness(DeltaTable::complete).tables()["totals"], ["1 | 12", "4 | 40"]);
    let coverage = harness(DeltaTable::complete).every_crash();
    assert!(coverage.runs > 100, "{coverage:?}");
}
