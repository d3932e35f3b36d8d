//! What a run tells about itself, under the names that users of Spark know.

use std::collections::BTreeMap;

use highwater_core::{
    Backlog, Epoch, EpochPlan, Gap, Name, Partition, Planned, Position, Positions, TableNote,
    Timestamp,
};
use serde::Serialize;

use crate::{Outcome, SourceCounts};

/// Something that happened in a run.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "camelCase")]
#[non_exhaustive]
pub enum Event {
    /// The run has found out where it stands.
    Began(Began),
    /// An epoch is committed everywhere.
    Progress(Box<Progress>),
    /// There was nothing to read for a while. Told every 10 seconds at most.
    Idle(Idle),
    /// Something failed that passes by itself; the run begins again after a pause.
    Retrying {
        /// What failed.
        error: String,
        /// The pause, in milliseconds.
        #[serde(rename = "pauseMs")]
        pause_ms: u64,
    },
}

/// Where a run begins.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Began {
    /// The last epoch that every table holds; none when the pipeline is new.
    pub after: Option<Epoch>,
    /// What it is known from: the checkpoint, or a table when the checkpoint was lost.
    pub known_from: String,
    /// Where the sources stand.
    pub positions: BTreeMap<Name, Positions>,
}

/// A run that waits. Spark calls this a query that is idle.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Idle {
    /// The pipeline.
    pub name: Name,
    /// The run.
    pub run_id: String,
    /// When the sources were asked, microseconds since 1970 UTC.
    pub timestamp: Timestamp,
    /// Each source: where it stands, and what keeps its records back.
    pub sources: Vec<SourceProgress>,
}

/// One committed epoch. Field names are those of Spark's streaming query progress.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// The pipeline.
    pub name: Name,
    /// The run.
    pub run_id: String,
    /// The epoch.
    pub batch_id: Epoch,
    /// The plan's `now`, microseconds since 1970 UTC.
    pub timestamp: Timestamp,
    /// Records read.
    pub num_input_rows: u64,
    /// Records read per second of the epoch's time.
    pub processed_rows_per_second: f64,
    /// Where the time went.
    pub duration_ms: Durations,
    /// How far event time has come; empty when no stream declares it.
    pub event_time: EventTimeProgress,
    /// Each source.
    pub sources: Vec<SourceProgress>,
    /// Each step that keeps state.
    pub state_operators: Vec<StateOperatorProgress>,
    /// The primary sink; every pipeline has one.
    pub sink: Option<SinkProgress>,
    /// The other sinks.
    pub side_sinks: Vec<SinkProgress>,
    /// Every record of the epoch and what became of it.
    pub accounting: Accounting,
}

/// How far event time has come, in microseconds since 1970 UTC. What is not known is left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EventTimeProgress {
    /// What had passed at the end of the epoch, in the slowest of the streams.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub watermark: Option<Timestamp>,
    /// The latest time of a row in the epoch, in any of the streams.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<Timestamp>,
}

impl EventTimeProgress {
    pub(crate) fn new(plan: &EpochPlan, outcome: &Outcome) -> Self {
        let slowest = plan.watermarks.values().map(|it| it.watermark).min();
        let told = outcome.steps.values().flat_map(|told| told.observed.values());
        Self {
            watermark: slowest.filter(|time| *time > Timestamp::MIN),
            max: told.map(|latest| latest.any).max(),
        }
    }
}

/// Where the time of an epoch went, in milliseconds.
#[derive(Clone, Copy, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Durations {
    /// Asking the sources for ranges.
    pub latest_offset: u64,
    /// Reading, computing and staging.
    pub add_batch: u64,
    /// Writing the record.
    pub wal_commit: u64,
    /// Committing to every table.
    pub commit_batch: u64,
    /// From the plan to the last commit.
    pub trigger_execution: u64,
}

/// What an epoch took from one source; nothing while the run waits.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SourceProgress {
    /// Its name.
    pub name: Name,
    /// Where its records come from.
    pub description: String,
    /// Positions before the epoch. Details of more than 1 KiB, such as the names of all files that a
    /// directory had, are left out: the log has them.
    pub start_offset: Positions,
    /// Positions behind it, likewise.
    pub end_offset: Positions,
    /// Records.
    pub num_input_rows: u64,
    /// Bytes before compression.
    pub num_input_bytes: u64,
    /// What is left of all partitions together, in offsets.
    pub records_behind: u64,
    /// What is left of each partition.
    pub backlog: Vec<Backlog>,
    /// For how many milliseconds the source was asked to leave its servers alone.
    pub throttled_ms: u64,
    /// What was gone and skipped.
    pub gaps: Vec<Gap>,
}

impl SourceProgress {
    /// What a source answered that was asked for what lies behind `start_offset`.
    pub(crate) fn new(
        (name, description): (Name, String),
        (start_offset, end_offset): (&Positions, &Positions),
        counts: SourceCounts,
        planned: Planned,
    ) -> Self {
        let behind = planned.backlog.iter().map(|part| part.behind);
        Self {
            name,
            description,
            start_offset: shown(start_offset),
            end_offset: shown(end_offset),
            num_input_rows: counts.records,
            num_input_bytes: counts.bytes,
            records_behind: behind.fold(0, u64::saturating_add),
            backlog: planned.backlog,
            throttled_ms: planned.throttled,
            gaps: planned.gaps,
        }
    }
}

/// The positions with what people would read of them. Many reports are kept, and each is a line.
fn shown(positions: &Positions) -> Positions {
    let shown = |(partition, position): (&Partition, &Position)| {
        let detail = position.detail.as_ref().filter(|detail| detail.len() <= LONGEST_DETAIL);
        (partition.clone(), Position { next: position.next, detail: detail.cloned() })
    };
    positions.iter().map(shown).collect()
}

/// In bytes.
const LONGEST_DETAIL: usize = 1 << 10;

/// What a step keeps behind an epoch, and what the epoch changed of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StateOperatorProgress {
    /// The step.
    pub operator_name: Name,
    /// Rows that it keeps.
    pub num_rows_total: u64,
    /// Rows that were added or changed.
    pub num_rows_updated: u64,
    /// Rows that were taken out.
    pub num_rows_removed: u64,
    /// Rows that came too late for it.
    pub num_rows_dropped_by_watermark: u64,
    /// Bytes of memory that it takes.
    pub memory_used_bytes: u64,
    /// Rows that it had seen before.
    pub num_duplicate_rows: u64,
}

impl StateOperatorProgress {
    pub(crate) fn new(step: &Name, outcome: &Outcome) -> Self {
        let tables = || outcome.tables.get(step).into_iter().flat_map(|tables| tables.values());
        let sum = |of: fn(&TableNote) -> u64| tables().map(of).fold(0, u64::saturating_add);
        let counts = outcome.steps.get(step).map(|told| told.counts).unwrap_or_default();
        Self {
            operator_name: step.clone(),
            num_rows_total: sum(|note| note.rows),
            num_rows_updated: sum(|note| note.updated),
            num_rows_removed: sum(|note| note.removed),
            num_rows_dropped_by_watermark: counts.late,
            memory_used_bytes: sum(|note| note.bytes),
            num_duplicate_rows: counts.duplicates,
        }
    }
}

/// What an epoch gave to one sink.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SinkProgress {
    /// Its name.
    pub name: Name,
    /// Where it writes to.
    pub description: String,
    /// Rows.
    pub num_output_rows: u64,
    /// Bytes of files.
    pub num_output_bytes: u64,
    /// Files.
    pub num_output_files: u64,
    /// Whether there was a commit.
    pub committed: bool,
}

/// `records = rows + rejected`, for all sources together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Accounting {
    /// Records read.
    pub records: u64,
    /// Those that became rows.
    pub rows: u64,
    /// Those that were rejected.
    pub rejected: u64,
}

impl Accounting {
    pub(crate) fn sum<'a>(sources: impl Iterator<Item = &'a SourceCounts>) -> Self {
        sources.fold(Self::default(), |sum, source| Self {
            records: sum.records.saturating_add(source.records),
            rows: sum.rows.saturating_add(source.rows),
            rejected: sum.rejected.saturating_add(source.rejected),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_details_of_positions_are_not_shown() {
        let at = |index, detail: &str| {
            let position = Position { next: 7, detail: Some(detail.to_owned()) };
            (Partition::new("t", index), position)
        };
        let long = "x".repeat(LONGEST_DETAIL + 1);
        let shown = shown(&[at(0, "brief"), at(1, &long)].into_iter().collect());
        let details = shown.iter().map(|(_, position)| position.detail.as_deref());
        assert_eq!(details.collect::<Vec<_>>(), [Some("brief"), None]);
        assert!(shown.iter().all(|(_, position)| position.next == 7));
    }
}
