//! Whole pipelines into two tables, with a crash, an error, or a lost or late answer at every step.

mod storage;

use std::num::NonZeroU64;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::TryStreamExt;
use highwater_core::Phase;
use highwater_core::arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch};
use highwater_core::arrow::datatypes::Int64Type;
use highwater_pipeline::Pipeline;
use highwater_storage::Created;
use highwater_testkit::failpoints::never_reached;
use highwater_testkit::harness::{Harness, World};
use highwater_testkit::memory_source::MemorySource;
use serde_json::Value;

use crate::lake::{Lake, Sql, quick_directory};

const ORDERS: &str = "demo.orders";
const REJECTED: &str = "demo.rejected";

fn numbers(values: impl IntoIterator<Item = i64>) -> RecordBatch {
    let n: ArrayRef = Arc::new(Int64Array::from_iter_values(values));
    RecordBatch::try_from_iter([("n", n)]).unwrap()
}

/// Numbers, and those below zero in a table of their own. Old metadata goes as soon as it may.
fn pipeline(source: MemorySource, lake: &dyn Lake) -> Pipeline {
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
    let sink = |table| {
        let sink = lake.named(table).append();
        sink.create_property("write.metadata.previous-versions-max", "1")
    };
    orders.rejected().sink("rejected", sink(REJECTED));
    orders.sink("orders", sink(ORDERS));
    p
}

/// The rows of a table.
async fn rows(lake: &dyn Lake, table: &str) -> Vec<RecordBatch> {
    let table = lake.named(table).read().await.unwrap();
    table.rows().await.unwrap().try_collect().await.unwrap()
}

/// The epochs of a table: what the summaries say from its first snapshot to its last.
async fn epochs(lake: &dyn Lake, table: &str) -> Vec<i64> {
    let warehouse = lake.warehouse();
    let newest = warehouse.path_of(&lake.newest(table).await.0).unwrap();
    let metadata: Value =
        serde_json::from_slice(&warehouse.read(&newest).await.unwrap().unwrap()).unwrap();
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
fn observed<L: Lake + Clone + 'static>(world: &World, lake: L) -> Pipeline {
    for table in [ORDERS, REJECTED] {
        let read = lake.clone();
        world.read_with(table, move || block_on(rows(&read, table)));
        let read = lake.clone();
        world.read_with(&format!("epochs of {table}"), move || {
            vec![numbers(block_on(epochs(&read, table)))]
        });
    }
    pipeline(world.source("orders", numbers([]).schema()), &lake)
}

/// The pipeline with its tables in directories.
fn in_directories(world: &World) -> Pipeline {
    observed(world, world.storage())
}

/// The pipeline with a database of the world's own, in a directory.
fn in_database(world: &World, directory: &Path) -> Pipeline {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let storage = world.storage();
    let name = block_on(async {
        let fresh = NEXT.fetch_add(1, Ordering::Relaxed).to_string();
        // Each life of a world finds the name that its first one has chosen.
        let _made_by_the_first: Created = storage.create("database", fresh.into()).await.unwrap();
        storage.read("database").await.unwrap().unwrap()
    });
    let database = directory.join(std::str::from_utf8(&name).unwrap());
    observed(world, Sql::in_file(&database, storage.at("warehouse")))
}

/// Epochs with and without rows for the side table, over two starts, until the log is trimmed.
fn harness<'a>(build: impl Fn(&World) -> Pipeline + 'a) -> Harness<'a> {
    Harness::new(build)
        .feed("orders", numbers([1, 2, 3, 4, -5]))
        .feed("orders", numbers([6, 7, -8]))
        .records_per_epoch(NonZeroU64::new(2).unwrap())
}

#[test]
fn every_row_arrives_once() {
    let directory = quick_directory();
    for harness in [harness(in_directories), harness(|world| in_database(world, directory.path()))]
    {
        let tables = harness.tables();
        assert_eq!(tables[ORDERS], ["1", "2", "3", "4", "6", "7"]);
        assert_eq!(tables["epochs of demo.orders"], ["0", "1", "2", "3", "4"]);
        assert_eq!(tables[REJECTED], ["-5 | below zero", "-8 | below zero"]);
        assert_eq!(tables["epochs of demo.rejected"], ["0", "2", "4"]);
    }
}

#[test]
fn a_fault_at_every_step_leaves_the_same_tables() {
    let coverage = harness(in_directories).every_crash();
    assert!(coverage.runs > 150, "{coverage:?}");
}

#[test]
fn a_fault_at_every_step_leaves_the_same_tables_of_a_database() {
    let directory = quick_directory();
    let coverage = harness(|world| in_database(world, directory.path())).every_crash();
    assert!(coverage.runs > 150, "{coverage:?}");
}

#[test]
fn every_pair_of_crashes_leaves_the_same_tables() {
    let harness = Harness::new(in_directories).feed("orders", numbers([1, 2, -3]));
    let coverage = harness.every_pair_of_crashes();
    assert!(coverage.runs > 400, "{coverage:?}");
    let missed = never_reached(&coverage.fired);
    let missed: Vec<_> = missed.iter().filter(|it| it.phase() != Phase::State).collect();
    assert!(missed.is_empty(), "failpoints without a case: {missed:?}");
}
