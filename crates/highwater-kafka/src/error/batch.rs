//! Why a record batch cannot be read.

use highwater_core::ErrorKind;

use super::KafkaError;

/// Why a record batch cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BatchError {
    /// A message format before Kafka 0.11.
    #[error("message format {magic} is not supported, only 2 (Kafka 0.11 and later)")]
    Format {
        /// The format.
        magic: i8,
    },
    /// The checksum does not match.
    #[error("checksum {found:08x} does not match the stored {stored:08x}")]
    Checksum {
        /// What the batch says.
        stored: u32,
        /// What its bytes give.
        found: u32,
    },
    /// A header that contradicts itself.
    #[error("a batch header that contradicts itself ({field} = {value})")]
    Header {
        /// The field.
        field: &'static str,
        /// Its value.
        value: i64,
    },
    /// A compression that is not known.
    #[error("compression {codec} is not known")]
    Codec {
        /// Its number.
        codec: i16,
    },
    /// Compressed bytes that cannot be unpacked.
    #[error("cannot unpack {codec}")]
    Unpack {
        /// The compression.
        codec: &'static str,
        /// What it says.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A batch that unpacks to more than is allowed.
    #[error("a batch of {packed} bytes unpacks to more than {limit} bytes")]
    TooLarge {
        /// The compressed size.
        packed: usize,
        /// The largest allowed size.
        limit: usize,
    },
    /// A batch of more records than is allowed.
    #[error("a batch of {records} records, more than {limit}")]
    TooMany {
        /// How many it announces.
        records: i32,
        /// The largest allowed number.
        limit: i32,
    },
    /// A record that does not fit into its batch.
    #[error("record {index} of the batch is malformed")]
    Record {
        /// Its number within the batch.
        index: i32,
    },
    /// Headers of a record that do not fit into it.
    #[error("the headers of the record are malformed")]
    Headers,
    /// A batch that lies before records already read.
    #[error("a batch that begins before offset {expected}")]
    Order {
        /// The first offset it could begin with.
        expected: i64,
    },
    /// A batch that the broker never gives whole.
    #[error("the broker gives only a part of a batch")]
    CutOff,
    /// Bytes that are neither batches nor the end of a range.
    #[error("{bytes} bytes that are no record batch")]
    Trailing {
        /// How many.
        bytes: usize,
    },
}

impl BatchError {
    pub(crate) fn at(self, topic: &str, partition: i32, offset: i64) -> KafkaError {
        KafkaError::Batch { topic: topic.to_owned(), partition, offset, first: false, source: self }
    }

    /// What the driver does about it when it stays.
    pub(crate) fn kind(&self) -> ErrorKind {
        self.judge().0
    }

    pub(super) fn judge(&self) -> (ErrorKind, &'static str) {
        match self {
            Self::Format { .. } => (
                ErrorKind::Unsupported,
                "raise the topic's message format to 2 by writing it anew with Kafka 0.11 or later",
            ),
            Self::Codec { .. } => {
                (ErrorKind::Unsupported, "write the topic with gzip, snappy, lz4 or zstd")
            }
            Self::TooLarge { .. } => (
                ErrorKind::Refused,
                "raise the largest unpacked batch of the source if the producer is to be trusted",
            ),
            _ => (
                ErrorKind::Corrupt,
                "repair the partition on its broker, or let retention remove the batch and skip it",
            ),
        }
    }
}
