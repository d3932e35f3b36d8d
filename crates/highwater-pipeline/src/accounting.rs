//! What came of an epoch: staged files, and the count of every row.

use std::collections::BTreeMap;

use highwater_checkpoint::{Tables, WorkerSave, add_tables};
use highwater_core::{Error, ErrorKind, Groups, Name, Result, Staged, Told};

/// Counts of one source in one epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SourceCounts {
    /// Records taken out of its payloads.
    pub records: u64,
    /// Those that became rows.
    pub rows: u64,
    /// Those that were rejected.
    pub rejected: u64,
    /// Their bytes before compression.
    pub bytes: u64,
}

/// What one source, step or writer of one worker says when it is done with an epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    /// A source has read its ranges.
    Read(Name, SourceCounts),
    /// A step has emitted everything.
    Stepped(Stepped),
    /// A step has emitted everything, and is the last of its worker of those that keep state: that of
    /// all of them is durable.
    Saved(Stepped, WorkerSave),
    /// A writer has staged the rows that it got.
    Written {
        /// The sink.
        sink: Name,
        /// How many rows came.
        rows: u64,
        /// Its files, durable.
        staged: Vec<Staged>,
    },
    /// No row came for a sink.
    Idle,
}

/// What one instance of a step did in an epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stepped {
    /// The step.
    pub step: Name,
    /// What it told.
    pub told: Told,
    /// What holds for its tables, if it keeps state.
    pub tables: Tables,
}

/// What an executor made of an epoch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The durable files of every sink that got rows.
    pub staged: BTreeMap<Name, Vec<Staged>>,
    /// Rows that reached each sink, but for those that others of the epoch take the place of.
    pub written: BTreeMap<Name, u64>,
    /// Counts by source.
    pub sources: BTreeMap<Name, SourceCounts>,
    /// What each step told.
    pub steps: BTreeMap<Name, Told>,
    /// What holds for the tables of each step.
    pub tables: BTreeMap<Name, Tables>,
    /// What each worker saved of the state of its steps; nothing when no step keeps any.
    pub saved: Vec<WorkerSave>,
}

impl Outcome {
    /// Adds what one part of the executor has done.
    pub fn add(&mut self, done: Done) {
        match done {
            Done::Read(source, counts) => {
                let sum = self.sources.entry(source).or_default();
                sum.records += counts.records;
                sum.rows += counts.rows;
                sum.rejected += counts.rejected;
                sum.bytes += counts.bytes;
            }
            Done::Written { sink, rows, staged } => {
                *self.written.entry(sink.clone()).or_default() += rows;
                self.staged.entry(sink).or_default().extend(staged);
            }
            Done::Stepped(stepped) => self.add_step(stepped),
            Done::Saved(stepped, saved) => {
                self.add_step(stepped);
                self.saved.push(saved);
            }
            Done::Idle => {}
        }
    }

    fn add_step(&mut self, Stepped { step, told, tables }: Stepped) {
        if !tables.is_empty() {
            add_tables(self.tables.entry(step.clone()).or_default(), tables);
        }
        let sum = self.steps.entry(step).or_default();
        sum.counts.late += told.counts.late;
        sum.counts.duplicates += told.counts.duplicates;
        for (origin, latest) in told.observed {
            let sum = sum.observed.entry(origin).or_insert(latest);
            *sum = sum.and(latest);
        }
    }

    /// Checks that no row was lost or made up between a payload and a file.
    ///
    /// # Errors
    /// `Internal` when the counts do not add up: a bug, found before anything is committed.
    pub fn balance(&self) -> Result<()> {
        let bug = |what: String| Err(Error::new(ErrorKind::Internal, "pipeline", what));
        for (source, counts) in &self.sources {
            let SourceCounts { records, rows, rejected, .. } = counts;
            if records.checked_sub(*rows) != Some(*rejected) {
                let sum = format!("{records} records became {rows} rows and {rejected} rejected");
                return bug(format!("source {source}: {sum}"));
            }
        }
        for (sink, written) in &self.written {
            let files = self.staged.get(sink).map_or(&[][..], Vec::as_slice);
            let staged: u64 = files.iter().map(|file| file.rows).sum();
            if staged != *written {
                return bug(format!("sink {sink}: {written} rows came and {staged} were staged"));
            }
        }
        // Who saves nothing says so for its groups: a worker that is missing here lost its state.
        let left = self.saved.iter().fold(Groups::ALL, |left, save| left.without(save.groups));
        if !self.saved.is_empty() && !left.is_empty() {
            return bug(format!("the state of {left:?} was not saved"));
        }
        Ok(())
    }
}
