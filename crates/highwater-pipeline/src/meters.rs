//! Metrics: what a run counts of itself, for whichever recorder the process has installed.
//!
//! Names, labels and units are an interface: [`METRICS`] lists them, and so does the table in
//! `docs/operations.md`. Without a recorder nothing is counted and nothing is kept.

use highwater_core::{ErrorKind, Gap, Name, Timestamp};
use metrics::{Unit, counter, gauge, histogram};

use crate::{Began, Event, Progress, SourceProgress};

/// One metric of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric {
    /// The name, as Prometheus has it.
    pub name: &'static str,
    /// How its values are to be read.
    pub kind: MetricKind,
    /// Its labels, in order.
    pub labels: &'static [&'static str],
    /// What it tells.
    pub help: &'static str,
}

/// How the values of a [`Metric`] are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    /// Only grows, from 0 at the start of the process.
    Counter,
    /// Stands for now.
    Gauge,
    /// A distribution of seconds.
    Histogram,
}

const fn metric(
    name: &'static str,
    kind: MetricKind,
    labels: &'static [&'static str],
    help: &'static str,
) -> Metric {
    Metric { name, kind, labels, help }
}

const EPOCHS: &str = "highwater_epochs_total";
const RECORDS: &str = "highwater_input_records_total";
const BYTES: &str = "highwater_input_bytes_total";
const REJECTED: &str = "highwater_rejected_records_total";
const LOST: &str = "highwater_lost_offsets_total";
const BACKLOG: &str = "highwater_backlog_records";
const WITHHELD: &str = "highwater_withheld_records";
const THROTTLED: &str = "highwater_throttled_milliseconds_total";
const ROWS: &str = "highwater_output_rows_total";
const STAGED_BYTES: &str = "highwater_staged_bytes_total";
const STAGED_FILES: &str = "highwater_staged_files_total";
const STATE_ROWS: &str = "highwater_state_rows";
const STATE_BYTES: &str = "highwater_state_bytes";
const LATE: &str = "highwater_late_rows_total";
const DUPLICATES: &str = "highwater_duplicate_rows_total";
const LAST_EPOCH: &str = "highwater_last_epoch";
const LAST_TIME: &str = "highwater_last_epoch_timestamp_seconds";
const SUCCESS_TIME: &str = "highwater_last_success_timestamp_seconds";
const WATERMARK: &str = "highwater_watermark_timestamp_seconds";
const EPOCH_TIME: &str = "highwater_epoch_seconds";
const PHASE_TIME: &str = "highwater_phase_seconds";
const COMMIT_TIME: &str = "highwater_commit_seconds";
const CONFLICTS: &str = "highwater_conflicts_total";
const UNKNOWN: &str = "highwater_unknown_answers_total";
const LIVES: &str = "highwater_lives_total";
const RECOVERED: &str = "highwater_recovered_epochs_total";
const ERRORS: &str = "highwater_errors_total";

const OF_PIPELINE: &[&str] = &["pipeline"];
const OF_SOURCE: &[&str] = &["pipeline", "source"];
const OF_SINK: &[&str] = &["pipeline", "sink"];
const OF_STEP: &[&str] = &["pipeline", "step"];

/// Every metric there is.
///
/// # Example
/// ```
/// let names: Vec<_> = highwater_pipeline::METRICS.iter().map(|metric| metric.name).collect();
/// assert!(names.contains(&"highwater_last_epoch_timestamp_seconds"));
/// ```
pub const METRICS: &[Metric] = {
    use MetricKind::{Counter, Gauge, Histogram};
    &[
        metric(EPOCHS, Counter, OF_PIPELINE, "epochs planned, prepared and committed"),
        metric(RECORDS, Counter, OF_SOURCE, "records read by committed epochs"),
        metric(BYTES, Counter, OF_SOURCE, "their bytes before compression"),
        metric(REJECTED, Counter, OF_PIPELINE, "records that became no row when they were decoded"),
        metric(
            LOST,
            Counter,
            OF_SOURCE,
            "offsets that were gone and skipped; a partition that is gone counts as one",
        ),
        metric(BACKLOG, Gauge, OF_SOURCE, "offsets left behind the last epoch; of files, bytes"),
        metric(WITHHELD, Gauge, OF_SOURCE, "offsets behind open transactions, beyond the backlog"),
        metric(THROTTLED, Counter, OF_SOURCE, "milliseconds for which servers asked for a pause"),
        metric(ROWS, Counter, OF_SINK, "rows committed"),
        metric(STAGED_BYTES, Counter, OF_SINK, "bytes of the files they are in"),
        metric(STAGED_FILES, Counter, OF_SINK, "those files"),
        metric(STATE_ROWS, Gauge, OF_STEP, "rows that a step keeps"),
        metric(STATE_BYTES, Gauge, OF_STEP, "bytes of memory that they take"),
        metric(LATE, Counter, OF_STEP, "rows that came too late for a step that keeps state"),
        metric(DUPLICATES, Counter, OF_STEP, "rows that such a step had seen before"),
        metric(LAST_EPOCH, Gauge, OF_PIPELINE, "the last epoch that every table holds"),
        metric(LAST_TIME, Gauge, OF_PIPELINE, "when it was planned, in seconds since 1970 UTC"),
        metric(
            SUCCESS_TIME,
            Gauge,
            OF_PIPELINE,
            "when it last committed an epoch or found nothing to read, in seconds since 1970 UTC",
        ),
        metric(
            WATERMARK,
            Gauge,
            OF_PIPELINE,
            "what has passed of event time in the slowest stream, in seconds since 1970 UTC",
        ),
        metric(EPOCH_TIME, Histogram, OF_PIPELINE, "from the plan to the last commit"),
        metric(
            PHASE_TIME,
            Histogram,
            &["pipeline", "phase"],
            "the same by phase: plan, run, prepare, commit",
        ),
        metric(COMMIT_TIME, Histogram, OF_SINK, "one commit with all its attempts"),
        metric(CONFLICTS, Counter, OF_SINK, "swaps that another writer was faster than"),
        metric(UNKNOWN, Counter, OF_SINK, "swaps whose answer was lost"),
        metric(LIVES, Counter, OF_PIPELINE, "lives begun; the first is the start"),
        metric(RECOVERED, Counter, OF_PIPELINE, "epochs that a start had to commit first"),
        metric(ERRORS, Counter, &["pipeline", "kind"], "lives that ended by an error"),
    ]
};

/// Tells the recorder of the process what each metric is. Whoever installs one calls this once
/// afterwards; without it there are no descriptions.
pub fn describe_metrics() {
    for metric in METRICS {
        match metric.kind {
            MetricKind::Counter => metrics::describe_counter!(metric.name, metric.help),
            MetricKind::Gauge => metrics::describe_gauge!(metric.name, metric.help),
            MetricKind::Histogram => {
                metrics::describe_histogram!(metric.name, Unit::Seconds, metric.help);
            }
        }
    }
}

/// A life begins. What counts faults of it stands at 0 from now on, so that the first one shows.
pub(crate) fn life<'a>(pipeline: &Name, sinks: impl Iterator<Item = &'a Name>) {
    counter!(LIVES, "pipeline" => text(pipeline)).increment(1);
    counter!(RECOVERED, "pipeline" => text(pipeline)).increment(0);
    counter!(EPOCHS, "pipeline" => text(pipeline)).increment(0);
    for kind in [ErrorKind::Transient, ErrorKind::Fenced, ErrorKind::Refused] {
        counter!(ERRORS, "pipeline" => text(pipeline), "kind" => word(kind)).increment(0);
    }
    for sink in sinks {
        counter!(CONFLICTS, "pipeline" => text(pipeline), "sink" => text(sink)).increment(0);
        counter!(UNKNOWN, "pipeline" => text(pipeline), "sink" => text(sink)).increment(0);
    }
}

/// A start had to commit an epoch of a life before.
pub(crate) fn recovered(pipeline: &Name) {
    counter!(RECOVERED, "pipeline" => text(pipeline)).increment(1);
}

/// A life ended by an error.
pub(crate) fn failed(pipeline: &Name, kind: ErrorKind) {
    counter!(ERRORS, "pipeline" => text(pipeline), "kind" => word(kind)).increment(1);
}

/// The sources were asked, and what they had is in every table.
pub(crate) fn succeeded(pipeline: &Name, now: Timestamp) {
    gauge!(SUCCESS_TIME, "pipeline" => text(pipeline)).set(seconds(now));
}

/// Another writer was faster.
pub(crate) fn conflict(pipeline: &Name, sink: &Name) {
    counter!(CONFLICTS, "pipeline" => text(pipeline), "sink" => text(sink)).increment(1);
}

/// The answer of a swap was lost.
pub(crate) fn unknown(pipeline: &Name, sink: &Name) {
    counter!(UNKNOWN, "pipeline" => text(pipeline), "sink" => text(sink)).increment(1);
}

/// A table holds an epoch, after `seconds`.
pub(crate) fn committed(pipeline: &Name, sink: &Name, seconds: f64) {
    histogram!(COMMIT_TIME, "pipeline" => text(pipeline), "sink" => text(sink)).record(seconds);
}

/// What a run tells, counted.
pub(crate) fn told(pipeline: &Name, event: &Event) {
    match event {
        Event::Began(Began { after: Some(after), .. }) => {
            gauge!(LAST_EPOCH, "pipeline" => text(pipeline)).set(float(after.0));
        }
        Event::Progress(progress) => epoch(progress),
        Event::Idle(idle) => idle.sources.iter().for_each(|source| waits(&idle.name, source)),
        Event::Began(_) | Event::Retrying { .. } => {}
    }
}

fn epoch(it: &Progress) {
    let of = || text(&it.name);
    counter!(EPOCHS, "pipeline" => of()).increment(1);
    counter!(REJECTED, "pipeline" => of()).increment(it.accounting.rejected);
    gauge!(LAST_EPOCH, "pipeline" => of()).set(float(it.batch_id.0));
    gauge!(LAST_TIME, "pipeline" => of()).set(seconds(it.timestamp));
    // After the end of event time there is none to be shown.
    if let Some(passed) = it.event_time.watermark.filter(|time| *time < Timestamp::MAX) {
        gauge!(WATERMARK, "pipeline" => of()).set(seconds(passed));
    }
    for source in &it.sources {
        let name = || text(&source.name);
        let lost = source.gaps.iter().fold(0_u64, |sum, gap| sum.saturating_add(lost(gap)));
        counter!(RECORDS, "pipeline" => of(), "source" => name()).increment(source.num_input_rows);
        counter!(BYTES, "pipeline" => of(), "source" => name()).increment(source.num_input_bytes);
        counter!(LOST, "pipeline" => of(), "source" => name()).increment(lost);
        waits(&it.name, source);
    }
    for step in &it.state_operators {
        let name = || text(&step.operator_name);
        let (late, seen) = (step.num_rows_dropped_by_watermark, step.num_duplicate_rows);
        gauge!(STATE_ROWS, "pipeline" => of(), "step" => name()).set(float(step.num_rows_total));
        gauge!(STATE_BYTES, "pipeline" => of(), "step" => name())
            .set(float(step.memory_used_bytes));
        counter!(LATE, "pipeline" => of(), "step" => name()).increment(late);
        counter!(DUPLICATES, "pipeline" => of(), "step" => name()).increment(seen);
    }
    for sink in it.sink.iter().chain(&it.side_sinks) {
        let name = || text(&sink.name);
        counter!(ROWS, "pipeline" => of(), "sink" => name()).increment(sink.num_output_rows);
        counter!(STAGED_BYTES, "pipeline" => of(), "sink" => name())
            .increment(sink.num_output_bytes);
        counter!(STAGED_FILES, "pipeline" => of(), "sink" => name())
            .increment(sink.num_output_files);
    }
    let took = it.duration_ms;
    histogram!(EPOCH_TIME, "pipeline" => of()).record(float(took.trigger_execution) / 1e3);
    let phases = [
        ("plan", took.latest_offset),
        ("run", took.add_batch),
        ("prepare", took.wal_commit),
        ("commit", took.commit_batch),
    ];
    for (phase, millis) in phases {
        histogram!(PHASE_TIME, "pipeline" => of(), "phase" => phase).record(float(millis) / 1e3);
    }
}

/// What a source has that was not read, and how long it had to leave its servers alone.
fn waits(pipeline: &Name, source: &SourceProgress) {
    let (of, name) = (|| text(pipeline), || text(&source.name));
    let withheld = source.backlog.iter().filter_map(|it| it.withheld);
    let withheld = withheld.fold(0_u64, |sum, it| sum.saturating_add(it.offsets));
    gauge!(BACKLOG, "pipeline" => of(), "source" => name()).set(float(source.records_behind));
    gauge!(WITHHELD, "pipeline" => of(), "source" => name()).set(float(withheld));
    counter!(THROTTLED, "pipeline" => of(), "source" => name()).increment(source.throttled_ms);
}

/// How many offsets are gone; of a partition that is gone nobody knows.
fn lost(gap: &Gap) -> u64 {
    gap.to.map_or(1, |to| to.saturating_sub(gap.from).try_into().unwrap_or(0))
}

/// A kind of error as a label has it.
pub(crate) fn word(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Transient => "transient",
        ErrorKind::Fenced => "fenced",
        ErrorKind::Refused => "refused",
        ErrorKind::BadRecord => "bad-record",
        ErrorKind::Invalid => "invalid",
        ErrorKind::Corrupt => "corrupt",
        ErrorKind::Unsupported => "unsupported",
        _ => "internal",
    }
}

fn text(name: &Name) -> String {
    name.as_str().to_owned()
}

/// Since 1970 UTC.
#[allow(clippy::cast_precision_loss, reason = "microseconds since 1970 are below 2^53")]
fn seconds(time: Timestamp) -> f64 {
    time.0 as f64 / 1e6
}

#[allow(clippy::cast_precision_loss, reason = "counts below 2^53")]
fn float(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests;
