//! What operators save, as far as those who carry it need to know.
//!
//! A save is a list of [`Section`]s: bytes that only the state of the operator understands, each
//! with the table and bucket that it is of. Which of the saves of earlier epochs it replaces is its
//! [`Level`].

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{Epoch, KEY_GROUPS, Name, Result};

/// How much of the past a save holds: everything that has changed since the last save of this or a
/// higher level. It takes the place of all lower ones since then.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Level(u8);

impl Level {
    /// What one epoch has changed.
    pub const EPOCH: Self = Self(0);
    /// All there is.
    pub const WHOLE: Self = Self(3);
    /// So many saves of one level are followed by one of the next.
    pub const FAN: usize = 16;

    /// The level of the save of an epoch, as a rule. So there are few saves at any time, and little is written
    /// again and again.
    pub fn of(epoch: Epoch) -> Self {
        let mut level = Self::EPOCH;
        let mut saves = epoch.0.saturating_add(1);
        let fan = Self::FAN as u64;
        while level < Self::WHOLE && saves.is_multiple_of(fan) {
            saves /= fan;
            level = Self(level.0 + 1);
        }
        level
    }

    /// The levels below this one, the lowest first.
    pub fn below(self) -> impl Iterator<Item = Self> {
        (0..self.0).map(Self)
    }

    /// The number of the level, counted from 0.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// Some key groups.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Groups(u128);

impl Groups {
    /// All of them.
    pub const ALL: Self = Self(u128::MAX);
    /// None of them.
    pub const NONE: Self = Self(0);

    /// Those of a worker among `workers`.
    pub fn of_worker(worker: usize, workers: usize) -> Self {
        let of = |group: &u8| crate::KeyGroups::worker(*group, workers) == worker;
        Self((0..KEY_GROUPS).filter(of).fold(0, |groups, group| groups | 1 << group))
    }

    /// Whether a group is one of them.
    pub fn contains(self, group: u8) -> bool {
        group < KEY_GROUPS && self.0 >> group & 1 == 1
    }

    /// Those that are in both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Those that are not in the other.
    #[must_use]
    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl fmt::Debug for Groups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Groups({:032x})", self.0)
    }
}

impl From<Groups> for String {
    fn from(groups: Groups) -> Self {
        format!("{:032x}", groups.0)
    }
}

impl TryFrom<String> for Groups {
    type Error = String;

    fn try_from(text: String) -> std::result::Result<Self, String> {
        let groups = u128::from_str_radix(&text, 16);
        groups.map(Self).map_err(|error| format!("{text:?} is not key groups: {error}"))
    }
}

/// Some rows of one table of an operator.
#[derive(Clone, Debug)]
pub struct Section {
    /// The table, unique within the operator.
    pub table: Name,
    /// The time bucket, or another part of the table. Buckets go in their order.
    pub bucket: i64,
    /// How many rows, those that say that a row is gone included.
    pub rows: u64,
    /// The rows, as the state writes them.
    pub bytes: SectionBytes,
}

/// The bytes of a section, wherever they are until they are saved.
#[derive(Clone, Debug)]
pub enum SectionBytes {
    /// In memory, in pieces that follow each other.
    Held(Vec<Bytes>),
    /// In a file that was made for them, and that goes when nobody has it any more.
    InFile {
        /// The file.
        file: Arc<dyn ReadAt>,
        /// How many bytes it has.
        length: u64,
    },
}

impl SectionBytes {
    /// How many there are.
    pub fn length(&self) -> u64 {
        match self {
            Self::Held(pieces) => pieces.iter().map(|piece| piece.len() as u64).sum(),
            Self::InFile { length, .. } => *length,
        }
    }

    /// All of them in their order, piece by piece; those of a file in pieces of at most `most` bytes. Blocks.
    ///
    /// # Errors
    /// Each piece: what the file reports.
    ///
    /// # Example
    /// ```
    /// use highwater_core::SectionBytes;
    ///
    /// let bytes = SectionBytes::from(b"rows".to_vec());
    /// let pieces: Result<Vec<_>, _> = bytes.pieces(1 << 20).collect();
    /// assert_eq!((bytes.length(), pieces?.concat()), (4, b"rows".to_vec()));
    /// # Ok::<_, highwater_core::Error>(())
    /// ```
    pub fn pieces(&self, most: u64) -> impl Iterator<Item = Result<Bytes>> {
        let (held, in_file) = match self {
            Self::Held(pieces) => (pieces.as_slice(), None),
            Self::InFile { file, length } => (&[][..], Some((file, *length))),
        };
        let most = most.max(1);
        let read = in_file.into_iter().flat_map(move |(file, length)| {
            let froms = (0..length.div_ceil(most)).map(move |piece| piece * most);
            froms.map(move |from| file.read_at(from..length.min(from.saturating_add(most))))
        });
        held.iter().cloned().map(Ok).chain(read)
    }

    /// All of them in memory. Blocks.
    ///
    /// # Errors
    /// What the file reports.
    pub fn whole(&self) -> Result<Bytes> {
        match self {
            Self::Held(pieces) => match pieces.as_slice() {
                [one] => Ok(one.clone()),
                all => Ok(all.concat().into()),
            },
            Self::InFile { file, length } => file.read_at(0..*length),
        }
    }
}

impl<B: Into<Bytes>> From<B> for SectionBytes {
    fn from(bytes: B) -> Self {
        Self::Held(vec![bytes.into()])
    }
}

/// What holds for one table of an operator as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableNote {
    /// The version of the form of its sections.
    pub version: u32,
    /// Its columns, in words that are compared.
    pub columns: String,
    /// Buckets before this one are gone.
    pub first: i64,
    /// Rows before this event time are gone.
    pub expired: i64,
    /// Rows that are there.
    pub rows: u64,
    /// Bytes of memory that they take.
    pub bytes: u64,
    /// Rows that were added or changed in this epoch.
    pub updated: u64,
    /// Rows that were taken out in this epoch.
    pub removed: u64,
}

/// Where one instance of an operator writes its state.
#[derive(Debug)]
pub struct StateWriter {
    level: Level,
    sections: Vec<Section>,
    notes: BTreeMap<Name, TableNote>,
}

impl StateWriter {
    /// A save of this level, empty so far.
    pub fn new(level: Level) -> Self {
        Self { level, sections: Vec::new(), notes: BTreeMap::new() }
    }

    /// Which changes are asked for.
    pub fn level(&self) -> Level {
        self.level
    }

    /// Adds rows.
    pub fn put(&mut self, section: Section) {
        self.sections.push(section);
    }

    /// Says what holds for a table. To be said in every save, of every table.
    pub fn note(&mut self, table: Name, note: TableNote) {
        self.notes.insert(table, note);
    }

    /// What was written.
    pub fn into_parts(self) -> (Vec<Section>, BTreeMap<Name, TableNote>) {
        (self.sections, self.notes)
    }
}

/// Bytes that can be read from anywhere in between.
pub trait ReadAt: Send + Sync + fmt::Debug {
    /// The bytes in `range`. Blocks.
    ///
    /// # Errors
    /// `Corrupt` when they are not there, with the place where they should be.
    fn read_at(&self, range: Range<u64>) -> Result<Bytes>;

    /// Where they are, for messages.
    fn location(&self) -> String;
}

/// A section that was saved.
#[derive(Clone, Debug)]
pub struct SavedSection {
    /// The table.
    pub table: Name,
    /// The bucket.
    pub bucket: i64,
    /// How many rows.
    pub rows: u64,
    /// The level of the save.
    pub level: Level,
    /// The groups for which the section still counts. It may hold rows of others.
    pub groups: Groups,
    /// Where the bytes are.
    pub range: Range<u64>,
    /// Of what.
    pub object: Arc<dyn ReadAt>,
}

/// How much memory the state of one instance of an operator may take, and where the rest goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateRoom {
    /// Bytes of memory.
    pub bytes: u64,
    /// A directory of its own for the files that do not fit; without one everything stays in memory.
    pub spill: Option<PathBuf>,
}

impl Default for StateRoom {
    fn default() -> Self {
        Self { bytes: u64::MAX, spill: None }
    }
}

/// Where one instance of an operator finds its state, if there is any, and room for it.
#[derive(Clone, Debug, Default)]
pub struct StateReader {
    /// Room for it.
    pub room: StateRoom,
    /// What was saved, from the oldest to the newest: where two hold the same key, the later counts.
    pub sections: Vec<SavedSection>,
    /// What held for each table; where several workers saved, what held for all of them.
    pub notes: BTreeMap<Name, TableNote>,
}

#[cfg(test)]
mod tests;
