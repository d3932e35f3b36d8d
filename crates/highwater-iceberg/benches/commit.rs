//! One commit with one staged file: load, manifests, swap. In memory, and durable in a directory, onto a
//! table that has had 10, 1,000 or 10,000 commits and keeps its last hundred snapshots.
#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use criterion::{Criterion, criterion_group, criterion_main};
use futures::FutureExt;
use highwater_core::{
    Batch, Committer, Digest, Epoch, Failpoints, Marker, MarkerId, Sink, SinkContext, Staged,
    StreamInfo, Swap, WriterContext,
};
use highwater_iceberg::{FileCatalog, IcebergSink};
use highwater_storage::Storage;

const COMMITS: [u64; 3] = [10, 1_000, 10_000];

const SHORT: Duration = Duration::from_millis(100);

struct Table {
    sink: IcebergSink,
    cx: SinkContext,
    committer: Box<dyn Committer>,
    epoch: u64,
}

impl Table {
    async fn new(warehouse: Storage, commits: u64) -> Self {
        let sink = FileCatalog::new(warehouse)
            .table("demo.orders")
            .append()
            .create_property("highwater.expire-after-commit.enabled", "true")
            .create_property("history.expire.max-snapshot-age-ms", "0")
            .create_property("history.expire.min-snapshots-to-keep", "100");
        let cx = SinkContext {
            pipeline: "orders".parse().unwrap(),
            sink: "orders".parse().unwrap(),
            input: StreamInfo::new(rows().schema()),
            run: "run".to_owned(),
            failpoints: Failpoints::default(),
        };
        let committer = sink.open(&cx).await.unwrap();
        let mut table = Self { sink, cx, committer, epoch: 0 };
        for _ in 0..commits {
            let staged = table.stage().await;
            table.commit(&staged).await;
        }
        table
    }

    async fn stage(&mut self) -> Vec<Staged> {
        self.committer.load().await.unwrap();
        let cx = WriterContext {
            sink: self.cx.sink.clone(),
            input: self.cx.input.clone(),
            run: self.cx.run.clone(),
            epoch: Epoch(self.epoch),
            worker: 0,
            target: self.committer.target(),
            failpoints: Failpoints::default(),
        };
        let mut writer = self.sink.writer(&cx).unwrap();
        writer.write(Batch::from(rows())).unwrap();
        writer.close().await.unwrap()
    }

    async fn commit(&mut self, staged: &[Staged]) {
        let id = |epoch: u64| MarkerId { epoch: Epoch(epoch), digest: Digest::of(b"record") };
        let marker = Marker {
            pipeline: self.cx.pipeline.clone(),
            sink: self.cx.sink.clone(),
            id: id(self.epoch),
            follows: self.epoch.checked_sub(1).map(id),
            plan: None,
        };
        self.committer.load().await.unwrap();
        let swap = self.committer.swap(&marker, staged).await;
        assert!(matches!(swap, Swap::Committed), "{swap:?}");
        self.epoch += 1;
    }
}

fn rows() -> RecordBatch {
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(0..10));
    RecordBatch::try_from_iter([("id", ids)]).unwrap()
}

/// Times the commits alone; staging goes before.
fn commit(criterion: &mut Criterion, place: &str, warehouse: &Storage, commits: u64) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut group = criterion.benchmark_group(format!("commit {place}"));
    // Each one makes the table longer, so there are not many.
    group.sample_size(10).warm_up_time(SHORT).measurement_time(SHORT);
    let warehouse = warehouse.at(&format!("after-{commits}"));
    let mut table = runtime.block_on(Table::new(warehouse, commits));
    group.bench_function(format!("after {commits}"), |bencher| {
        bencher.iter_custom(|times| {
            let run = async {
                let mut took = Duration::ZERO;
                for _ in 0..times {
                    let staged = table.stage().await;
                    let began = Instant::now();
                    table.commit(&staged).await;
                    took += began.elapsed();
                }
                took
            };
            runtime.block_on(run.boxed_local())
        });
    });
    group.finish();
}

fn commits(criterion: &mut Criterion) {
    for commits in COMMITS {
        commit(criterion, "in memory", &Storage::memory(), commits);
    }
    let directory = tempfile::tempdir().unwrap();
    let warehouse = Storage::open(&directory.path().to_string_lossy()).unwrap();
    // What is durable takes its time: a history of 10,000 commits would take minutes.
    for commits in [10, 1_000] {
        commit(criterion, "in a directory", &warehouse, commits);
    }
}

criterion_group!(benches, commits);
criterion_main!(benches);
