//! The log of one pipeline in a directory or bucket prefix.
//!
//! `prepared/<epoch>.<attempt>.json` are the records, `state/<epoch>-<worker>-<run>.hws` the state that
//! they name. Whether an epoch is committed stands in the tables and nowhere else.

use std::collections::BTreeSet;

use highwater_core::{Digest, Epoch, Result};
use highwater_storage::{Created, Storage};

use crate::{CheckpointError, Prepared, RecordId};

const RECORDS_KEPT: usize = 2;

/// The records of one pipeline.
///
/// # Example
/// ```
/// use highwater_checkpoint::Log;
/// use highwater_storage::Storage;
///
/// # futures::executor::block_on(async {
/// let log = Log::new(Storage::memory());
/// assert!(log.newest().await?.is_none()); // nothing was ever prepared
/// # Ok::<(), highwater_core::Error>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct Log {
    storage: Storage,
}

/// The newest record of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The record.
    pub record: Prepared,
    /// Its digest.
    pub digest: Digest,
}

impl Log {
    /// The log in `storage`, which need not exist yet.
    pub fn new(storage: Storage) -> Self {
        Self { storage }
    }

    /// Where it is, for messages.
    pub fn location(&self) -> String {
        self.storage.location("")
    }

    /// The newest record; none when nothing was ever prepared.
    ///
    /// # Errors
    /// `Corrupt` when the record is damaged; whatever the storage reports.
    pub async fn newest(&self) -> Result<Option<Head>> {
        let Some(newest) = self.records().await?.pop() else { return Ok(None) };
        self.read(newest).await
    }

    /// One record; none when it is not there.
    ///
    /// # Errors
    /// As [`newest`](Self::newest).
    pub async fn read(&self, id: RecordId) -> Result<Option<Head>> {
        let path = record_path(id);
        let Some(bytes) = self.storage.read(&path).await? else { return Ok(None) };
        let (record, digest) = Prepared::decode(&bytes, &self.storage.location(&path))?;
        Ok(Some(Head { record, digest }))
    }

    /// The newest record of an epoch before `epoch`; none when there is none.
    ///
    /// # Errors
    /// As [`newest`](Self::newest).
    pub async fn newest_before(&self, epoch: Epoch) -> Result<Option<Head>> {
        let records = self.records().await?;
        match records.into_iter().rfind(|id| id.epoch < epoch) {
            Some(id) => self.read(id).await,
            None => Ok(None),
        }
    }

    /// Writes a record, which decides its epoch, and returns its digest.
    ///
    /// `previous` is the record that the log ended with before. If it is gone afterwards, a
    /// successor has gone on and trimmed it.
    ///
    /// # Errors
    /// `Fenced` when another run prepared this epoch or went on; whatever the storage reports.
    /// After an error of the storage nobody knows whether the record is there: stop, and let the
    /// next start find out.
    pub async fn append(&self, record: &Prepared, previous: Option<RecordId>) -> Result<Digest> {
        let (bytes, digest) = record.encode()?;
        let path = record_path(record.id);
        if matches!(self.storage.create(&path, bytes).await?, Created::Exists) {
            // A retry below may have met our own first attempt: the run in the record tells.
            let stored = self.read(record.id).await?;
            if stored.is_none_or(|stored| stored.digest != digest) {
                let location = self.location();
                return Err(CheckpointError::Taken { id: record.id, location }.into());
            }
        }
        if let Some(id) = previous
            && self.storage.length(&record_path(id)).await?.is_none()
        {
            let location = self.location();
            return Err(CheckpointError::Trimmed { id, location }.into());
        }
        Ok(digest)
    }

    /// Removes records from the oldest upwards. Keeps the first record, which says whose
    /// log it is, and the two newest.
    ///
    /// # Errors
    /// Whatever the storage reports; a later trim goes on where this one stopped.
    pub async fn trim(&self) -> Result<()> {
        let records = self.records().await?;
        let removable = records.len().saturating_sub(RECORDS_KEPT);
        for id in records.iter().take(removable).skip(1) {
            self.storage.delete(&record_path(*id)).await?;
        }
        Ok(())
    }

    /// Removes the state objects that no record names. Those of the newest epoch are left alone unless
    /// `run` wrote them: another instance may be about to name them, and hold its own record for it.
    ///
    /// # Errors
    /// As [`trim`](Self::trim).
    pub async fn trim_state(&self, run: &str) -> Result<()> {
        // Before the records: what is named by one that comes meanwhile is then not found unnamed.
        let objects = self.storage.list("state").await?;
        let records = self.records().await?;
        let Some(newest) = records.last() else { return Ok(()) };
        let mut named = BTreeSet::new();
        for id in &records {
            // What another instance trims meanwhile may be all that names an object.
            let Some(head) = self.read(*id).await? else { return Ok(()) };
            let state = head.record.state.unwrap_or_default();
            named.extend(state.objects.into_iter().map(|object| object.path));
        }
        for object in objects.iter().filter(|object| !named.contains(&object.path)) {
            let Some((epoch, owner)) = state_of(&object.path) else { continue };
            if epoch < newest.epoch || (epoch == newest.epoch && owner == run) {
                self.storage.delete(&object.path).await?;
            }
        }
        Ok(())
    }

    async fn records(&self) -> Result<Vec<RecordId>> {
        let objects = self.storage.list("prepared").await?;
        let mut ids: Vec<_> = objects.iter().filter_map(|object| id_of(&object.path)).collect();
        ids.sort_unstable();
        Ok(ids)
    }
}

fn record_path(id: RecordId) -> String {
    format!("prepared/{:020}.{:04}.json", id.epoch.0, id.attempt)
}

/// Where a worker of a run saves its state at the end of an epoch, below the checkpoint.
pub fn state_path(epoch: Epoch, worker: usize, run: &str) -> String {
    format!("state/{:020}-{worker:04}-{run}.hws", epoch.0)
}

fn state_of(path: &str) -> Option<(Epoch, &str)> {
    let name = path.strip_prefix("state/")?.strip_suffix(".hws")?;
    let (epoch, rest) = name.split_once('-')?;
    let (_worker, run) = rest.split_once('-')?;
    Some((Epoch(epoch.parse().ok()?), run))
}

fn id_of(path: &str) -> Option<RecordId> {
    let name = path.strip_prefix("prepared/")?.strip_suffix(".json")?;
    let (epoch, attempt) = name.split_once('.')?;
    Some(RecordId { epoch: Epoch(epoch.parse().ok()?), attempt: attempt.parse().ok()? })
}

#[cfg(test)]
mod tests;
