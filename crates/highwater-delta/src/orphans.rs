//! Files that were written for a table and that its log does not name: of data, and of deletion vectors.
//!
//! They come from epochs that were never prepared, from runs that another one outran, and from attempts to
//! commit that were not applied. What may still be named stays: a prepared record outside of the table
//! names only epochs after the marker of its sink, so files of such epochs are never taken, however old
//! they are. No record names deletion vectors: they are written for one attempt, and only their age tells
//! that it is over.

use std::collections::HashSet;
use std::time::Duration;

use highwater_core::{Marker, Result};
use highwater_parquet::is_committed;
use serde::Deserialize;

use crate::committer::now_ms;
use crate::deletions;
use crate::error::DeltaError;
use crate::files::RemovedFile;
use crate::kernel::checkpoint;
use crate::log::{LOG, Log};
use crate::maintenance::LogFiles;
use crate::marker::recorded;
use crate::snapshot::DeltaSnapshot;

/// How old an orphan is before it is taken, unless somebody knows better: a week, as other engines have
/// it.
pub const ORPHAN_AGE: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// A file that nothing names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Orphan {
    /// Where it is.
    pub location: String,
    /// Its length in bytes.
    pub bytes: u64,
}

impl DeltaSnapshot {
    /// The orphans of the table as it is now, sorted by location: data files that highwater wrote for it,
    /// and files of deletion vectors, that have not been written to for the time `older_than`, and that
    /// nothing in the log adds or removes, as far back as it goes.
    ///
    /// Data files count by the sinks whose markers the table has, and only those of epochs that are
    /// committed; those of other programs never count. Who wrote deletion vectors cannot be told by their
    /// names: they count in tables with a marker. So `older_than` must be longer than any commit or
    /// compaction takes, be it of another program.
    ///
    /// # Errors
    /// `Transient`, `Corrupt` or `Unsupported` when the log cannot be read.
    ///
    /// # Example
    /// ```no_run
    /// use highwater_delta::{DeltaTable, ORPHAN_AGE};
    ///
    /// # async fn example() -> highwater_core::Result<()> {
    /// let table = DeltaTable::at("data/lake/orders")?.read().await?;
    /// for orphan in table.orphans(ORPHAN_AGE).await? {
    ///     println!("{} ({} bytes)", orphan.location, orphan.bytes);
    /// }
    /// table.remove_orphans(ORPHAN_AGE).await?;
    /// # Ok(()) }
    /// ```
    pub async fn orphans(&self, older_than: Duration) -> Result<Vec<Orphan>> {
        let found = find(self.log(), older_than).await?;
        Ok(found.into_iter().map(|(path, bytes)| orphan(self.log(), &path, bytes)).collect())
    }

    /// Deletes the [`orphans`](Self::orphans), and tells which they were. Pipelines may go on writing
    /// meanwhile. What was deleted before an error stays so.
    ///
    /// # Errors
    /// As [`orphans`](Self::orphans), and as of [`Storage`](highwater_storage::Storage).
    pub async fn remove_orphans(&self, older_than: Duration) -> Result<Vec<Orphan>> {
        remove(self.log(), older_than).await
    }
}

fn orphan(log: &Log, path: &str, bytes: u64) -> Orphan {
    Orphan { location: log.table().location(path), bytes }
}

/// Deletes the orphans of a table.
pub(crate) async fn remove(log: &Log, older_than: Duration) -> Result<Vec<Orphan>> {
    let mut removed = Vec::new();
    for (path, bytes) in find(log, older_than).await? {
        log.table().delete(&path).await?;
        removed.push(orphan(log, &path, bytes));
    }
    Ok(removed)
}

/// The paths and lengths of orphans, sorted.
async fn find(log: &Log, older_than: Duration) -> Result<Vec<(String, u64)>> {
    // Files before the log: what is committed in between is known to be named.
    let listed = log.table().list("").await?;
    let Some(state) = log.newest().await? else {
        return Err(DeltaError::Absent { table: log.name().to_owned() }.into());
    };
    let markers = recorded(log.name(), &state.txns)?;
    let markers: Vec<Marker> = markers.into_iter().map(|recorded| recorded.marker).collect();
    let named = names(log).await?;
    let age = i64::try_from(older_than.as_millis()).unwrap_or(i64::MAX);
    let before = now_ms().saturating_sub(age);
    let orphans = listed.into_iter().filter(|object| {
        let in_log = object.path.strip_prefix(LOG).is_some_and(|rest| rest.starts_with('/'));
        !in_log
            && object.modified_ms <= before
            && may_be_ours(file_of(&object.path), &markers)
            && !named.contains(&object.path)
    });
    Ok(orphans.map(|object| (object.path, object.bytes)).collect())
}

/// Whether a file that nothing names is of no use, if it is old enough.
fn may_be_ours(file: &str, markers: &[Marker]) -> bool {
    is_committed(file, markers) || !markers.is_empty() && deletions::is_file(file)
}

fn file_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// A line of a commit, of which only files matter.
#[derive(Debug, Deserialize)]
struct Line {
    add: Option<RemovedFile>,
    remove: Option<RemovedFile>,
}

/// The paths of all files that the log names, within the table.
async fn names(log: &Log) -> Result<HashSet<String>> {
    // What a commit removes is forgotten by checkpoints after a while, and not by the commit.
    let mut named = checkpoint::named(log).await?;
    for path in LogFiles::list(log).await?.commits() {
        // One that is cleaned up meanwhile names nothing any more.
        let Some(bytes) = log.table().read(path).await? else { continue };
        let lines = bytes.split(|byte| *byte == b'\n');
        for line in lines.filter(|line| !line.trim_ascii().is_empty()) {
            let line: Line =
                serde_json::from_slice(line).map_err(|cause| log.unreadable(path, cause.into()))?;
            named.extend([line.add, line.remove].into_iter().flatten());
        }
    }
    let within = |path: String| log.table().path_of(&path).unwrap_or_else(|| decoded(&path));
    let mut paths = HashSet::new();
    for RemovedFile { path, deletion_vector } in named {
        if let Some(vector) = deletion_vector {
            paths.extend(deletions::place(log.table(), &vector)?.map(within));
        }
        paths.insert(within(path));
    }
    Ok(paths)
}

/// The path that a relative URL means.
fn decoded(url: &str) -> String {
    let mut path = Vec::with_capacity(url.len());
    let mut rest = url;
    while let Some((before, after)) = rest.split_once('%') {
        path.extend_from_slice(before.as_bytes());
        let byte = after.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        path.push(byte.unwrap_or(b'%'));
        rest = byte.and_then(|_| after.get(2..)).unwrap_or(after);
    }
    path.extend_from_slice(rest.as_bytes());
    String::from_utf8(path).unwrap_or_else(|_| url.to_owned())
}

#[cfg(test)]
mod tests;
