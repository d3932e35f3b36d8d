//! What can be wrong with the step, with its input, or with the rows that it gets.

use std::time::Duration;

use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use highwater_core::{Error, ErrorKind};

/// Why rows cannot be summed up by windows.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WindowError {
    /// More than one input, or none.
    #[error("windows are made of one stream, not of {found}")]
    Inputs {
        /// How many there are.
        found: usize,
    },
    /// A length of time that is zero, too long, or not some whole microseconds.
    #[error("{what} of {given:?} is not a length of whole microseconds")]
    Span {
        /// What it should be the length of.
        what: &'static str,
        /// What was said.
        given: Duration,
    },
    /// Windows that leave some rows out.
    #[error("windows of {size:?} every {slide:?} would leave out the rows between them")]
    Slide {
        /// The length of a window.
        size: Duration,
        /// How far apart they begin.
        slide: Duration,
    },
    /// A size and a slide with too small a common divisor.
    #[error(
        "windows of {size:?} every {slide:?} are made of {panes} panes each; {most} are the most"
    )]
    Panes {
        /// The length of a window.
        size: Duration,
        /// How far apart they begin.
        slide: Duration,
        /// How many panes each would have.
        panes: i64,
        /// How many it may have.
        most: i64,
    },
    /// Sessions that would begin behind the epoch.
    #[error("sessions begin with their rows, and have no offset")]
    Offset,
    /// Sessions that would be emitted before they are closed.
    #[error(
        "sessions cannot be emitted as they change: a row that joins two of them leaves one that is none any more"
    )]
    Update,
    /// Different values of sessions.
    #[error(
        "different values of sessions cannot be counted: two that become one would have to unite theirs"
    )]
    Distinct,
    /// No event time.
    #[error("windows need an event time, and the stream has none")]
    NoTime,
    /// No such column.
    #[error("there is no column {column}; there are {}", there.join(", "))]
    Missing {
        /// The column.
        column: String,
        /// The columns that there are.
        there: Vec<String>,
    },
    /// An event time that is not in microseconds.
    #[error(
        "column {column} of type {found} cannot be the event time; timestamps in microseconds and windows can"
    )]
    Time {
        /// The column.
        column: String,
        /// Its type.
        found: DataType,
    },
    /// An aggregate that does not take a column of this type.
    #[error("{aggregate} of column {column} cannot be had: its type is {found}")]
    Type {
        /// The aggregate.
        aggregate: String,
        /// The column.
        column: String,
        /// Its type.
        found: DataType,
    },
    /// Two columns of the output with one name.
    #[error("two columns of the windows would be named {column}")]
    Twice {
        /// The name.
        column: String,
    },
    /// Rows that do not say where they come from.
    #[error(
        "{rows} rows have no {what}, and which of rows with one event time is the first goes by it: a step \
         before this one made them of others"
    )]
    Unplaced {
        /// How many.
        rows: usize,
        /// What they lack.
        what: &'static str,
    },
    /// Rows of other columns than those that were checked.
    #[error("rows do not have the columns of their stream")]
    Columns,
    /// A kernel that cannot take rows which were checked.
    #[error("rows cannot be summed up")]
    Rows(#[from] ArrowError),
}

impl From<WindowError> for Error {
    fn from(error: WindowError) -> Self {
        use WindowError as W;
        let (kind, next_step) = match error {
            W::Span { .. } => {
                (ErrorKind::Invalid, Some("say how long it is, in whole microseconds"))
            }
            W::Slide { .. } => {
                (ErrorKind::Invalid, Some("make the slide no longer than the window"))
            }
            W::Panes { .. } => (
                ErrorKind::Invalid,
                Some("choose a slide that divides the window, or a longer one"),
            ),
            W::Offset => (ErrorKind::Invalid, Some("leave the offset out")),
            W::Update => (
                ErrorKind::Invalid,
                Some(
                    "emit them once they are closed, or all of them: Emit::Append, Emit::Complete",
                ),
            ),
            W::Distinct => (ErrorKind::Invalid, Some("count them in tumbling or sliding windows")),
            W::NoTime => (
                ErrorKind::Invalid,
                Some("declare a watermark before this step, or name the column: .on(..)"),
            ),
            W::Time { .. } => {
                (ErrorKind::Invalid, Some("make it a timestamp in microseconds before this step"))
            }
            W::Type { .. } => (ErrorKind::Invalid, Some("cast the column before this step")),
            W::Twice { .. } => {
                (ErrorKind::Invalid, Some("give one of them another name: .named(..)"))
            }
            W::Unplaced { .. } => {
                (ErrorKind::Invalid, Some("use min or max of a column, or sum up before that step"))
            }
            W::Inputs { .. } | W::Missing { .. } => (ErrorKind::Invalid, None),
            W::Columns | W::Rows(_) => (ErrorKind::Internal, None),
        };
        let error = Self::new(kind, "window", error);
        match next_step {
            Some(next_step) => error.advise(next_step),
            None => error,
        }
    }
}
