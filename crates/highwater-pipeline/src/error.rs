//! What is wrong with a pipeline before it runs, and what ended one that ran.

use std::fmt;

use highwater_core::{Epoch, Error, ErrorKind, Name, NameError};

/// One mistake in a pipeline.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Mistake {
    /// A name that cannot be one.
    #[error("{0}")]
    Name(NameError),
    /// A name that is taken.
    #[error("two sources, steps or sinks have the name {name}; give each a name of its own")]
    Twice {
        /// The name.
        name: Name,
    },
    /// A step or sink that does not fit its input.
    #[error("{name}: {error}; {}", error.next_step())]
    Unfit {
        /// The step or sink.
        name: Name,
        /// What it says.
        error: Error,
    },
    /// A step that connects streams of two pipelines.
    #[error("{name} connects a stream of another pipeline; declare both streams in this one")]
    Elsewhere {
        /// The step.
        name: Name,
    },
    /// A side output that there is not.
    #[error("{name} has no output {side}; {}", only(there))]
    NoSide {
        /// The source or step.
        name: Name,
        /// The output that was asked for.
        side: String,
        /// The side outputs that there are.
        there: Vec<String>,
    },
    /// No sink.
    #[error("the pipeline has no sink; end a stream with .sink(name, table)")]
    NoSink,
    /// Only side outputs are written.
    #[error("no sink takes a main output; the first one that does holds the pipeline's progress")]
    NoPrimary,
}

fn only(there: &[String]) -> String {
    match there {
        [] => "it has a main output alone".to_owned(),
        there => format!("beside the main output it has {}", there.join(", ")),
    }
}

/// All mistakes of a pipeline at once.
#[derive(Debug)]
pub struct BuildErrors {
    pub(crate) pipeline: String,
    pub(crate) mistakes: Vec<Mistake>,
}

impl BuildErrors {
    /// The mistakes in the order of the declarations.
    pub fn mistakes(&self) -> &[Mistake] {
        &self.mistakes
    }
}

impl fmt::Display for BuildErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pipeline {} cannot be built", self.pipeline)?;
        self.mistakes.iter().try_for_each(|mistake| write!(f, "\n  {mistake}"))
    }
}

impl std::error::Error for BuildErrors {}

impl From<BuildErrors> for Error {
    fn from(errors: BuildErrors) -> Self {
        Self::new(ErrorKind::Invalid, "pipeline", errors)
    }
}

/// What ended a run: the error, and the pipeline and epoch it happened in.
#[derive(Debug)]
pub struct RunError {
    pub(crate) pipeline: Name,
    pub(crate) epoch: Option<Epoch>,
    pub(crate) error: Error,
}

impl RunError {
    /// The pipeline.
    pub fn pipeline(&self) -> &Name {
        &self.pipeline
    }

    /// The epoch; none while the run was starting.
    pub fn epoch(&self) -> Option<Epoch> {
        self.epoch
    }

    /// The error itself, whose kind tells what kind of end it was.
    pub fn error(&self) -> &Error {
        &self.error
    }
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pipeline {}", self.pipeline)?;
        match self.epoch {
            Some(epoch) => write!(f, ", epoch {epoch}")?,
            None => f.write_str(", at its start")?,
        }
        write!(f, ": {}. Next: {}.", self.error, self.error.next_step())
    }
}

impl std::error::Error for RunError {}
