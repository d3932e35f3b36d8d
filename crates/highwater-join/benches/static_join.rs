//! What the step costs by itself: CPU time for each row of the stream, against a table of a million.
//!
//! The table has a number for its key and three other columns; so has the stream, nine in ten of whose
//! rows meet one of the table, in any order. Epochs have a million rows in batches of 8,192.
//!
//! * `by number`: Goal: 10 M rows in a CPU-second.
//! * `by text`: the same with a text of 12 bytes for its key.
//! * `read`: to take the table in, for each of its rows.
#![expect(clippy::unwrap_used, reason = "a benchmark makes its own numbers")]

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use highwater_core::{
    Batch, Context, Epoch, Flow, Moment, Operator, OperatorSpec, Port, StreamInfo, Timestamp, Told,
    Watermarks,
};
use highwater_join::StaticJoin;
use highwater_testkit::cpu::CpuTime;

const ROWS: i64 = 1_000_000;
const BATCH: usize = 8_192;
const TABLE: Port = Port(1);

fn key(number: i64, text: bool) -> String {
    if text { format!("user-{number:07}") } else { String::new() }
}

/// Rows of these keys in batches, with three other columns.
fn batches(keys: &[i64], text: bool, others: [&str; 3]) -> Vec<RecordBatch> {
    let batch = |keys: &[i64]| {
        let numbers: ArrayRef = Arc::new(Int64Array::from(keys.to_vec()));
        let texts: ArrayRef =
            Arc::new(keys.iter().map(|it| Some(key(*it, text))).collect::<StringArray>());
        let floats: ArrayRef = Arc::new(
            keys.iter()
                .map(|it| Some(f64::from(i32::try_from(*it).unwrap())))
                .collect::<Float64Array>(),
        );
        let named: ArrayRef =
            Arc::new(keys.iter().map(|it| Some(format!("name {it}"))).collect::<StringArray>());
        let user = if text { texts } else { Arc::clone(&numbers) };
        let columns =
            [("user", user), (others[0], numbers), (others[1], floats), (others[2], named)];
        RecordBatch::try_from_iter(columns).unwrap()
    };
    keys.chunks(BATCH).map(batch).collect()
}

/// The step with its table.
struct Running {
    operator: Box<dyn Operator>,
    epochs: u64,
}

impl Running {
    fn new(stream: &RecordBatch, table: &RecordBatch) -> Self {
        let inputs = [StreamInfo::new(stream.schema()), StreamInfo::new(table.schema())];
        let operator = StaticJoin::inner(["user"]).resolve(&inputs).unwrap().build().unwrap();
        Self { operator, epochs: 0 }
    }

    /// Runs an epoch and says how many rows came out.
    fn epoch(&mut self, port: Port, rows: &[RecordBatch]) -> usize {
        let watermarks = Watermarks::UNKNOWN;
        let moment = Moment { epoch: Epoch(self.epochs), now: Timestamp(0), watermarks };
        self.epochs += 1;
        let unchanged: &[Port] = if port == TABLE { &[] } else { &[TABLE] };
        let mut out = 0;
        let mut told = Told::default();
        for (at, rows) in rows.iter().enumerate() {
            let mut emitted = Vec::new();
            let cx = Context::new(moment, 0, &mut emitted, &mut told);
            let mut cx = cx.with_unchanged(unchanged);
            if at == 0 {
                self.operator.on_epoch_start(&mut cx).unwrap();
            }
            let batch = Batch::from(rows.clone());
            let mut flow = self.operator.on_batch(port, batch, &mut cx).unwrap();
            while flow == Flow::More {
                flow = self.operator.more(&mut cx).unwrap();
            }
            out += emitted.iter().map(|(_, batch)| batch.len()).sum::<usize>();
        }
        out
    }
}

fn static_join(criterion: &mut Criterion<CpuTime>) {
    let mut group = criterion.benchmark_group("1 M rows in the table");
    group.throughput(Throughput::Elements(ROWS.unsigned_abs())).sample_size(10);
    for (name, text) in [("by number", false), ("by text", true)] {
        // A step that has no factor in common with the number of rows visits all of them.
        let shuffled = |from: i64| (0..ROWS).map(move |n| (n * 618_033) % ROWS + from);
        let users = batches(&shuffled(0).collect::<Vec<_>>(), text, ["id", "age", "name"]);
        let events = shuffled(ROWS / 10).collect::<Vec<_>>();
        let events = batches(&events, text, ["n", "value", "what"]);
        let mut running = Running::new(events.first().unwrap(), users.first().unwrap());
        running.epoch(TABLE, &users);
        group.bench_function(name, |bencher| {
            bencher.iter(|| assert!(running.epoch(Port(0), &events) > 800_000));
        });
        group.bench_function(format!("{name}, read"), |bencher| {
            bencher.iter(|| running.epoch(TABLE, &users));
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().with_measurement(CpuTime::PROCESS);
    targets = static_join
}
criterion_main!(benches);
