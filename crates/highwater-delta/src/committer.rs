//! Load, swap, check: what the commit machine asks of a table.

use std::time::{SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use bytes::Bytes;
use highwater_core::{Committer, Failpoint, Found, Marker, MarkerId, Result, Staged, Swap, Target};
use serde_json::json;

use crate::actions::{Commit, Lines, Txn};
use crate::changes::Changes;
use crate::commits::Commits;
use crate::contents::Contents;
use crate::error::DeltaError;
use crate::features::deletes_by_vectors;
use crate::files::{DataFile, url};
use crate::history::History;
use crate::index::Effects;
use crate::kernel::Files;
use crate::log::{Log, Made};
use crate::maintenance::Upkeep;
use crate::marker::{Numbers, id_in, numbers, recorded_of};
use crate::mode::Mode;
use crate::settings::Settings;
use crate::state::TableState;
use crate::target::StagedDetail;
use crate::upsert::Upsert;

/// Commits one sink of one pipeline to one table.
#[derive(Debug)]
pub(crate) struct TableCommitter {
    log: Log,
    /// Reads files of the table, once rows are to be found in them.
    files: Option<Files>,
    commits: Commits,
    /// The newest version that was seen.
    state: TableState,
    /// What lies in it, where rows are taken out.
    contents: Contents,
    target: Target,
    /// Commits that were read since the last one of this sink.
    history: History,
    /// Whether `state` is what the last load found: the base of every swap until one is applied.
    fresh: bool,
    /// The last attempt on this base, if nobody knows how it ended: the next one is the same.
    sent: Option<Prepared>,
    /// What is done beside the commits, if anything is.
    upkeep: Option<Upkeep>,
}

/// A commit that is ready to be sent.
#[derive(Debug)]
struct Prepared {
    id: MarkerId,
    bytes: Bytes,
    /// The same, as it would be read.
    commit: Commit,
    effects: Effects,
}

impl TableCommitter {
    /// A committer to the table of `state`.
    ///
    /// # Errors
    /// A table that rows of this input cannot be brought into, or that another pipeline writes.
    pub(crate) fn open(log: Log, state: TableState, commits: Commits) -> Result<Self> {
        let target = commits.check(log.name(), &state)?;
        Ok(Self {
            log,
            files: None,
            commits,
            state,
            contents: Contents::default(),
            target,
            history: History::default(),
            fresh: false,
            sent: None,
            upkeep: None,
        })
    }

    /// Lets `upkeep` look after the table, from now on and after each commit.
    pub(crate) fn maintained_by(mut self, upkeep: Option<Upkeep>) -> Self {
        self.upkeep = upkeep;
        self.tend();
        self
    }

    fn tend(&mut self) {
        if let Some(upkeep) = &mut self.upkeep {
            upkeep.tend(&self.state);
        }
    }

    /// Goes on to the newest version.
    async fn refresh(&mut self) -> Result<()> {
        let mut state = self.state.clone();
        let mut seen = Vec::new();
        while let Some(commit) = self.log.commit(state.version.saturating_add(1)).await? {
            state.apply(&commit);
            self.history.add(&self.commits.owner, state.version, &commit);
            seen.push(commit);
        }
        // Old commits are cleaned up after a checkpoint: then what is not there is no proof of
        // anything.
        let known = self.log.has(state.version).await?;
        if !known {
            self.history.clear();
            state = self.log.newest().await?.ok_or_else(|| self.dropped())?;
        }
        if state.metadata.id != self.state.metadata.id {
            let (was, is) = (self.state.metadata.id.clone(), state.metadata.id);
            let table = self.log.name().to_owned();
            return Err(DeltaError::Recreated { table, was, is }.into());
        }
        self.target = self.commits.check(self.log.name(), &state)?;
        if !known || !seen.is_empty() {
            self.sent = None;
        }
        match known {
            true => seen.iter().for_each(|commit| self.contents.apply(commit, None)),
            false => self.contents.forget(),
        }
        self.state = state;
        Ok(())
    }

    fn dropped(&self) -> DeltaError {
        DeltaError::Dropped { table: self.log.name().to_owned() }
    }

    fn version(&self) -> u64 {
        self.state.version.saturating_add(1)
    }

    async fn prepare(&mut self, marker: &Marker, staged: &[Staged]) -> Result<Prepared> {
        let now = now_ms();
        let staged = staged.iter().map(|file| self.staged(file, now)).collect::<Result<_, _>>()?;
        let changes = self.changes(marker, staged).await?;
        let (owner, table) = (&self.commits.owner, self.log.name());
        let txns = numbers(owner, marker, self.version(), &self.state.txns).ok_or_else(|| {
            DeltaError::Marker { table: table.to_owned(), epoch: marker.id.epoch.0 }
        })?;
        let mut lines = Lines::default();
        let parameters = json!({
            "outputMode": self.commits.mode.name(),
            "queryId": owner.key(),
            "epochId": marker.id.epoch.to_string(),
        });
        let append = self.commits.mode.appends() || changes.adds.is_empty();
        lines.info(now, "STREAMING UPDATE", &parameters, append);
        for (name, number) in &txns {
            lines.txn(name, *number);
        }
        changes.removes.iter().for_each(|file| lines.remove(file, now, true));
        changes.adds.iter().for_each(|file| lines.add(file, true));
        let txns = txns.into_iter().map(|(app_id, version)| Txn { app_id, version }).collect();
        let removes = changes.removed();
        let Changes { adds, effects, .. } = changes;
        Ok(Prepared {
            id: marker.id,
            bytes: lines.finish().into(),
            commit: Commit { txns, adds, removes, ..Commit::default() },
            effects,
        })
    }

    /// A staged file as the log would name it.
    fn staged(&self, file: &Staged, now_ms: i64) -> Result<DataFile> {
        let detail: StagedDetail = serde_json::from_str(&file.detail).map_err(|cause| {
            let of = self.commits.owner.key();
            DeltaError::Foreign { what: "staged file", of, source: cause.into() }
        })?;
        self.check_partition(&detail, file)?;
        Ok(DataFile {
            path: url(&file.path),
            partition_values: detail.partition,
            size: file.bytes,
            modification_time: now_ms,
            stats: Some(detail.stats),
            tags: None,
            deletion_vector: None,
        })
    }

    /// What the rows of staged files do to the base.
    async fn changes(&mut self, marker: &Marker, staged: Vec<DataFile>) -> Result<Changes> {
        if self.commits.mode.appends() || staged.is_empty() {
            return Ok(Changes::adding(staged));
        }
        let files = self.contents.load(&self.log, self.state.version).await?;
        let Mode::Update(key) = &self.commits.mode else {
            let removes = files.iter().cloned().collect();
            return Ok(Changes { removes, ..Changes::adding(staged) });
        };
        let TableState { metadata, protocol, .. } = &self.state;
        let Settings { indexed, .. } = Settings::of(self.log.name(), &metadata.configuration)?;
        let upsert = Upsert {
            log: &self.log,
            files: self.files.get_or_insert_with(|| Files::new(&self.log)),
            key,
            metadata,
            vectors: deletes_by_vectors(protocol, &metadata.configuration),
            indexed,
            sink: &self.commits.owner.sink,
            epoch: marker.id.epoch,
        };
        let changes = upsert.changes(&mut self.contents, staged).await?;
        self.commits.failpoints.hit(Failpoint::ManifestsWritten)?;
        Ok(changes)
    }

    /// Checks that a file has a value for each partition column of the base, and for no other.
    fn check_partition(&self, detail: &StagedDetail, file: &Staged) -> Result<(), DeltaError> {
        let columns = &self.state.metadata.partition_columns;
        let same = columns.len() == detail.partition.len()
            && columns.iter().all(|column| detail.partition.contains_key(column));
        match same {
            true => Ok(()),
            false => Err(DeltaError::StagedBefore {
                table: self.log.name().to_owned(),
                now: columns.join(", "),
                location: self.log.table().location(&file.path),
            }),
        }
    }

    /// The compare-and-swap: the version above the base is made, if nobody has.
    async fn apply(&mut self, prepared: Prepared, marker: &Marker) -> Swap {
        let made = self.log.make(self.version(), prepared.bytes.clone()).await;
        let (commit, effects) = match made {
            Made::Done => (prepared.commit, Some(prepared.effects)),
            // What another has sent for the same record may name other files.
            Made::Occupied(commit) if self.is_mine(&commit, marker) => (*commit, None),
            Made::Occupied(_) => return Swap::Conflicted,
            Made::Failed(error) => return Swap::Failed(error),
            Made::Unknown(error) => {
                self.sent = Some(prepared);
                return Swap::Unknown(error);
            }
        };
        if let Err(error) = self.commits.failpoints.hit(Failpoint::AfterSwap) {
            return Swap::Unknown(error);
        }
        self.fresh = false;
        self.state.apply(&commit);
        self.contents.apply(&commit, effects);
        self.history.clear();
        self.tend();
        Swap::Committed
    }

    /// Whether a commit brought the record of `marker`, because an earlier attempt was applied
    /// after all, or somebody else has sent the same record.
    fn is_mine(&self, commit: &Commit, marker: &Marker) -> bool {
        let numbers: Numbers =
            commit.txns.iter().map(|txn| (txn.app_id.clone(), txn.version)).collect();
        id_in(&numbers, &self.commits.owner) == Some(marker.id)
    }
}

#[async_trait]
impl Committer for TableCommitter {
    async fn load(&mut self) -> Result<Found> {
        self.fresh = false;
        self.refresh().await?;
        let owner = &self.commits.owner;
        let recorded = recorded_of(self.log.name(), &self.state.txns, owner)?;
        let found = self.history.judge(&self.log, owner, self.state.version, recorded).await?;
        self.commits.failpoints.hit(Failpoint::Loaded)?;
        self.fresh = true;
        Ok(found)
    }

    fn target(&self) -> Target {
        self.target.clone()
    }

    async fn swap(&mut self, marker: &Marker, staged: &[Staged]) -> Swap {
        if !self.fresh {
            let table = self.log.name().to_owned();
            return Swap::Failed(DeltaError::NotLoaded { table }.into());
        }
        let prepared = match self.sent.take() {
            Some(sent) if sent.id == marker.id => Ok(sent),
            _ => self.prepare(marker, staged).await,
        };
        let hit = |prepared: Prepared| -> Result<Prepared> {
            self.commits.failpoints.hit(Failpoint::BeforeSwap)?;
            Ok(prepared)
        };
        match prepared.and_then(hit) {
            Ok(prepared) => self.apply(prepared, marker).await,
            Err(error) => Swap::Failed(error),
        }
    }

    async fn check(&mut self, staged: &[Staged]) -> Result<bool> {
        for file in staged {
            if self.log.table().length(&file.path).await? != Some(file.bytes) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// The time of day for the log, at which only people and retention look.
#[allow(
    clippy::disallowed_methods,
    reason = "it dates the metadata of a table, on which no row depends"
)]
pub(crate) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
