//! What positions remember besides an offset: which files were taken, and which a range reads.

use std::cmp::Ordering;
use std::collections::HashMap;

use highwater_core::{Digest, Partition, Position, Range};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::error::{FilesError, Version};
use crate::packing;

/// A file as a listing shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// Its path below the directory, with `/` between the parts.
    pub(crate) path: String,
    pub(crate) version: Version,
}

impl Found {
    /// Files are taken in this order.
    pub(crate) fn order(&self) -> (i64, &str) {
        (self.version.modified, &self.path)
    }

    pub(crate) fn span(&self) -> i64 {
        packing::span(&self.path, self.version.bytes)
    }
}

/// The files that were taken: all up to a mark, and those above it by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Taken {
    /// Time and path of the last file that is not remembered by its name any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) mark: Option<(i64, String)>,
    /// How many files up to the mark were there at the plan.
    #[serde(default, skip_serializing_if = "none")]
    pub(crate) below: u64,
    /// Above the mark, in order.
    #[serde(default)]
    pub(crate) seen: Vec<Seen>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "what serde calls")]
fn none(count: &u64) -> bool {
    *count == 0
}

/// A file that was taken: its time, bytes and path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Seen(pub(crate) i64, pub(crate) u64, pub(crate) String);

impl Seen {
    pub(crate) fn of(found: &Found) -> Self {
        Self(found.version.modified, found.version.bytes, found.path.clone())
    }

    pub(crate) fn version(&self) -> Version {
        Version { bytes: self.1, modified: self.0 }
    }

    pub(crate) fn order(&self) -> (i64, &str) {
        (self.0, &self.2)
    }
}

/// A file of a range: its path, bytes, time, and the beginning of the digest of its first bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Part(pub(crate) String, pub(crate) u64, pub(crate) i64, pub(crate) String);

/// So many bytes at the beginning of a file are looked at when it is planned.
pub(crate) const HEAD: usize = 1024;

impl Part {
    pub(crate) fn new(found: &Found, head: &[u8]) -> Self {
        let Version { bytes, modified } = found.version;
        Self(found.path.clone(), bytes, modified, Self::digest(head))
    }

    /// What is noted of the first bytes of a file.
    pub(crate) fn digest(head: &[u8]) -> String {
        Digest::of(head.get(..HEAD).unwrap_or(head)).short()
    }

    pub(crate) fn path(&self) -> &str {
        &self.0
    }

    pub(crate) fn version(&self) -> Version {
        Version { bytes: self.1, modified: self.2 }
    }

    pub(crate) fn head(&self) -> &str {
        &self.3
    }

    pub(crate) fn span(&self) -> i64 {
        packing::span(&self.0, self.1)
    }
}

/// The files of a range, in order; the detail of its first position.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Parts {
    pub(crate) files: Vec<Part>,
    /// What of its only file the range reads; none where it reads files whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) stretch: Option<Stretch>,
}

/// Bytes of a file, from one up to another: a stretch has the lines that begin in it, each whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stretch(pub(crate) u64, pub(crate) u64);

/// The detail of a position between two ranges of one plan. Nobody goes on from there, and whoever
/// tried would be refused, since it says nothing of files that were taken.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Between {
    between: bool,
}

impl Parts {
    pub(crate) fn of(range: &Range) -> Result<Self, FilesError> {
        read(&range.partition, &range.from)
    }

    /// How many offsets they take. That of the end of a file is with its last stretch.
    pub(crate) fn span(&self) -> i64 {
        let whole = self.files.iter().map(Part::span).fold(0, i64::saturating_add);
        let Some(Stretch(begin, end)) = self.stretch else { return whole };
        let last = self.files.first().is_some_and(|file| file.version().bytes <= end);
        let bytes = end.saturating_sub(begin).saturating_add(u64::from(last));
        i64::try_from(bytes).unwrap_or(i64::MAX)
    }
}

impl Stretch {
    /// The byte at which a file is begun of which `stretch` is read, or all.
    pub(crate) fn begin(stretch: Option<Self>) -> u64 {
        stretch.map_or(0, |Self(begin, _)| begin)
    }
}

impl Between {
    pub(crate) const HERE: Self = Self { between: true };
}

impl Taken {
    pub(crate) fn of(partition: &Partition, position: &Position) -> Result<Self, FilesError> {
        if position.detail.is_none() {
            return Ok(Self::default());
        }
        read(partition, position)
    }

    /// Where a file of this order lies: up to the mark, or behind it.
    pub(crate) fn passed(&self, order: (i64, &str)) -> bool {
        let mark = self.mark.as_ref().map(|(time, path)| (*time, path.as_str()));
        mark.is_some_and(|mark| order.cmp(&mark) != Ordering::Greater)
    }

    pub(crate) fn index(&self) -> Index<'_> {
        let seen = self.seen.iter().map(|seen| (seen.2.as_str(), seen)).collect();
        Index { taken: self, seen }
    }
}

/// The files that were taken, by their names.
#[derive(Debug)]
pub(crate) struct Index<'a> {
    taken: &'a Taken,
    seen: HashMap<&'a str, &'a Seen>,
}

impl Index<'_> {
    pub(crate) fn get(&self, path: &str) -> Option<&Seen> {
        self.seen.get(path).copied()
    }

    /// Whether the file counts as taken.
    pub(crate) fn holds(&self, found: &Found) -> bool {
        self.seen.contains_key(found.path.as_str()) || self.taken.passed(found.order())
    }
}

/// A position that carries a detail.
pub(crate) fn position(next: i64, detail: &impl Serialize) -> Position {
    // A struct of strings and numbers always has a JSON text.
    Position { next, detail: serde_json::to_string(detail).ok() }
}

fn read<T: DeserializeOwned>(partition: &Partition, position: &Position) -> Result<T, FilesError> {
    let detail = position.detail.as_deref().unwrap_or_default();
    serde_json::from_str(detail).map_err(|_error| FilesError::Detail {
        partition: partition.clone(),
        detail: detail.chars().take(100).collect(),
    })
}
