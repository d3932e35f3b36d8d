//! What an executor costs by itself: CPU time of the whole process, all threads together.
//!
//! * `batches`: 1,000 batches of 1,000 rows through a source, three steps and a sink, per batch. Goal:
//!   at most 3 us above inline.
//! * `empty epochs`: from a plan to its report, per epoch. Goal: at most 200 us on two threads.
//! * `exchange`: 100 batches of 8,192 rows, three numbers and a text of 30 bytes, through a step that
//!   needs its rows by key, less the same without a key, per row. Goal: at most 20 ns on two threads.
#![expect(clippy::unwrap_used, reason = "a benchmark makes its own numbers")]

use std::num::NonZeroUsize;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use async_trait::async_trait;
use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use futures::executor::block_on;
use futures::future::{BoxFuture, ready};
use futures::stream::{self, BoxStream, StreamExt as _};
use highwater_core::{
    Batch, Committer, Context, Decoded, Decoder, Description, Epoch, EpochPlan, Error, ErrorKind,
    Failpoints, Flow, Limits, Operator, OperatorSpec, Partition, Payload, Planned, Port, Position,
    Positions, Range, RangeId, Resolved, Result, Routing, Sink, SinkContext, Source, SourcePlan,
    Staged, StreamInfo, Target, Timestamp, Writer, WriterContext, rejected_schema,
};
use highwater_pipeline::{Executor, ExecutorSpec, Inline, Job, Pipeline, Report};
use highwater_testkit::cpu::CpuTime;
use highwater_timely::Threads;

/// The same batch again and again, on two partitions.
struct Ready {
    rows: RecordBatch,
    /// As many bytes as the rows have, or nothing would bound what is on its way.
    bytes: Bytes,
}

impl Ready {
    fn new(rows: RecordBatch) -> Self {
        let bytes = Bytes::from(vec![0; rows.get_array_memory_size()]);
        Self { rows, bytes }
    }
}

#[async_trait]
impl Source for Ready {
    fn describe(&self) -> String {
        "ready".to_owned()
    }

    fn output(&self) -> StreamInfo {
        StreamInfo::new(self.rows.schema())
    }

    fn rejected(&self) -> StreamInfo {
        StreamInfo::new(rejected_schema())
    }

    async fn plan(&self, _: &Positions, _: Option<&Positions>, _: &Limits) -> Result<Planned> {
        Ok(Planned::default())
    }

    async fn ends(&self, _: &Positions) -> Result<Positions> {
        Ok(Positions::default())
    }

    fn read(&self, ranges: Vec<Range>) -> BoxStream<'static, Result<(RangeId, Payload)>> {
        let each = ranges.into_iter().flat_map(|it| (it.from.next..it.to.next).map(move |_| it.id));
        let bytes = self.bytes.clone();
        stream::iter(each).map(move |id| Ok((id, Payload::from(bytes.clone())))).boxed()
    }

    fn decoder(&self, _: &Range) -> Result<Box<dyn Decoder>> {
        Ok(Box::new(Self { rows: self.rows.clone(), bytes: Bytes::new() }))
    }
}

impl Decoder for Ready {
    fn decode(&mut self, _: Payload, decoded: &mut Decoded) -> Result<()> {
        decoded.records += 1;
        decoded.rows.push(self.rows.clone());
        decoded.offsets.push(highwater_core::Offsets::From(0));
        Ok(())
    }

    fn finish(&mut self, _: &mut Decoded) -> Result<()> {
        Ok(())
    }
}

/// Hands on what comes.
struct Pass(Routing);

impl OperatorSpec for Pass {
    fn describe(&self) -> Description {
        Description { kind: "pass", settings: String::new(), version: 0 }
    }

    fn resolve(&self, inputs: &[StreamInfo]) -> Result<Resolved> {
        let build = || Ok(Box::new(Passing) as Box<dyn Operator>);
        Ok(Resolved::new(inputs.first().unwrap().clone(), build).with_routing(self.0.clone()))
    }
}

struct Passing;

impl Operator for Passing {
    fn on_batch(&mut self, _: Port, batch: Batch, cx: &mut Context<'_>) -> Result<Flow> {
        cx.emit(batch);
        Ok(Flow::Done)
    }
}

/// Keeps nothing.
struct Nowhere;

#[async_trait]
impl Sink for Nowhere {
    fn describe(&self) -> String {
        "nowhere".to_owned()
    }

    fn resolve(&self, _: &StreamInfo) -> Result<Routing> {
        Ok(Routing::Local)
    }

    async fn open(&self, _: &SinkContext) -> Result<Box<dyn Committer>> {
        Err(Error::new(ErrorKind::Unsupported, "bench", "nothing is committed"))
    }

    fn writer(&self, _: &WriterContext) -> Result<Box<dyn Writer>> {
        Ok(Box::new(Self))
    }
}

#[async_trait]
impl Writer for Nowhere {
    fn write(&mut self, _: Batch) -> Result<()> {
        Ok(())
    }

    fn close(self: Box<Self>) -> BoxFuture<'static, Result<Vec<Staged>>> {
        Box::pin(ready(Ok(Vec::new())))
    }
}

fn batch(rows: i64) -> RecordBatch {
    let number = || Arc::new(Int64Array::from_iter_values(0..rows)) as ArrayRef;
    let text = (0..rows).map(|n| format!("a text of thirty bytes{n:08}"));
    let text: ArrayRef = Arc::new(StringArray::from_iter_values(text));
    RecordBatch::try_from_iter([("k", number()), ("a", number()), ("b", number()), ("t", text)])
        .unwrap()
}

/// An executor of batches through some steps, and the plan of an epoch of `batches` of them.
struct Bench {
    runtime: tokio::runtime::Runtime,
    executor: Box<dyn Executor>,
    plan: Arc<EpochPlan>,
}

impl Bench {
    fn new(threads: usize, rows: i64, batches: i64, steps: &[Routing]) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let p = Pipeline::new("bench");
        let start = p.source("ready", Ready::new(batch(rows)));
        let end = steps.iter().enumerate().fold(start, |stream, (n, routing)| {
            stream.apply(format!("step-{n}"), Pass(routing.clone()))
        });
        end.sink("nowhere", Nowhere);
        let job = Job {
            plan: p.build().unwrap(),
            run: "bench".to_owned(),
            failpoints: Failpoints::default(),
            runtime: runtime.handle().clone(),
            state: highwater_pipeline::StateStore::new(highwater_storage::Storage::memory()),
        };
        let spec: Box<dyn ExecutorSpec> = match NonZeroUsize::new(threads) {
            None => Box::new(Inline),
            Some(threads) => Box::new(Threads::new(threads)),
        };
        Self { runtime, executor: spec.build(job).unwrap(), plan: plan(batches) }
    }

    fn epoch(&mut self) {
        let _io = self.runtime.enter();
        self.executor.submit(Arc::clone(&self.plan)).unwrap();
        while !matches!(block_on(self.executor.next()).unwrap(), Report::Prepared(_)) {}
    }
}

fn plan(batches: i64) -> Arc<EpochPlan> {
    let half = batches / 2;
    let range = |index: u32| Range {
        id: RangeId(index),
        partition: Partition::new("ready", index.try_into().unwrap()),
        from: Position::at(0),
        to: Position::at(half),
    };
    let ranges = if half > 0 { vec![range(0), range(1)] } else { Vec::new() };
    let part = SourcePlan { ranges, ..SourcePlan::default() };
    Arc::new(EpochPlan {
        epoch: Epoch(0),
        now: Timestamp(0),
        sources: std::iter::once(("ready".parse().unwrap(), part)).collect(),
        targets: std::iter::once(("nowhere".parse().unwrap(), Target::default())).collect(),
        watermarks: std::collections::BTreeMap::new(),
        last: false,
    })
}

fn executors(c: &mut Criterion<CpuTime>) {
    let local = [Routing::Local, Routing::Local, Routing::Local];
    let mut group = c.benchmark_group("batches");
    group.throughput(Throughput::Elements(1_000));
    for threads in 0..=2 {
        let mut bench = Bench::new(threads, 1_000, 1_000, &local);
        group.bench_function(name(threads), |b| b.iter(|| bench.epoch()));
    }
    group.finish();
    let mut group = c.benchmark_group("empty epochs");
    group.throughput(Throughput::Elements(1));
    for threads in 0..=2 {
        let mut bench = Bench::new(threads, 1, 0, &local);
        group.bench_function(name(threads), |b| b.iter(|| bench.epoch()));
    }
    group.finish();
    let mut group = c.benchmark_group("exchange");
    group.throughput(Throughput::Elements(100 * 8_192));
    let key = Routing::ByKey(vec!["k".to_owned()]);
    for (routing, way) in [(Routing::Local, "local"), (key, "by key")] {
        let mut bench = Bench::new(2, 8_192, 100, &[routing]);
        group.bench_function(format!("2 threads, {way}"), |b| b.iter(|| bench.epoch()));
    }
    group.finish();
}

fn name(threads: usize) -> String {
    if threads == 0 { "inline".to_owned() } else { format!("{threads} threads") }
}

criterion_group! {
    name = benches;
    config = Criterion::default().with_measurement(CpuTime::PROCESS);
    targets = executors
}
criterion_main!(benches);
