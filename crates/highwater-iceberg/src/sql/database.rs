//! A SQLite database: opened for one task, off the async threads, and what its answers mean.
//!
//! Every task has a connection of its own. So no lock outlives its task, and a file that was put in
//! the place of another one is never missed.
//!
//! A transaction begins with its lock (`BEGIN IMMEDIATE`), changes, and commits. Whatever goes wrong
//! before `COMMIT` is undone: not applied. `COMMIT` itself answers "busy" while it still waits for
//! readers, before it touches the database: not applied. After any other answer of `COMMIT`, be it
//! that the disk is full, nobody can say, until the next who opens the database has rolled back or
//! forward what is left in its journal.

use std::fmt;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use highwater_core::{Error, ErrorKind, Result};
use rusqlite::{Connection, ErrorCode, OpenFlags};
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;

use super::error::DatabaseError;

/// As long as Python's sqlite3 waits.
const WAIT: Duration = Duration::from_secs(5);
/// SQLite counts milliseconds in 31 bits.
const LONGEST_WAIT: Duration = Duration::from_hours(24);

/// The database of a catalog.
#[derive(Clone, Debug)]
pub(crate) struct Database {
    path: Arc<Path>,
    wait: Duration,
    commit: fn(&Connection) -> rusqlite::Result<()>,
}

/// Why a change was not committed.
#[derive(Debug)]
pub(crate) enum Unchanged {
    /// It definitely was not.
    NotApplied(Error),
    /// Nobody can say.
    Unknown(Error),
}

/// An open database.
pub(super) struct Session {
    pub(super) connection: Connection,
    /// The path of the database, for messages.
    pub(super) path: String,
    commit: fn(&Connection) -> rusqlite::Result<()>,
}

impl Database {
    pub(super) fn new(path: PathBuf) -> Self {
        let commit = |connection: &Connection| connection.execute_batch("COMMIT");
        Self { path: path.into(), wait: WAIT, commit }
    }

    pub(super) fn wait_for_locks(mut self, limit: Duration) -> Self {
        self.wait = limit.min(LONGEST_WAIT);
        self
    }

    /// The same database with another way to commit.
    #[cfg(test)]
    pub(super) fn committing(mut self, by: fn(&Connection) -> rusqlite::Result<()>) -> Self {
        self.commit = by;
        self
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Reads by `task`; nothing when there is no database yet.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        task: impl FnOnce(&Session) -> Result<T> + Send + 'static,
    ) -> Result<Option<T>> {
        let database = self.clone();
        blocking(move || match database.is_there()? {
            true => Ok(Some(task(&database.open(OpenFlags::empty())?)?)),
            false => Ok(None),
        })
        .await
        .unwrap_or_else(|lost| Err(self.lost(lost)))
    }

    /// Changes by `task` in one transaction, which commits when `task` gives something. Whoever drops
    /// this future does not cancel it.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        task: impl FnOnce(&Session) -> Result<Option<T>> + Send + 'static,
    ) -> Result<Option<T>, Unchanged> {
        self.write_opened(|database| database.open(OpenFlags::empty()), task).await
    }

    /// As [`write`](Self::write), and makes the database if it is missing.
    pub(super) async fn make<T: Send + 'static>(
        &self,
        task: impl FnOnce(&Session) -> Result<Option<T>> + Send + 'static,
    ) -> Result<Option<T>, Unchanged> {
        let open = |database: &Self| {
            database.make_directory()?;
            database.open(OpenFlags::SQLITE_OPEN_CREATE)
        };
        self.write_opened(open, task).await
    }

    async fn write_opened<T: Send + 'static>(
        &self,
        open: fn(&Self) -> Result<Session>,
        task: impl FnOnce(&Session) -> Result<Option<T>> + Send + 'static,
    ) -> Result<Option<T>, Unchanged> {
        let database = self.clone();
        let work = move || open(&database).map_err(Unchanged::NotApplied)?.change(task);
        blocking(work).await.unwrap_or_else(|lost| Err(Unchanged::Unknown(self.lost(lost))))
    }

    fn open(&self, more: OpenFlags) -> Result<Session> {
        let path = self.path.display().to_string();
        // Not `SQLITE_OPEN_URI`: a path is a path.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | more;
        let open = || {
            let connection = Connection::open_with_flags(&self.path, flags)?;
            connection.busy_timeout(self.wait)?;
            // As durable as FULL, and in the rollback journal's way also the directory is synced.
            connection.pragma_update(None, "synchronous", "EXTRA")?;
            Ok(connection)
        };
        match open() {
            Ok(connection) => Ok(Session { connection, path, commit: self.commit }),
            Err(cause) => Err(DatabaseError::of(path, cause).into()),
        }
    }

    fn is_there(&self) -> Result<bool, DatabaseError> {
        let failed = |cause| DatabaseError::no_directory(self.path.display().to_string(), cause);
        self.path.try_exists().map_err(failed)
    }

    /// Makes the directory of the database, and what is missing above it, each one durable. SQLite
    /// does the same for the files in it.
    fn make_directory(&self) -> Result<(), DatabaseError> {
        let missing = self.path.ancestors().skip(1).take_while(|directory| !directory.exists());
        let missing: Vec<&Path> = missing.collect();
        let make = || -> io::Result<()> {
            for directory in missing.into_iter().rev() {
                match fs::create_dir(directory) {
                    Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                        return Err(error);
                    }
                    _ => {}
                }
                if let Some(above) = directory.parent() {
                    File::open(above)?.sync_all()?;
                }
            }
            Ok(())
        };
        make().map_err(|cause| DatabaseError::no_directory(self.path.display().to_string(), cause))
    }

    /// The task ended without an answer.
    fn lost(&self, cause: tokio::task::JoinError) -> Error {
        let kind = if cause.is_panic() { ErrorKind::Internal } else { ErrorKind::Transient };
        let path = self.path.display().to_string();
        Error::new(kind, "iceberg", DatabaseError::Failed { path, source: cause.into() })
    }
}

impl Session {
    pub(super) fn failed(&self, cause: rusqlite::Error) -> Error {
        DatabaseError::of(self.path.clone(), cause).into()
    }

    fn change<T>(
        &self,
        task: impl FnOnce(&Self) -> Result<Option<T>>,
    ) -> Result<Option<T>, Unchanged> {
        let begun = self.connection.execute_batch("BEGIN IMMEDIATE");
        begun.map_err(|cause| Unchanged::NotApplied(self.failed(cause)))?;
        // What is not committed is undone when the connection is closed.
        let Some(made) = task(self).map_err(Unchanged::NotApplied)? else { return Ok(None) };
        match (self.commit)(&self.connection) {
            Ok(()) => Ok(Some(made)),
            Err(cause) => {
                let waiting = cause.sqlite_error_code() == Some(ErrorCode::DatabaseBusy);
                let undone = waiting
                    && !self.connection.is_autocommit()
                    && self.connection.execute_batch("ROLLBACK").is_ok();
                let why = self.failed(cause);
                Err(if undone { Unchanged::NotApplied(why) } else { Unchanged::Unknown(why) })
            }
        }
    }
}

impl From<Unchanged> for Error {
    fn from(unchanged: Unchanged) -> Self {
        match unchanged {
            Unchanged::NotApplied(error) | Unchanged::Unknown(error) => error,
        }
    }
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sqlite:{}", self.path.display())
    }
}

/// Runs `work` where it may block; in place when there is no runtime whose other tasks would wait.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, tokio::task::JoinError> {
    match Handle::try_current() {
        Ok(_) => spawn_blocking(work).await,
        Err(_) => Ok(work()),
    }
}
