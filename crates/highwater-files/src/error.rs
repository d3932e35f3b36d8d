//! What goes wrong with files, and what the driver does about it.

use std::fmt;
use std::io;

use highwater_core::{Error, ErrorKind, Partition};

/// An error of this crate, before it becomes a [`highwater_core::Error`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FilesError {
    /// A directory that cannot be named in a plan.
    #[error("{directory:?} is no directory that can be read: its name is empty or not UTF-8")]
    Name {
        /// The name.
        directory: String,
    },
    /// There is no such directory.
    #[error("there is no directory {directory}")]
    Missing {
        /// The directory.
        directory: String,
    },
    /// Something else than a directory.
    #[error("{directory} is not a directory")]
    NotADirectory {
        /// What was named.
        directory: String,
    },
    /// A directory that was there, and cannot be found now.
    #[error("the directory {directory} is not there any more")]
    Away {
        /// The directory.
        directory: String,
    },
    /// A file or directory that this process may not read.
    #[error("cannot read {path}: {source}")]
    Closed {
        /// The file or directory.
        path: String,
        /// What the system says.
        source: io::Error,
    },
    /// A file whose name no plan can hold.
    #[error("the name of {path:?} is not UTF-8")]
    NotUtf8 {
        /// The file.
        path: String,
    },
    /// An operation that failed and may succeed later.
    #[error("cannot read {path}: {source}")]
    Io {
        /// The file or directory.
        path: String,
        /// What the system says.
        source: io::Error,
    },
    /// A store that did not do what it was asked for.
    #[error("cannot read {location}: {cause}")]
    Store {
        /// The object or prefix.
        location: String,
        /// What the store says; it prints its own causes.
        cause: object_store::Error,
    },
    /// A position of a directory that this is not.
    #[error("{partition} is not of this source, which reads {directory}")]
    OtherSource {
        /// The partition of the position.
        partition: Partition,
        /// The directory of this source.
        directory: String,
    },
    /// A position whose detail another kind of source made.
    #[error("the position of {partition} has a detail that is none of files: {detail}")]
    Detail {
        /// The partition.
        partition: Partition,
        /// The beginning of the detail.
        detail: String,
    },
    /// Files that came with a time so old that all files of that age count as read.
    #[error(
        "{count} files in {directory} are older than those that count as read, and were not there \
         before{}",
        named(names)
    )]
    Late {
        /// The directory.
        directory: String,
        /// How many.
        count: u64,
        /// Some of them, where they are known.
        names: Vec<String>,
    },
    /// A file that was taken, and is another one now.
    #[error("{file} had {then} when it was taken, and has {now}: what was added is not read")]
    Rewritten {
        /// The file.
        file: String,
        /// As it was taken.
        then: Version,
        /// As it is.
        now: Version,
    },
    /// A file that is gone although a plan names it.
    #[error("{file} is gone; it had {planned} when it was planned")]
    Gone {
        /// The file.
        file: String,
        /// As it was planned.
        planned: Version,
        /// Whether another plan may do without it.
        skip: bool,
    },
    /// A file that is another one than the plan names.
    #[error("{file} had {planned} when it was planned, and is another file now: {found}")]
    Changed {
        /// The file.
        file: String,
        /// As it was planned.
        planned: Version,
        /// What differs.
        found: String,
        /// Whether this is met for the first time, so that another plan may take the file as it is.
        first: bool,
    },
    /// A payload that this source did not make, or payloads with something missing between them.
    #[error("a payload of {partition} does not follow the one before it, in file {file} at {at}")]
    Disorder {
        /// The partition.
        partition: Partition,
        /// The number of the file in its range.
        file: u64,
        /// The byte in that file.
        at: u64,
    },
    /// A range that was not read to its end.
    #[error("{partition} was read up to file {reached} of {files} in its range")]
    Incomplete {
        /// The partition.
        partition: Partition,
        /// How many files were read.
        reached: usize,
        /// How many there are.
        files: usize,
    },
    /// The columns of rows that do not fit each other.
    #[error("cannot add the columns of the source")]
    Columns(#[from] arrow::error::ArrowError),
}

/// What tells one content of a file from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version {
    /// Its bytes as they are stored.
    pub bytes: u64,
    /// When it was last written, in microseconds since 1970.
    pub modified: i64,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, micros) =
            (self.modified.div_euclid(1_000_000), self.modified.rem_euclid(1_000_000));
        write!(f, "{} bytes of time {seconds}.{micros:06}", self.bytes)
    }
}

fn named(names: &[String]) -> String {
    match names.is_empty() {
        true => String::new(),
        false => format!(": {}", names.join(", ")),
    }
}

impl FilesError {
    /// What became of an operation on `path`.
    pub(crate) fn of(path: impl Into<String>, source: io::Error) -> Self {
        let path = path.into();
        match source.kind() {
            io::ErrorKind::PermissionDenied => Self::Closed { path, source },
            _ => Self::Io { path, source },
        }
    }

    fn judge(&self) -> (ErrorKind, &'static str) {
        use ErrorKind::{Corrupt, Internal, Invalid, Refused, Transient};
        match self {
            Self::Name { .. } => (Invalid, "name a directory, such as data/events"),
            Self::Missing { .. } => (Invalid, "make it, or correct the name, then start again"),
            Self::NotADirectory { .. } => (Invalid, "name the directory that the files are in"),
            Self::Away { .. } => (Transient, "mount or make it again"),
            Self::Closed { .. } => (
                Refused,
                "let this process read it, or start with --on-data-loss skip to leave it out",
            ),
            Self::NotUtf8 { .. } => {
                (Refused, "rename it, or start with --on-data-loss skip to leave it out")
            }
            Self::Io { .. } => (Transient, "check the disk and the kernel's log, then start again"),
            Self::Store { cause, .. } => judge_store(cause),
            Self::OtherSource { .. } => (
                Refused,
                "read the directory of before, or begin anew with another checkpoint and another table",
            ),
            Self::Detail { .. } => (
                Refused,
                "start with the source of before, or begin anew with another checkpoint and another table",
            ),
            Self::Late { .. } => (
                Refused,
                "touch those that are to be read, or start with --on-data-loss skip to leave them out",
            ),
            Self::Rewritten { .. } => (
                Refused,
                "write new records to new files and let files settle for longer than a writer pauses; \
                 start with --on-data-loss skip to leave out what was added",
            ),
            Self::Gone { skip: true, .. } | Self::Changed { first: true, .. } => (
                Transient,
                "start again if it has stopped; if it says so again, an epoch was prepared with that \
                 file: put it back as it was, with its time",
            ),
            Self::Gone { .. } => (
                Refused,
                "put it back with its time of before, or start with --on-data-loss skip, which goes on \
                 without it unless an epoch was prepared with it",
            ),
            Self::Changed { .. } => {
                (Refused, "put it back as it was, with its time, then start again")
            }
            Self::Disorder { .. } | Self::Incomplete { .. } => {
                (Corrupt, "report this as a bug: nobody stores these payloads")
            }
            Self::Columns(_) => (Internal, "report this as a bug, with the message"),
        }
    }
}

fn judge_store(cause: &object_store::Error) -> (ErrorKind, &'static str) {
    match cause {
        object_store::Error::PermissionDenied { .. }
        | object_store::Error::Unauthenticated { .. } => {
            (ErrorKind::Refused, "give this process access to it, then start again")
        }
        _ => (ErrorKind::Transient, "check that the store answers, then start again"),
    }
}

impl From<FilesError> for Error {
    fn from(error: FilesError) -> Self {
        let (kind, next_step) = error.judge();
        Self::new(kind, "files", error).advise(next_step)
    }
}
