//! What the step costs by itself: CPU time for each row, with ten million rows kept.
//!
//! Rows have a text of 11 bytes for a key, lie 720 us apart in event time, and one in twenty comes again
//! a thousand rows later. The bound and the delay of the watermark are an hour each, so what is kept
//! lies in three buckets. Epochs have a million rows.
//!
//! * `epoch`: from the first batch to the last that is emitted. Goal: 5 M rows in a CPU-second.
//! * `epoch and save`: the same with a save.
#![expect(clippy::unwrap_used, reason = "a benchmark makes its own numbers")]

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, RecordBatch, StringArray, TimestampMicrosecondArray};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use highwater_core::{
    Batch, Context, Epoch, Flow, Level, Moment, Offsets, Operator, OperatorSpec, Origin, Partition,
    Port, StateWriter, StreamInfo, Timestamp, Told, Watermarks,
};
use highwater_dedupe::Dedupe;
use highwater_testkit::cpu::CpuTime;

const KEPT: i64 = 10_000_000;
const ROWS: i64 = 1_000_000;
const BATCH: i64 = 8_192;
const HOUR: i64 = 3_600_000_000;
/// Two hours for all that are kept.
const APART: i64 = 2 * HOUR / KEPT;

/// The step with the epochs that it has seen.
struct Running {
    operator: Box<dyn Operator>,
    origin: Arc<Origin>,
    epochs: i64,
}

impl Running {
    fn new() -> Self {
        let dedupe = Dedupe::by(["id"]).within(Duration::from_hours(1));
        let stream = StreamInfo::new(rows(0..1).schema()).with_time("time");
        let operator = dedupe.resolve(&[stream]).unwrap().build().unwrap();
        let partition = Partition::new("t", 0);
        let origin = Arc::new(Origin { source: "transactions".parse().unwrap(), partition });
        Self { operator, origin, epochs: 0 }
    }

    /// The batches of the next epoch.
    fn batches(&self) -> Vec<Batch> {
        let (from, to) = (self.epochs * ROWS, (self.epochs + 1) * ROWS);
        let starts = (from..to).step_by(usize::try_from(BATCH).unwrap());
        let batch = |at: i64| Batch {
            origin: Some(Arc::clone(&self.origin)),
            offsets: Some(Offsets::From(at)),
            ..rows(at..to.min(at + BATCH)).into()
        };
        starts.map(batch).collect()
    }

    fn epoch(&mut self, batches: Vec<Batch>) {
        let behind = |epochs: i64| Timestamp(epochs * ROWS * APART - HOUR);
        let (late_before, watermark) = (behind(self.epochs - 1), behind(self.epochs));
        let moment = Moment {
            epoch: Epoch(self.epochs.unsigned_abs()),
            now: Timestamp(0),
            watermarks: Watermarks { late_before, watermark },
        };
        self.epochs += 1;
        let (mut emitted, mut told) = (Vec::new(), Told::default());
        let mut cx = Context::new(moment, 1, &mut emitted, &mut told);
        for batch in batches {
            let _done = self.operator.on_batch(Port(0), batch, &mut cx).unwrap();
        }
        let mut flow = self.operator.on_epoch_end(&mut cx).unwrap();
        while flow == Flow::More {
            flow = self.operator.more(&mut cx).unwrap();
        }
        let kept: usize = emitted.iter().map(|(_, batch)| batch.len()).sum();
        assert_eq!(kept as u64 + told.counts.duplicates, ROWS.unsigned_abs());
    }

    fn save(&mut self) {
        let mut state = StateWriter::new(Level::EPOCH);
        self.operator.save(&mut state).unwrap();
    }
}

/// Every twentieth row is the one a thousand rows before it.
fn rows(numbers: Range<i64>) -> RecordBatch {
    let first = |row: i64| if row % 20 == 0 && row >= 1_000 { row - 999 } else { row };
    let ids = numbers.clone().map(|row| format!("TXN{:08}", first(row)));
    let ids: ArrayRef = Arc::new(StringArray::from_iter_values(ids));
    let times = TimestampMicrosecondArray::from_iter_values(numbers.map(|row| first(row) * APART));
    RecordBatch::try_from_iter([("id", ids), ("time", Arc::new(times))]).unwrap()
}

fn dedupe(criterion: &mut Criterion<CpuTime>) {
    let mut running = Running::new();
    while running.epochs * ROWS < KEPT {
        let batches = running.batches();
        running.epoch(batches);
        running.save();
    }
    let mut group = criterion.benchmark_group("10 M rows kept");
    group.throughput(Throughput::Elements(ROWS.unsigned_abs())).sample_size(10);
    for (name, saves) in [("epoch", false), ("epoch and save", true)] {
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|epochs| {
                let mut spent = Duration::ZERO;
                for _ in 0..epochs {
                    let batches = running.batches();
                    let started = CpuTime::PROCESS.now();
                    running.epoch(batches);
                    if saves {
                        running.save();
                    }
                    spent += CpuTime::PROCESS.now() - started;
                    running.save();
                }
                spent
            });
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().with_measurement(CpuTime::PROCESS);
    targets = dedupe
}
criterion_main!(benches);
