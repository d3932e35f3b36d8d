//! What can be wrong with a join, with its inputs, or with the rows that it gets.

use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use highwater_core::{Error, ErrorKind, KeyError};

/// Why rows cannot be joined.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JoinError {
    /// Another number of inputs than two.
    #[error("a stream is joined with one table, and there are {found} inputs")]
    Inputs {
        /// How many there are.
        found: usize,
    },
    /// A column that cannot be a part of the key.
    #[error("the {side} cannot be joined by {}", keys.join(", "))]
    Key {
        /// Whose it is: `stream` or `table`.
        side: &'static str,
        /// The columns of the key.
        keys: Vec<String>,
        /// Why not.
        #[source]
        source: KeyError,
    },
    /// A column of the key that has two types.
    #[error("column {column} is {stream} in the stream and {table} in the table")]
    Type {
        /// The column.
        column: String,
        /// Its type in the stream.
        stream: DataType,
        /// Its type in the table.
        table: DataType,
    },
    /// A column that would be there twice.
    #[error("the output would have two columns {column}")]
    Clash {
        /// Its name.
        column: String,
    },
    /// A table of more rows than an index can number, or such a batch.
    #[error("there are more than {} rows, which cannot be numbered", u32::MAX - 1)]
    Rows,
    /// A table that does not fit into one array for each column.
    #[error("the rows of the table cannot be put together")]
    Table(#[source] ArrowError),
    /// Rows of the table after those that are joined with them.
    #[error("rows of the table came after rows of the stream")]
    Disordered,
    /// Rows of other columns than those that were checked.
    #[error("rows do not have the columns of their stream")]
    Columns,
    /// A kernel that cannot take rows which were checked.
    #[error("rows cannot be joined")]
    Kernel(#[from] ArrowError),
}

impl From<JoinError> for Error {
    fn from(error: JoinError) -> Self {
        use JoinError::{Clash, Columns, Disordered, Inputs, Kernel, Key, Rows, Table, Type};
        let (kind, next_step) = match error {
            Inputs { .. } => (
                ErrorKind::Invalid,
                Some(
                    "connect the two: stream.connect(&table).apply(name, StaticJoin::inner([..]))",
                ),
            ),
            Key { .. } => (ErrorKind::Invalid, Some("join by columns that both of them have")),
            Type { .. } => (ErrorKind::Invalid, Some("cast one of them before the join")),
            Clash { .. } => (
                ErrorKind::Invalid,
                Some("rename it before the join, or let the table's have an ending: .suffix(..)"),
            ),
            Rows => (ErrorKind::Unsupported, Some("join by a smaller table, or on more workers")),
            Table(_) => (
                ErrorKind::Unsupported,
                Some("declare long columns of the table as LargeUtf8 or LargeBinary"),
            ),
            Disordered | Columns | Kernel(_) => (ErrorKind::Internal, None),
        };
        let error = Self::new(kind, "join", error);
        match next_step {
            Some(next_step) => error.advise(next_step),
            None => error,
        }
    }
}
