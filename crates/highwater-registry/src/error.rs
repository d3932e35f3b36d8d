//! What can go wrong between a record and its schema.

use std::sync::Arc;
use std::time::Duration;

use highwater_core::{Error, ErrorKind};

/// An error of this crate. No message holds a password or a token.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// A text that is no address of a registry.
    #[error("{url:?} is no address of a registry: {problem}")]
    Url {
        /// The text.
        url: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// Certificates that cannot be used.
    #[error("the certificates of authorities cannot be used: {problem}")]
    Authorities {
        /// What is wrong with them.
        problem: String,
    },
    /// The client or its thread could not be made.
    #[error("the client of the registry cannot be made")]
    Setup {
        /// Why.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    /// No registry answered in time.
    #[error("{url} does not tell {what} within {} s: {problem}", after.as_secs())]
    Away {
        /// What was asked last.
        url: String,
        /// What was asked for.
        what: String,
        /// How long was asked.
        after: Duration,
        /// What came instead.
        problem: String,
    },
    /// The certificate of the registry, or what it speaks, is not to be trusted.
    #[error("{url} is not trusted: {problem}")]
    Untrusted {
        /// What was asked.
        url: String,
        /// What TLS says.
        problem: String,
    },
    /// The registry does not let this client in.
    #[error("{url} does not let this client in: it answers {status}")]
    Denied {
        /// What was asked.
        url: String,
        /// The HTTP status.
        status: u16,
    },
    /// Something else than a registry, or one that does not understand.
    #[error("{url} answers {status}, not as a registry does: {problem}")]
    Answer {
        /// What was asked.
        url: String,
        /// The HTTP status.
        status: u16,
        /// The beginning of the answer, or what is wrong with it.
        problem: String,
    },
    /// There is no such thing in the registry.
    #[error("{url}: the registry does not have {what}")]
    Missing {
        /// What was asked.
        url: String,
        /// What was asked for.
        what: String,
    },
    /// A schema that refers to too many others, or too deep.
    #[error("{what} refers to more than {limit} schemas")]
    References {
        /// The schema.
        what: String,
        /// The limit.
        limit: usize,
    },
    /// So many unknown schemas that something else is wrong.
    #[error("{url}: records name more than {limit} schemas that the registry does not have")]
    Unknown {
        /// What was asked last.
        url: String,
        /// The limit.
        limit: usize,
    },
    /// A kept schema that is not what was written.
    #[error("{location} is not a kept schema")]
    Damaged {
        /// Where it is.
        location: String,
        /// Why.
        #[source]
        cause: serde_json::Error,
    },
    /// A schema could not be kept or read back.
    #[error("{what} cannot be kept")]
    Kept {
        /// The schema.
        what: String,
        /// Why.
        #[source]
        cause: Error,
    },
    /// A schema that is not one.
    #[error("{what} cannot be used")]
    Schema {
        /// The schema.
        what: String,
        /// Why.
        #[source]
        cause: Error,
    },
    /// The thread that asks has ended.
    #[error("the thread of the registry has ended")]
    Ended,
}

impl RegistryError {
    fn kind(&self) -> (ErrorKind, Option<&'static str>) {
        match self {
            Self::Url { .. } => {
                (ErrorKind::Invalid, Some("write http://host:8081 or https://host:8081"))
            }
            Self::Authorities { .. } => {
                (ErrorKind::Invalid, Some("give one or more certificates in PEM"))
            }
            Self::Away { .. } => (ErrorKind::Transient, Some("check that the registry answers")),
            Self::Untrusted { .. } => (
                ErrorKind::Invalid,
                Some("give the certificate of the authority that signed that of the registry"),
            ),
            Self::Denied { .. } => {
                (ErrorKind::Invalid, Some("correct the user and password, or the token"))
            }
            Self::Answer { .. } => {
                (ErrorKind::Invalid, Some("correct the address of the registry"))
            }
            Self::Missing { .. } => {
                (ErrorKind::Refused, Some("register it, or correct its name; then start again"))
            }
            Self::References { .. } => (ErrorKind::Unsupported, Some("use a smaller schema")),
            Self::Unknown { .. } => (
                ErrorKind::Refused,
                Some(
                    "check that this is the registry of the topic's producers, and its topic of Avro",
                ),
            ),
            Self::Damaged { .. } => (
                ErrorKind::Corrupt,
                Some("restore it from a copy; without one delete it, and it is asked for again"),
            ),
            Self::Kept { cause, .. } | Self::Schema { cause, .. } => (cause.kind(), None),
            Self::Setup { .. } | Self::Ended => (ErrorKind::Internal, None),
        }
    }
}

/// The error for all who wait for one answer.
pub(crate) fn shared(error: Arc<RegistryError>) -> Error {
    let (kind, advice) = error.kind();
    let error = Error::new(kind, "registry", error);
    match advice {
        Some(advice) => error.advise(advice),
        None => error,
    }
}

impl From<RegistryError> for Error {
    fn from(error: RegistryError) -> Self {
        shared(Arc::new(error))
    }
}
