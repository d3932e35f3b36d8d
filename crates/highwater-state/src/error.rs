//! What can be wrong with the state of an operator.

use std::path::PathBuf;

use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use highwater_core::{Error, ErrorKind, KeyError, Name};

/// An error of a table of state.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// The key of a table, or columns given as one.
    #[error("table {table} of the state")]
    Key {
        /// The table.
        table: Name,
        /// What is wrong with the key.
        #[source]
        source: KeyError,
    },
    /// A column that no table can hold.
    #[error(
        "table {table} of the state cannot hold column {column} of type {found}; numbers, times, booleans, text and binary it can"
    )]
    Value {
        /// The table.
        table: Name,
        /// The column.
        column: String,
        /// Its type.
        found: DataType,
    },
    /// A column whose name stands twice, or is one of the state's own.
    #[error("table {table} of the state cannot have another column {column}")]
    Twice {
        /// The table.
        table: Name,
        /// The column.
        column: String,
    },
    /// A time by which no table can be cut into buckets.
    #[error(
        "table {table} of the state needs a value {column} of integers or of timestamps in microseconds, never null, and buckets wider than 0; width {width}"
    )]
    Time {
        /// The table.
        table: Name,
        /// The column.
        column: String,
        /// The width that was given, in microseconds.
        width: i64,
    },
    /// Arrays that do not fit the columns of a table.
    #[error("rows do not fit table {table} of the state")]
    Rows {
        /// The table.
        table: Name,
        /// In what way.
        #[source]
        source: ArrowError,
    },
    /// A column was asked for as another type, or there is none.
    #[error("table {table} of the state has no value {column} of that type")]
    Column {
        /// The table.
        table: Name,
        /// The number of the value column.
        column: usize,
    },
    /// Rows were appended to a table that has one for each key.
    #[error("table {table} of the state has one row for each key: nothing can be appended")]
    Single {
        /// The table.
        table: Name,
    },
    /// A row was asked for that is not there.
    #[error("bucket {bucket} of table {table} of the state has no row {slot}")]
    Slot {
        /// The table.
        table: Name,
        /// The bucket.
        bucket: i64,
        /// The row.
        slot: u32,
    },
    /// A row for a bucket that has expired.
    #[error("bucket {bucket} of table {table} of the state is gone: those before {first} are")]
    Gone {
        /// The table.
        table: Name,
        /// The bucket.
        bucket: i64,
        /// The first that is not.
        first: i64,
    },
    /// More than the numbers of rows and of bytes in memory can count.
    #[error(
        "bucket {bucket} of table {table} of the state is full: {what} would not fit into 32 bits"
    )]
    Full {
        /// The table.
        table: Name,
        /// The bucket.
        bucket: i64,
        /// What.
        what: &'static str,
    },
    /// A key that is too long.
    #[error("a key of table {table} of the state has {bytes} bytes; {most} are the most")]
    Long {
        /// The table.
        table: Name,
        /// Its length.
        bytes: usize,
        /// The most that there may be.
        most: usize,
    },
    /// A save in the middle of an expiry.
    #[error("table {table} of the state is still handing over rows that expire")]
    Expiring {
        /// The table.
        table: Name,
    },
    /// Saved bytes are not those that were written.
    #[error("{location} is damaged: {what}, in bucket {bucket} of table {table}")]
    Damaged {
        /// The object.
        location: String,
        /// The table.
        table: Name,
        /// The bucket.
        bucket: i64,
        /// What does not hold.
        what: &'static str,
    },
    /// The bytes of a local file are not those that were written.
    #[error("{location} is damaged: {what}, in bucket {bucket} of table {table}")]
    Spoiled {
        /// The file.
        location: String,
        /// The table.
        table: Name,
        /// The bucket.
        bucket: i64,
        /// What does not hold.
        what: &'static str,
    },
    /// Saved bytes are those that were written and are not understood.
    #[error("{location} cannot be read: bucket {bucket} of table {table}")]
    Unreadable {
        /// The object.
        location: String,
        /// The table.
        table: Name,
        /// The bucket.
        bucket: i64,
        /// What arrow says.
        #[source]
        source: ArrowError,
    },
    /// State of another version of highwater.
    #[error("{location} has table {table} in version {found}; this binary reads version {known}")]
    Version {
        /// The object, or the word for all of them.
        location: String,
        /// The table.
        table: Name,
        /// Its version.
        found: u32,
        /// The version that is known here.
        known: u32,
    },
    /// State of another table.
    #[error("{location} has table {table} with ({found}); the pipeline has it with ({declared})")]
    Columns {
        /// The object, or the word for all of them.
        location: String,
        /// The table.
        table: Name,
        /// The columns of what was saved.
        found: String,
        /// The columns as they are declared.
        declared: String,
    },
    /// The bytes of a save could not be had.
    #[error("bucket {bucket} of table {table} of the state")]
    Read {
        /// The table.
        table: Name,
        /// The bucket.
        bucket: i64,
        /// Why not.
        #[source]
        source: Error,
    },
    /// State could not be written to the local disk.
    #[error("state does not fit into memory, and {} cannot be written", path.display())]
    Spill {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
}

const DAMAGED: &str =
    "restore the checkpoint from a copy, or begin anew under another pipeline name";

impl From<StateError> for Error {
    fn from(error: StateError) -> Self {
        use StateError as S;
        let (kind, advice) = match &error {
            S::Key { source: KeyError::Rows(_), .. }
            | S::Rows { .. }
            | S::Column { .. }
            | S::Slot { .. }
            | S::Single { .. }
            | S::Gone { .. }
            | S::Expiring { .. } => (ErrorKind::Internal, None),
            S::Key { .. } | S::Value { .. } | S::Twice { .. } | S::Time { .. } => {
                (ErrorKind::Invalid, None)
            }
            S::Full { .. } => {
                (ErrorKind::Refused, Some("use more workers, or expire state sooner"))
            }
            S::Long { .. } => (ErrorKind::Refused, Some("filter such records, or hash their key")),
            S::Damaged { .. } | S::Unreadable { .. } => (ErrorKind::Corrupt, Some(DAMAGED)),
            S::Spoiled { .. } => (
                ErrorKind::Transient,
                Some("check the local disk, then start again: the checkpoint is whole"),
            ),
            S::Version { .. } => {
                (ErrorKind::Refused, Some("start with the binary that wrote the checkpoint"))
            }
            S::Columns { .. } => (
                ErrorKind::Refused,
                Some("give the step its columns back, or begin anew under another pipeline name"),
            ),
            S::Read { source, .. } => (source.kind(), None),
            S::Spill { .. } => {
                (ErrorKind::Transient, Some("make room on the disk of the spill directory"))
            }
        };
        let read = match &error {
            S::Read { source, .. } => Some(source.next_step().to_owned()),
            _ => None,
        };
        let error = Self::new(kind, "state", error);
        match (advice, read) {
            (Some(advice), _) => error.advise(advice),
            (None, Some(step)) => error.advise(step),
            (None, None) => error,
        }
    }
}
