//! What can go wrong with a Parquet file.

use highwater_core::{Error, ErrorKind};
use parquet::errors::ParquetError;

/// A schema, an option or a batch that does not make a Parquet file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// A type that tables do not have.
    #[error("column {column} of {location} is {found}, which tables do not have")]
    Foreign {
        /// The file.
        location: String,
        /// The column, or a part of it.
        column: String,
        /// Its type.
        found: arrow::datatypes::DataType,
    },
    /// A schema that Parquet does not take.
    #[error("the schema of {location} cannot be written as Parquet")]
    Schema {
        /// The file.
        location: String,
        /// What Parquet says.
        source: ParquetError,
    },
    /// A leaf column that no table could refer to.
    #[error("column {column} of {location} has no PARQUET:field_id in its metadata")]
    NoFieldId {
        /// The file.
        location: String,
        /// The path of the column.
        column: String,
    },
    /// Two leaf columns that a table could not tell apart.
    #[error("field id {field_id} stands for two columns of {location}")]
    SameFieldId {
        /// The file.
        location: String,
        /// The id.
        field_id: i32,
    },
    /// A compression level that the codec does not have.
    #[error("zstd has no level {level}")]
    Level {
        /// The level.
        level: i32,
        /// What Parquet says.
        source: ParquetError,
    },
    /// A batch of another width than the file.
    #[error("a batch of {found} columns does not fit the {expected} of {location}")]
    Width {
        /// The file.
        location: String,
        /// The columns of the file.
        expected: usize,
        /// The columns of the batch.
        found: usize,
    },
    /// A column of a batch that is of another type than that of the file.
    #[error("column {column} of {location} is {expected}, not {found}")]
    Type {
        /// The file.
        location: String,
        /// The column.
        column: String,
        /// The type in the file.
        expected: arrow::datatypes::DataType,
        /// The type in the batch.
        found: arrow::datatypes::DataType,
    },
    /// Nulls in a required column.
    #[error("required column {column} of {location} has {nulls} nulls in a batch")]
    Nulls {
        /// The file.
        location: String,
        /// The column.
        column: String,
        /// How many.
        nulls: usize,
    },
    /// An encoder that failed.
    #[error("cannot encode rows of {location}")]
    Encode {
        /// The file.
        location: String,
        /// What Parquet says.
        source: ParquetError,
    },
    /// A writer that is used after it failed.
    #[error("{location} is written on after an error")]
    Failed {
        /// The file.
        location: String,
    },
}

impl From<FileError> for Error {
    fn from(error: FileError) -> Self {
        let (kind, next_step) = match &error {
            FileError::Foreign { .. } | FileError::Schema { .. } => {
                (ErrorKind::Invalid, "cast the column to a type that tables have, such as text")
            }
            FileError::NoFieldId { .. } | FileError::SameFieldId { .. } => {
                (ErrorKind::Invalid, "give every leaf column a field id of its own")
            }
            FileError::Level { .. } => (ErrorKind::Invalid, "use a level from 1 to 22"),
            FileError::Width { .. } | FileError::Type { .. } | FileError::Nulls { .. } => {
                (ErrorKind::Invalid, "make batches of the schema that the file was opened with")
            }
            FileError::Encode { .. } | FileError::Failed { .. } => {
                (ErrorKind::Internal, "report this as a bug, with the message")
            }
        };
        Self::new(kind, "parquet", error).advise(next_step)
    }
}
