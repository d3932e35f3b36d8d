//! What can go wrong with a database, and what is to be done about it.

use std::io;

use highwater_core::{Error, ErrorKind};
use rusqlite::ErrorCode;

use crate::error::Cause;

/// An error of an SQL catalog's database.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatabaseError {
    /// A text that names no database.
    #[error("{uri:?} is no address of a catalog: write sqlite:data/catalog.db")]
    Uri {
        /// The text.
        uri: String,
    },
    /// Another program holds the database for longer than is waited.
    #[error("{path} is locked by another program")]
    Locked {
        /// The database.
        path: String,
        /// What SQLite says.
        #[source]
        source: Cause,
    },
    /// The database cannot be opened.
    #[error("cannot open {path}")]
    NotOpened {
        /// The database.
        path: String,
        /// Why.
        #[source]
        source: Cause,
    },
    /// The database cannot be written.
    #[error("{path} cannot be written")]
    ReadOnly {
        /// The database.
        path: String,
        /// What SQLite says.
        #[source]
        source: Cause,
    },
    /// There is no room for a change.
    #[error("there is no room for a change of {path}")]
    Full {
        /// The database.
        path: String,
        /// What SQLite says.
        #[source]
        source: Cause,
    },
    /// A file of another kind.
    #[error("{path} is no SQLite database")]
    NotADatabase {
        /// The file.
        path: String,
    },
    /// A database that SQLite cannot read.
    #[error("{path} is damaged")]
    Damaged {
        /// The database.
        path: String,
        /// What SQLite says.
        #[source]
        source: Cause,
    },
    /// A table of the name that catalogs use, with other columns.
    #[error("the table {table} in {path} has no column {column}, so it is no Iceberg catalog's")]
    OtherColumns {
        /// The database.
        path: String,
        /// Its table.
        table: &'static str,
        /// What is missing.
        column: &'static str,
    },
    /// Anything else.
    #[error("{path} does not answer")]
    Failed {
        /// The database.
        path: String,
        /// Why.
        #[source]
        source: Cause,
    },
}

impl DatabaseError {
    /// What SQLite said of the database at `path`.
    pub(crate) fn of(path: String, error: rusqlite::Error) -> Self {
        let code = error.sqlite_error_code();
        let source = error.into();
        match code {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                Self::Locked { path, source }
            }
            Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
                Self::NotOpened { path, source }
            }
            Some(ErrorCode::ReadOnly) => Self::ReadOnly { path, source },
            Some(ErrorCode::DiskFull) => Self::Full { path, source },
            Some(ErrorCode::NotADatabase) => Self::NotADatabase { path },
            Some(ErrorCode::DatabaseCorrupt) => Self::Damaged { path, source },
            _ => Self::Failed { path, source },
        }
    }

    /// The directory of the database at `path` cannot be made.
    pub(crate) fn no_directory(path: String, cause: io::Error) -> Self {
        Self::NotOpened { path, source: cause.into() }
    }

    fn kind(&self) -> ErrorKind {
        match self {
            Self::Uri { .. } | Self::NotADatabase { .. } | Self::OtherColumns { .. } => {
                ErrorKind::Invalid
            }
            Self::NotOpened { .. } | Self::ReadOnly { .. } | Self::Full { .. } => {
                ErrorKind::Refused
            }
            Self::Damaged { .. } => ErrorKind::Corrupt,
            Self::Locked { .. } | Self::Failed { .. } => ErrorKind::Transient,
        }
    }

    fn advice(&self) -> &'static str {
        match self {
            Self::Uri { .. } => "name a file, such as sqlite:data/catalog.db",
            Self::Locked { .. } => "end the program that holds it, then start again",
            Self::NotOpened { .. } => "name a file that this process may open",
            Self::ReadOnly { .. } => "make the file and its directory writable, then start again",
            Self::Full { .. } => "free some space there, then start again",
            Self::NotADatabase { .. } | Self::OtherColumns { .. } => {
                "name the database of a catalog, or a file that is not there yet"
            }
            Self::Damaged { .. } => "restore the database from a copy",
            Self::Failed { .. } => "check the disk and the kernel's log, then start again",
        }
    }
}

impl From<DatabaseError> for Error {
    fn from(error: DatabaseError) -> Self {
        let (kind, advice) = (error.kind(), error.advice());
        Self::new(kind, "iceberg", error).advise(advice)
    }
}
