//! What those who watch a run see: spans, events, metrics and the status.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use highwater_core::{
    Clock, Epoch, ErrorKind, Failpoint, FailpointHook, Failpoints, Result, Timestamp,
};
use highwater_pipeline::{OnRollback, Options, Pipeline, Plan, Progress, State, Trigger};
use highwater_storage::Storage;
use highwater_testkit::failpoints::{Armed, Occurrence, Shot};
use highwater_testkit::memory::MemoryTable;
use highwater_testkit::memory_source::MemorySource;

use crate::numbers;
use crate::recorded::{Recorded, Seen};

/// A pipeline that a test knows by its name among those of the process.
struct Watched {
    name: &'static str,
    source: MemorySource,
    table: MemoryTable,
    rejected: MemoryTable,
    checkpoint: Storage,
    recorded: &'static Recorded,
}

impl Watched {
    fn new(name: &'static str) -> Self {
        Self {
            name,
            source: MemorySource::new("numbers", numbers([0]).schema(), 1),
            table: MemoryTable::new("numbers"),
            rejected: MemoryTable::new("rejected"),
            checkpoint: Storage::memory(),
            recorded: Recorded::here(),
        }
    }

    fn plan(&self) -> Plan {
        let p = Pipeline::new(self.name);
        let numbers = p.source("numbers", self.source.clone());
        numbers.rejected().sink("rejected", self.rejected.clone());
        numbers.sink("numbers", self.table.clone());
        p.build().unwrap()
    }

    fn options(&self) -> Options {
        Options::checkpoint_in(self.checkpoint.clone()).trigger(Trigger::available_now())
    }

    fn run(&self) {
        self.plan().run_blocking(self.options()).unwrap();
    }

    fn fails(&self, options: Options) -> ErrorKind {
        self.plan().run_blocking(options).unwrap_err().error().kind()
    }

    /// A line for each span: its name and fields, but for those that differ from run to run.
    fn spans(&self) -> Vec<String> {
        let line = |seen: &Seen| {
            let indent = "  ".repeat(self.recorded.depth(seen));
            format!("{indent}{}", text(seen))
        };
        self.recorded.spans(self.name).iter().map(line).collect()
    }

    fn events(&self) -> Vec<String> {
        self.recorded.events(self.name).iter().map(text).collect()
    }

    fn value(&self, metric: &str, label: &str) -> Option<f64> {
        let more = if label.is_empty() { String::new() } else { format!(",{label}") };
        self.recorded.value(&format!("highwater_{metric}{{pipeline={}{more}}}", self.name))
    }
}

/// A name and its fields, but for those that differ from run to run.
fn text(seen: &Seen) -> String {
    let differs = ["pipeline", "run", "error", "known_from", "pause_ms"];
    let fields = seen.fields.iter().filter(|(name, _)| !differs.contains(&name.as_str()));
    let fields: Vec<_> = fields.map(|(name, value)| format!(" {name}={value}")).collect();
    format!("{}{}", seen.name, fields.concat())
}

#[test]
fn an_epoch_is_a_span_with_its_phases() {
    let it = Watched::new("spans");
    it.source.append(0, numbers([1, 2]));
    it.source.append_rejected(0, "{", "bad");
    it.run();
    let expected = [
        "recover decision=fresh",
        "epoch epoch=0 outcome=committed",
        "  plan",
        "  run",
        "  prepare attempt=0",
        "  commit epoch=0 files=1 sink=numbers",
        "  commit epoch=0 files=1 sink=rejected",
        "  finish",
        "epoch epoch=1 outcome=idle",
        "  plan",
    ];
    assert_eq!(it.spans(), expected);
    assert_eq!(it.events(), ["begins anew"]);
    let [first, ..] = &it.recorded.spans("spans")[..] else { panic!("a span") };
    assert_eq!(first.fields["run"].len(), 32, "the run id of every file of this life");
}

#[test]
fn a_recovery_is_a_span_with_what_it_did() {
    let it = Watched::new("recovers");
    it.source.append(0, numbers([1]));
    let dies = Occurrence { point: Failpoint::Prepared, nth: 0 };
    let armed = Armed::shooting([(dies, Shot::Kill)]);
    it.fails(it.options().failpoints(armed.failpoints()));
    let before = it.spans().len();
    it.run();
    let expected = [
        "recover decision=finish epoch=0",
        "  commit epoch=0 files=1 sink=numbers",
        "  commit epoch=0 files=0 sink=rejected",
        "epoch epoch=1 outcome=idle",
        "  plan",
    ];
    assert_eq!(it.spans()[before..], expected);
    assert_eq!(
        it.events(),
        ["begins anew", "stopped by an error epoch=0 kind=internal", "resumes after=0"]
    );
    assert_eq!(it.value("recovered_epochs_total", ""), Some(1.0));
    assert_eq!((it.value("lives_total", ""), it.value("last_epoch", "")), (Some(2.0), Some(0.0)));
    assert_eq!(it.value("errors_total", "kind=internal"), Some(1.0));
}

#[test]
fn a_plan_that_is_run_again_says_why() {
    let it = Watched::new("reruns");
    it.source.append(0, numbers([1]));
    let dies = Occurrence { point: Failpoint::Prepared, nth: 0 };
    let armed = Armed::shooting([(dies, Shot::Kill)]);
    it.fails(it.options().failpoints(armed.failpoints()));
    it.table.forget_staged();
    let before = it.spans().len();
    it.run();
    assert_eq!(
        it.spans()[before..][..3],
        ["recover decision=finish epoch=0", "  run", "  prepare attempt=1"]
    );
    let gone = "staged files are gone: the plan is run again epoch=0 sink=numbers";
    assert!(it.events().contains(&gone.to_owned()), "{:?}", it.events());
}

/// Appends to a table between the load and the swap of a commit.
#[derive(Debug)]
struct Interloper {
    table: MemoryTable,
    loads: AtomicUsize,
}

impl FailpointHook for Interloper {
    fn hit(&self, point: Failpoint) -> Result<()> {
        // Two loads look where the tables stand; the third one is that of the commit.
        if point == Failpoint::Loaded && self.loads.fetch_add(1, Ordering::SeqCst) == 2 {
            self.table.foreign_append(numbers([100]));
        }
        Ok(())
    }
}

#[test]
fn a_conflict_is_told_and_counted() {
    let it = Watched::new("conflicts");
    it.source.append(0, numbers([1]));
    let interloper = Interloper { table: it.table.clone(), loads: AtomicUsize::new(0) };
    let options = it.options().failpoints(Failpoints::armed(Arc::new(interloper)));
    it.plan().run_blocking(options).unwrap();
    assert_eq!(it.table.row_count(), 2);
    assert_eq!(it.events(), ["begins anew", "conflict sink=numbers"]);
    assert_eq!(it.value("conflicts_total", "sink=numbers"), Some(1.0));
    assert_eq!(it.value("conflicts_total", "sink=rejected"), Some(0.0), "known before the first");
}

#[test]
fn an_unknown_answer_is_told_and_what_came_of_it() {
    let it = Watched::new("unknowns");
    it.source.append(0, numbers([1]));
    it.table.lose_answers(1);
    it.run();
    it.source.append(0, numbers([2]));
    it.table.delay_swaps(1);
    it.run();
    let expected = [
        "begins anew",
        "unknown answer sink=numbers",
        "unknown answer resolved resolved=committed sink=numbers",
        "resumes after=0",
        "unknown answer sink=numbers",
        "unknown answer resolved resolved=not applied sink=numbers",
    ];
    assert_eq!(it.events(), expected);
    assert_eq!(it.value("unknown_answers_total", "sink=numbers"), Some(2.0));
}

#[test]
fn who_is_fenced_or_refused_says_so() {
    let it = Watched::new("refused");
    for value in 0..3 {
        it.source.append(0, numbers([value]));
        it.run();
    }
    let other = Watched {
        source: it.source.clone(),
        table: it.table.clone(),
        rejected: it.rejected.clone(),
        ..Watched::new("refused")
    };
    other.source.append(0, numbers([3]));
    other.run();
    assert_eq!(it.fails(it.options()), ErrorKind::Fenced);
    other.table.roll_back(1);
    assert_eq!(other.fails(other.options()), ErrorKind::Refused);
    other.plan().run_blocking(other.options().on_rollback(OnRollback::Accept)).unwrap();
    let events = it.events();
    let stopped = |event: &&String| event.starts_with("stopped");
    let stopped: Vec<_> = events.iter().filter(stopped).collect();
    assert_eq!(
        stopped,
        ["stopped by an error epoch=2 kind=fenced", "stopped by an error epoch=3 kind=refused"]
    );
    assert_eq!(it.value("errors_total", "kind=fenced"), Some(1.0));
    assert_eq!(it.value("errors_total", "kind=refused"), Some(1.0));
}

#[test]
fn a_retry_is_told_and_begins_another_life() {
    let it = Watched::new("retries");
    it.source.append(0, numbers([1]));
    let fails = Occurrence { point: Failpoint::BeforePrepare, nth: 0 };
    let armed = Armed::shooting([(fails, Shot::Fail)]);
    let options = it.options().failpoints(armed.failpoints());
    it.plan().run_blocking(options.first_retry_after(Duration::from_millis(1))).unwrap();
    armed.assert_fired();
    assert_eq!(it.events(), ["begins anew", "retrying", "begins anew"]);
    assert!(it.spans().contains(&"epoch epoch=0 outcome=transient".to_owned()), "{:?}", it.spans());
    assert_eq!(it.value("lives_total", ""), Some(2.0));
    assert_eq!(it.value("errors_total", "kind=transient"), Some(1.0));
}

/// Runs until what is there is committed, and gives the progress of every epoch.
fn progress(it: &Watched, options: Options) -> Vec<Progress> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let _context = runtime.enter();
    let handle = it.plan().start(options).unwrap();
    let observer = handle.observer();
    runtime.block_on(handle.wait()).unwrap();
    observer.recent_progress()
}

#[test]
#[allow(clippy::cast_precision_loss, reason = "counts of a test")]
fn metrics_are_the_sums_of_progress() {
    let it = Watched::new("sums");
    for value in 0..7 {
        it.source.append(0, numbers([value]));
        it.source.append_rejected(0, "{", "bad");
    }
    let epochs = progress(&it, it.options().max_records_per_epoch(4.try_into().unwrap()));
    let last = epochs.last().unwrap();
    assert!(epochs.len() > 2);
    let sum = |of: fn(&Progress) -> u64| Some(epochs.iter().map(of).sum::<u64>() as f64);
    let source = "source=numbers";
    assert_eq!(it.value("epochs_total", ""), Some(epochs.len() as f64));
    assert_eq!(it.value("input_records_total", source), sum(|it| it.num_input_rows));
    assert_eq!(it.value("input_bytes_total", source), sum(|it| it.sources[0].num_input_bytes));
    assert_eq!(it.value("lost_offsets_total", source), Some(0.0));
    assert_eq!(it.value("backlog_records", source), Some(0.0));
    assert_eq!(it.value("rejected_records_total", ""), sum(|it| it.accounting.rejected));
    assert_eq!(it.value("rejected_records_total", ""), Some(it.rejected.row_count() as f64));
    let rows = sum(|it| it.sink.as_ref().unwrap().num_output_rows);
    assert_eq!(it.value("output_rows_total", "sink=numbers"), rows);
    assert_eq!(rows, Some(it.table.row_count() as f64));
    assert_eq!(
        it.value("output_rows_total", "sink=rejected"),
        sum(|it| it.side_sinks[0].num_output_rows)
    );
    let bytes = sum(|it| it.sink.as_ref().unwrap().num_output_bytes);
    assert_eq!(it.value("staged_bytes_total", "sink=numbers"), bytes);
    let files = sum(|it| it.sink.as_ref().unwrap().num_output_files);
    assert_eq!(it.value("staged_files_total", "sink=numbers"), files);
    assert_eq!(it.value("last_epoch", ""), Some(last.batch_id.0 as f64));
    let planned = last.timestamp.0 as f64 / 1e6;
    assert_eq!(it.value("last_epoch_timestamp_seconds", ""), Some(planned));
    let distribution = |name: &str, label: &str| {
        let labels = if label.is_empty() { String::new() } else { format!(",{label}") };
        let of = |what: &str| format!("highwater_{name}{{pipeline=sums{labels}}} {what}");
        (it.recorded.value(&of("count")), it.recorded.value(&of("sum")))
    };
    let count = Some(epochs.len() as f64);
    assert_eq!(distribution("epoch_seconds", "").0, count);
    for phase in ["plan", "run", "prepare", "commit"] {
        assert_eq!(distribution("phase_seconds", &format!("phase={phase}")).0, count);
    }
    assert_eq!(distribution("commit_seconds", "sink=numbers").0, count);
    let millis: u64 = epochs.iter().map(|it| it.duration_ms.trigger_execution).sum();
    let seconds = distribution("epoch_seconds", "").1.unwrap();
    assert!((seconds - millis as f64 / 1e3).abs() < 1e-9, "{seconds} s and {millis} ms");
}

/// A clock that stands still.
#[derive(Debug)]
struct At(i64);

impl Clock for At {
    fn now(&self) -> Timestamp {
        Timestamp(self.0 * 1_000_000)
    }
}

#[test]
fn a_run_that_finds_nothing_succeeds_and_one_that_fails_does_not() {
    let it = Watched::new("succeeds");
    let run =
        |second: i64| it.plan().run_blocking(it.options().clock(Arc::new(At(second)))).is_ok();
    let times = || {
        let value = |name: &str| it.value(&format!("last_{name}_timestamp_seconds"), "").unwrap();
        (value("success"), value("epoch"))
    };
    it.source.append(0, numbers([1]));
    assert!(run(5));
    assert_eq!(times(), (5.0, 5.0));
    assert!(run(9));
    assert_eq!(times(), (9.0, 5.0), "nothing to read, so no epoch");
    for _ in 0..100 {
        it.source.append_rejected(0, "{", "bad");
    }
    assert!(!run(20));
    assert_eq!(times(), (9.0, 5.0));
}

#[test]
fn a_status_tells_where_a_resumed_run_stands_and_what_ended_it() {
    let it = Watched::new("status");
    it.source.append(0, numbers([1]));
    it.run();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let _context = runtime.enter();
    let handle = it.plan().start(it.options()).unwrap();
    let observer = handle.observer();
    runtime.block_on(handle.wait()).unwrap();
    let status = observer.status();
    assert_eq!((status.state, status.committed), (State::Stopped, Some(Epoch(0))));
    assert_eq!(
        serde_json::to_string(&status).unwrap(),
        r#"{"pipeline":"status","state":"stopped","committed":0,"error":null}"#
    );

    for _ in 0..100 {
        it.source.append_rejected(0, "{", "bad");
    }
    let handle = it.plan().start(it.options()).unwrap();
    let observer = handle.observer();
    runtime.block_on(handle.wait()).unwrap_err();
    let status = observer.status();
    let error = status.error.unwrap();
    assert_eq!((status.state, status.committed), (State::Stopped, Some(Epoch(0))));
    assert!(error.contains("100 of 100 records of source numbers were rejected"), "{error}");
}

#[test]
fn a_status_tells_of_a_panic() {
    let it = Watched::new("panics");
    it.source.append(0, numbers([1]));
    let p = Pipeline::new("panics");
    p.source("numbers", it.source.clone())
        .map_batches("boom", numbers([0]).schema(), |_, _| panic!("boom"))
        .sink("numbers", it.table.clone());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let _context = runtime.enter();
    let handle = p.build().unwrap().start(it.options()).unwrap();
    let observer = handle.observer();
    runtime.block_on(handle.wait()).unwrap_err();
    assert_eq!(observer.status().state, State::Stopped);
    assert!(observer.status().error.unwrap().contains("panicked"));
}
