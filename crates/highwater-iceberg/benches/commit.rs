//! One commit with one staged file: load, manifests, swap. In memory, and durable in a directory,
//! onto a table that already has a hundred snapshots.
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

const SNAPSHOTS: u64 = 100;

struct Table {
    sink: IcebergSink,
    cx: SinkContext,
    committer: Box<dyn Committer>,
    epoch: u64,
}

impl Table {
    async fn new(warehouse: Storage) -> Self {
        let sink = FileCatalog::new(warehouse).table("demo.orders").append();
        let cx = SinkContext {
            pipeline: "orders".parse().unwrap(),
            sink: "orders".parse().unwrap(),
            input: StreamInfo::new(rows().schema()),
            run: "run".to_owned(),
            failpoints: Failpoints::default(),
        };
        let committer = sink.open(&cx).await.unwrap();
        let mut table = Self { sink, cx, committer, epoch: 0 };
        for _ in 0..SNAPSHOTS {
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
fn commit(criterion: &mut Criterion, name: &str, warehouse: &Storage) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    criterion.bench_function(name, |bencher| {
        let mut table = runtime.block_on(Table::new(warehouse.at(&name.replace(' ', "-"))));
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
}

fn commits(criterion: &mut Criterion) {
    commit(criterion, "commit in memory", &Storage::memory());
    let directory = tempfile::tempdir().unwrap();
    let warehouse = Storage::open(&directory.path().to_string_lossy()).unwrap();
    commit(criterion, "commit in a directory", &warehouse);
}

criterion_group!(benches, commits);
criterion_main!(benches);
