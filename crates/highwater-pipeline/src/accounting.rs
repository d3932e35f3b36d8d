//! What came of an epoch: staged files, and the count of every row.

use std::collections::BTreeMap;

use highwater_core::{Error, ErrorKind, Name, Result, Staged, Told};

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
    Stepped(Name, Told),
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

/// What an executor made of an epoch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The durable files of every sink that got rows.
    pub staged: BTreeMap<Name, Vec<Staged>>,
    /// Rows that reached each sink.
    pub written: BTreeMap<Name, u64>,
    /// Counts by source.
    pub sources: BTreeMap<Name, SourceCounts>,
    /// What each step told.
    pub steps: BTreeMap<Name, Told>,
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
            Done::Stepped(step, told) => {
                let sum = self.steps.entry(step).or_default();
                sum.counts.late += told.counts.late;
                sum.counts.duplicates += told.counts.duplicates;
                for (origin, latest) in told.observed {
                    let sum = sum.observed.entry(origin).or_insert(latest);
                    *sum = sum.and(latest);
                }
            }
            Done::Idle => {}
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
        Ok(())
    }
}
