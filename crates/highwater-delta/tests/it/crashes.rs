//! Whole pipelines into two tables, with a crash, an error, or a lost or late answer at every step.

mod replacing;
mod storage;

use std::num::NonZeroU64;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch};
use arrow::datatypes::Int64Type;
use highwater_core::{Failpoint, Phase};
use highwater_delta::{DeltaSink, DeltaTable};
use highwater_pipeline::Pipeline;
use highwater_storage::Storage;
use highwater_testkit::failpoints::never_reached;
use highwater_testkit::harness::{Harness, World};
use highwater_testkit::memory_source::MemorySource;

use crate::fixture::{all, batches, table};

const ORDERS: &str = "orders";
const REJECTED: &str = "rejected";

fn numbers(values: impl IntoIterator<Item = i64>) -> RecordBatch {
    let n: ArrayRef = Arc::new(Int64Array::from_iter_values(values));
    RecordBatch::try_from_iter([("n", n)]).unwrap()
}

/// Numbers, and those below zero in a table of their own.
fn pipeline(source: MemorySource, lake: &Storage) -> Pipeline {
    pipeline_into(source, lake, DeltaTable::append)
}

/// The same with another sink for the numbers.
fn pipeline_into(
    source: MemorySource,
    lake: &Storage,
    orders_into: fn(&DeltaTable) -> DeltaSink,
) -> Pipeline {
    let p = Pipeline::new("orders");
    let orders = p.source("orders", source);
    let orders = orders.map_batches("positive", numbers([]).schema(), |rows, cx| {
        for (row, n) in (0..).zip(rows.column(0).as_primitive::<Int64Type>().values()) {
            if *n < 0 {
                cx.reject(row, "below zero");
            }
        }
        Ok(rows.clone())
    });
    let table = |table| DeltaTable::new(lake.at(table));
    orders.rejected().sink("rejected", table(REJECTED).append());
    orders.sink("orders", orders_into(&table(ORDERS)));
    p
}

/// The epochs of the only sink of a table: what its commits say from the first to the last.
async fn epochs(lake: &Storage, name: &str) -> Vec<i64> {
    let storage = lake.at(name);
    let mut epochs = Vec::new();
    for version in 1..=table(&storage).await.version() {
        let txns = all(&storage, version, "txn").await;
        let epoch = txns.iter().find(|txn| txn["appId"] == format!("orders/{name}"));
        epochs.push(epoch.unwrap()["version"].as_i64().unwrap());
    }
    epochs
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

/// The pipeline, with its tables read with their epochs.
fn observed(world: &World) -> Pipeline {
    let lake = world.storage();
    for name in [ORDERS, REJECTED] {
        let read = lake.clone();
        world.read_with(name, move || block_on(batches(&read.at(name))));
        let read = lake.clone();
        world.read_with(&format!("epochs of {name}"), move || {
            vec![numbers(block_on(epochs(&read, name)))]
        });
    }
    pipeline(world.source("orders", numbers([]).schema()), &lake)
}

/// Epochs with and without rows for the side table, over two starts, until the log is trimmed.
fn harness() -> Harness<'static> {
    Harness::new(observed)
        .feed("orders", numbers([1, 2, 3, 4, -5]))
        .feed("orders", numbers([6, 7, -8]))
        .records_per_epoch(NonZeroU64::new(2).unwrap())
}

#[test]
fn every_row_arrives_once() {
    let tables = harness().tables();
    assert_eq!(tables[ORDERS], ["1", "2", "3", "4", "6", "7"]);
    assert_eq!(tables["epochs of orders"], ["0", "1", "2", "3", "4"]);
    assert_eq!(tables[REJECTED].len(), 2, "{:?}", tables[REJECTED]);
    assert_eq!(tables["epochs of rejected"], ["0", "2", "4"]);
}

#[test]
fn a_fault_at_every_step_leaves_the_same_tables() {
    let coverage = harness().every_crash();
    assert!(coverage.runs > 150, "{coverage:?}");
}

#[test]
fn every_pair_of_crashes_leaves_the_same_tables() {
    let coverage =
        Harness::new(observed).feed("orders", numbers([1, 2, -3])).every_pair_of_crashes();
    assert!(coverage.runs > 300, "{coverage:?}");
    let missed = never_reached(&coverage.fired).into_iter();
    let missed: Vec<_> = missed.filter(|it| it.phase() != Phase::State).collect();
    // A commit here is one file: nothing is written before it.
    assert_eq!(missed, [Failpoint::ManifestsWritten]);
}
