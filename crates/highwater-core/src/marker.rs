//! The marker: what a table says about the last epoch a pipeline committed to it.

use serde::{Deserialize, Serialize};

use crate::{Digest, Epoch, EpochPlan, Name};

/// Which record was committed: its epoch, and the digest of the whole record.
///
/// The record names the run that prepared it, so identity belongs to the record and not to whoever
/// happens to send it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct MarkerId {
    /// The epoch.
    pub epoch: Epoch,
    /// The digest of the record that was prepared for it.
    pub digest: Digest,
}

/// What a sink leaves in its table, in the same commit as the rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marker {
    /// The pipeline.
    pub pipeline: Name,
    /// The sink within it.
    pub sink: Name,
    /// What was committed.
    #[serde(flatten)]
    pub id: MarkerId,
    /// What this sink had committed before; nothing at its first commit.
    pub follows: Option<MarkerId>,
    /// The plan of the epoch, from which a pipeline without state resumes when its log is lost.
    /// Absent when it is too large for a table's metadata.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<EpochPlan>,
}

/// What the next commit of a sink stands on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Footing {
    /// The marker that must stand in the table before; nothing for the first commit of a sink.
    pub follows: Option<MarkerId>,
    /// The last commit of the sink, when it was taken out of the table and a person chose to go on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepts: Option<MarkerId>,
}

impl Footing {
    /// A table that holds `follows` and was not rolled back.
    pub fn on(follows: Option<MarkerId>) -> Self {
        Self { follows, accepts: None }
    }
}

/// What [`Committer::load`](crate::Committer::load) found for one sink of one pipeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// This sink never committed.
    Nothing,
    /// The last commit, which the table's history still holds.
    Marker(Marker),
    /// The table was rolled back behind the last commit.
    RolledBack {
        /// The last commit, whose rows are no longer there.
        last: Marker,
        /// The newest commit of this sink that is still there.
        standing: Option<MarkerId>,
    },
}

impl Found {
    /// What holds in the table as it is.
    pub fn standing(&self) -> Option<MarkerId> {
        match self {
            Self::Nothing => None,
            Self::Marker(marker) => Some(marker.id),
            Self::RolledBack { standing, .. } => *standing,
        }
    }

    /// What a commit stands on that goes on from here, also when the table was rolled back.
    pub fn footing(&self) -> Footing {
        let accepts = match self {
            Self::RolledBack { last, .. } => Some(last.id),
            Self::Nothing | Self::Marker(_) => None,
        };
        Footing { follows: self.standing(), accepts }
    }

    /// The last commit there ever was.
    pub fn last(&self) -> Option<&Marker> {
        match self {
            Self::Nothing => None,
            Self::Marker(marker) | Self::RolledBack { last: marker, .. } => Some(marker),
        }
    }
}

#[cfg(test)]
mod tests;
