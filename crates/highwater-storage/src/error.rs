//! What can go wrong with an object, and what is to be done about it.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::path::PathBuf;

use highwater_core::{Error, ErrorKind};

/// An operation that failed, or a name that cannot be one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StorageError {
    /// A location that is neither a path nor a `file://` URL.
    #[error("{url} is neither a local directory nor a file:// URL")]
    Scheme {
        /// The location as it was given.
        url: String,
    },
    /// A path that cannot be made absolute.
    #[error("cannot make {path:?} an absolute path")]
    Relative {
        /// The path as it was given.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// A path of an object that is not relative, or has parts that name no object.
    #[error("{path:?} cannot be the path of an object under {location}")]
    Path {
        /// The path as it was given.
        path: String,
        /// The storage.
        location: String,
    },
    /// An operation on an object that the store did not do.
    #[error("cannot {action} {location}: {cause}")]
    Object {
        /// What was to be done.
        action: Action,
        /// The object.
        location: String,
        /// What the store says; it prints its own causes.
        cause: object_store::Error,
    },
    /// A part of an upload that ended without an answer, because its runtime went away.
    #[error("the upload of {location} was cut off")]
    CutOff {
        /// The object.
        location: String,
    },
}

/// What was to be done with an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// Read it or its length.
    Read,
    /// Write it.
    Write,
    /// List what is below it.
    List,
    /// Delete it.
    Delete,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::List => "list",
            Self::Delete => "delete",
        })
    }
}

/// A step of a durable local write that failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WriteError {
    /// Nothing of the object is visible, nor will be.
    #[error("{}: {source}", path.display())]
    NotApplied { path: PathBuf, source: io::Error },
    /// The kernel may have lost what was written; the object may be visible all the same.
    #[error("{} was not synced: {source}", path.display())]
    NotSynced { path: PathBuf, source: io::Error },
    /// An earlier sync failed, so that the state of the disk is unknown.
    #[error("not written after a failed sync of its file system")]
    Broken,
}

impl From<WriteError> for object_store::Error {
    fn from(error: WriteError) -> Self {
        Self::Generic { store: "local", source: Box::new(error) }
    }
}

const FULL: &str = "free some space there, then start again";
const READ_ONLY: &str = "make the file system writable, then start again";
const DENIED: &str = "give this process access to it, then start again";
const DISK: &str = "check the disk and the kernel's log, then start again";

impl From<StorageError> for Error {
    fn from(error: StorageError) -> Self {
        let (kind, next_step) = match &error {
            StorageError::Scheme { .. } => {
                (ErrorKind::Invalid, "name a directory, such as data/warehouse")
            }
            StorageError::Relative { .. } => (ErrorKind::Invalid, "name an absolute path"),
            StorageError::Path { .. } => (
                ErrorKind::Invalid,
                "use a relative path without empty parts, `..` or a last part that ends in `#` and digits",
            ),
            StorageError::Object { cause, .. } => judge(cause),
            StorageError::CutOff { .. } => {
                (ErrorKind::Transient, "keep the runtime running until the upload has finished")
            }
        };
        Self::new(kind, "storage", error).advise(next_step)
    }
}

/// What an answer of a store means for whoever asked. `Refused` is given only where nothing was
/// applied.
fn judge(cause: &object_store::Error) -> (ErrorKind, &'static str) {
    if let Some(error) = in_chain::<WriteError>(cause) {
        return match error {
            WriteError::NotSynced { .. } | WriteError::Broken => (ErrorKind::Corrupt, DISK),
            WriteError::NotApplied { source, .. } => judge_io(source),
        };
    }
    if let Some(error) = in_chain::<io::Error>(cause) {
        return judge_io(error);
    }
    match cause {
        object_store::Error::PermissionDenied { .. }
        | object_store::Error::Unauthenticated { .. } => (ErrorKind::Refused, DENIED),
        object_store::Error::InvalidPath { .. } => (ErrorKind::Invalid, "use another path"),
        object_store::Error::NotImplemented { .. } | object_store::Error::NotSupported { .. } => {
            (ErrorKind::Unsupported, "use a store with conditional puts")
        }
        _ => (ErrorKind::Transient, "check that the store answers, then start again"),
    }
}

fn judge_io(error: &io::Error) -> (ErrorKind, &'static str) {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => (ErrorKind::Refused, FULL),
        io::ErrorKind::ReadOnlyFilesystem => (ErrorKind::Refused, READ_ONLY),
        io::ErrorKind::PermissionDenied => (ErrorKind::Refused, DENIED),
        io::ErrorKind::NotADirectory
        | io::ErrorKind::IsADirectory
        | io::ErrorKind::InvalidFilename
        | io::ErrorKind::FileTooLarge => (ErrorKind::Refused, "choose another directory"),
        _ => (ErrorKind::Transient, DISK),
    }
}

fn in_chain<'a, E: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<E>() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

#[cfg(test)]
mod tests;
