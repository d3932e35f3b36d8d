//! Mistakes in declared columns and in calls. What is wrong with a record is a [`Reason`](crate::Reason).

use arrow::datatypes::DataType;
use highwater_core::{Error, ErrorKind};

/// A mistake in declared columns or in a call.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CodecError {
    /// No columns.
    #[error("{within} declares no columns")]
    NoColumns {
        /// The record, or the struct column.
        within: String,
    },
    /// A name twice.
    #[error("column {path} is declared twice")]
    DuplicateColumn {
        /// The column.
        path: String,
    },
    /// A column without a name.
    #[error("{within} declares a column with an empty name")]
    EmptyName {
        /// The record, or the struct column.
        within: String,
    },
    /// A decimal that Arrow does not have.
    #[error("column {path} is decimal({precision},{scale}), which does not exist")]
    BadDecimal {
        /// The column.
        path: String,
        /// Its digits.
        precision: u8,
        /// Its digits after the point.
        scale: u8,
    },
    /// A key that feeds a struct and something else.
    #[error("key {key:?} feeds the struct column {path} and another column")]
    SharedStruct {
        /// The key.
        key: String,
        /// The struct column.
        path: String,
    },
    /// Structs within structs, deeper than a record may be.
    #[error("column {path} lies deeper than {limit} objects")]
    TooDeep {
        /// The column.
        path: String,
        /// The limit.
        limit: usize,
    },
    /// A text that is no Avro schema.
    #[error("this is no Avro schema")]
    Schema {
        /// Why.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A part of an Avro schema that is not what it should be, or names a type that nothing defines.
    #[error("{found} is no Avro type")]
    SchemaPart {
        /// The part.
        found: String,
    },
    /// An Avro schema, or one it refers to, that defines no type, or that is to describe rows and no record.
    #[error("the Avro schema is not that of a record")]
    SchemaNotARecord,
    /// A type of an Avro schema that contains itself.
    #[error("the Avro type {name} contains itself")]
    SchemaRecursive {
        /// Its full name.
        name: String,
    },
    /// Types within types, deeper than they may be.
    #[error("the Avro schema nests types deeper than {limit}")]
    SchemaTooDeep {
        /// The limit.
        limit: usize,
    },
    /// More types than a schema may have.
    #[error("the Avro schema has more than {limit} types")]
    SchemaTooLarge {
        /// The limit.
        limit: usize,
    },
    /// A longer text than a schema may be.
    #[error("the Avro schema has {bytes} bytes, more than {limit}")]
    SchemaTooLong {
        /// Its length.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// A field of an Avro schema that no table has a column for.
    #[error("{path} can be no column: it is {found}")]
    NoColumn {
        /// The field.
        path: String,
        /// What it is.
        found: String,
    },
    /// A call with spans outside the data.
    #[error("a value at bytes {start} to {end} lies outside the {bytes} bytes of the records")]
    SpanOutside {
        /// The first byte.
        start: u32,
        /// The byte after the last.
        end: u32,
        /// The length of the data.
        bytes: usize,
    },
    /// A call with more data than Arrow's text columns hold.
    #[error("the records of one call have {bytes} bytes together, more than {limit}")]
    CallTooLarge {
        /// The bytes of all values.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// Arrow did not take the columns.
    #[error("arrow refused the decoded columns")]
    Arrow(#[from] arrow::error::ArrowError),
    /// A row hash over nothing.
    #[error("a row hash needs at least one column")]
    NothingToHash,
    /// A row hash over something else than text.
    #[error("column {index} of a row hash is {found}, not Utf8")]
    HashOfOther {
        /// The place of the column, from 0.
        index: usize,
        /// Its type.
        found: DataType,
    },
    /// A row hash over columns of different lengths.
    #[error("column {index} of a row hash has {rows} rows, the first has {expected}")]
    HashLengths {
        /// The place of the column, from 0.
        index: usize,
        /// Its rows.
        rows: usize,
        /// The rows of the first column.
        expected: usize,
    },
    /// More rows than one text column of hashes holds.
    #[error("a row hash of {rows} rows does not fit one text column")]
    HashRows {
        /// The rows.
        rows: usize,
    },
}

impl From<CodecError> for Error {
    fn from(error: CodecError) -> Self {
        use CodecError as E;
        let (kind, advice) = match &error {
            E::NoColumns { .. } => (ErrorKind::Invalid, Some("declare at least one column")),
            E::DuplicateColumn { .. } => {
                (ErrorKind::Invalid, Some("give each column a name of its own"))
            }
            E::EmptyName { .. } => (ErrorKind::Invalid, Some("name the column")),
            E::BadDecimal { .. } => (
                ErrorKind::Invalid,
                Some("use 1 to 38 digits, and not more of them after the point than there are"),
            ),
            E::SharedStruct { .. } => {
                (ErrorKind::Invalid, Some("let the key of a struct feed that struct alone"))
            }
            E::TooDeep { .. } => (ErrorKind::Invalid, Some("declare fewer structs within structs")),
            E::Schema { .. } | E::SchemaPart { .. } | E::SchemaNotARecord => {
                (ErrorKind::Invalid, Some("give the JSON text of an Avro record's schema"))
            }
            E::SchemaRecursive { .. }
            | E::SchemaTooDeep { .. }
            | E::SchemaTooLarge { .. }
            | E::SchemaTooLong { .. } => {
                (ErrorKind::Unsupported, Some("use a schema that a table can hold the rows of"))
            }
            E::NoColumn { .. } => {
                (ErrorKind::Invalid, Some("read it as one type, or as one type and null"))
            }
            E::NothingToHash | E::HashOfOther { .. } | E::HashLengths { .. } => (
                ErrorKind::Invalid,
                Some("hash one or more Utf8 columns of one batch; cast others to Utf8 first"),
            ),
            E::HashRows { .. } => (ErrorKind::Invalid, Some("hash fewer rows in one call")),
            E::SpanOutside { .. } | E::CallTooLarge { .. } | E::Arrow(_) => {
                (ErrorKind::Internal, None)
            }
        };
        let error = Self::new(kind, "codec", error);
        match advice {
            Some(advice) => error.advise(advice),
            None => error,
        }
    }
}
