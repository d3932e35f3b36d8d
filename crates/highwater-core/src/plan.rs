//! Everything an epoch may depend on.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Epoch, Gap, Name, Positions, Range, Target, Timestamp, Watermarks};

/// The plan of one epoch. The same plan gives the same rows, whoever runs it and how often.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EpochPlan {
    /// The epoch.
    pub epoch: Epoch,
    /// The only time of day that operators see.
    pub now: Timestamp,
    /// What is read, by the name of the source.
    pub sources: BTreeMap<Name, SourcePlan>,
    /// Where each sink stages its files, by the name of the sink.
    pub targets: BTreeMap<Name, Target>,
    /// How far event time has come, by the name of the step that declares it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub watermarks: BTreeMap<Name, Watermarks>,
    /// Whether nothing comes after this epoch, ever.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub last: bool,
}

/// What an epoch reads from one source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourcePlan {
    /// The positions before this epoch, also of partitions that it takes nothing from.
    pub from: Positions,
    /// What it reads.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ranges: Vec<Range>,
    /// What was gone and skipped.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gaps: Vec<Gap>,
}

impl SourcePlan {
    /// The positions behind this epoch.
    pub fn to(&self) -> Positions {
        self.from.after(&self.ranges)
    }

    /// Whether a range ends elsewhere than its partition stood. That of a table that is read again at
    /// the same version does not.
    fn moves(&self) -> bool {
        let moves = |range: &Range| self.from.get(&range.partition) != Some(&range.to);
        self.ranges.iter().any(moves)
    }
}

impl EpochPlan {
    /// Whether the epoch moves a position.
    pub fn moves(&self) -> bool {
        self.sources.values().any(SourcePlan::moves)
    }

    /// The positions behind this epoch, by the name of the source.
    pub fn positions(&self) -> BTreeMap<Name, Positions> {
        self.sources.iter().map(|(name, source)| (name.clone(), source.to())).collect()
    }
}
