//! What is done for a table beside its commits: checkpoints, and the end of what is no longer needed.
//!
//! None of it changes a row, and none of it makes a commit of a sink fail. Each step leaves a table that
//! reads the same, wherever it is cut off.

mod cleanup;
mod compaction;
mod groups;
mod upkeep;

use std::time::Duration;

use highwater_core::Result;

use crate::committer::now_ms;
use crate::intervals::Intervals;
use crate::kernel::checkpoint;
use crate::log::Log;
use crate::marker::recorded;
use crate::orphans::{self, Orphan};
use crate::state::TableState;

pub(crate) use cleanup::LogFiles;
pub(crate) use upkeep::Upkeep;

/// What is done for a table now and then.
///
/// * A **checkpoint** of the newest version, once there are as many commits since the last one as
///   `delta.checkpointInterval` says, or 100. Starts and readers replay the log from there.
/// * **Cleanup of the log**, unless `delta.enableExpiredLogCleanup` is `false`: commits and checkpoints
///   before a checkpoint go, once they and all before them are older than `delta.logRetentionDuration`,
///   or 30 days. What a start reads to judge the marker of a sink stays, however old.
/// * **Orphans** go if that is asked for.
/// * **Compaction**, if that is asked for: small files become larger ones.
///
/// # Example
/// ```
/// use highwater_delta::{DeltaTable, Maintenance, ORPHAN_AGE};
///
/// let table = DeltaTable::at("data/lake/orders")?;
/// let policy = Maintenance::default().compact(32).remove_orphans(ORPHAN_AGE);
/// let sink = table.append().maintain(policy);
/// # Ok::<(), highwater_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Maintenance {
    orphans: Option<Duration>,
    compact: Option<usize>,
}

/// What was done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Maintained {
    /// The version of which there is a new checkpoint, if one was due.
    pub checkpoint: Option<u64>,
    /// How many files of the log were deleted.
    pub log_files: u64,
    /// The orphans that were deleted.
    pub orphans: Vec<Orphan>,
    /// How many files were put together.
    pub compacted: u64,
    /// How many files they have become.
    pub compacted_into: u64,
}

impl Maintenance {
    /// Also deletes files that nothing names and that have not been written to for the time
    /// `older_than`, as [`DeltaSnapshot::remove_orphans`](crate::DeltaSnapshot::remove_orphans) does.
    /// A sink does that at its start and once a day.
    #[must_use]
    pub fn remove_orphans(mut self, older_than: Duration) -> Self {
        self.orphans = Some(older_than);
        self
    }

    /// Also puts small files of a partition together, once `files` of them are worth it; a table of which
    /// nobody says otherwise may do with 32. A sink does that at its start, and as often as a checkpoint is
    /// due.
    ///
    /// A file is small if the rows that are left in it are less than half of `delta.targetFileSize`, or of
    /// 256 MiB. Of the small ones, those are worth it that are no longer than all shorter ones together: so
    /// a row is written anew a few times, and not each time. The new files are of about the target size.
    /// They have the rows of the old ones in their order, without those that are deleted.
    ///
    /// A commit of it changes no row and brings no marker, so pipelines may go on writing meanwhile; files
    /// that a commit of theirs removes or deletes rows of stay as they are. The old files are of use to
    /// earlier versions, and go as orphans when the log tells of them no more.
    ///
    /// # Example
    /// ```no_run
    /// use highwater_delta::{DeltaTable, Maintenance};
    ///
    /// # async fn example() -> highwater_core::Result<()> {
    /// let table = DeltaTable::at("data/lake/orders")?;
    /// let done = table.maintain(Maintenance::default().compact(8)).await?;
    /// println!("{} files have become {}", done.compacted, done.compacted_into);
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn compact(mut self, files: usize) -> Self {
        self.compact = Some(files);
        self
    }

    /// Does what is due for a table of which `state` is some recent version. Orphans only if `sweep`.
    /// Gives what was done, and the version of the newest checkpoint.
    ///
    /// # Errors
    /// Whatever the storage and a replay report. What was done before stays done.
    pub(crate) async fn run(
        self,
        log: &Log,
        state: &TableState,
        sweep: bool,
    ) -> Result<(Maintained, Option<u64>)> {
        let intervals = Intervals::of(log.name(), &state.metadata.configuration)?;
        let mut done = Maintained::default();
        let mut files = LogFiles::list(log).await?;
        let since = files.newest_checkpoint().unwrap_or(0);
        if state.version.saturating_sub(since) >= intervals.checkpoint {
            done.checkpoint = Some(checkpoint::checkpoint(log).await?);
            files = LogFiles::list(log).await?;
        }
        if let Some(kept) = intervals.log_kept {
            let markers = recorded(log.name(), &state.txns)?;
            let marked = markers.iter().map(|marker| marker.version).min();
            let age = i64::try_from(kept.as_millis()).unwrap_or(i64::MAX);
            let before = now_ms().saturating_sub(age);
            if let Some((first, expired)) = files.expired(before, marked.unwrap_or(u64::MAX))
                && checkpoint::stands_alone(log, first).await?
            {
                for path in expired {
                    log.table().delete(path).await?;
                    done.log_files = done.log_files.saturating_add(1);
                }
            }
        }
        if let Some(age) = self.orphans.filter(|_| sweep) {
            done.orphans = orphans::remove(log, age).await?;
        }
        if let Some(least) = self.compact {
            let compacted = compaction::compact(log, least).await?;
            (done.compacted, done.compacted_into) = (compacted.files, compacted.into);
        }
        Ok((done, files.newest_checkpoint()))
    }
}
