//! Where it stands which metadata file of a table is the current one: the pointer that a commit swaps.
//!
//! There are two kinds. In a directory catalog the names of the metadata files say it, in an SQL
//! catalog a row does. A commit knows neither: it asks for the current version, makes the metadata
//! that follows it, and swaps.

use bytes::Bytes;
use highwater_core::{Error, Result};

use crate::error::IcebergError;
use crate::format::TableState;
use crate::layout::TableFiles;
use crate::sql::Row;
use crate::versions::Versions;

/// What says which metadata file of one table is the current one.
#[derive(Clone, Debug)]
pub(crate) enum Pointer {
    /// The names of the files.
    Versions(Versions),
    /// A row of a database.
    Row(Row),
}

/// A metadata file that is, or was, the current one.
#[derive(Clone, Debug)]
pub(crate) struct Version {
    /// The number in its name.
    pub(crate) number: u64,
    pub(crate) location: String,
    pub(crate) bytes: Bytes,
}

/// How a swap ended.
#[derive(Debug)]
pub(crate) enum Swapped {
    /// This version is the current one.
    Done(Version),
    /// This version has the place that was wanted. Whether an earlier attempt of the same commit
    /// made it stands in it.
    Occupied(Version),
    /// The base is not the current version; nothing was applied.
    Outrun,
    /// Nothing was applied.
    Failed(Error),
    /// Nobody can say.
    Unknown(Error),
}

impl Pointer {
    /// The current version; none when there is no table. `seen` is a version known to have been it.
    pub(crate) async fn current(&self, seen: Option<&Version>) -> Result<Option<Version>> {
        match self {
            Self::Versions(versions) => versions.newest(seen.map(|seen| seen.number)).await,
            Self::Row(row) => row.current(seen).await,
        }
    }

    /// Where the files of a table go that is to be made.
    pub(crate) async fn home(&self) -> Result<TableFiles> {
        match self {
            Self::Versions(versions) => Ok(versions.files().clone()),
            Self::Row(row) => row.home().await,
        }
    }

    /// Where the files of the table are.
    ///
    /// # Errors
    /// A table outside of the warehouse.
    pub(crate) fn files(&self, state: &TableState) -> Result<TableFiles, IcebergError> {
        match self {
            Self::Versions(versions) => Ok(versions.files().clone()),
            Self::Row(row) => row.files().at(state.location()),
        }
    }

    /// Makes the first version, in `home`; gives the one that is there when somebody else has just
    /// made the table.
    pub(crate) async fn create(&self, home: &TableFiles, bytes: Bytes) -> Result<Option<Version>> {
        match self {
            Self::Versions(versions) => versions.create(bytes).await,
            Self::Row(row) => row.create(home, bytes).await,
        }
    }

    /// The compare-and-swap: makes the version that follows `base`, if that is the current one.
    pub(crate) async fn swap(&self, base: &Version, files: &TableFiles, bytes: Bytes) -> Swapped {
        match self {
            Self::Versions(versions) => versions.swap(base, bytes).await,
            Self::Row(row) => row.swap(base, files, bytes).await,
        }
    }

    /// What follows a swap. Metadata at `expired` locations may be deleted.
    ///
    /// # Errors
    /// When what was made may count for nothing after all.
    pub(crate) async fn settle(&self, made: &Version, expired: &[String]) -> Result<()> {
        match self {
            Self::Versions(versions) => versions.publish(made.number, expired).await,
            Self::Row(row) => {
                row.clear(expired).await;
                Ok(())
            }
        }
    }

    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Versions(versions) => versions.files().name(),
            Self::Row(row) => row.files().name(),
        }
    }

    /// What people look at to find the current version.
    pub(crate) fn place(&self) -> String {
        match self {
            Self::Versions(versions) => versions.files().location(),
            Self::Row(row) => row.place(),
        }
    }
}
