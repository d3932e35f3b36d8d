//! The marker in a table: one property that holds all of it, and a stamp in each snapshot's summary.
//!
//! The property outlives the expiry of snapshots; the stamp tells which snapshot is which after
//! somebody has set the table back. Both are written by the commit that they describe.

use std::collections::HashMap;

use highwater_core::{Epoch, Marker, MarkerId, Name};
use serde::{Deserialize, Serialize};

use crate::error::IcebergError;

const PREFIX: &str = "highwater.marker.";
const BRANCH: &str = "main";
const PIPELINE: &str = "highwater.pipeline";
const SINK: &str = "highwater.sink";
const EPOCH: &str = "highwater.epoch";
const DIGEST: &str = "highwater.digest";

/// Whose marker it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) pipeline: Name,
    pub(crate) sink: Name,
}

/// The value of the property: the marker, and the sequence number of the snapshot that brought it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Recorded {
    pub(crate) sequence_number: i64,
    pub(crate) marker: Marker,
}

/// What the summary of a snapshot says of the commit that made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) pipeline: String,
    pub(crate) sink: String,
    pub(crate) id: MarkerId,
}

impl Owner {
    /// The key of the property.
    pub(crate) fn key(&self) -> String {
        format!("{PREFIX}{}/{}/{BRANCH}", self.pipeline, self.sink)
    }

    /// Whether `stamp` is of this sink.
    pub(crate) fn left(&self, stamp: &Stamp) -> bool {
        stamp.pipeline == self.pipeline.as_str() && stamp.sink == self.sink.as_str()
    }
}

/// A pipeline other than `ours` that has its marker among `properties`.
pub(crate) fn other_pipeline<'a>(
    properties: &'a HashMap<String, String>,
    ours: &Name,
) -> Option<&'a str> {
    let pipeline = |key: &'a String| key.strip_prefix(PREFIX)?.split('/').next();
    properties.keys().filter_map(pipeline).filter(|name| *name != ours.as_str()).min()
}

/// The markers among `properties`, in the order of their keys.
pub(crate) fn recorded(
    properties: &HashMap<String, String>,
    table: &str,
) -> Result<Vec<Recorded>, IcebergError> {
    let mut found: Vec<_> = properties.iter().filter(|(key, _)| key.starts_with(PREFIX)).collect();
    found.sort();
    found.into_iter().map(|(key, value)| parse(table, key, value)).collect()
}

/// The marker of `owner` among `properties`.
pub(crate) fn recorded_of(
    properties: &HashMap<String, String>,
    table: &str,
    owner: &Owner,
) -> Result<Option<Recorded>, IcebergError> {
    let key = owner.key();
    properties.get(&key).map(|value| parse(table, &key, value)).transpose()
}

fn parse(table: &str, key: &str, value: &str) -> Result<Recorded, IcebergError> {
    serde_json::from_str(value).map_err(|source| IcebergError::MarkerUnreadable {
        table: table.to_owned(),
        key: key.to_owned(),
        source,
    })
}

/// The stamp of `marker`, as entries of a summary.
pub(crate) fn stamp(marker: &Marker) -> [(String, String); 4] {
    [
        (PIPELINE.to_owned(), marker.pipeline.to_string()),
        (SINK.to_owned(), marker.sink.to_string()),
        (EPOCH.to_owned(), marker.id.epoch.to_string()),
        (DIGEST.to_owned(), marker.id.digest.to_string()),
    ]
}

/// The stamp in a summary, if one of highwater's commits made it.
pub(crate) fn read_stamp(summary: &HashMap<String, String>) -> Option<Stamp> {
    let epoch = Epoch(summary.get(EPOCH)?.parse().ok()?);
    let digest = summary.get(DIGEST)?.parse().ok()?;
    Some(Stamp {
        pipeline: summary.get(PIPELINE)?.clone(),
        sink: summary.get(SINK)?.clone(),
        id: MarkerId { epoch, digest },
    })
}
