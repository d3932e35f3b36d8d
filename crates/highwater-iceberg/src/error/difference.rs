//! What of the columns of rows does not fit a table.

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
    /// The table had it when it was opened.
    #[error("column {column} ({ours}, field id {id}) was dropped from the table")]
    Dropped {
        /// The column in the rows.
        column: String,
        /// The field id it had.
        id: i32,
        /// Its type in the rows.
        ours: String,
    },
    /// It has another type in the table, and not a wider one.
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
