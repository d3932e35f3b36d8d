//! What can go wrong with a table, and what is to be done about it.

use std::error::Error as StdError;

use highwater_core::{Error, ErrorKind};

/// The cause of an error, in the words of the library that reported it.
pub(crate) type Cause = Box<dyn StdError + Send + Sync>;

/// An error of this crate. Tables are named by their location.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeltaError {
    /// A column that no type of Delta can hold.
    #[error("column {column} of table {table} has the type {found}, which Delta does not have")]
    ColumnType {
        /// The table.
        table: String,
        /// The column, with a dot before each nested part.
        column: String,
        /// Its Arrow type.
        found: String,
    },
    /// Columns without a name of their own.
    #[error("table {table} cannot have a column of the name {column:?}, or has it twice")]
    ColumnNames {
        /// The table.
        table: String,
        /// The name.
        column: String,
    },
    /// Rows that a table that is there does not take.
    #[error("table {table} does not take the rows: {}", listed(differences))]
    Columns {
        /// The table.
        table: String,
        /// Everything that does not fit, in the order of the rows.
        differences: Vec<ColumnDifference>,
    },
    /// A column that the table cannot be partitioned by.
    #[error("table {table} cannot be partitioned by {column}: {problem}")]
    Partition {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// Why not, as the end of a sentence.
        problem: &'static str,
    },
    /// A column that rows cannot be found again by.
    #[error("rows of table {table} have no key {column}: {problem}")]
    Key {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// Why not, as a sentence.
        problem: &'static str,
    },
    /// Two rows of one key, of which nobody can say which is the last one.
    #[error("table {table} was given two rows of the key {key} in one epoch, which have no order")]
    SameKey {
        /// The table.
        table: String,
        /// The key.
        key: String,
    },
    /// A table of which no rows can be taken out.
    #[error("rows of table {table} cannot be replaced: {reason} ({key})")]
    Keeps {
        /// The table.
        table: String,
        /// The property that says so.
        key: &'static str,
        /// What it means.
        reason: &'static str,
    },
    /// A table property whose value cannot be used.
    #[error("property {key}={value} of table {table} cannot be used")]
    Property {
        /// The table.
        table: String,
        /// The key.
        key: String,
        /// The value.
        value: String,
    },
    /// A feature of the table that this crate does not have.
    #[error("table {table} {feature}")]
    Feature {
        /// The table.
        table: String,
        /// The feature, as the end of a sentence.
        feature: String,
    },
    /// The table is partitioned by other columns than when files were staged.
    #[error("{location} was staged before table {table} was partitioned by [{now}]")]
    StagedBefore {
        /// The table.
        table: String,
        /// The partition columns.
        now: String,
        /// The file.
        location: String,
    },
    /// The table belongs to another pipeline.
    #[error("pipeline {theirs} writes table {table}, so pipeline {ours} cannot")]
    OtherPipeline {
        /// The table.
        table: String,
        /// The pipeline that asks.
        ours: String,
        /// The pipeline that left its marker.
        theirs: String,
    },
    /// The table is not the one of before.
    #[error("table {table} was dropped and made anew: its id was {was} and is {is}")]
    Recreated {
        /// The table.
        table: String,
        /// The id it was opened by.
        was: String,
        /// The id it has now.
        is: String,
    },
    /// A version that does not have the columns it is to be read by.
    #[error(
        "version {version} of table {table} does not have the declared columns: {}",
        listed(differences)
    )]
    Declared {
        /// The table.
        table: String,
        /// The version.
        version: u64,
        /// Everything that does not fit, in the order of the declaration.
        differences: Vec<ColumnDifference>,
    },
    /// A condition that rows of the table cannot be asked for.
    #[error("rows of table {table} cannot be chosen by {column}: {problem}")]
    Condition {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// Why not, as a sentence.
        problem: String,
    },
    /// A version that cannot be read, or no longer.
    #[error("version {version} of table {table} is not there, or not any more")]
    Gone {
        /// The table.
        table: String,
        /// The version.
        version: u64,
        /// What is missing.
        #[source]
        source: Cause,
    },
    /// The table is gone.
    #[error("table {table} was dropped: it has no log")]
    Dropped {
        /// The table.
        table: String,
    },
    /// There is no such table.
    #[error("table {table} is not there: it has no log")]
    Absent {
        /// The table.
        table: String,
    },
    /// A part of the marker is gone or no such value.
    #[error("the txn actions of table {table} below {key} are no marker")]
    MarkerUnreadable {
        /// The table.
        table: String,
        /// The name below which the marker is.
        key: String,
    },
    /// A marker with numbers that a table cannot hold.
    #[error("epoch {epoch} does not fit into a txn action of table {table}")]
    Marker {
        /// The table.
        table: String,
        /// The epoch.
        epoch: u64,
    },
    /// A file of the table that cannot be read.
    #[error("cannot read {location}")]
    Unreadable {
        /// The file.
        location: String,
        /// Why.
        #[source]
        source: Cause,
    },
    /// The log or the data of the table cannot be replayed.
    #[error("cannot read table {table}")]
    Kernel {
        /// The table.
        table: String,
        /// Why.
        #[source]
        source: Cause,
    },
    /// A read that ended without an answer, because its runtime went away.
    #[error("reading table {table} was cut off")]
    CutOff {
        /// The table.
        table: String,
        /// Why.
        #[source]
        source: Cause,
    },
    /// A file that was there and is gone.
    #[error("{location} of table {table} was there and is gone")]
    FileMissing {
        /// The table.
        table: String,
        /// The file.
        location: String,
    },
    /// Rows whose partitions cannot be told.
    #[error("cannot tell the partitions of rows of table {table}")]
    Arrange {
        /// The table.
        table: String,
        /// Why.
        #[source]
        source: Cause,
    },
    /// A value that only this crate writes and that it cannot read or make.
    #[error("the {what} of {of} cannot be read or made")]
    Foreign {
        /// What it is.
        what: &'static str,
        /// The sink or table.
        of: String,
        /// Why.
        #[source]
        source: Cause,
    },
    /// A swap without a load before it.
    #[error("table {table} was not loaded before the swap")]
    NotLoaded {
        /// The table.
        table: String,
    },
}

/// A column of rows that does not fit a table.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ColumnDifference {
    /// The table does not have it.
    #[error("column {column} ({ours}) is missing in the table")]
    Missing {
        /// The column, with a dot before each nested part.
        column: String,
        /// Its type in the rows.
        ours: String,
    },
    /// It has another type in the table.
    #[error("column {column} is {theirs} in the table and {ours} in the rows")]
    Type {
        /// The column.
        column: String,
        /// Its type in the rows.
        ours: String,
        /// Its type in the table.
        theirs: String,
    },
    /// It must not be null in the table.
    #[error(
        "column {column} ({theirs}) is required in the table and {} the rows",
        if *given { "may be null in" } else { "missing in" }
    )]
    Required {
        /// The column.
        column: String,
        /// Its type in the table.
        theirs: String,
        /// Whether the rows have it at all.
        given: bool,
    },
}

fn listed(differences: &[ColumnDifference]) -> String {
    let texts: Vec<_> = differences.iter().map(ToString::to_string).collect();
    texts.join("; ")
}

impl DeltaError {
    /// A property of a table that has a value of no use.
    pub(crate) fn property(table: &str, key: &str, value: &str) -> Self {
        let (table, key) = (table.to_owned(), key.to_owned());
        Self::Property { table, key, value: value.to_owned() }
    }

    fn kind(&self) -> ErrorKind {
        match self {
            Self::ColumnType { .. }
            | Self::ColumnNames { .. }
            | Self::Columns { .. }
            | Self::Partition { .. }
            | Self::Key { .. }
            | Self::Property { .. }
            | Self::Declared { .. }
            | Self::Condition { .. }
            | Self::Absent { .. } => ErrorKind::Invalid,
            Self::Feature { .. } | Self::Keeps { .. } => ErrorKind::Unsupported,
            Self::SameKey { .. }
            | Self::OtherPipeline { .. }
            | Self::Recreated { .. }
            | Self::Dropped { .. }
            | Self::Gone { .. }
            | Self::StagedBefore { .. } => ErrorKind::Refused,
            Self::MarkerUnreadable { .. } | Self::Unreadable { .. } | Self::Kernel { .. } => {
                ErrorKind::Corrupt
            }
            Self::FileMissing { .. } | Self::CutOff { .. } => ErrorKind::Transient,
            Self::Arrange { .. }
            | Self::Marker { .. }
            | Self::Foreign { .. }
            | Self::NotLoaded { .. } => ErrorKind::Internal,
        }
    }

    fn advice(&self) -> Option<String> {
        Some(match self {
            Self::ColumnType { .. } => "cast the column before the sink".to_owned(),
            Self::ColumnNames { .. } => {
                "name each column of the rows once, without spaces and ,;{}()=".to_owned()
            }
            Self::Columns { .. } => {
                "change the columns of the rows or those of the table, or write to another table"
                    .to_owned()
            }
            Self::Partition { .. } => {
                "partition by columns of numbers, text, dates or timestamps".to_owned()
            }
            Self::Key { .. } => {
                "take columns of numbers, text, dates, timestamps, or structs of these".to_owned()
            }
            Self::SameKey { .. } => {
                "make one row of each key before the sink, as a window or a dedupe does".to_owned()
            }
            Self::Keeps { key, .. } => {
                format!("unset {key}, write to another table, or append to this one")
            }
            Self::Property { key, .. } => format!("set {key} to a value that can be used, or not"),
            Self::Feature { .. } => "write to another table".to_owned(),
            Self::OtherPipeline { theirs, .. } => format!(
                "use another --table, or the pipeline name {theirs} if this is that pipeline"
            ),
            Self::Absent { .. } => "name a table that is there".to_owned(),
            Self::Condition { .. } => {
                "compare columns that the table has with values of their types".to_owned()
            }
            Self::Declared { .. } => "declare the columns as the table has them".to_owned(),
            Self::Gone { .. } => "restore the files of that version from a copy, or begin anew \
                                  under another pipeline name with a version that is there"
                .to_owned(),
            Self::Recreated { .. } | Self::Dropped { .. } => {
                "restore the table, or start under a new pipeline name with a new checkpoint"
                    .to_owned()
            }
            Self::StagedBefore { .. } => {
                "start under a new pipeline name with a new checkpoint".to_owned()
            }
            Self::MarkerUnreadable { .. } => {
                "restore the log of the table from a copy, or write to another table".to_owned()
            }
            Self::Unreadable { .. } | Self::Kernel { .. } => {
                "restore the file from a copy".to_owned()
            }
            Self::FileMissing { .. } | Self::CutOff { .. } => "start again".to_owned(),
            Self::Arrange { .. }
            | Self::Marker { .. }
            | Self::Foreign { .. }
            | Self::NotLoaded { .. } => return None,
        })
    }
}

impl From<DeltaError> for Error {
    fn from(error: DeltaError) -> Self {
        let (kind, advice) = (error.kind(), error.advice());
        let error = Self::new(kind, "delta", error);
        match advice {
            Some(step) => error.advise(step),
            None => error,
        }
    }
}
