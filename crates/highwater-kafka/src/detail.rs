//! What a position of this source holds besides the offset.

use std::collections::{BTreeMap, BTreeSet};

use highwater_core::{Partition, Position, Positions};
use serde::{Deserialize, Serialize};

use crate::error::KafkaError;

/// The detail of a [`Position`], as short JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Detail {
    /// The topic's id, to tell a topic that was made anew.
    #[serde(rename = "id", default, skip_serializing_if = "Option::is_none")]
    pub(crate) topic_id: Option<String>,
    /// The leader's epoch when the range was planned.
    #[serde(default = "unknown")]
    pub(crate) epoch: i32,
    /// Where partitions begin of which nothing was read yet, when that is not their first record.
    /// They have no position of their own to say so.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) starts: BTreeMap<i32, i64>,
    /// The same of other topics that the source reads, of which nothing was read yet either.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) others: BTreeMap<String, BTreeMap<i32, i64>>,
    /// Topics that are gone with records that were not read; the gaps are recorded.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) gone: BTreeSet<String>,
}

fn unknown() -> i32 {
    -1
}

impl Detail {
    /// The detail of `position`; the default when it has none.
    pub(crate) fn of(partition: &Partition, position: &Position) -> Result<Self, KafkaError> {
        let Some(text) = &position.detail else { return Ok(Self { epoch: -1, ..Self::default() }) };
        serde_json::from_str(text).map_err(|_error| KafkaError::Detail {
            partition: partition.to_string(),
            detail: text.clone(),
        })
    }

    /// A position that carries this detail.
    pub(crate) fn at(&self, next: i64) -> Position {
        // A struct of strings and numbers always has a JSON text.
        Position { next, detail: serde_json::to_string(self).ok() }
    }
}

/// The topics that positions remember as gone.
pub(crate) fn gone(from: &Positions) -> Result<BTreeSet<String>, KafkaError> {
    let mut gone = BTreeSet::new();
    for (partition, position) in from.iter() {
        gone.extend(Detail::of(partition, position)?.gone);
    }
    Ok(gone)
}

/// The starts of `topic` that positions remember.
pub(crate) fn starts(from: &Positions, topic: &str) -> Result<BTreeMap<i32, i64>, KafkaError> {
    let mut starts = BTreeMap::new();
    for (partition, position) in from.iter() {
        let mut detail = Detail::of(partition, position)?;
        starts.extend(match partition.stream == topic {
            true => detail.starts,
            false => detail.others.remove(topic).unwrap_or_default(),
        });
    }
    Ok(starts)
}
