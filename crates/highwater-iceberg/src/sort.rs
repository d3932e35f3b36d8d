//! How the rows of a new table are sorted.

use std::fmt;

/// One field of a sort order: a column and its direction. Made by [`asc`] and [`desc`].
///
/// # Example
/// ```
/// use highwater_iceberg::{asc, desc};
///
/// assert_eq!(asc("event_timestamp").to_string(), "event_timestamp asc nulls first");
/// assert_eq!(desc("amount").nulls_first().to_string(), "amount desc nulls first");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SortField {
    pub(crate) column: String,
    pub(crate) descending: bool,
    pub(crate) nulls_first: bool,
}

/// The values of `column` from the least to the greatest, nulls first.
pub fn asc(column: impl Into<String>) -> SortField {
    SortField { column: column.into(), descending: false, nulls_first: true }
}

/// The values of `column` from the greatest to the least, nulls last.
pub fn desc(column: impl Into<String>) -> SortField {
    SortField { column: column.into(), descending: true, nulls_first: false }
}

impl SortField {
    /// Nulls before all values.
    #[must_use]
    pub fn nulls_first(mut self) -> Self {
        self.nulls_first = true;
        self
    }

    /// Nulls behind all values.
    #[must_use]
    pub fn nulls_last(mut self) -> Self {
        self.nulls_first = false;
        self
    }
}

impl fmt::Display for SortField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let direction = if self.descending { "desc" } else { "asc" };
        let nulls = if self.nulls_first { "first" } else { "last" };
        write!(f, "{} {direction} nulls {nulls}", self.column)
    }
}
