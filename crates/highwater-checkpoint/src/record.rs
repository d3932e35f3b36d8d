//! The record that decides an epoch, and its form on disk.
//!
//! A record is one line of JSON below a header line with the format's version and the SHA-256 of
//! that line. The same digest is what markers in tables are compared by.

use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;
use highwater_core::{
    Digest, Epoch, EpochPlan, Footing, Latest, Marker, MarkerId, Name, Origin, Result, Rule, Staged,
};
use serde::{Deserialize, Serialize};

use crate::{CheckpointError, StateManifest};

const VERSION: u32 = 1;

/// The largest plan that goes into a marker, in bytes of JSON: table metadata is read by everybody.
const LARGEST_PLAN_IN_A_MARKER: usize = 32 * 1024;

/// Which record: the epoch, and how often its plan was run again after the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RecordId {
    /// The epoch.
    pub epoch: Epoch,
    /// 0 for the first record of the epoch.
    pub attempt: u32,
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.attempt {
            0 => write!(f, "{}", self.epoch),
            attempt => write!(f, "{}.{attempt}", self.epoch),
        }
    }
}

/// An epoch that has been computed and staged, and that is now to be committed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prepared {
    /// The pipeline.
    pub pipeline: Name,
    /// What the pipeline was when it prepared this: a digest of its logical plan.
    pub fingerprint: Digest,
    /// The run that prepared it, which makes the record its own.
    pub run: String,
    /// Which record this is.
    pub id: RecordId,
    /// The plan that was run.
    pub plan: EpochPlan,
    /// Every sink in the order of its commit, the primary first.
    pub sinks: Vec<SinkShare>,
    /// Digests of earlier records of the same plan. One of them in a table counts as committed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replaces: Vec<Digest>,
    /// Records taken out of each source.
    #[serde(default)]
    pub records: BTreeMap<Name, u64>,
    /// The state behind this epoch; none when no step keeps any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<StateManifest>,
    /// The latest event times of epochs 0 to this one, by the step that declares event time.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub observed: Observed,
}

/// The latest event times of each partition, by the step that declares event time.
pub type Observed = BTreeMap<Name, BTreeMap<Origin, Latest>>;

/// What an epoch means for one sink.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SinkShare {
    /// The sink.
    pub sink: Name,
    /// What is to be done.
    pub share: Share,
}

/// What is to be done for one sink.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Share {
    /// One commit, with or without rows.
    Commit {
        /// What must stand in the table before.
        on: Footing,
        /// The files.
        staged: Vec<Staged>,
    },
    /// Nothing.
    Quiet {
        /// What stands in the table.
        on: Footing,
    },
}

/// Rows and bytes of a share, for progress.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SinkCounts {
    /// Rows.
    pub rows: u64,
    /// Bytes of staged files.
    pub bytes: u64,
    /// Staged files.
    pub files: u64,
}

impl Share {
    /// What is staged.
    pub fn staged(&self) -> &[Staged] {
        match self {
            Self::Commit { staged, .. } => staged,
            Self::Quiet { .. } => &[],
        }
    }

    /// What stands in the table before anything is done.
    pub fn on(&self) -> Footing {
        match self {
            Self::Commit { on, .. } | Self::Quiet { on } => *on,
        }
    }

    /// Its rows, bytes and files.
    pub fn counts(&self) -> SinkCounts {
        self.staged().iter().fold(SinkCounts::default(), |sum, file| SinkCounts {
            rows: sum.rows.saturating_add(file.rows),
            bytes: sum.bytes.saturating_add(file.bytes),
            files: sum.files.saturating_add(1),
        })
    }
}

#[derive(Serialize, Deserialize)]
struct Header {
    highwater: String,
    version: u32,
    sha256: Digest,
}

impl Prepared {
    /// The bytes to be stored, and the digest that names the record from now on.
    ///
    /// # Errors
    /// `Internal` when a value has no JSON form.
    pub fn encode(&self) -> Result<(Bytes, Digest)> {
        let internal = |error| {
            highwater_core::Error::new(highwater_core::ErrorKind::Internal, "checkpoint", error)
        };
        let body = serde_json::to_vec(self).map_err(internal)?;
        let sha256 = Digest::of(&body);
        let header = Header { highwater: "prepared".to_owned(), version: VERSION, sha256 };
        let mut bytes = serde_json::to_vec(&header).map_err(internal)?;
        bytes.push(b'\n');
        bytes.extend_from_slice(&body);
        bytes.push(b'\n');
        Ok((bytes.into(), sha256))
    }

    /// The record in `bytes`, which were read from `location`, with its digest.
    ///
    /// # Errors
    /// `Corrupt` when a byte has changed; `Refused` when a later version wrote it.
    pub fn decode(bytes: &[u8], location: &str) -> Result<(Self, Digest)> {
        let damaged = |what| CheckpointError::Damaged { location: location.to_owned(), what };
        let unreadable =
            |source| CheckpointError::Unreadable { location: location.to_owned(), source };
        let mut lines = bytes.splitn(2, |byte| *byte == b'\n');
        let header = lines.next().unwrap_or_default();
        let body = lines.next().ok_or_else(|| damaged("it has no second line"))?;
        let body = body.strip_suffix(b"\n").ok_or_else(|| damaged("its end is missing"))?;
        let header: Header = serde_json::from_slice(header).map_err(unreadable)?;
        if header.version > VERSION {
            let version = header.version;
            let location = location.to_owned();
            return Err(CheckpointError::Newer { location, version, newest: VERSION }.into());
        }
        if Digest::of(body) != header.sha256 {
            return Err(damaged("its checksum does not match").into());
        }
        let record = serde_json::from_slice(body).map_err(unreadable)?;
        Ok((record, header.sha256))
    }

    /// Leaves every sink but those `lacking` as it is: it holds the epoch already.
    pub fn hold_still(&mut self, lacking: &[Name]) {
        for share in self.sinks.iter_mut().filter(|share| !lacking.contains(&share.sink)) {
            share.share = Share::Quiet { on: share.share.on() };
        }
    }

    /// The rule that a commit of `sink` follows; none when there is nothing to commit.
    pub fn rule(&self, digest: Digest, sink: &Name) -> Option<Rule> {
        let share = self.sinks.iter().find(|share| share.sink == *sink)?;
        match &share.share {
            Share::Commit { on, .. } => Some(Rule {
                mine: MarkerId { epoch: self.id.epoch, digest },
                on: *on,
                replaces: self.replaces.clone(),
            }),
            Share::Quiet { .. } => None,
        }
    }

    /// The marker that a commit of `sink` leaves.
    pub fn marker(&self, digest: Digest, sink: &Name, follows: Option<MarkerId>) -> Marker {
        let fits =
            serde_json::to_vec(&self.plan).is_ok_and(|plan| plan.len() <= LARGEST_PLAN_IN_A_MARKER);
        Marker {
            pipeline: self.pipeline.clone(),
            sink: sink.clone(),
            id: MarkerId { epoch: self.id.epoch, digest },
            follows,
            plan: fits.then(|| self.plan.clone()),
        }
    }
}

#[cfg(test)]
mod tests;
