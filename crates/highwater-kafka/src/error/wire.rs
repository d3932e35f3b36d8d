//! Why a broker cannot be talked to.

use std::io;
use std::time::Duration;

use highwater_core::ErrorKind;

use super::SecurityError;

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
    #[error("{address}: the answer to {what} is malformed; is it a Kafka broker?")]
    Malformed {
        /// The broker.
        address: String,
        /// What was asked.
        what: &'static str,
    },
    /// A broker that does not let this client in, or is not to be trusted.
    #[error("{address}")]
    Security {
        /// The broker.
        address: String,
        /// Why.
        source: Box<SecurityError>,
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
    /// What is wrong with the security of a connection to `address`.
    pub(crate) fn security(address: &str, source: SecurityError) -> Self {
        Self::Security { address: address.to_owned(), source: Box::new(source) }
    }

    /// Whether asking again, here or at another broker, ends the same.
    pub(crate) fn is_final(&self) -> bool {
        matches!(self, Self::Versions { .. } | Self::Security { .. })
    }

    /// Whether the broker closed the connection.
    pub(crate) fn hung_up(&self) -> bool {
        use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
        matches!(self, Self::Io { source, .. } if matches!(
            source.kind(),
            BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof
        ))
    }

    pub(super) fn judge(&self) -> (ErrorKind, &'static str) {
        match self {
            Self::Security { source, .. } => source.judge(),
            Self::Versions { .. } => (ErrorKind::Unsupported, "use Kafka 0.11 or later"),
            _ => (ErrorKind::Transient, "check that the broker runs and is a Kafka broker"),
        }
    }
}
