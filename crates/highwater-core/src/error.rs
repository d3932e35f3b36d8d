//! One error for every contract, whose kind says what the driver does about it.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;

/// The result of every contract of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What is to be done about an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Passes by itself (a broker restarts, a request times out): tried again with a growing pause.
    Transient,
    /// Another instance owns the pipeline: this one stops.
    Fenced,
    /// Going on could lose or double rows: stops until a person has chosen.
    Refused,
    /// A record that cannot become a row.
    BadRecord,
    /// A mistake in a pipeline, an option or a schema, found before anything is read.
    Invalid,
    /// Stored bytes are not what was written: stops.
    Corrupt,
    /// A feature of a table or broker that highwater does not have.
    Unsupported,
    /// A bug in highwater or in a user's operator.
    Internal,
}

/// An error at a boundary: its kind, where it comes from, what is wrong, and what to do next.
///
/// # Example
/// ```
/// use highwater_core::{Error, ErrorKind};
///
/// let error = Error::new(ErrorKind::Refused, "kafka", "topic orders partition 3 begins at 500, not at 200")
///     .advise("restore the topic, or start with --on-data-loss skip");
/// assert_eq!(error.kind(), ErrorKind::Refused);
/// assert_eq!(error.next_step(), "restore the topic, or start with --on-data-loss skip");
/// ```
pub struct Error {
    inner: Box<Inner>,
}

struct Inner {
    kind: ErrorKind,
    component: &'static str,
    source: Box<dyn StdError + Send + Sync>,
    next_step: Option<Cow<'static, str>>,
}

impl Error {
    /// An error of `component` (the crate's short name), caused by `source`.
    pub fn new(
        kind: ErrorKind,
        component: &'static str,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        Self { inner: Box::new(Inner { kind, component, source: source.into(), next_step: None }) }
    }

    /// The same error with the one thing its reader should do next.
    #[must_use]
    pub fn advise(mut self, next_step: impl Into<Cow<'static, str>>) -> Self {
        self.inner.next_step = Some(next_step.into());
        self
    }

    /// What is to be done about it.
    pub fn kind(&self) -> ErrorKind {
        self.inner.kind
    }

    /// The crate it comes from.
    pub fn component(&self) -> &'static str {
        self.inner.component
    }

    /// What its reader should do next.
    pub fn next_step(&self) -> &str {
        match &self.inner.next_step {
            Some(step) => step,
            None => match self.inner.kind {
                ErrorKind::Transient => "check that the service answers, then start again",
                ErrorKind::Fenced => "leave the other instance running, or stop it and start again",
                ErrorKind::Refused => "choose how to go on",
                ErrorKind::BadRecord => {
                    "mend the producer; the record stands in the rejected table"
                }
                ErrorKind::Invalid => "correct it and start again",
                ErrorKind::Corrupt => {
                    "restore the object from a copy, or start on an empty checkpoint"
                }
                ErrorKind::Unsupported => "use a table or topic without this feature",
                ErrorKind::Internal => "report this as a bug, with the message",
            },
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.inner.component, self.inner.source)?;
        let mut cause = self.inner.source.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.inner.kind)
            .field("component", &self.inner.component)
            .field("source", &self.inner.source)
            .field("next_step", &self.inner.next_step)
            .finish()
    }
}

/// The display of an [`Error`] prints its whole chain, so it names no source of its own.
impl StdError for Error {}
