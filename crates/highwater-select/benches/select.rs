//! What expressions cost by themselves: CPU time for each row of batches of 8,192.
//!
//! * `passed on`: three columns as they are. Goal: as good as nothing.
//! * `enriched`: the cast, the text in capitals and the time of the plan of the page. Goal: 10 M rows in a CPU-second.
//! * `kept`: a condition of which one row in two is true.
//! * `one in a thousand fails`: `enriched`, with rows that are rejected.
#![expect(clippy::unwrap_used, reason = "a benchmark makes its own numbers")]

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use highwater_core::{
    Batch, Context, Epoch, Moment, Operator, OperatorSpec, Port, StreamInfo, Timestamp, Told,
    Watermarks,
};
use highwater_select::{Select, Where};
use highwater_testkit::cpu::CpuTime;

const ROWS: i64 = 1_048_576;
const BATCH: usize = 8_192;

/// Rows of which one in so many has no number.
fn batches(bad: i64) -> Vec<RecordBatch> {
    let rows: Vec<_> = (0..ROWS).collect();
    let batch = |rows: &[i64]| {
        let value = |n: &i64| match n % bad {
            1 => Some("much".to_owned()),
            _ => Some(format!("{}.{:02}", n % 20, n % 100)),
        };
        let types = ["click", "view", "purchase"];
        let of_type = |n: &i64| usize::try_from(n % 3).ok().and_then(|n| types.get(n)).copied();
        let columns: [(&str, ArrayRef); 3] = [
            ("event_id", Arc::new(Int64Array::from(rows.to_vec()))),
            ("value", Arc::new(rows.iter().map(value).collect::<StringArray>())),
            ("event_type", Arc::new(rows.iter().map(of_type).collect::<StringArray>())),
        ];
        RecordBatch::try_from_iter(columns).unwrap()
    };
    rows.chunks(BATCH).map(batch).collect()
}

/// How many rows an epoch gives.
fn epoch(operator: &mut dyn Operator, batches: &[RecordBatch]) -> usize {
    let moment = Moment { epoch: Epoch(0), now: Timestamp(0), watermarks: Watermarks::UNKNOWN };
    let (mut out, mut told) = (0, Told::default());
    for (at, rows) in batches.iter().enumerate() {
        let mut emitted = Vec::new();
        let mut cx = Context::new(moment, 1, &mut emitted, &mut told);
        if at == 0 {
            operator.on_epoch_start(&mut cx).unwrap();
        }
        let _done = operator.on_batch(Port(0), Batch::from(rows.clone()), &mut cx).unwrap();
        out += emitted.iter().map(|(_, batch)| batch.len()).sum::<usize>();
    }
    out
}

fn select(criterion: &mut Criterion<CpuTime>) {
    let mut group = criterion.benchmark_group("1 M rows");
    group.throughput(Throughput::Elements(ROWS.unsigned_abs())).sample_size(10);
    let enriched = Select::of([
        "event_id",
        "CAST(value AS DECIMAL(18,2)) AS value",
        "upper(event_type) AS type",
        "now() AS seen_at",
    ]);
    let passed: Arc<dyn OperatorSpec> = Arc::new(Select::of(["*"]));
    let enriched: Arc<dyn OperatorSpec> = Arc::new(enriched);
    let kept: Arc<dyn OperatorSpec> = Arc::new(Where::holds("event_id % 2 = 0"));
    for (name, step, bad) in [
        ("passed on", &passed, i64::MAX),
        ("enriched", &enriched, i64::MAX),
        ("kept", &kept, i64::MAX),
        ("one in a thousand fails", &enriched, 1_000),
    ] {
        let rows = batches(bad);
        let info = StreamInfo::new(rows.first().unwrap().schema());
        let mut operator = step.resolve(&[info]).unwrap().build().unwrap();
        group.bench_function(name, |bencher| {
            bencher.iter(|| assert!(epoch(operator.as_mut(), &rows) > 500_000));
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().with_measurement(CpuTime::PROCESS);
    targets = select
}
criterion_main!(benches);
