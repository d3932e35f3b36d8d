//! Load, swap, check: what the commit machine asks of a table.

use std::time::{SystemTime, UNIX_EPOCH};

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use bytes::Bytes;
use highwater_core::{
    Committer, Failpoint, Failpoints, Found, Marker, Result, Staged, Swap, Target,
};
use serde_json::json;

use crate::actions::{Add, Commit, Lines, Txn};
use crate::error::{Cause, DeltaError};
use crate::features;
use crate::history::History;
use crate::log::{Log, Made};
use crate::maintenance::Upkeep;
use crate::marker::{Numbers, Owner, id_in, numbers, other_pipeline, recorded_of};
use crate::schema::{self, TableSchema};
use crate::settings::Settings;
use crate::state::TableState;
use crate::target::{StagedDetail, TableTarget};
use crate::value::makes_partitions;

/// Commits one sink of one pipeline to one table.
#[derive(Debug)]
pub(crate) struct TableCommitter {
    log: Log,
    commits: Commits,
    /// The newest version that was seen.
    state: TableState,
    target: Target,
    /// Commits that were read since the last one of this sink.
    history: History,
    /// Whether `state` is what the last load found: the base of every swap until one is applied.
    fresh: bool,
    /// What is done beside the commits, if anything is.
    upkeep: Option<Upkeep>,
}

/// Who commits what.
#[derive(Debug)]
pub(crate) struct Commits {
    pub(crate) owner: Owner,
    pub(crate) input: SchemaRef,
    /// The same as a schema of tables.
    pub(crate) schema: TableSchema,
    pub(crate) failpoints: Failpoints,
}

/// A commit that is ready to be sent.
struct Prepared {
    bytes: Bytes,
    txns: Vec<Txn>,
}

impl TableCommitter {
    /// A committer to the table of `state`.
    ///
    /// # Errors
    /// A table that rows of this input cannot be appended to, or that another pipeline writes.
    pub(crate) fn open(log: Log, state: TableState, commits: Commits) -> Result<Self> {
        let target = commits.check(log.name(), &state)?;
        let history = History::default();
        Ok(Self { log, commits, state, target, history, fresh: false, upkeep: None })
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
        while let Some(commit) = self.log.commit(state.version.saturating_add(1)).await? {
            state.apply(&commit);
            self.history.add(&self.commits.owner, state.version, &commit);
        }
        // Old commits are cleaned up after a checkpoint: then what is not there is no proof of
        // anything.
        if !self.log.has(state.version).await? {
            self.history.clear();
            state = self.log.newest().await?.ok_or_else(|| self.dropped())?;
        }
        if state.metadata.id != self.state.metadata.id {
            let (was, is) = (self.state.metadata.id.clone(), state.metadata.id);
            let table = self.log.name().to_owned();
            return Err(DeltaError::Recreated { table, was, is }.into());
        }
        self.target = self.commits.check(self.log.name(), &state)?;
        self.state = state;
        Ok(())
    }

    fn dropped(&self) -> DeltaError {
        DeltaError::Dropped { table: self.log.name().to_owned() }
    }

    fn version(&self) -> u64 {
        self.state.version.saturating_add(1)
    }

    fn prepare(&self, marker: &Marker, staged: &[Staged]) -> Result<Prepared> {
        let (owner, table) = (&self.commits.owner, self.log.name());
        let txns = numbers(owner, marker, self.version(), &self.state.txns).ok_or_else(|| {
            DeltaError::Marker { table: table.to_owned(), epoch: marker.id.epoch.0 }
        })?;
        let (now, mut lines) = (now_ms(), Lines::default());
        let parameters = json!({
            "outputMode": "Append",
            "queryId": owner.key(),
            "epochId": marker.id.epoch.to_string(),
        });
        lines.info(now, "STREAMING UPDATE", &parameters, true);
        for (name, number) in &txns {
            lines.txn(name, *number);
        }
        for file in staged {
            let detail: StagedDetail = serde_json::from_str(&file.detail).map_err(|cause| {
                DeltaError::Foreign { what: "staged file", of: owner.key(), source: cause.into() }
            })?;
            self.check_partition(&detail, file)?;
            let add = Add {
                path: &file.path,
                bytes: file.bytes,
                partition: &detail.partition,
                stats: &detail.stats,
            };
            lines.add(&add, now);
        }
        self.commits.failpoints.hit(Failpoint::BeforeSwap)?;
        let txns = txns.into_iter().map(|(app_id, version)| Txn { app_id, version }).collect();
        Ok(Prepared { bytes: lines.finish().into(), txns })
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
        let commit = match self.log.make(self.version(), prepared.bytes).await {
            Made::Done => Commit { txns: prepared.txns, ..Commit::default() },
            Made::Occupied(commit) if self.is_mine(&commit, marker) => commit,
            Made::Occupied(_) => return Swap::Conflicted,
            Made::Failed(error) => return Swap::Failed(error),
            Made::Unknown(error) => return Swap::Unknown(error),
        };
        if let Err(error) = self.commits.failpoints.hit(Failpoint::AfterSwap) {
            return Swap::Unknown(error);
        }
        self.fresh = false;
        self.state.apply(&commit);
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
        match self.prepare(marker, staged) {
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

impl Commits {
    /// Checks that rows can be appended to the table, and says how.
    fn check(&self, table: &str, state: &TableState) -> Result<Target> {
        if let Some(theirs) = other_pipeline(&state.txns, &self.owner.pipeline) {
            return Err(DeltaError::OtherPipeline {
                table: table.to_owned(),
                ours: self.owner.pipeline.to_string(),
                theirs: theirs.to_owned(),
            }
            .into());
        }
        let theirs = schema::parse(table, &state.metadata.schema_string)?;
        features::check(table, &state.protocol, &state.metadata, &theirs)?;
        self.schema.fits(table, &theirs)?;
        let partition = &state.metadata.partition_columns;
        for column in partition {
            let there = self.input.field_with_name(column).ok();
            if there.is_some_and(|field| !makes_partitions(field.data_type())) {
                let (table, column) = (table.to_owned(), column.clone());
                let problem = "its type makes no partitions";
                return Err(DeltaError::Partition { table, column, problem }.into());
            }
        }
        let Settings { indexed, file_bytes } = Settings::of(table, &state.metadata.configuration)?;
        let target = TableTarget { partition: partition.clone(), indexed, file_bytes };
        let unwritable =
            |source: Cause| DeltaError::Foreign { what: "target", of: table.to_owned(), source };
        let target = serde_json::to_string(&target).map_err(|cause| unwritable(cause.into()))?;
        Ok(Target(target))
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
