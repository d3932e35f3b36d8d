//! What can go wrong with a source that makes its records up.

use highwater_core::{Error, ErrorKind, Partition};

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatagenError {
    /// A position that a generator with other settings left.
    #[error("{partition} stands at offset {offset} of {then}, and this is {today}")]
    OtherRecords {
        /// The partition.
        partition: Partition,
        /// The next offset.
        offset: i64,
        /// What made the records up to there.
        then: String,
        /// What would make the next ones.
        today: String,
    },
    /// A partition that no generator has.
    #[error("{partition} is no partition of a generator, which has only {ours}")]
    OtherPartition {
        /// The partition.
        partition: Partition,
        /// The one there is.
        ours: Partition,
    },
    /// A run up to the end of something without one.
    #[error("a generator without a number of rows has no end to run to")]
    Endless,
    /// A payload that this source did not make.
    #[error("a payload of {partition} ends within the record at offset {offset}")]
    Cut {
        /// The partition.
        partition: Partition,
        /// The offset of the record.
        offset: i64,
    },
    /// A range that was not read to its end.
    #[error("{partition} was read up to offset {reached}, not up to {end}")]
    Incomplete {
        /// The partition.
        partition: Partition,
        /// The offset after the last record that was read.
        reached: i64,
        /// The end of the range.
        end: i64,
    },
}

impl From<DatagenError> for Error {
    fn from(error: DatagenError) -> Self {
        let (kind, advice) = match &error {
            DatagenError::OtherRecords { .. } => (
                ErrorKind::Refused,
                "start with the settings of before (rows and rate may differ), or begin anew \
                     with another checkpoint and another table",
            ),
            DatagenError::OtherPartition { .. } => (
                ErrorKind::Refused,
                "read from the source of before, or begin anew with another checkpoint and \
                      another table",
            ),
            DatagenError::Endless => {
                (ErrorKind::Invalid, "add rows=N to the generator, or use another trigger")
            }
            DatagenError::Cut { .. } | DatagenError::Incomplete { .. } => {
                (ErrorKind::Corrupt, "report this as a bug: nobody stores these payloads")
            }
        };
        Self::new(kind, "datagen", error).advise(advice)
    }
}
