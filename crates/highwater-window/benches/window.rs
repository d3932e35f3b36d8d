//! Time per row of summing up by windows, and per row of what they emit.
#![allow(missing_docs, reason = "criterion's macros make items without")]
#![allow(clippy::expect_used, reason = "a benchmark may panic as a test does")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use highwater_core::arrow::array::{
    ArrayRef, Decimal128Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use highwater_core::{
    Batch, Context, Epoch, Flow, Moment, Operator, OperatorSpec, Port, StreamInfo, Timestamp,
    Watermarks,
};
use highwater_window::{Emit, Window, count, sum};

const ROWS: i64 = 8_192;
const BATCHES: i64 = 64;
/// The event time of one row after the other: all of them take twelve minutes.
const STEP: i64 = 1_400;
const SIZE: Duration = Duration::from_mins(5);

/// Rows in the order of their event time, with so many keys in turn.
fn batches(keys: i64) -> Vec<Batch> {
    let batch = |number: i64| {
        let rows = number * ROWS..(number + 1) * ROWS;
        // A prime number apart, so that neighbours do not lie beside each other in memory.
        let key = |row: i64| format!("key-{:08}", row * 7_919 % keys);
        let times = rows.clone().map(|row| row * STEP).collect::<Vec<_>>();
        let values: Decimal128Array = rows.clone().map(|row| i128::from(row % 10_007)).collect();
        let columns: [(&str, ArrayRef); 3] = [
            ("key", Arc::new(rows.map(key).map(Some).collect::<StringArray>())),
            ("time", Arc::new(TimestampMicrosecondArray::from(times))),
            ("value", Arc::new(values.with_precision_and_scale(18, 2).expect("they fit"))),
        ];
        RecordBatch::try_from_iter(columns).expect("the columns have one length").into()
    };
    (0..BATCHES).map(batch).collect()
}

fn operator(windows: Window, like: &Batch) -> Box<dyn Operator> {
    let step =
        windows.by(["key"]).on("time").aggregate([count("n"), sum("value")]).emit(Emit::Append);
    let step = step.resolve(&[StreamInfo::new(like.rows.schema())]);
    step.and_then(|step| step.build()).expect("the step fits")
}

/// An epoch of some batches, at whose end event time has come so far; how many rows came out.
fn epoch(operator: &mut dyn Operator, batches: &[Batch], watermark: Timestamp) -> usize {
    let watermarks = Watermarks { late_before: Timestamp::MIN, watermark };
    let moment = Moment { epoch: Epoch(0), now: Timestamp(0), watermarks };
    let (mut emitted, mut told) = (Vec::new(), Default::default());
    let mut rows = 0;
    let mut flow = Flow::More;
    for batch in batches {
        let mut cx = Context::new(moment, 1, &mut emitted, &mut told);
        let _done = operator.on_batch(Port(0), batch.clone(), &mut cx).expect("rows are good");
    }
    for call in 0.. {
        if call > 0 && flow == Flow::Done {
            break;
        }
        let mut cx = Context::new(moment, 1, &mut emitted, &mut told);
        let next = if call == 0 { operator.on_epoch_end(&mut cx) } else { operator.more(&mut cx) };
        flow = next.expect("the state is good");
        rows += emitted.drain(..).map(|(_, batch)| batch.len()).sum::<usize>();
    }
    rows
}

/// Windows of five minutes: tumbling, and of so many panes; sessions of rows a minute apart.
fn kinds() -> [(&'static str, Window); 4] {
    [
        ("tumbling", Window::tumbling(SIZE)),
        ("5 panes", Window::sliding(SIZE, Duration::from_mins(1))),
        ("60 panes", Window::sliding(SIZE, Duration::from_secs(5))),
        ("sessions", Window::session(Duration::from_mins(1))),
    ]
}

fn first(batches: &[Batch]) -> &Batch {
    batches.first().expect("there are some")
}

fn rows(c: &mut Criterion) {
    for keys in [4, 100_000] {
        let batches = batches(keys);
        let mut group = c.benchmark_group(format!("rows in, {keys} keys"));
        group.sample_size(10).throughput(Throughput::Elements((ROWS * BATCHES).unsigned_abs()));
        for (name, windows) in kinds() {
            group.bench_function(BenchmarkId::from_parameter(name), |b| {
                b.iter_batched_ref(
                    || operator(windows.clone(), first(&batches)),
                    |operator| black_box(epoch(operator.as_mut(), &batches, Timestamp::MIN)),
                    BatchSize::PerIteration,
                );
            });
        }
    }
}

/// The end of event time, at which all windows close.
fn groups(c: &mut Criterion) {
    let batches = batches(100_000);
    let mut group = c.benchmark_group("groups out, 100000 keys");
    group.sample_size(10);
    for (name, windows) in kinds() {
        let full = || {
            let mut operator = operator(windows.clone(), first(&batches));
            epoch(operator.as_mut(), &batches, Timestamp::MIN);
            operator
        };
        let out = epoch(full().as_mut(), &[], Timestamp::MAX);
        group.throughput(Throughput::Elements(out as u64));
        group.bench_function(BenchmarkId::from_parameter(name), |b| {
            b.iter_batched_ref(
                full,
                |operator| black_box(epoch(operator.as_mut(), &[], Timestamp::MAX)),
                BatchSize::PerIteration,
            );
        });
    }
}

criterion_group!(benches, rows, groups);
criterion_main!(benches);
