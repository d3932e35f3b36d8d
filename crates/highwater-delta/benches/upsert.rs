//! What a commit costs that replaces a thousand rows among a million.
//!
//! The table lies in memory, in seven files, each of which has some of the keys. Staging and the load
//! before the swap are not counted: a swap reads the keys of the staged rows, finds the rows that they
//! replace, writes one file of deletion vectors and makes the commit. Gate: 20 ms.
//!
//! * `swap`: with the index of keys as the last commit left it.
//! * `first swap`: the one that reads the keys of the whole table.
#![expect(clippy::unwrap_used, reason = "a benchmark makes its own numbers")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use criterion::{Criterion, criterion_group, criterion_main};
use highwater_core::{
    Batch, Committer, Digest, Epoch, Failpoints, Marker, MarkerId, Sink, SinkContext, Staged,
    StreamInfo, Swap, WriterContext,
};
use highwater_delta::{DeltaSink, DeltaTable};
use highwater_storage::Storage;
use tokio::runtime::Runtime;

const FILES: i64 = 7;
const ROWS: i64 = 1_000_000;
const CHANGED: i64 = 1_000;
const BATCH: i64 = 8_192;

fn rows(keys: impl Iterator<Item = i64> + Clone, value: i64) -> RecordBatch {
    let id: ArrayRef = Arc::new(Int64Array::from_iter_values(keys.clone()));
    let name: StringArray = keys.clone().map(|key| Some(format!("customer {key}"))).collect();
    let value: ArrayRef = Arc::new(Int64Array::from_iter_values(keys.map(|key| key ^ value)));
    RecordBatch::try_from_iter([("id", id), ("name", Arc::new(name) as ArrayRef), ("value", value)])
        .unwrap()
}

/// A table, and who writes it.
struct Table {
    sink: DeltaSink,
    cx: SinkContext,
    committer: Box<dyn Committer>,
    last: Option<MarkerId>,
    epoch: u64,
}

impl Table {
    async fn open(storage: &Storage) -> Self {
        let sink = DeltaTable::new(storage.clone()).update(["id"]);
        let cx = SinkContext {
            pipeline: "bench".parse().unwrap(),
            sink: "customers".parse().unwrap(),
            input: StreamInfo::new(rows(0..0, 0).schema()),
            run: "run".to_owned(),
            failpoints: Failpoints::default(),
        };
        let committer = sink.open(&cx).await.unwrap();
        Self { sink, cx, committer, last: None, epoch: 0 }
    }

    async fn stage(&self, batches: impl Iterator<Item = RecordBatch>) -> Vec<Staged> {
        let mut writer = self
            .sink
            .writer(&WriterContext {
                sink: self.cx.sink.clone(),
                input: self.cx.input.clone(),
                run: self.cx.run.clone(),
                epoch: Epoch(self.epoch),
                worker: 0,
                target: self.committer.target(),
                failpoints: Failpoints::default(),
            })
            .unwrap();
        for rows in batches {
            writer.write(Batch::from(rows)).unwrap();
            writer.ready().await.unwrap();
        }
        writer.close().await.unwrap()
    }

    /// Commits, and says how long the swap took.
    async fn commit(&mut self, staged: &[Staged]) -> Duration {
        let digest = Digest::of(&self.epoch.to_le_bytes());
        let marker = Marker {
            pipeline: self.cx.pipeline.clone(),
            sink: self.cx.sink.clone(),
            id: MarkerId { epoch: Epoch(self.epoch), digest },
            follows: self.last,
            plan: None,
        };
        self.committer.load().await.unwrap();
        let started = Instant::now();
        let swap = self.committer.swap(&marker, staged).await;
        let took = started.elapsed();
        assert!(matches!(swap, Swap::Committed), "{swap:?}");
        (self.last, self.epoch) = (Some(marker.id), self.epoch + 1);
        took
    }

    /// A million rows in seven files.
    async fn fill(&mut self) {
        for file in 0..FILES {
            let keys: Vec<_> = (file..ROWS).step_by(7).collect();
            let pieces = keys.chunks(usize::try_from(BATCH).unwrap());
            let staged = self.stage(pieces.map(|keys| rows(keys.iter().copied(), 0))).await;
            self.commit(&staged).await;
        }
    }

    /// Changes a thousand rows all over the table.
    async fn change(&mut self) -> Duration {
        let first = i64::try_from(self.epoch).unwrap() * 7919 % (ROWS / CHANGED);
        let keys = (0..CHANGED).map(|key| first + key * (ROWS / CHANGED));
        let epoch = i64::try_from(self.epoch).unwrap();
        let staged = self.stage(std::iter::once(rows(keys, epoch))).await;
        self.commit(&staged).await
    }
}

fn upsert(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let storage = Storage::memory();
    let mut table = runtime.block_on(async {
        let mut table = Table::open(&storage).await;
        table.fill().await;
        table
    });
    let mut group = criterion.benchmark_group("1,000 keys into 1 M rows");
    group.sample_size(20);
    group.bench_function("swap", |bencher| {
        bencher.iter_custom(|times| {
            runtime.block_on(async {
                let mut took = Duration::ZERO;
                for _ in 0..times {
                    took += table.change().await;
                }
                took
            })
        });
    });
    group.sample_size(10);
    group.bench_function("first swap", |bencher| {
        bencher.iter_custom(|times| {
            runtime.block_on(async {
                let mut took = Duration::ZERO;
                for _ in 0..times {
                    let (last, epoch) = (table.last, table.epoch);
                    table = Table { last, epoch, ..Table::open(&storage).await };
                    took += table.change().await;
                }
                took
            })
        });
    });
    group.finish();
}

criterion_group!(benches, upsert);
criterion_main!(benches);
