//! Load, swap, check: what the commit machine asks of a table.

use std::time::{SystemTime, UNIX_EPOCH};

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use bytes::Bytes;
use highwater_core::{
    Committer, Error, Failpoint, Failpoints, Found, Marker, Patience, Result, Staged, Swap, Target,
};

use crate::error::IcebergError;
use crate::format::{
    Attempt, Base, Manifests, Prepared, TableState, partition_targets, sort_target,
};
use crate::history::judge;
use crate::layout::TableFiles;
use crate::marker::{Owner, other_pipeline, recorded_of};
use crate::pointer::{Pointer, Swapped, Version};
use crate::settings::{DATA_PATH, Settings};
use crate::target::{FieldId, TableTarget};

/// Commits one sink of one pipeline to one table.
#[derive(Debug)]
pub(crate) struct TableCommitter {
    pointer: Pointer,
    owner: Owner,
    input: SchemaRef,
    failpoints: Failpoints,
    uuid: String,
    /// The newest version that was seen.
    current: Loaded,
    /// Whether `current` is what the last load found: the base of every swap until one is applied.
    fresh: bool,
    /// The manifests of the last snapshot that was read or made.
    manifests: Option<Manifests>,
    /// The commit on its way.
    attempt: Option<Attempt>,
}

/// A version of the table, as it was checked.
#[derive(Debug)]
struct Loaded {
    version: Version,
    state: TableState,
    files: TableFiles,
    settings: Settings,
    target: Target,
    /// The columns that the rows have there.
    fields: Vec<FieldId>,
}

/// What is known of the table from an earlier version.
#[derive(Clone, Copy)]
struct Known<'a> {
    uuid: &'a str,
    fields: &'a [FieldId],
}

/// Who commits what.
#[derive(Debug)]
pub(crate) struct Commits {
    pub(crate) owner: Owner,
    pub(crate) input: SchemaRef,
    pub(crate) failpoints: Failpoints,
}

impl TableCommitter {
    /// A committer to the table of `version`.
    ///
    /// # Errors
    /// A table that rows of this input cannot be appended to, or that another pipeline writes.
    pub(crate) fn open(pointer: Pointer, version: Version, commits: Commits) -> Result<Self> {
        let Commits { owner, input, failpoints } = commits;
        let current = Loaded::check(&pointer, version, &owner, &input, None)?;
        let uuid = current.state.uuid();
        let (manifests, attempt) = (None, None);
        Ok(Self {
            pointer,
            owner,
            input,
            failpoints,
            uuid,
            current,
            fresh: false,
            manifests,
            attempt,
        })
    }

    async fn refresh(&mut self) -> Result<()> {
        let seen = &self.current.version;
        let Some(version) = self.pointer.current(Some(seen)).await? else {
            return Err(dropped(&self.pointer));
        };
        if version.location != seen.location || version.bytes != seen.bytes {
            let known = Known { uuid: &self.uuid, fields: &self.current.fields };
            let (pointer, owner) = (&self.pointer, &self.owner);
            self.current = Loaded::check(pointer, version, owner, &self.input, Some(known))?;
        }
        Ok(())
    }

    async fn prepare(&mut self, marker: &Marker, staged: &[Staged]) -> Result<Prepared> {
        let mut attempt = match self.attempt.take() {
            Some(attempt) if attempt.is_of(marker, staged) => attempt,
            _ => Attempt::new(marker, staged),
        };
        let Loaded { state, files, version, .. } = &self.current;
        let carried = match self.manifests.take() {
            Some(manifests) if manifests.are_of(state) => manifests,
            _ => Manifests::load(files, state).await?,
        };
        let base = Base {
            files,
            state,
            location: version.location.clone(),
            carried: &carried,
            columns: &FieldId::leaves(&self.current.fields),
            merge: self.current.settings.merge,
            expiry: self.current.settings.expiry,
            now_ms: now_ms(),
        };
        let prepared = attempt.prepare(&base, &self.owner, marker, staged).await?;
        self.manifests = Some(carried);
        self.attempt = Some(attempt);
        self.failpoints.hit(Failpoint::ManifestsWritten)?;
        self.failpoints.hit(Failpoint::BeforeSwap)?;
        Ok(prepared)
    }

    /// The compare-and-swap.
    async fn apply(&mut self, prepared: Prepared) -> Swap {
        let Loaded { version: base, files, .. } = &self.current;
        let bytes = Bytes::from(prepared.next.bytes.clone());
        let made = match self.pointer.swap(base, files, bytes).await {
            Swapped::Done(version) => version,
            Swapped::Occupied(version) => match self.is_ours(&version, &prepared) {
                Ok(true) => version,
                Ok(false) => return self.give_way(&prepared).await,
                Err(error) => return Swap::Unknown(error),
            },
            Swapped::Outrun => return self.give_way(&prepared).await,
            Swapped::Failed(error) => return Swap::Failed(error),
            Swapped::Unknown(error) => return Swap::Unknown(error),
        };
        if let Err(error) = self.failpoints.hit(Failpoint::AfterSwap) {
            return Swap::Unknown(error);
        }
        let expired: &[String] =
            if self.current.settings.deletes_metadata { &prepared.next.expired } else { &[] };
        if let Err(error) = self.pointer.settle(&made, expired).await {
            return Swap::Unknown(error);
        }
        self.fresh = false;
        self.attempt = None;
        self.manifests = Some(prepared.manifests);
        self.current.version = made;
        self.current.state = prepared.next.state;
        Swap::Committed
    }

    /// Whether a version is the one that this commit wanted to make, because an earlier attempt was
    /// applied after all.
    fn is_ours(&self, version: &Version, prepared: &Prepared) -> Result<bool> {
        let state = TableState::parse(self.pointer.name(), &version.location, &version.bytes)?;
        Ok(state.has_snapshot(prepared.snapshot_id))
    }

    async fn give_way(&self, prepared: &Prepared) -> Swap {
        self.current.files.discard(&prepared.list).await;
        Swap::Conflicted
    }
}

#[async_trait]
impl Committer for TableCommitter {
    async fn load(&mut self) -> Result<Found> {
        self.fresh = false;
        self.refresh().await?;
        let state = &self.current.state;
        let recorded = recorded_of(state.properties(), self.pointer.name(), &self.owner)?;
        let is_kept = |sequence| state.has_sequence(sequence);
        let found = judge(self.pointer.name(), &self.owner, recorded, state.ancestry(), is_kept)?;
        self.failpoints.hit(Failpoint::Loaded)?;
        self.fresh = true;
        Ok(found)
    }

    fn target(&self) -> Target {
        self.current.target.clone()
    }

    async fn swap(&mut self, marker: &Marker, staged: &[Staged]) -> Swap {
        if !self.fresh {
            let table = self.pointer.name().to_owned();
            return Swap::Failed(IcebergError::NotLoaded { table }.into());
        }
        match self.prepare(marker, staged).await {
            Ok(prepared) => self.apply(prepared).await,
            Err(error) => Swap::Failed(error),
        }
    }

    fn patience(&self) -> Patience {
        self.current.settings.patience
    }

    async fn check(&mut self, staged: &[Staged]) -> Result<bool> {
        let files = &self.current.files;
        for file in staged {
            let length = files.warehouse().length(&files.path(&file.path)?).await?;
            if length != Some(file.bytes) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl Loaded {
    fn check(
        pointer: &Pointer,
        version: Version,
        owner: &Owner,
        input: &SchemaRef,
        known: Option<Known<'_>>,
    ) -> Result<Self> {
        let table = pointer.name();
        let state = TableState::parse(table, &version.location, &version.bytes)?;
        if let Some(Known { uuid, .. }) = known
            && uuid != state.uuid()
        {
            let (was, is) = (uuid.to_owned(), state.uuid());
            return Err(IcebergError::Recreated { table: table.to_owned(), was, is }.into());
        }
        state.check_features()?;
        if let Some(theirs) = other_pipeline(state.properties(), &owner.pipeline) {
            return Err(IcebergError::OtherPipeline {
                table: table.to_owned(),
                ours: owner.pipeline.to_string(),
                theirs: theirs.to_owned(),
            }
            .into());
        }
        let files = pointer.files(&state)?;
        let fields = state.field_ids(input, known.map(|known| known.fields))?;
        let settings = Settings::of(table, state.properties())?;
        let data = match state.properties().get(DATA_PATH) {
            Some(path) => path.trim_end_matches('/').to_owned(),
            None => format!("{}/data", state.location()),
        };
        let target = TableTarget {
            data: files.path(&data)?,
            schema_id: state.schema_id(),
            spec_id: state.spec_id(),
            partition: partition_targets(state.spec()),
            sort: sort_target(state.order()),
            fields: fields.clone(),
            codec: settings.codec,
            profile: settings.profile,
            file_bytes: settings.file_bytes,
            row_group_bytes: settings.row_group_bytes,
        };
        let target = serde_json::to_string(&target).map_err(|cause| IcebergError::Metadata {
            table: table.to_owned(),
            source: cause.into(),
        })?;
        Ok(Self { version, state, files, settings, target: Target(target), fields })
    }
}

/// The table is not there any more.
pub(crate) fn dropped(pointer: &Pointer) -> Error {
    let (table, location) = (pointer.name().to_owned(), pointer.place());
    IcebergError::Dropped { table, location }.into()
}

/// The time of day for the timestamps of snapshots, which only people and expiry look at, and for the
/// age of files that nothing names.
#[allow(
    clippy::disallowed_methods,
    reason = "it dates the metadata of a table, on which no row depends"
)]
pub(crate) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
