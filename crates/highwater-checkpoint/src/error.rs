//! What can be wrong with a log.

use highwater_core::{Error, ErrorKind};

use crate::RecordId;

/// An error of the log.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// The bytes of a record are not those that were written.
    #[error("{location} is damaged: {what}")]
    Damaged {
        /// The object.
        location: String,
        /// What does not hold.
        what: &'static str,
    },
    /// A record cannot be read as JSON.
    #[error("{location} is no record of this version")]
    Unreadable {
        /// The object.
        location: String,
        /// What JSON says.
        #[source]
        source: serde_json::Error,
    },
    /// A record of a later version of highwater.
    #[error("{location} has format version {version}; this binary reads up to {newest}")]
    Newer {
        /// The object.
        location: String,
        /// Its version.
        version: u32,
        /// The newest that is known here.
        newest: u32,
    },
    /// Another run wrote the record first.
    #[error("another instance prepared epoch {id} in {location} first")]
    Taken {
        /// The record.
        id: RecordId,
        /// The log.
        location: String,
    },
    /// A successor went on and removed the record before this one.
    #[error("another instance went on: record {id} of {location} is no longer there")]
    Trimmed {
        /// The record.
        id: RecordId,
        /// The log.
        location: String,
    },
}

impl From<CheckpointError> for Error {
    fn from(error: CheckpointError) -> Self {
        let kind = match &error {
            CheckpointError::Damaged { .. } | CheckpointError::Unreadable { .. } => {
                ErrorKind::Corrupt
            }
            CheckpointError::Newer { .. } => ErrorKind::Refused,
            CheckpointError::Taken { .. } | CheckpointError::Trimmed { .. } => ErrorKind::Fenced,
        };
        let advice = match kind {
            ErrorKind::Corrupt => {
                "restore the object from a copy, or start with another --checkpoint: a pipeline \
                 without state resumes from its table"
            }
            ErrorKind::Refused => "start with the newer binary",
            _ => "leave the other instance running, or stop it and start this one again",
        };
        Self::new(kind, "checkpoint", error).advise(advice)
    }
}
