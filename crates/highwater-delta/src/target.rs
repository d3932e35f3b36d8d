//! Where and how files are staged, and what is known of a file that is: what plans and records
//! carry.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What the writers of an epoch have to know of the table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TableTarget {
    /// The columns that make the partition of a row. Files do not hold them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) partition: Vec<String>,
    /// Of how many leaf columns there are statistics; all of them, if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) indexed: Option<usize>,
    /// Files are closed at about this length.
    pub(crate) file_bytes: u64,
}

/// What the committer has to know of a staged file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StagedDetail {
    /// The value of each partition column, as the log writes it.
    #[serde(default)]
    pub(crate) partition: BTreeMap<String, Option<String>>,
    /// The statistics, as the log writes them.
    pub(crate) stats: String,
}
