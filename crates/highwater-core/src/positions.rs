//! Where a source stands, and what an epoch takes from it.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// One independently read part of a source: a Kafka topic's partition, or a whole directory.
///
/// Written as `stream/index` where it is a key of a JSON object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Partition {
    /// The topic or directory.
    pub stream: String,
    /// The number within it.
    pub index: i32,
}

impl Partition {
    /// Partition `index` of `stream`.
    pub fn new(stream: impl Into<String>, index: i32) -> Self {
        Self { stream: stream.into(), index }
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.stream, self.index)
    }
}

impl From<Partition> for String {
    fn from(partition: Partition) -> Self {
        partition.to_string()
    }
}

impl TryFrom<String> for Partition {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let parsed = text.rsplit_once('/').and_then(|(stream, index)| {
            Some(Self { stream: stream.to_owned(), index: index.parse().ok()? })
        });
        parsed.ok_or_else(|| format!("{text:?} is not stream/index"))
    }
}

/// The next record to be read of a partition.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The offset of that record; offsets only grow, and may have gaps.
    pub next: i64,
    /// What the source adds to recognise the partition later, such as a topic id. Only it reads this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

impl Position {
    /// The position before `next`, with nothing added.
    pub fn at(next: i64) -> Self {
        Self { next, detail: None }
    }
}

/// A position for every partition that was ever planned.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Positions(BTreeMap<Partition, Position>);

impl Positions {
    /// The position of `partition`; none before its first range.
    pub fn get(&self, partition: &Partition) -> Option<&Position> {
        self.0.get(partition)
    }

    /// Sets the position of `partition`.
    pub fn set(&mut self, partition: Partition, position: Position) {
        self.0.insert(partition, position);
    }

    /// The positions behind `ranges`, of which those of one partition follow one another.
    #[must_use]
    pub fn after(&self, ranges: &[Range]) -> Self {
        let mut after = self.clone();
        for range in ranges {
            after.set(range.partition.clone(), range.to.clone());
        }
        after
    }

    /// Every partition with its position, in the order of partitions.
    pub fn iter(&self) -> impl Iterator<Item = (&Partition, &Position)> {
        self.0.iter()
    }

    /// Whether no partition was ever planned.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<(Partition, Position)> for Positions {
    fn from_iter<I: IntoIterator<Item = (Partition, Position)>>(items: I) -> Self {
        Self(items.into_iter().collect())
    }
}

/// The number of a range within the plan of one source, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RangeId(pub u32);

/// What one epoch reads of one partition: the records from `from` up to, not including, `to`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Range {
    /// Its number in the plan.
    pub id: RangeId,
    /// The partition it is of.
    pub partition: Partition,
    /// The first record.
    pub from: Position,
    /// The record after the last, which the next range of this partition begins with. Between two ranges
    /// of one plan its detail is the source's own: nobody goes on from there.
    pub to: Position,
}

/// Records that are gone before they were read, and that the data-loss policy allowed to skip.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// The partition it is in.
    pub partition: Partition,
    /// The first offset that is gone.
    pub from: i64,
    /// The first offset that is there again; none when the partition is gone with all that was left
    /// of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<i64>,
}

/// What is left to read of a partition after a plan, in offsets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backlog {
    /// The partition.
    pub partition: Partition,
    /// The end of the partition as the source saw it.
    pub end: i64,
    /// How many offsets lie between the plan and that end.
    pub behind: u64,
    /// What lies behind that end and may not be read yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withheld: Option<Withheld>,
}

/// Records that are there and may not be read before somebody else is done, such as those behind a
/// transaction of Kafka that is still open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withheld {
    /// How many offsets.
    pub offsets: u64,
    /// For how many milliseconds the same records have been first among them, as far as this source
    /// has seen it.
    pub millis: u64,
}

/// How much one epoch may take from one source.
///
/// # Defaults
/// * `records`: 1,000,000
/// * `bytes`: 256 MiB, estimated by sources that cannot know it
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Records, over all partitions.
    pub records: u64,
    /// Bytes as they are read, over all partitions.
    pub bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { records: 1_000_000, bytes: 256 << 20 }
    }
}

/// The answer to [`Source::plan`](crate::Source::plan).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Planned {
    /// What to read, none of it empty. Several ranges of one partition follow one another without a hole,
    /// and any worker may read each of them.
    pub ranges: Vec<Range>,
    /// What is gone.
    pub gaps: Vec<Gap>,
    /// What is left, for every partition of the source.
    pub backlog: Vec<Backlog>,
    /// Whether the source is bounded and these ranges reach its end.
    pub ended: bool,
    /// For how many milliseconds whoever is read from has asked to be left alone since the last plan
    /// with ranges.
    pub throttled: u64,
}

impl Planned {
    /// The plan of a [versioned](crate::Source::is_versioned) source: all of its table, at the version that
    /// `to` names.
    ///
    /// # Example
    /// ```
    /// use highwater_core::{Partition, Planned, Position};
    ///
    /// let planned = Planned::version(Partition::new("users", 0), Position::at(8));
    /// assert_eq!(planned.ranges[0].from, Position::at(0));
    /// ```
    pub fn version(partition: Partition, to: Position) -> Self {
        let range = Range { id: RangeId(0), partition, from: Position::at(0), to };
        Self { ranges: vec![range], ended: true, ..Self::default() }
    }
}

#[cfg(test)]
mod tests;
