//! The directories of partitions.
//!
//! Readers take values from the log, not from the name of a directory: names are for people, and
//! must do no harm.

use highwater_parquet::partition_directory;

/// What Hive calls a partition of nulls.
const NULL: &str = "__HIVE_DEFAULT_PARTITION__";

/// The directory of some rows: a part for each partition column and its value.
pub(crate) fn directory<'a>(
    values: impl IntoIterator<Item = (&'a str, Option<&'a str>)>,
) -> String {
    let parts =
        values.into_iter().map(|(name, value)| partition_directory(name, value.unwrap_or(NULL)));
    parts.collect::<Vec<_>>().join("/")
}

/// The path of a file in such a directory, which is empty where there are no partition columns.
pub(crate) fn within(directory: &str, name: String) -> String {
    if directory.is_empty() { name } else { format!("{directory}/{name}") }
}
