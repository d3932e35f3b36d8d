//! The doubles of this crate keep the contracts themselves.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use futures::FutureExt;
use highwater_core::Limits;
use highwater_storage::Storage;
use highwater_testkit::conformance::{self, SinkCase};
use highwater_testkit::faulty::FaultyStore;
use highwater_testkit::memory::MemoryTable;
use highwater_testkit::memory_source::MemorySource;
use object_store::memory::InMemory;

#[expect(clippy::unwrap_used, reason = "one column has one length")]
pub(crate) fn ids(ids: std::ops::Range<i64>) -> RecordBatch {
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(ids));
    RecordBatch::try_from_iter([("id", ids)]).unwrap()
}

fn limits(records: u64) -> Limits {
    let mut limits = Limits::default();
    limits.records = records;
    limits
}

#[tokio::test]
async fn the_memory_source_is_a_source() {
    let source = MemorySource::new("orders", ids(0..0).schema(), 3).bounded();
    source.append(0, ids(0..2_500));
    source.append_rejected(0, "{", "it does not end");
    source.append(0, ids(2_500..2_600));
    source.append(2, ids(10_000..10_010));
    for records in [1, 7, 1_000, 1_000_000] {
        if records == 1 {
            let small = MemorySource::new("orders", ids(0..0).schema(), 2).bounded();
            small.append(1, ids(0..5));
            conformance::source(&small, &limits(records)).await;
            continue;
        }
        let read = conformance::source(&source, &limits(records)).await;
        assert_eq!(read.records, 2_611);
        assert_eq!(read.rejected.len(), 1);
    }
}

#[tokio::test]
async fn the_memory_table_is_a_sink() {
    let table = MemoryTable::new("ledger");
    let count = || std::future::ready(table.row_count()).boxed();
    conformance::sink(SinkCase { sink: &table, rows: ids(0..10), count: &count }).await;
}

#[tokio::test]
async fn the_log_keeps_its_promises_in_memory_and_in_a_directory() {
    conformance::log(Storage::memory()).await;
    let faulty = FaultyStore::new(Arc::new(InMemory::new()));
    conformance::log(Storage::with_store(Arc::new(faulty), "memory:")).await;
    let directory = tempfile::tempdir().unwrap();
    conformance::log(Storage::open(directory.path().to_str().unwrap()).unwrap()).await;
}
