//! The log of a table: a file for each version.

use std::sync::Arc;

use bytes::Bytes;
use highwater_core::{Error, ErrorKind, Result};
use highwater_storage::{Created, Storage};

use crate::actions::Commit;
use crate::error::{Cause, DeltaError};
use crate::kernel;
use crate::state::TableState;

/// The directory of the log.
pub(crate) const LOG: &str = "_delta_log";

/// The files of one table.
#[derive(Clone, Debug)]
pub(crate) struct Log {
    table: Storage,
    name: Arc<str>,
}

/// How the attempt to make a version ended.
#[derive(Debug)]
pub(crate) enum Made {
    /// It is there, and durable.
    Done,
    /// Another commit has its place; or this one, if an earlier attempt was applied after all.
    Occupied(Box<Commit>),
    /// Nothing was applied.
    Failed(Error),
    /// Nobody can say.
    Unknown(Error),
}

impl Log {
    /// The log of the table in `table`.
    pub(crate) fn new(table: Storage) -> Self {
        let name = table.location("").into();
        Self { table, name }
    }

    /// Where the table is, which is its name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn table(&self) -> &Storage {
        &self.table
    }

    /// The newest version, by a replay of the log from its last checkpoint; none when there is no
    /// table.
    ///
    /// # Errors
    /// `Transient` when the log cannot be read now; `Corrupt` or `Unsupported` when it cannot be at
    /// all.
    pub(crate) async fn newest(&self) -> Result<Option<TableState>> {
        if self.table.list(LOG).await?.is_empty() {
            return Ok(None);
        }
        kernel::newest(self).await.map(Some)
    }

    /// What a version says; none when it is not there, or no more.
    ///
    /// # Errors
    /// `Corrupt` when it is no commit, and as of [`Storage`].
    pub(crate) async fn commit(&self, version: u64) -> Result<Option<Commit>> {
        let path = path(version);
        let Some(bytes) = self.table.read(&path).await? else { return Ok(None) };
        let commit = Commit::parse(&bytes).map_err(|cause| self.unreadable(&path, cause.into()))?;
        Ok(Some(commit))
    }

    /// What a file of the table is if `source` comes of reading it.
    pub(crate) fn unreadable(&self, path: &str, source: Cause) -> DeltaError {
        DeltaError::Unreadable { location: self.table.location(path), source }
    }

    /// Whether a version is there.
    pub(crate) async fn has(&self, version: u64) -> Result<bool> {
        Ok(self.table.length(&path(version)).await?.is_some())
    }

    /// Whether a version can be replayed: it is there, or a checkpoint of it is.
    pub(crate) async fn keeps(&self, version: u64) -> Result<bool> {
        if self.has(version).await? {
            return Ok(true);
        }
        let checkpoint = format!("{LOG}/{version:020}.checkpoint.");
        let files = self.table.list(LOG).await?;
        Ok(files.iter().any(|file| file.path.starts_with(&checkpoint)))
    }

    /// Makes a version, unless somebody has made it. The only write there is to a log.
    pub(crate) async fn make(&self, version: u64, bytes: Bytes) -> Made {
        match self.table.create(&path(version), bytes).await {
            Ok(Created::Created) => Made::Done,
            Ok(Created::Exists) => match self.commit(version).await {
                Ok(Some(commit)) => Made::Occupied(Box::new(commit)),
                Ok(None) => Made::Unknown(self.missing(version).into()),
                Err(error) => Made::Unknown(error),
            },
            Err(error) if definite(&error) => Made::Failed(error),
            Err(error) => Made::Unknown(error),
        }
    }

    /// A version that was there is not.
    pub(crate) fn missing(&self, version: u64) -> DeltaError {
        let location = self.table.location(&path(version));
        DeltaError::FileMissing { table: self.name.to_string(), location }
    }
}

/// Whether an error says that nothing was written.
fn definite(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Refused | ErrorKind::Invalid)
}

/// The path of a version below the table.
pub(crate) fn path(version: u64) -> String {
    format!("{LOG}/{version:020}.json")
}
