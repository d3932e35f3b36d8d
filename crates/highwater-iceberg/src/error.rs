//! What can go wrong with a table, and what is to be done about it.

mod difference;

use std::error::Error as StdError;

use highwater_core::{Error, ErrorKind};

pub use difference::ColumnDifference;

/// The cause of an error, in the words of the library that reported it.
pub(crate) type Cause = Box<dyn StdError + Send + Sync>;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IcebergError {
    /// A text that names no table.
    #[error("{name:?} is no table name: write namespace.table with the characters A-Z a-z 0-9 _ -")]
    Name {
        /// The text.
        name: String,
    },
    /// A column that no Iceberg type can hold.
    #[error("column {column} of table {table} has the type {found}, which Iceberg does not have")]
    ColumnType {
        /// The table.
        table: String,
        /// The column, with a dot before each nested part.
        column: String,
        /// Its Arrow type.
        found: String,
    },
    /// Two columns, or none, where one name must stand for one column.
    #[error("table {table} would get no columns, or two of the name {column:?}")]
    ColumnNames {
        /// The table.
        table: String,
        /// The name that stands twice.
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
    /// A staged file without a column that the table has now.
    #[error("{location} was written before column {id} of table {table}, which it should have")]
    StagedBefore {
        /// The table.
        table: String,
        /// The field id of the column.
        id: i32,
        /// The file.
        location: String,
    },
    /// A text that is no field of a partitioning.
    #[error("{text:?} is no partition field")]
    PartitionText {
        /// The text.
        text: String,
    },
    /// A field that the table cannot be partitioned by.
    #[error("table {table} cannot be partitioned by {field}")]
    PartitionField {
        /// The table.
        table: String,
        /// The field.
        field: String,
        /// Why.
        #[source]
        source: Cause,
    },
    /// A field that the files of the table cannot be sorted by.
    #[error("table {table} cannot be sorted by {field}")]
    SortField {
        /// The table.
        table: String,
        /// The field.
        field: String,
        /// Why.
        #[source]
        source: Cause,
    },
    /// Rows whose partitions or order cannot be told.
    #[error("cannot tell the partitions or the order of rows of table {table}")]
    Arrange {
        /// The table.
        table: String,
        /// Why.
        #[source]
        source: Cause,
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
    /// The table forgot the partition spec of staged files.
    #[error("table {table} no longer has the partition spec {spec}, under which files were staged")]
    SpecRemoved {
        /// The table.
        table: String,
        /// The id of the spec.
        spec: i32,
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
    /// A snapshot without the columns it is to be read by.
    #[error("{of} of table {table} does not have the declared columns: {}", listed(differences))]
    Declared {
        /// The table.
        table: String,
        /// The snapshot.
        of: String,
        /// Everything that does not fit, in the order of the declaration.
        differences: Vec<ColumnDifference>,
    },
    /// A snapshot that the table does not have, or no longer.
    #[error("{what} of table {table} is not there, or not any more")]
    Gone {
        /// The table.
        table: String,
        /// The snapshot.
        what: String,
    },
    /// The table is gone.
    #[error("table {table} was dropped: no metadata in {location}")]
    Dropped {
        /// The table.
        table: String,
        /// The directory of its metadata.
        location: String,
    },
    /// There is no such table.
    #[error("table {table} is not there: no metadata in {location}")]
    Absent {
        /// The table.
        table: String,
        /// The directory of its metadata.
        location: String,
    },
    /// The property with the marker is gone, but snapshots still name the sink.
    #[error("table {table} lost the property {key}, but its history names epoch {epoch}")]
    MarkerLost {
        /// The table.
        table: String,
        /// The property.
        key: String,
        /// The newest epoch in the history.
        epoch: u64,
    },
    /// The property with the marker cannot be read.
    #[error("property {key} of table {table} is no marker")]
    MarkerUnreadable {
        /// The table.
        table: String,
        /// The property.
        key: String,
        /// Why.
        #[source]
        source: serde_json::Error,
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
    /// A file that the table names and that is gone.
    #[error("{location} is named by table {table} and not there")]
    FileMissing {
        /// The table.
        table: String,
        /// The file.
        location: String,
    },
    /// A file of the table that is not in the warehouse.
    #[error("table {table} names {location}, which is outside of the warehouse {warehouse}")]
    Outside {
        /// The table.
        table: String,
        /// The file.
        location: String,
        /// The warehouse.
        warehouse: String,
    },
    /// The metadata directory is kept by a catalog of another kind.
    #[error("{location} is metadata of another kind of catalog")]
    OtherCatalog {
        /// The file.
        location: String,
    },
    /// A new file was there already.
    #[error("{location} was there before it was written")]
    Occupied {
        /// The file.
        location: String,
    },
    /// Metadata that cannot be made.
    #[error("cannot make the next metadata of table {table}")]
    Metadata {
        /// The table.
        table: String,
        /// Why.
        #[source]
        source: Cause,
    },
    /// The base of a commit was removed before the commit came: others are far ahead.
    #[error("{location}, the base of the commit, was removed while it was being committed")]
    BaseRemoved {
        /// The metadata file.
        location: String,
    },
    /// A value that only this crate writes and that it cannot read.
    #[error("the {what} of sink {sink} cannot be read")]
    Foreign {
        /// What it is.
        what: &'static str,
        /// The sink.
        sink: String,
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

fn listed(differences: &[ColumnDifference]) -> String {
    let texts: Vec<_> = differences.iter().map(ToString::to_string).collect();
    texts.join("; ")
}

impl IcebergError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Name { .. }
            | Self::ColumnType { .. }
            | Self::ColumnNames { .. }
            | Self::Columns { .. }
            | Self::PartitionText { .. }
            | Self::PartitionField { .. }
            | Self::SortField { .. }
            | Self::Property { .. }
            | Self::Declared { .. }
            | Self::Absent { .. } => ErrorKind::Invalid,
            Self::Feature { .. } | Self::OtherCatalog { .. } => ErrorKind::Unsupported,
            Self::OtherPipeline { .. }
            | Self::Recreated { .. }
            | Self::Dropped { .. }
            | Self::Gone { .. }
            | Self::SpecRemoved { .. }
            | Self::StagedBefore { .. }
            | Self::MarkerLost { .. }
            | Self::FileMissing { .. }
            | Self::Outside { .. } => ErrorKind::Refused,
            Self::MarkerUnreadable { .. } | Self::Unreadable { .. } => ErrorKind::Corrupt,
            Self::BaseRemoved { .. } => ErrorKind::Transient,
            Self::Occupied { .. }
            | Self::Metadata { .. }
            | Self::Arrange { .. }
            | Self::Foreign { .. }
            | Self::NotLoaded { .. } => ErrorKind::Internal,
        }
    }

    fn advice(&self) -> Option<String> {
        Some(match self {
            Self::ColumnType { .. } => "cast the column before the sink".to_owned(),
            Self::ColumnNames { .. } => "name each column of the rows once".to_owned(),
            Self::Columns { .. } => {
                "change the columns before the sink, or those of the table, or write to another table"
                    .to_owned()
            }
            Self::PartitionText { .. } => {
                "write a column, or year(c), month(c), day(c), hour(c), bucket(16, c), truncate(4, c)"
                    .to_owned()
            }
            Self::PartitionField { .. } => {
                "partition by a column of the rows whose type the transform takes".to_owned()
            }
            Self::SortField { .. } => "sort by columns of the rows, each once".to_owned(),
            Self::Property { key, .. } => format!("set {key} to a value that can be used"),
            Self::Feature { .. } => "write to another table".to_owned(),
            Self::OtherPipeline { theirs, .. } => format!(
                "use another --table, or the pipeline name {theirs} if this is that pipeline"
            ),
            Self::Absent { .. } => "name a table that is there, and its warehouse".to_owned(),
            Self::Declared { .. } => "declare the columns as the table has them".to_owned(),
            Self::Gone { .. } => "restore the metadata that names it from a copy, or begin anew \
                                  under another pipeline name with a snapshot that is there"
                .to_owned(),
            Self::Recreated { .. } | Self::Dropped { .. } => {
                "restore the table, or start under a new pipeline name with a new checkpoint"
                    .to_owned()
            }
            Self::SpecRemoved { .. } | Self::StagedBefore { .. } => {
                "roll the metadata back to before that change, or start under a new pipeline name"
                    .to_owned()
            }
            Self::MarkerLost { .. } => {
                "set the property again as it was, or write to another table".to_owned()
            }
            Self::MarkerUnreadable { .. } => {
                "roll the metadata back to the last file in which it can be read".to_owned()
            }
            Self::Unreadable { .. } | Self::FileMissing { .. } => {
                "restore the file from a copy".to_owned()
            }
            Self::Outside { .. } => "open the warehouse where the table was made".to_owned(),
            Self::OtherCatalog { .. } => "write to another table of this warehouse".to_owned(),
            Self::BaseRemoved { .. } => "start again".to_owned(),
            Self::Name { .. } => "name it like demo.orders".to_owned(),
            Self::Occupied { .. }
            | Self::Metadata { .. }
            | Self::Arrange { .. }
            | Self::Foreign { .. }
            | Self::NotLoaded { .. } => return None,
        })
    }
}

impl From<IcebergError> for Error {
    fn from(error: IcebergError) -> Self {
        let (kind, advice) = (error.kind(), error.advice());
        let error = Self::new(kind, "iceberg", error);
        match advice {
            Some(step) => error.advise(step),
            None => error,
        }
    }
}
