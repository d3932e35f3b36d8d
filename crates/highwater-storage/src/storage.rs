//! A directory or a bucket prefix, addressed by relative paths.

use std::path::{Component, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures::TryStreamExt;
use highwater_core::{ReadAt, Result};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{Error, ObjectStore, ObjectStoreExt, PutMode};
use url::Url;

use crate::Upload;
use crate::durable::DurableFiles;
use crate::error::{Action, StorageError};
use crate::in_place::{Fetched, OpenFile};

/// A directory or a bucket prefix whose writes survive a loss of power once they return.
///
/// Paths are relative, with `/` between their parts, without empty parts, `.`, `..` and control
/// characters; anything else is `Invalid`. Names that end in `#` and digits are kept for files in the
/// making. Cheap to clone.
///
/// Methods need a tokio runtime of either flavour. Whoever drops the future of a write does not
/// cancel it: a local write goes on to its end.
///
/// # Errors
/// * `Refused`: disk full, read-only file system or permission denied. Nothing was applied.
/// * `Invalid`: the path or URL. Nothing was applied.
/// * `Corrupt`: a file or directory could not be synced. What was written may not last; this storage and
///   its clones write nothing more.
/// * `Transient`: everything else. After it nobody knows whether a write was applied.
///
/// # Example
/// ```
/// use highwater_storage::{Created, Storage};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let log = Storage::memory().at("ledger/prepared");
/// assert_eq!(log.create("7", "mine".into()).await?, Created::Created);
/// assert_eq!(log.create("7", "yours".into()).await?, Created::Exists);
/// assert_eq!(log.read("7").await?.as_deref(), Some(b"mine".as_slice()));
/// # Ok::<_, highwater_core::Error>(()) }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct Storage {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
    location: Arc<str>,
    /// Its objects are files at their locations.
    local: bool,
}

/// Whether [`Storage::create`] made the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Created {
    /// It did, and the object is durable.
    Created,
    /// There was one already. Over a network that may be the very object of this call, when a first
    /// answer was lost: whoever must know writes a nonce and reads it back.
    Exists,
}

/// An object in a listing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Object {
    /// Its path within the storage.
    pub path: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// When it was last written, in milliseconds since 1970.
    pub modified_ms: i64,
}

impl Storage {
    /// The storage at `url`: a path, relative to the current directory or absolute, or a `file://`
    /// URL. Contacts nothing; the directory is made at the first write.
    ///
    /// # Errors
    /// `Invalid` for any other scheme and for a path that is not UTF-8 or has control characters.
    pub fn open(url: &str) -> Result<Self> {
        let root = local_root(url)?;
        let location = root.to_str().map(ToOwned::to_owned);
        let prefix = location.as_deref().and_then(|location| Path::parse(location).ok());
        let (Some(location), Some(prefix)) = (location, prefix) else {
            return Err(StorageError::Scheme { url: url.into() }.into());
        };
        let files = Self::with_store(Arc::new(DurableFiles::new(root, prefix)), &location);
        Ok(Self { local: true, ..files })
    }

    /// An empty storage in memory, for tests and simulation.
    pub fn memory() -> Self {
        Self::with_store(Arc::new(InMemory::new()), "memory://storage")
    }

    /// The objects of `store`, whose root is known to the outside as `location`.
    pub fn with_store(store: Arc<dyn ObjectStore>, location: &str) -> Self {
        let location = location.trim_end_matches('/').into();
        Self { store, prefix: Path::ROOT, location, local: false }
    }

    /// The objects of this storage as a store of its own, under the same paths.
    pub fn object_store(&self) -> Arc<dyn ObjectStore> {
        if self.prefix.is_root() {
            return Arc::clone(&self.store);
        }
        Arc::new(PrefixStore::new(Arc::clone(&self.store), self.prefix.clone()))
    }

    /// A sub-directory as a storage of its own. Empty parts of `prefix` count for nothing, and
    /// characters that no part can hold are percent-encoded.
    #[must_use]
    pub fn at(&self, prefix: &str) -> Self {
        let below = Path::from(prefix);
        let parts = self.prefix.parts().chain(below.parts());
        Self {
            store: Arc::clone(&self.store),
            prefix: parts.collect(),
            location: self.location(below.as_ref()).trim_end_matches('/').into(),
            local: self.local,
        }
    }

    /// The absolute location of an object, such as `/data/warehouse/orders/a.parquet`: what goes
    /// into table metadata. Of the empty path: that of the storage.
    pub fn location(&self, path: &str) -> String {
        if path.is_empty() {
            self.location.to_string()
        } else {
            format!("{}/{path}", self.location)
        }
    }

    /// The path of the object at `location`, which may be written as a `file:` URL; none when it
    /// lies outside of this storage.
    pub fn path_of(&self, location: &str) -> Option<String> {
        let bare = location.strip_prefix("file://").or_else(|| location.strip_prefix("file:"));
        let decoded = bare.and_then(|_| Url::parse(location).ok()?.to_file_path().ok());
        [Some(bare.unwrap_or(location)), decoded.as_ref().and_then(|path| path.to_str())]
            .into_iter()
            .flatten()
            .filter_map(|absolute| absolute.strip_prefix(&*self.location)?.strip_prefix('/'))
            .find(|path| self.resolve(path).is_ok())
            .map(ToOwned::to_owned)
    }

    /// The bytes of an object; none when there is no such object.
    ///
    /// # Errors
    /// As of [`Storage`].
    pub async fn read(&self, path: &str) -> Result<Option<Bytes>> {
        let read = async { self.store.get(&self.resolve(path)?).await.found(self, path) };
        let Some(found) = read.await? else { return Ok(None) };
        Ok(found.bytes().await.found(self, path)?)
    }

    /// An object of which any part can be read, and its length; none when there is no such object. A
    /// local file is read in place, anything else is fetched whole.
    ///
    /// # Errors
    /// As of [`Storage`].
    pub async fn read_in_place(&self, path: &str) -> Result<Option<(Arc<dyn ReadAt>, u64)>> {
        let location = self.location(path);
        if !self.local {
            let Some(bytes) = self.read(path).await? else { return Ok(None) };
            let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            return Ok(Some((Arc::new(Fetched { bytes, location }), length)));
        }
        self.resolve(path)?;
        match OpenFile::open(&location) {
            Ok((file, length)) => Ok(Some((Arc::new(file), length))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => {
                let cause = Error::Generic { store: "local", source: Box::new(error) };
                Err(self.failed(Action::Read, path, cause).into())
            }
        }
    }

    /// Writes an object if there is none of this path. Of racing creators exactly one is told
    /// [`Created::Created`].
    ///
    /// # Errors
    /// As of [`Storage`].
    pub async fn create(&self, path: &str, bytes: Bytes) -> Result<Created> {
        let to = self.resolve(path)?;
        match self.store.put_opts(&to, bytes.into(), PutMode::Create.into()).await {
            Ok(_) => Ok(Created::Created),
            Err(Error::AlreadyExists { .. }) => Ok(Created::Exists),
            Err(cause) => Err(self.failed(Action::Write, path, cause).into()),
        }
    }

    /// Writes an object in place of the one that is there, if any. Readers see the old one or the
    /// new one, whole.
    ///
    /// # Errors
    /// As of [`Storage`].
    pub async fn replace(&self, path: &str, bytes: Bytes) -> Result<()> {
        let to = self.resolve(path)?;
        match self.store.put(&to, bytes.into()).await {
            Ok(_) => Ok(()),
            Err(cause) => Err(self.failed(Action::Write, path, cause).into()),
        }
    }

    /// The length of an object in bytes; none when there is no such object.
    ///
    /// # Errors
    /// As of [`Storage`].
    pub async fn length(&self, path: &str) -> Result<Option<u64>> {
        let head = self.store.head(&self.resolve(path)?).await.found(self, path)?;
        Ok(head.map(|meta| meta.size))
    }

    /// All objects below the directory `prefix` (all of them for an empty one), at any depth, sorted
    /// by path. Objects written or deleted meanwhile may be listed or not.
    ///
    /// # Errors
    /// As of [`Storage`].
    pub async fn list(&self, prefix: &str) -> Result<Vec<Object>> {
        let from = if prefix.is_empty() { self.prefix.clone() } else { self.resolve(prefix)? };
        let failed = |cause| self.failed(Action::List, prefix, cause);
        let mut objects: Vec<Object> = self
            .store
            .list(Some(&from))
            .map_err(failed)
            .map_ok(|meta| Object {
                path: self.relative(&meta.location),
                bytes: meta.size,
                modified_ms: meta.last_modified.timestamp_millis(),
            })
            .try_collect()
            .await?;
        objects.sort_unstable();
        Ok(objects)
    }

    /// Deletes an object. That it is absent is no error. A loss of power may bring it back.
    ///
    /// # Errors
    /// As of [`Storage`].
    pub async fn delete(&self, path: &str) -> Result<()> {
        match self.store.delete(&self.resolve(path)?).await {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(cause) => Err(self.failed(Action::Delete, path, cause).into()),
        }
    }

    /// Begins a large object. See [`Upload`].
    pub fn upload(&self, path: &str) -> Upload {
        Upload::new(self.clone(), path.to_owned())
    }

    pub(crate) fn store(&self) -> &Arc<dyn ObjectStore> {
        &self.store
    }

    /// The path of an object in the store below.
    pub(crate) fn resolve(&self, path: &str) -> Result<Path, StorageError> {
        let invalid = || StorageError::Path { path: path.into(), location: self.location("") };
        let name = path.rsplit('/').next().unwrap_or(path);
        let staged = name.rsplit_once('#').is_some_and(|(_, digits)| {
            !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
        });
        if path.is_empty() || path.starts_with('/') || path.ends_with('/') || staged {
            return Err(invalid());
        }
        let below = Path::parse(path).ok().ok_or_else(invalid)?;
        Ok(self.prefix.parts().chain(below.parts()).collect())
    }

    pub(crate) fn failed(&self, action: Action, path: &str, cause: Error) -> StorageError {
        StorageError::Object { action, location: self.location(path), cause }
    }

    fn relative(&self, path: &Path) -> String {
        match path.prefix_match(&self.prefix) {
            Some(parts) => Path::from_iter(parts).into(),
            None => path.to_string(),
        }
    }
}

/// Answers of a store in which an absent object is no error.
trait Found<T> {
    fn found(self, storage: &Storage, path: &str) -> Result<Option<T>, StorageError>;
}

impl<T> Found<T> for object_store::Result<T> {
    fn found(self, storage: &Storage, path: &str) -> Result<Option<T>, StorageError> {
        match self {
            Ok(found) => Ok(Some(found)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(cause) => Err(storage.failed(Action::Read, path, cause)),
        }
    }
}

/// The absolute directory that `url` names, without `.` and `..`.
fn local_root(url: &str) -> Result<PathBuf, StorageError> {
    let path = if url.starts_with("file:") {
        Url::parse(url).ok().and_then(|url| url.to_file_path().ok())
    } else if url.is_empty() || url.contains("://") {
        None
    } else {
        Some(PathBuf::from(url))
    };
    let path = path.ok_or_else(|| StorageError::Scheme { url: url.into() })?;
    let absolute = std::path::absolute(&path)
        .map_err(|source| StorageError::Relative { path: url.into(), source })?;
    let mut plain = PathBuf::new();
    for component in absolute.components() {
        match component {
            Component::ParentDir => {
                plain.pop();
            }
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    Ok(plain)
}
