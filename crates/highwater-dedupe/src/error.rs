//! What can be wrong with the step, with its input, or with the rows that it gets.

use std::time::Duration;

use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use highwater_core::{Error, ErrorKind, Origin};

/// Why duplicates cannot be told.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DedupeError {
    /// More than one input, or none.
    #[error("duplicates are taken out of one stream, not of {found}")]
    Inputs {
        /// How many there are.
        found: usize,
    },
    /// No bound, or one that is not some whole microseconds.
    #[error("duplicates of {} need a bound of whole microseconds, and it is {}", keys.join(", "), shown(within))]
    Within {
        /// The columns of the key.
        keys: Vec<String>,
        /// The bound; none when none was said.
        within: Option<Duration>,
    },
    /// No event time.
    #[error("duplicates of {} need an event time, and the stream has none", keys.join(", "))]
    NoTime {
        /// The columns of the key.
        keys: Vec<String>,
    },
    /// No such column.
    #[error("there is no column {column}; there are {}", there.join(", "))]
    Missing {
        /// The column.
        column: String,
        /// The columns that there are.
        there: Vec<String>,
    },
    /// An event time that is not a timestamp in microseconds.
    #[error(
        "column {column} of type {found} cannot be the event time; timestamps in microseconds can"
    )]
    Type {
        /// The column.
        column: String,
        /// Its type.
        found: DataType,
    },
    /// Rows that do not say where they come from.
    #[error(
        "{rows} rows have no {what}, and which of equal rows is the first goes by it: a step before this one \
         made them of others"
    )]
    Unplaced {
        /// How many.
        rows: usize,
        /// What they lack.
        what: &'static str,
    },
    /// Rows that do not come in the order of their offsets.
    #[error("rows of {} partition {} came in the wrong order: offset {next} behind {last}", origin.source, origin.partition)]
    Disordered {
        /// Where they come from.
        origin: Origin,
        /// An offset.
        last: i64,
        /// The one that comes next.
        next: i64,
    },
    /// Rows of other columns than those that were checked.
    #[error("rows do not have the columns of their stream")]
    Columns,
    /// A kernel that cannot take rows which were checked.
    #[error("rows cannot be told apart")]
    Rows(#[from] ArrowError),
}

impl From<DedupeError> for Error {
    fn from(error: DedupeError) -> Self {
        use DedupeError::{
            Columns, Disordered, Inputs, Missing, NoTime, Rows, Type, Unplaced, Within,
        };
        let (kind, next_step) = match error {
            Within { .. } => {
                (ErrorKind::Invalid, Some("say how far duplicates may lie apart: .within(..)"))
            }
            NoTime { .. } => {
                (ErrorKind::Invalid, Some("declare it before this step: .watermark(column, delay)"))
            }
            Type { .. } => {
                (ErrorKind::Invalid, Some("make it a timestamp in microseconds before this step"))
            }
            Inputs { .. } | Missing { .. } => (ErrorKind::Invalid, None),
            Unplaced { .. } => (
                ErrorKind::Invalid,
                Some("take duplicates out before the step that makes rows of its own"),
            ),
            Disordered { .. } | Columns | Rows(_) => (ErrorKind::Internal, None),
        };
        let error = Self::new(kind, "dedupe", error);
        match next_step {
            Some(next_step) => error.advise(next_step),
            None => error,
        }
    }
}

fn shown(within: &Option<Duration>) -> String {
    within.map_or_else(|| "missing".to_owned(), |within| format!("{within:?}"))
}
