//! Whole pipelines into two tables, with a crash, an error, or a lost or late answer at every step.

mod storage;

use std::num::NonZeroU64;
use std::sync::Arc;

use futures::TryStreamExt;
use highwater_core::arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch};
use highwater_core::arrow::datatypes::Int64Type;
use highwater_iceberg::FileCatalog;
use highwater_pipeline::Pipeline;
use highwater_storage::Storage;
use highwater_testkit::failpoints::never_reached;
use highwater_testkit::harness::{Harness, World};
use highwater_testkit::memory_source::MemorySource;
use serde_json::Value;

const ORDERS: &str = "demo.orders";
const REJECTED: &str = "demo.rejected";

fn numbers(values: impl IntoIterator<Item = i64>) -> RecordBatch {
    let n: ArrayRef = Arc::new(Int64Array::from_iter_values(values));
    RecordBatch::try_from_iter([("n", n)]).unwrap()
}

/// Numbers, and those below zero in a table of their own. Old metadata goes as soon as it may.
fn pipeline(source: MemorySource, warehouse: &Storage) -> Pipeline {
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
    let catalog = FileCatalog::new(warehouse.clone());
    let sink = |table| {
        let sink = catalog.table(table).append();
        sink.create_property("write.metadata.previous-versions-max", "1")
    };
    orders.rejected().sink("rejected", sink(REJECTED));
    orders.sink("orders", sink(ORDERS));
    p
}

/// The rows of a table.
async fn rows(warehouse: &Storage, table: &str) -> Vec<RecordBatch> {
    let table = FileCatalog::new(warehouse.clone()).table(table).read().await.unwrap();
    table.rows().await.unwrap().try_collect().await.unwrap()
}

/// The epochs of a table: what the summaries say from its first snapshot to its last.
async fn epochs(warehouse: &Storage, table: &str) -> Vec<i64> {
    let table = warehouse.at(&table.replace('.', "/"));
    let version = |path: &str| -> Option<u64> {
        path.strip_prefix("metadata/v")?.strip_suffix(".metadata.json")?.parse().ok()
    };
    // A hint that came late says nothing.
    let objects = table.list("metadata").await.unwrap();
    let newest = objects.iter().filter_map(|object| version(&object.path)).max().unwrap();
    let newest = table.read(&format!("metadata/v{newest}.metadata.json")).await.unwrap();
    let metadata: Value = serde_json::from_slice(&newest.unwrap()).unwrap();
    let snapshots = metadata["snapshots"].as_array().unwrap();
    let mut epochs = Vec::new();
    let mut head = metadata["current-snapshot-id"].as_i64();
    while let Some(id) = head {
        let snapshot = snapshots.iter().find(|it| it["snapshot-id"].as_i64() == Some(id)).unwrap();
        epochs.insert(0, snapshot["summary"]["highwater.epoch"].as_str().unwrap().parse().unwrap());
        head = snapshot["parent-snapshot-id"].as_i64();
    }
    assert_eq!(epochs.len(), snapshots.len(), "a snapshot beside the chain: {metadata}");
    epochs
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work)
}

/// A pipeline whose tables are read with their epochs.
fn observed(world: &World) -> Pipeline {
    for table in [ORDERS, REJECTED] {
        let warehouse = world.storage();
        world.read_with(table, move || block_on(rows(&warehouse, table)));
        let warehouse = world.storage();
        world.read_with(&format!("epochs of {table}"), move || {
            vec![numbers(block_on(epochs(&warehouse, table)))]
        });
    }
    pipeline(world.source("orders", numbers([]).schema()), &world.storage())
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
    assert_eq!(tables["epochs of demo.orders"], ["0", "1", "2", "3", "4"]);
    assert_eq!(tables[REJECTED], ["-5 | below zero", "-8 | below zero"]);
    assert_eq!(tables["epochs of demo.rejected"], ["0", "2", "4"]);
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
    assert!(coverage.runs > 400, "{coverage:?}");
    let missed = never_reached(&coverage.fired);
    assert!(missed.is_empty(), "failpoints without a case: {missed:?}");
}
