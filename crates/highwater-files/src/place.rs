//! Where files lie: a directory, or a prefix of an object store.

mod directory;
mod prefix;

use std::io::Read;
use std::path::{Component, PathBuf};
use std::sync::Arc;

use object_store::ObjectStore;
use object_store::path::Path;
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;

use crate::detail::{Found, Part};
use crate::error::{FilesError, Version};
pub(crate) use prefix::Remote;

/// A directory or a prefix.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    Directory(PathBuf),
    Prefix { store: Arc<dyn ObjectStore>, prefix: Path, location: String },
}

/// What lies at a place.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    pub(crate) files: Vec<Found>,
    /// What could not be looked at, or not be named.
    pub(crate) problems: Vec<FilesError>,
}

/// What a look into a file that was found came to.
#[derive(Debug)]
pub(crate) enum Peek {
    /// Its first bytes.
    Head(Vec<u8>),
    /// It is gone, or another one by now.
    Other,
    /// It may not be read.
    Closed(FilesError),
}

/// A file that was opened to be read from some byte on.
pub(crate) enum Opened {
    File(std::fs::File),
    Remote(Remote),
}

impl Place {
    /// The name of the place, as plans and messages have it.
    pub(crate) fn location(&self) -> Result<&str, FilesError> {
        match self {
            Self::Prefix { location, .. } => Ok(location),
            Self::Directory(root) => root
                .to_str()
                .filter(|root| !root.is_empty())
                .ok_or_else(|| FilesError::Name { directory: root.to_string_lossy().into_owned() }),
        }
    }

    /// The files that are there, in no order. Names that begin with `_` or `.` do not count, nor what
    /// lies in directories of such names.
    pub(crate) async fn list(&self, deep: bool) -> Result<Listing, FilesError> {
        match self {
            Self::Directory(root) => {
                let root = root.clone();
                blocking(move || directory::list(&root, deep)).await
            }
            Self::Prefix { store, prefix, location } => {
                let files = prefix::list(store.as_ref(), prefix, deep).await;
                let files = files
                    .map_err(|cause| FilesError::Store { location: location.clone(), cause })?;
                Ok(Listing { files, problems: Vec::new() })
            }
        }
    }

    /// Looks into files that a listing showed, at their first bytes.
    pub(crate) async fn peek(&self, files: Vec<Found>) -> Result<Vec<(Found, Peek)>, FilesError> {
        match self {
            Self::Directory(root) => {
                let root = root.clone();
                blocking(move || {
                    let peek = |file: Found| Ok((directory::peek(&root, &file)?, file));
                    files
                        .into_iter()
                        .map(peek)
                        .map(|it| it.map(|(peek, file)| (file, peek)))
                        .collect()
                })
                .await
            }
            Self::Prefix { store, prefix, location } => {
                prefix::peek(store, prefix, location, files).await
            }
        }
    }

    /// Opens a file of a plan, at this byte. To be called where it may block.
    pub(crate) fn open(
        &self,
        part: &Part,
        from: u64,
        runtime: &Handle,
    ) -> Result<Opened, FilesError> {
        match self {
            Self::Directory(root) => directory::open(root, part, from).map(Opened::File),
            Self::Prefix { store, prefix, location } => {
                prefix::open((store, prefix, location), (part, from), runtime)
            }
        }
    }

    /// The name of a file, for messages and for columns of the source.
    pub(crate) fn name(&self, path: &str) -> String {
        match self {
            Self::Directory(root) => root.join(path).to_string_lossy().into_owned(),
            Self::Prefix { location, .. } => format!("{location}/{path}"),
        }
    }

    /// What to say of a planned file that is gone. Whether another plan may do without it is for the
    /// policy.
    pub(crate) fn gone(&self, part: &Part) -> FilesError {
        FilesError::Gone { file: self.name(part.path()), planned: part.version(), skip: false }
    }

    /// What to say of a planned file that is another one now.
    pub(crate) fn changed(&self, part: &Part, found: impl Into<String>) -> FilesError {
        FilesError::Changed {
            file: self.name(part.path()),
            planned: part.version(),
            found: found.into(),
            first: false,
        }
    }
}

impl Opened {
    /// What the file is now; none where it cannot change while it is read.
    pub(crate) fn version(&self) -> std::io::Result<Option<Version>> {
        match self {
            Self::File(file) => file.metadata().map(|metadata| Some(directory::version(&metadata))),
            Self::Remote(_) => Ok(None),
        }
    }
}

impl Read for Opened {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match self {
            Self::File(file) => file.read(buffer),
            Self::Remote(remote) => remote.read(buffer),
        }
    }
}

/// The path without `.` and `..`, from the root.
pub(crate) fn absolute(path: PathBuf) -> PathBuf {
    let Ok(path) = std::path::absolute(&path) else { return path };
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => {
                plain.pop();
            }
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    plain
}

/// Whether a name of a file or directory counts.
fn counts(name: &[u8]) -> bool {
    !matches!(name.first(), Some(b'_' | b'.'))
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, FilesError> + Send + 'static,
) -> Result<T, FilesError> {
    match spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => Err(FilesError::Io {
            path: "a directory".to_owned(),
            source: std::io::Error::other(error),
        }),
    }
}
