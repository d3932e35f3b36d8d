//! What can be wrong with an expression, and with the rows that it gets.

use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use highwater_core::{Error, ErrorKind};

use crate::Excerpt;

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why a step cannot compute its expressions.
///
/// Those that are about the text of an expression show the part that they are about.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SelectError {
    /// More than one input, or none.
    #[error("expressions are computed over one stream, not over {found}")]
    Inputs {
        /// How many there are.
        found: usize,
    },
    /// No expression at all.
    #[error("there is no expression, so rows would have no columns")]
    Empty,
    /// Text that is no expression.
    #[error("{what}{at}")]
    Syntax {
        /// What the parser says.
        what: String,
        /// Where.
        at: Excerpt,
    },
    /// No such column.
    #[error("there is no column {column}{at}")]
    Column {
        /// Its name.
        column: String,
        /// The columns that there are, the most similar one first.
        there: Vec<String>,
        /// Where.
        at: Excerpt,
    },
    /// No such function.
    #[error("there is no function {function}{at}")]
    Function {
        /// Its name.
        function: String,
        /// Those with similar names, the most similar one first.
        near: Vec<String>,
        /// Where.
        at: Excerpt,
    },
    /// A function that gives something else each time.
    #[error(
        "{function}() gives something else each time, and an epoch that runs again has to give the same rows{at}"
    )]
    Changing {
        /// Its name.
        function: String,
        /// Where.
        at: Excerpt,
    },
    /// Something of SQL that is no computation over one row, or that means different things to different people.
    #[error("{what}{at}")]
    Unsupported {
        /// What it is.
        what: &'static str,
        /// What to write in place of it.
        instead: &'static str,
        /// Where.
        at: Excerpt,
    },
    /// Types that do not go together.
    #[error("{what}{at}")]
    Type {
        /// What does not fit.
        what: String,
        /// Where.
        at: Excerpt,
    },
    /// A column without a name.
    #[error("a column that is computed needs a name{at}")]
    Unnamed {
        /// The expression.
        at: Excerpt,
    },
    /// Two columns of one name.
    #[error("there are two columns {column}{at}")]
    Twice {
        /// Their name.
        column: String,
        /// The second one.
        at: Excerpt,
    },
    /// Two columns of one name in the input.
    #[error("the stream has two columns {column}")]
    Doubled {
        /// Their name.
        column: String,
    },
    /// A condition that is neither true nor false.
    #[error("a condition is true or false, and this is {found}{at}")]
    Condition {
        /// Its type.
        found: DataType,
        /// The condition.
        at: Excerpt,
    },
    /// An expression that was checked and cannot be computed.
    #[error("{text} cannot be computed")]
    Compute {
        /// The expression.
        text: String,
        /// Why not.
        #[source]
        source: Cause,
    },
    /// A kernel that cannot take rows which were checked.
    #[error("rows do not fit the schema of their stream")]
    Rows(#[from] ArrowError),
}

impl SelectError {
    fn next_step(&self) -> Option<String> {
        Some(match self {
            Self::Column { there, .. } => match &**there {
                [] => "the stream has no columns".to_owned(),
                [nearest, ..] => {
                    format!("did you mean {nearest}? There are {}", there.join(", "))
                }
            },
            Self::Function { near, .. } => match &**near {
                [] => "docs/semantics/select.md tells which functions there are".to_owned(),
                near => format!("did you mean {}?", near.join(", or ")),
            },
            Self::Changing { .. } => {
                "give rows what differs where they are made; now() is the time of the epoch's plan"
                    .to_owned()
            }
            Self::Unsupported { instead, .. } => (*instead).to_owned(),
            Self::Unnamed { .. } => "write it as .. AS name".to_owned(),
            Self::Doubled { .. } => "give one of them another name before".to_owned(),
            Self::Twice { .. } => "give one of them another name".to_owned(),
            Self::Condition { .. } => "compare it with something".to_owned(),
            Self::Empty => "give at least one, such as *".to_owned(),
            Self::Inputs { .. } => "apply the step to one stream".to_owned(),
            Self::Type { .. } => "cast what does not fit: CAST(.. AS type)".to_owned(),
            Self::Syntax { .. } | Self::Compute { .. } | Self::Rows(_) => return None,
        })
    }
}

impl From<SelectError> for Error {
    fn from(error: SelectError) -> Self {
        let kind = match error {
            SelectError::Compute { .. } | SelectError::Rows(_) => ErrorKind::Internal,
            _ => ErrorKind::Invalid,
        };
        let next_step = error.next_step();
        let error = Self::new(kind, "select", error);
        match next_step {
            Some(next_step) => error.advise(next_step),
            None => error,
        }
    }
}
