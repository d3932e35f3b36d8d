//! How a process ends when not all went well: one paragraph, and an exit code.

use std::io;

use highwater_core::{Error, ErrorKind};
use highwater_pipeline::{BuildErrors, RunError};

use crate::KillAtError;

/// What ended a command.
///
/// | exit code | meaning |
/// |---|---|
/// | 0 | done |
/// | 1 | failed |
/// | 2 | a mistake in an option, a schema or the environment |
/// | 3 | fenced by another instance |
/// | 4 | refused: data loss, rollback, incompatible state |
/// | 5 | `verify` found a violation |
/// | 130 | a second Ctrl-C |
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// A pipeline that ran.
    #[error("{0}")]
    Run(RunError),
    /// A pipeline that cannot be built.
    #[error("{0}")]
    Build(BuildErrors),
    /// Anything else that went wrong.
    #[error("{error}. Next: {}.", error.next_step())]
    Other {
        /// What.
        error: Error,
    },
    /// A failpoint that there is not.
    #[error(transparent)]
    KillAt(#[from] KillAtError),
    /// A filter of logs that is none.
    #[error("HIGHWATER_LOG={text} is no filter of logs")]
    LogFilter {
        /// The text.
        text: String,
        /// Why.
        source: tracing_subscriber::filter::ParseError,
    },
    /// An option that does not go with another one.
    #[error("{option} {problem}")]
    Option {
        /// The option.
        option: &'static str,
        /// What is wrong, and what to do.
        problem: &'static str,
    },
    /// Input or output of this process.
    #[error("cannot {action}")]
    Io {
        /// What was to be done.
        action: String,
        /// Why.
        source: io::Error,
    },
    /// `verify` found something; what it is stands in its output.
    #[error("{count} violations in {what}; the list is on standard output")]
    Violations {
        /// How many.
        count: usize,
        /// Where.
        what: String,
    },
    /// A second Ctrl-C.
    #[error("left at once; the next start finishes or forgets the epoch that was running")]
    Interrupted,
}

impl Failure {
    /// What its reader should do next, where neither the text nor its cause says it.
    pub fn next_step(&self) -> Option<&'static str> {
        match self {
            Self::LogFilter { .. } => {
                Some("write a level such as info, or pairs such as highwater_kafka=debug")
            }
            Self::Io { .. } => Some("mend what the system names, then start again"),
            Self::Violations { .. } => {
                Some("look the listed records up in the table and in the source")
            }
            _ => None,
        }
    }

    /// What the process exits with.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Run(run) => of_kind(run.error().kind()),
            Self::Other { error } => of_kind(error.kind()),
            Self::Build(_) | Self::KillAt(_) | Self::LogFilter { .. } | Self::Option { .. } => 2,
            Self::Io { .. } => 1,
            Self::Violations { .. } => 5,
            Self::Interrupted => 130,
        }
    }
}

fn of_kind(kind: ErrorKind) -> u8 {
    match kind {
        ErrorKind::Invalid => 2,
        ErrorKind::Fenced => 3,
        ErrorKind::Refused => 4,
        _ => 1,
    }
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Self {
        Self::Run(error)
    }
}

impl From<BuildErrors> for Failure {
    fn from(errors: BuildErrors) -> Self {
        Self::Build(errors)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Other { error }
    }
}
