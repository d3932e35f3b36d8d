//! Event time from rows to the steps that see it, over epochs, crashes and starts.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, TimestampMicrosecondArray};
use arrow::compute::kernels::cmp::gt;
use arrow::datatypes::{Int64Type, SchemaRef};
use highwater_core::{
    Batch, Context, Description, ErrorKind, Flow, Operator, OperatorSpec, Port, Resolved, Result,
    StateBound, StreamInfo, Timestamp, Unread,
};
use highwater_pipeline::{Options, Pipeline, Plan, Trigger, Watermark, WatermarkPolicy};
use highwater_storage::Storage;
use highwater_testkit::harness::Harness;
use highwater_testkit::memory::MemoryTable;
use highwater_testkit::memory_source::MemorySource;

const SECOND: i64 = 1_000_000;
const DELAY: Duration = Duration::from_secs(10);

/// Events at these seconds.
fn events(seconds: impl IntoIterator<Item = i64>) -> RecordBatch {
    let times = seconds.into_iter().map(|second| second * SECOND);
    let times: ArrayRef = Arc::new(TimestampMicrosecondArray::from_iter_values(times));
    RecordBatch::try_from_iter([("at", times)]).unwrap()
}

/// Times in seconds; none where the watermark knows nothing.
fn clock(rows: &[(i64, i64, i64)]) -> RecordBatch {
    let column = |of: fn(&(i64, i64, i64)) -> i64| -> ArrayRef {
        Arc::new(Int64Array::from_iter_values(rows.iter().map(of)))
    };
    let columns =
        [("epoch", column(|it| it.0)), ("late", column(|it| it.1)), ("time", column(|it| it.2))];
    RecordBatch::try_from_iter(columns).unwrap()
}

/// Emits what it sees of event time at the end of each epoch. Late rows leave by a side output.
struct Watch {
    stateful: bool,
}

impl OperatorSpec for Watch {
    fn describe(&self) -> Description {
        Description { kind: "watch", settings: String::new(), version: 0 }
    }

    fn resolve(&self, inputs: &[StreamInfo]) -> Result<Resolved> {
        assert_eq!(inputs[0].time.as_deref(), Some("at"));
        let output = StreamInfo::new(clock(&[]).schema());
        let build = || Ok(Box::new(Watching) as Box<dyn Operator>);
        let resolved = Resolved::new(output, build);
        let late = "late".parse().unwrap();
        let resolved = resolved.with_side(late, inputs[0].clone(), Unread::Dropped);
        Ok(if self.stateful { resolved.with_state(StateBound::Keys) } else { resolved })
    }
}

struct Watching;

impl Operator for Watching {
    fn on_batch(&mut self, _: Port, batch: Batch, cx: &mut Context<'_>) -> Result<Flow> {
        let limit = TimestampMicrosecondArray::new_scalar(cx.late_before().0);
        let late = arrow::compute::not(&gt(batch.rows.column(0), &limit).unwrap()).unwrap();
        let late = batch.filter(&late).unwrap();
        cx.counts().late += u64::try_from(late.len()).unwrap();
        cx.emit_side(0, late)?;
        Ok(Flow::Done)
    }

    fn on_epoch_end(&mut self, cx: &mut Context<'_>) -> Result<Flow> {
        let seconds = |time: Timestamp| match time {
            Timestamp::MIN => -1,
            Timestamp::MAX => i64::MAX,
            Timestamp(time) => time / SECOND,
        };
        let epoch = i64::try_from(cx.epoch().0).unwrap();
        let row = (epoch, seconds(cx.late_before()), seconds(cx.watermark()));
        cx.emit(clock(&[row]).into());
        Ok(Flow::Done)
    }
}

struct Fixture {
    source: MemorySource,
    clock: MemoryTable,
    late: MemoryTable,
    checkpoint: Storage,
    stateful: bool,
}

impl Fixture {
    fn new(stateful: bool) -> Self {
        Self {
            source: MemorySource::new("events", events([]).schema(), 2),
            clock: MemoryTable::new("clock"),
            late: MemoryTable::new("late"),
            checkpoint: Storage::memory(),
            stateful,
        }
    }

    fn plan(&self) -> Plan {
        let p = Pipeline::new("events");
        let watch = Watch { stateful: self.stateful };
        let watch =
            p.source("events", self.source.clone()).watermark("at", DELAY).apply("w", watch);
        watch.sink("clock", self.clock.clone());
        watch.late().sink("late", self.late.clone());
        p.build().unwrap()
    }

    fn run(&self, trigger: Trigger) -> std::result::Result<(), ErrorKind> {
        let options = Options::checkpoint_in(self.checkpoint.clone()).trigger(trigger);
        self.plan().run_blocking(options).map_err(|error| error.error().kind())
    }

    /// What each epoch saw.
    fn clock(&self) -> Vec<(i64, i64, i64)> {
        let mut rows = Vec::new();
        for batch in self.clock.rows() {
            let column = |n: usize| batch.column(n).as_primitive::<Int64Type>().values().to_vec();
            let (epochs, late, time) = (column(0), column(1), column(2));
            rows.extend(epochs.into_iter().zip(late).zip(time).map(|((a, b), c)| (a, b, c)));
        }
        rows.sort_unstable();
        rows
    }
}

#[test]
fn time_moves_an_epoch_after_its_rows_and_once_more_without_any() {
    let it = Fixture::new(true);
    it.source.append(0, events([100, 60]));
    it.run(Trigger::AvailableNow).unwrap();
    assert_eq!(it.clock(), [(0, -1, -1), (1, -1, 90)]);

    it.source.append(0, events([90, 91, 150]));
    it.run(Trigger::AvailableNow).unwrap();
    assert_eq!(it.clock()[2..], [(2, 90, 90), (3, 90, 140)]);
    assert_eq!(it.late.row_count(), 1, "90 is not after the watermark, and 91 is");

    it.run(Trigger::AvailableNow).unwrap();
    assert_eq!(it.clock().len(), 4, "time has not moved");
}

#[test]
fn a_new_start_knows_what_was_seen_of_partitions_that_are_quiet() {
    let it = Fixture::new(true);
    it.source.append(0, events([100]));
    it.source.append(1, events([200]));
    it.run(Trigger::AvailableNow).unwrap();
    it.source.append(0, events([150]));
    it.run(Trigger::AvailableNow).unwrap();
    assert_eq!(it.clock(), [(0, -1, -1), (1, -1, 90), (2, 90, 90), (3, 90, 140)]);
}

#[test]
fn without_state_there_is_no_epoch_without_data() {
    let it = Fixture::new(false);
    it.source.append(0, events([100]));
    it.run(Trigger::AvailableNow).unwrap();
    assert_eq!(it.clock(), [(0, -1, -1)]);
    it.source.append(1, events([100]));
    it.run(Trigger::AvailableNow).unwrap();
    assert_eq!(it.clock()[1..], [(1, -1, -1)], "the other partition was not seen before");
}

#[test]
fn what_was_drained_has_ended_for_good() {
    let it = Fixture::new(true);
    it.source.append(0, events([100]));
    it.run(Trigger::Drain).unwrap();
    assert_eq!(it.clock(), [(0, -1, -1), (1, -1, 90), (2, 90, i64::MAX)]);
    it.source.append(0, events([200]));
    for trigger in [Trigger::Drain, Trigger::AvailableNow] {
        assert_eq!(it.run(trigger), Err(ErrorKind::Refused));
    }
    assert_eq!(it.clock().len(), 3);
}

#[test]
fn a_clock_that_is_ahead_moves_time_only_where_all_share_it() {
    let far = i64::MAX / SECOND / 2;
    for (policy, moved) in
        [(WatermarkPolicy::PerPartition, 90), (WatermarkPolicy::Global, far - 10)]
    {
        let it = Fixture::new(true);
        it.source.append(0, events([100, far]));
        let options = Options::checkpoint_in(it.checkpoint.clone()).watermarks(policy);
        it.plan().run_blocking(options.trigger(Trigger::AvailableNow)).unwrap();
        assert_eq!(it.clock(), [(0, -1, -1), (1, -1, moved)]);
    }
}

#[test]
fn a_crash_anywhere_shows_the_same_times() {
    let watched = |schema: SchemaRef| {
        Harness::new(move |world| {
            let p = Pipeline::new("events");
            let events = p
                .source("events", world.partitioned_source("events", SchemaRef::clone(&schema), 2));
            let watch = events.watermark("at", DELAY).apply("w", Watch { stateful: false });
            watch.sink("clock", world.table("clock"));
            watch.late().sink("late", world.table("late"));
            p
        })
    };
    let harness = watched(events([]).schema())
        .feed_partitions("events", [events([100, 60]), events([70, 80])])
        .feed_partitions("events", [events([101, 300]), events([60, 65])])
        .feed_partitions("events", [events([80, 290]), events([400])]);
    harness.every_crash();
}

#[test]
fn what_cannot_be_event_time_is_a_mistake() {
    let error = |column: &str, schema: SchemaRef| {
        let p = Pipeline::new("p");
        let events = p.source("events", MemorySource::new("events", schema, 1));
        events.watermark(column, DELAY).sink("out", MemoryTable::new("out"));
        p.build().unwrap_err().to_string()
    };
    let found = error("when", events([]).schema());
    assert!(found.contains("there is no column when to be event time; there are at"), "{found}");
    let found = error("epoch", clock(&[]).schema());
    assert!(found.contains("column epoch is Int64"), "{found}");
}

#[test]
fn an_output_that_there_is_not_is_a_mistake() {
    let p = Pipeline::new("p");
    let events = p.source("events", MemorySource::new("events", events([]).schema(), 1));
    events.late().sink("late", MemoryTable::new("late"));
    let timed = events.watermark("at", DELAY);
    timed.rejected().sink("rejected", MemoryTable::new("rejected"));
    timed.apply("w", Watch { stateful: true }).sink("out", MemoryTable::new("out"));
    let found = p.build().unwrap_err().to_string();
    assert!(found.contains("events has no output late; beside the main output it has rejected"));
    assert!(found.contains("events.at has no output rejected; it has a main output alone"));
}

#[test]
fn a_time_column_can_be_declared_with_more_to_it() {
    let p = Pipeline::new("p");
    let events = p.source("events", MemorySource::new("events", events([]).schema(), 1));
    let skew = Duration::from_secs(1);
    let declared = events.apply("time", Watermark::on("at", DELAY).max_future_skew(skew));
    declared.sink("out", MemoryTable::new("out"));
    assert!(p.build().unwrap().explain().contains("watermark time <- events: at less 10s"));
}
