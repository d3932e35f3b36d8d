//! Small files become larger ones, by commits that change no row.
//!
//! Such a commit brings no marker: nothing depends on it, and it may be made or not. Each attempt is
//! judged by its very base. A group of files counts only while all of them are there with the deletion
//! vectors that were read; so nobody else's deletion is undone, and no attempt that was applied after all
//! is made again.

use highwater_core::{Marker, Result};
use highwater_parquet::data_file;
use serde_json::json;
use tracing::debug;
use uuid::Uuid;

use super::groups::groups;
use crate::actions::{Commit, Lines};
use crate::committer::now_ms;
use crate::copy::{Copied, Copier, Original};
use crate::features;
use crate::files::{ActiveFiles, DataFile};
use crate::kernel::{self, Files};
use crate::log::{Log, Made};
use crate::marker::recorded;
use crate::schema;
use crate::settings::Settings;
use crate::state::TableState;

/// How often a commit is tried while others are faster. Then its files are put off.
const ATTEMPTS: usize = 20;

/// The most groups in one commit, however short their files are.
const GROUPS: usize = 256;

/// How many files have become how many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Compacted {
    pub(super) files: u64,
    pub(super) into: u64,
}

/// A group of files, and the file with their rows; none when there are no rows.
#[derive(Debug)]
struct Merged {
    from: Vec<DataFile>,
    into: Option<Copied>,
}

/// The table as it is now, as far as it is known.
struct Base<'a> {
    log: &'a Log,
    version: u64,
    active: ActiveFiles,
}

/// Puts small files together, in partitions that have `least` of them.
///
/// # Errors
/// A table with features that are not known; files that cannot be read or written. What was committed
/// before stays so.
pub(super) async fn compact(log: &Log, least: usize) -> Result<Compacted> {
    let Some(state) = log.newest().await? else { return Ok(Compacted::default()) };
    let TableState { version, metadata, protocol, .. } = &state;
    let table = schema::parse(log.name(), &metadata.schema_string)?;
    features::check(log.name(), protocol, metadata, &table)?;
    let settings = Settings::of(log.name(), &metadata.configuration)?;
    let active = kernel::files(log, *version).await?;
    let mut base = Base { log, version: *version, active };
    let files = Files::new(log);
    let copier = Copier { log, files: &files, metadata, indexed: settings.indexed };
    let marker = recorded(log.name(), &state.txns)?.pop().map(|recorded| recorded.marker);
    let (mut done, mut waiting, mut bytes) = (Compacted::default(), Vec::new(), 0_u64);
    for from in groups(&base.active, least, settings.file_bytes) {
        if !base.has(&from) {
            continue;
        }
        let originals: Vec<_> = from.iter().map(|file| Original { file, doomed: &[] }).collect();
        let into = copier.copy(&originals, name(marker.as_ref())).await?;
        bytes = bytes.saturating_add(into.as_ref().map_or(0, |copied| copied.file.size));
        waiting.push(Merged { from, into });
        if bytes >= settings.file_bytes || waiting.len() >= GROUPS {
            if !base.commit(std::mem::take(&mut waiting), &mut done).await? {
                return Ok(done);
            }
            bytes = 0;
        }
    }
    base.commit(waiting, &mut done).await?;
    Ok(done)
}

/// A name that nobody else has. In a table with a marker it is one by which orphans are known.
fn name(marker: Option<&Marker>) -> String {
    let own = Uuid::new_v4().simple();
    match marker {
        Some(marker) => data_file(&marker.sink, marker.id.epoch, own, 0, 0),
        None => format!("part-{own}.parquet"),
    }
}

impl Base<'_> {
    /// Whether files are there as they were read.
    fn has(&self, files: &[DataFile]) -> bool {
        files.iter().all(|file| self.active.has(file))
    }

    /// Goes on to the newest version. False when what the table is has changed, or nobody can say.
    async fn refresh(&mut self) -> Result<bool> {
        while let Some(commit) = self.log.commit(self.version.saturating_add(1)).await? {
            if commit.protocol.is_some() || commit.metadata.is_some() {
                return Ok(false);
            }
            self.apply(&commit);
        }
        // Where old commits were cleaned up, one that is not there proves nothing.
        self.log.has(self.version).await
    }

    fn apply(&mut self, commit: &Commit) {
        self.version = self.version.saturating_add(1);
        self.active.apply(commit);
    }

    /// Commits the groups that still count, and adds them to `done`. False when no more can be committed
    /// to the table as it was.
    async fn commit(&mut self, mut merged: Vec<Merged>, done: &mut Compacted) -> Result<bool> {
        let mut unknown = None;
        for _ in 0..ATTEMPTS {
            if !self.refresh().await? {
                debug!(table = self.log.name(), "the table has changed: compaction is put off");
                return Ok(false);
            }
            merged = self.standing(merged, done).await?;
            if merged.is_empty() {
                return Ok(true);
            }
            let (bytes, commit) = prepare(&merged);
            match self.log.make(self.version.saturating_add(1), bytes.into()).await {
                Made::Done => {
                    self.apply(&commit);
                    merged.iter().for_each(|merged| done.add(merged));
                    return Ok(true);
                }
                Made::Occupied(_) => {}
                Made::Failed(error) => return Err(error),
                // If it was applied, the next look at the log tells.
                Made::Unknown(error) => unknown = Some(error),
            }
        }
        unknown.map_or(Ok(true), Err)
    }

    /// The groups that still count; those of an attempt that was applied after all are done.
    async fn standing(&self, merged: Vec<Merged>, done: &mut Compacted) -> Result<Vec<Merged>> {
        let mut standing = Vec::with_capacity(merged.len());
        for merged in merged {
            let copied = merged.into.as_ref();
            if copied.is_some_and(|copied| self.active.has(&copied.file)) {
                done.add(&merged);
            } else if self.has(&merged.from) && self.is_durable(copied).await? {
                standing.push(merged);
            }
        }
        Ok(standing)
    }

    /// Whether a file is still there. Nothing names it yet, so a sweep of a short age may have taken it.
    async fn is_durable(&self, copied: Option<&Copied>) -> Result<bool> {
        let Some(Copied { file, path }) = copied else { return Ok(true) };
        Ok(self.log.table().length(path).await? == Some(file.size))
    }
}

impl Compacted {
    fn add(&mut self, merged: &Merged) {
        let files = u64::try_from(merged.from.len()).unwrap_or(u64::MAX);
        self.files = self.files.saturating_add(files);
        self.into = self.into.saturating_add(u64::from(merged.into.is_some()));
    }
}

/// The bytes of a commit, and the same as it would be read.
fn prepare(merged: &[Merged]) -> (Vec<u8>, Commit) {
    let now = now_ms();
    let mut lines = Lines::default();
    lines.info(now, "OPTIMIZE", &json!({"predicate": "[]", "auto": "true"}), false);
    let mut commit = Commit::default();
    for file in merged.iter().flat_map(|merged| &merged.from) {
        lines.remove(file, now, false);
        commit.removes.push(file.into());
    }
    for copied in merged.iter().filter_map(|merged| merged.into.as_ref()) {
        lines.add(&copied.file, false);
        commit.adds.push(copied.file.clone());
    }
    (lines.finish(), commit)
}
