//! Which metadata file of a table is the current one, by their names.
//!
//! The layout is that of Iceberg's directory ("hadoop") catalog: the metadata of version n is
//! `metadata/v<n>.metadata.json`, made by create-if-absent, so of racing writers exactly one makes
//! a version. `metadata/version-hint.text` only says where to begin looking.
//!
//! The versions that are there always form one run without holes: new ones are added at its upper
//! end and old ones taken from its lower end, upwards. So whoever finds any version of the run finds
//! the newest by going up. A writer that slept while others went on could fill a place below the run;
//! [`Versions::publish`] sees that its base is gone.

use bytes::Bytes;
use highwater_core::{Error, ErrorKind, Result};
use highwater_storage::{Created, Storage};
use tracing::warn;

use crate::error::IcebergError;
use crate::layout::{METADATA, TableFiles};
use crate::pointer::{Swapped, Version};

const HINT: &str = "metadata/version-hint.text";
const SUFFIX: &str = ".metadata.json";
/// How many old metadata files one commit deletes at most.
const DELETED_AT_ONCE: usize = 256;

/// The metadata files of one table by their numbers.
#[derive(Clone, Debug)]
pub(crate) struct Versions {
    files: TableFiles,
    table: Storage,
}

impl Versions {
    pub(crate) fn new(files: TableFiles) -> Self {
        let table = files.warehouse().at(&files.within(""));
        Self { files, table }
    }

    pub(crate) fn files(&self) -> &TableFiles {
        &self.files
    }

    /// The location of the metadata of a version.
    fn location(&self, number: u64) -> String {
        self.table.location(&version_path(number))
    }

    fn version(&self, number: u64, bytes: Bytes) -> Version {
        Version { number, location: self.location(number), bytes }
    }

    /// Makes the first version; gives the one that is there when somebody else has just made it.
    pub(crate) async fn create(&self, bytes: Bytes) -> Result<Option<Version>> {
        match self.create_version(1, bytes.clone()).await? {
            Created::Created => {
                self.publish(1, &[]).await?;
                Ok(Some(self.version(1, bytes)))
            }
            Created::Exists => self.newest(Some(1)).await,
        }
    }

    /// The compare-and-swap: makes the version above `base`.
    pub(crate) async fn swap(&self, base: &Version, bytes: Bytes) -> Swapped {
        let number = base.number.saturating_add(1);
        match self.create_version(number, bytes.clone()).await {
            Ok(Created::Created) => Swapped::Done(self.version(number, bytes)),
            Ok(Created::Exists) => match self.read(number).await {
                Ok(Some(theirs)) => Swapped::Occupied(self.version(number, theirs)),
                Ok(None) => {
                    let (table, location) = (self.files.name().to_owned(), self.location(number));
                    Swapped::Unknown(IcebergError::FileMissing { table, location }.into())
                }
                Err(error) => Swapped::Unknown(error),
            },
            Err(error) if definite(&error) => Swapped::Failed(error),
            Err(error) => Swapped::Unknown(error),
        }
    }

    /// The newest version; none when there is no table. `seen` is a version known to have been
    /// there.
    pub(crate) async fn newest(&self, seen: Option<u64>) -> Result<Option<Version>> {
        let from = match seen {
            Some(number) => Some(number),
            None => self.hint().await?,
        };
        if let Some(from) = from
            && let Some(version) = self.climb(from).await?
        {
            return Ok(Some(version));
        }
        match self.highest().await? {
            Some(number) => self.climb(number).await,
            None => Ok(None),
        }
    }

    /// Goes up from a version; none when that one is not there, since what is above a hole is no
    /// part of the run.
    async fn climb(&self, from: u64) -> Result<Option<Version>> {
        let Some(mut bytes) = self.read(from).await? else { return Ok(None) };
        let mut number = from;
        loop {
            let above = number.saturating_add(1);
            match self.read(above).await? {
                Some(newer) => (number, bytes) = (above, newer),
                None => return Ok(Some(self.version(number, bytes))),
            }
        }
    }

    /// What the hint says. Whatever is wrong with it, the directory tells as well.
    async fn hint(&self) -> Result<Option<u64>> {
        let hint = self.table.read(HINT).await?;
        let text = hint.as_ref().and_then(|bytes| std::str::from_utf8(bytes).ok());
        Ok(text.and_then(|text| text.trim().parse().ok()))
    }

    /// The highest version in the directory.
    async fn highest(&self) -> Result<Option<u64>> {
        let objects = self.table.list(METADATA).await?;
        let highest = objects.iter().filter_map(|object| version_of(&object.path)).max();
        let other = objects.into_iter().find(|object| object.path.contains(SUFFIX));
        match (highest, other) {
            (None, Some(other)) => {
                Err(IcebergError::OtherCatalog { location: self.table.location(&other.path) }
                    .into())
            }
            (highest, _) => Ok(highest),
        }
    }

    /// Makes a version, unless somebody has made it.
    async fn create_version(&self, number: u64, bytes: Bytes) -> Result<Created> {
        self.table.create(&version_path(number), bytes).await
    }

    /// The bytes of one version.
    async fn read(&self, number: u64) -> Result<Option<Bytes>> {
        self.table.read(&version_path(number)).await
    }

    /// What follows when a version was made: the hint, and the deletion of versions up to the newest
    /// of `expired`. Neither has to succeed.
    ///
    /// # Errors
    /// When the base of the new version is gone, or nobody can tell: then others are ahead, and the
    /// version that was made may count for nothing.
    pub(crate) async fn publish(&self, number: u64, expired: &[String]) -> Result<()> {
        let base = number.saturating_sub(1);
        if base > 0 && self.table.length(&version_path(base)).await?.is_none() {
            return Err(IcebergError::BaseRemoved { location: self.location(base) }.into());
        }
        if let Err(error) = self.table.replace(HINT, Bytes::from(number.to_string())).await {
            warn!(table = %self.files.name(), %error, "the version hint stays behind");
            return Ok(());
        }
        let mine = |location: &String| version_of(&self.table.path_of(location)?);
        if let Some(upto) = expired.iter().filter_map(mine).max().filter(|upto| *upto < base)
            && let Err(error) = self.delete_versions(upto).await
        {
            warn!(table = %self.files.name(), %error, "old metadata stays");
        }
        Ok(())
    }

    /// Deletes versions from the lowest to `upto`, and stops where one cannot be deleted.
    async fn delete_versions(&self, upto: u64) -> Result<()> {
        let below = version_path(upto.saturating_sub(1));
        if self.table.length(&below).await?.is_none() {
            return self.table.delete(&version_path(upto)).await;
        }
        let objects = self.table.list(METADATA).await?;
        let mut old: Vec<_> =
            objects.iter().filter_map(|object| version_of(&object.path)).collect();
        old.retain(|number| *number <= upto);
        old.sort_unstable();
        for number in old.into_iter().take(DELETED_AT_ONCE) {
            self.table.delete(&version_path(number)).await?;
        }
        Ok(())
    }
}

/// Whether an error says that nothing was written.
fn definite(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Refused | ErrorKind::Invalid)
}

fn version_path(number: u64) -> String {
    format!("{METADATA}/v{number}{SUFFIX}")
}

/// The version in the metadata file at `path` below the table.
fn version_of(path: &str) -> Option<u64> {
    let name = path.strip_prefix(METADATA)?.strip_prefix('/')?;
    let number = name.strip_prefix('v')?.strip_suffix(SUFFIX)?.parse().ok()?;
    (version_path(number) == path).then_some(number)
}

#[cfg(test)]
mod tests;
