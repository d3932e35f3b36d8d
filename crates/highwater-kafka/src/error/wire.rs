//! Why a broker cannot be talked to.

use std::io;
use std::time::Duration;

use highwater_core::ErrorKind;

/// Why a connection is of no more use.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WireError {
    /// Connecting, sending or receiving failed.
    #[error("{address}")]
    Io {
        /// The broker.
        address: String,
        /// The failure.
        source: io::Error,
    },
    /// No answer in time.
    #[error("{address}: no answer to {what} within {} ms", after.as_millis())]
    Timeout {
        /// The broker.
        address: String,
        /// What was asked.
        what: &'static str,
        /// The deadline.
        after: Duration,
    },
    /// An answer larger than allowed, or of a negative size.
    #[error("{address}: an answer of {bytes} bytes, more than {limit}")]
    FrameSize {
        /// The broker.
        address: String,
        /// The size it announced.
        bytes: i32,
        /// The largest allowed.
        limit: usize,
    },
    /// An answer that is not the one to the request, or not laid out as its version says.
    #[error("{address}: the answer to {what} is malformed; is it a Kafka broker without TLS?")]
    Malformed {
        /// The broker.
        address: String,
        /// What was asked.
        what: &'static str,
    },
    /// A broker that speaks no common version.
    #[error("{address}: {what} in versions {theirs}, while {ours} are needed")]
    Versions {
        /// The broker.
        address: String,
        /// The API.
        what: &'static str,
        /// What the broker speaks.
        theirs: String,
        /// What this crate speaks.
        ours: String,
    },
}

impl WireError {
    pub(super) fn judge(&self) -> (ErrorKind, &'static str) {
        match self {
            Self::Versions { .. } => (ErrorKind::Unsupported, "use Kafka 0.11 or later"),
            _ => (ErrorKind::Transient, "check that the broker runs and is a Kafka broker"),
        }
    }
}
