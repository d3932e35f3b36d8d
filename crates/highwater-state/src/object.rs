//! A state object: what the steps of one worker save in one epoch.
//!
//! | bytes | what they are |
//! |---|---|
//! | 8 | `HWSTATE1` |
//! | | the sections of all steps, each beginning at a multiple of 64 |
//! | | the footer, JSON: which section is where, and what holds for each table |
//! | 8 | XXH3-64 of the footer, in little endian |
//! | 8 | its length, in little endian |
//! | 8 | `HWSTATE1` |
//!
//! Sections check themselves: they are read one by one, and late.

use std::collections::BTreeMap;
use std::ops::Range;

use bytes::Bytes;
use highwater_core::{Error, ErrorKind, Name, ReadAt, Result, Section, SectionBytes, TableNote};
use serde::{Deserialize, Serialize};
use twox_hash::XxHash3_64;

const MAGIC: &[u8; 8] = b"HWSTATE1";
const VERSION: u32 = 1;

/// Sections begin where Arrow wants its buffers to.
const ALIGNMENT: u64 = 64;

/// How much of a section that lies in a file is in memory at a time.
const PIECE: u64 = 1 << 20;

/// Checksum, length and magic.
const TRAILER: u64 = 24;

/// What one step of one worker saves in one epoch.
#[derive(Clone, Debug)]
pub struct StepSave {
    /// The step.
    pub step: Name,
    /// Its rows.
    pub sections: Vec<Section>,
    /// What holds for each of its tables.
    pub notes: BTreeMap<Name, TableNote>,
}

/// What is in a state object, and where.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectFooter {
    version: u32,
    /// The sections in their order.
    pub sections: Vec<ObjectSection>,
    /// What held for the tables of each step on this worker.
    pub notes: BTreeMap<Name, BTreeMap<Name, TableNote>>,
}

/// Where a section is in a state object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectSection {
    /// The step.
    pub step: Name,
    /// The table within the step.
    pub table: Name,
    /// The bucket within the table.
    pub bucket: i64,
    /// How many rows.
    pub rows: u64,
    /// Which bytes of the object.
    pub range: Range<u64>,
}

/// What can be wrong with a state object.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ObjectError {
    /// The bytes are not those that were written.
    #[error("{location} is damaged: {what}")]
    Damaged {
        /// The object.
        location: String,
        /// What does not hold.
        what: &'static str,
    },
    /// The footer cannot be read as JSON.
    #[error("{location} has no footer of this version")]
    Unreadable {
        /// The object.
        location: String,
        /// What JSON says.
        #[source]
        source: serde_json::Error,
    },
    /// An object of a later version of highwater.
    #[error("{location} has format version {version}; this binary reads up to {newest}")]
    Newer {
        /// The object.
        location: String,
        /// Its version.
        version: u32,
        /// The newest that is known here.
        newest: u32,
    },
}

impl From<ObjectError> for Error {
    fn from(error: ObjectError) -> Self {
        let (kind, advice) = match &error {
            ObjectError::Damaged { .. } | ObjectError::Unreadable { .. } => (
                ErrorKind::Corrupt,
                "restore the checkpoint from a copy, or begin anew under another pipeline name",
            ),
            ObjectError::Newer { .. } => (ErrorKind::Refused, "start with the newer binary"),
        };
        Self::new(kind, "state", error).advise(advice)
    }
}

/// A state object that is yet to be written.
#[derive(Clone, Debug)]
pub struct EncodedObject {
    parts: Vec<SectionBytes>,
    length: u64,
}

/// The object of what the steps of one worker save. Its sections stay where they are until it is written.
///
/// # Errors
/// `Internal` when the footer has no JSON form.
pub fn encode_object(saves: &[StepSave]) -> Result<EncodedObject> {
    let mut object = EncodedObject { parts: Vec::new(), length: 0 };
    object.push(Bytes::from_static(MAGIC));
    let mut footer = ObjectFooter { version: VERSION, ..ObjectFooter::default() };
    for save in saves {
        footer.notes.insert(save.step.clone(), save.notes.clone());
        for section in &save.sections {
            let start = object.length.next_multiple_of(ALIGNMENT);
            let padding = usize::try_from(start - object.length).unwrap_or_default();
            object.push(vec![0; padding]);
            object.push(section.bytes.clone());
            footer.sections.push(ObjectSection {
                step: save.step.clone(),
                table: section.table.clone(),
                bucket: section.bucket,
                rows: section.rows,
                range: start..object.length,
            });
        }
    }
    let mut footer = serde_json::to_vec(&footer)
        .map_err(|error| Error::new(ErrorKind::Internal, "state", error))?;
    let (checksum, length) = (XxHash3_64::oneshot(&footer), to_u64(footer.len()));
    footer.extend_from_slice(&checksum.to_le_bytes());
    footer.extend_from_slice(&length.to_le_bytes());
    footer.extend_from_slice(MAGIC);
    object.push(footer);
    Ok(object)
}

impl EncodedObject {
    fn push(&mut self, bytes: impl Into<SectionBytes>) {
        let bytes = bytes.into();
        self.length += bytes.length();
        self.parts.push(bytes);
    }

    /// How many bytes it has.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Its bytes, piece by piece. Blocks where they lie in files.
    ///
    /// # Errors
    /// Each piece: what the file reports.
    pub fn pieces(&self) -> impl Iterator<Item = Result<Bytes>> {
        self.parts.iter().flat_map(|part| part.pieces(PIECE))
    }

    /// All of it in memory.
    ///
    /// # Errors
    /// As [`pieces`](Self::pieces).
    pub fn whole(&self) -> Result<Bytes> {
        let mut bytes = Vec::with_capacity(usize::try_from(self.length).unwrap_or_default());
        for piece in self.pieces() {
            bytes.extend_from_slice(&piece?);
        }
        Ok(bytes.into())
    }
}

impl ObjectFooter {
    /// The footer of an object of `length` bytes. Nothing is allocated that is not in the object, and
    /// every section lies within it.
    ///
    /// # Errors
    /// `Corrupt` when a byte of the footer has changed or the end is missing; `Refused` when a later
    /// version wrote it.
    pub fn read(object: &dyn ReadAt, length: u64) -> Result<Self> {
        let damaged = |what| ObjectError::Damaged { location: object.location(), what };
        let end = length.checked_sub(TRAILER).ok_or_else(|| damaged("it is too short"))?;
        let trailer = object.read_at(end..length)?;
        let (words, _) = trailer.as_chunks::<8>();
        let [checksum, footer, magic] = words else {
            return Err(damaged("its end is missing").into());
        };
        if magic != MAGIC {
            return Err(damaged("it is no state object, or its end is missing").into());
        }
        let start = end.checked_sub(u64::from_le_bytes(*footer));
        let start = start.filter(|start| *start >= to_u64(MAGIC.len()));
        let start = start.ok_or_else(|| damaged("its footer is longer than all of it"))?;
        let json = object.read_at(start..end)?;
        if XxHash3_64::oneshot(&json).to_le_bytes() != *checksum {
            return Err(damaged("the checksum of its footer does not match").into());
        }
        let read = Self::decode(&json, object)?;
        let within = |section: &ObjectSection| {
            let Range { start: from, end: to } = section.range;
            to_u64(MAGIC.len()) <= from && from <= to && to <= start
        };
        match read.sections.iter().all(within) {
            true => Ok(read),
            false => Err(damaged("a section lies outside of it").into()),
        }
    }

    /// The version comes first: a later one may have other fields.
    fn decode(json: &[u8], object: &dyn ReadAt) -> Result<Self, ObjectError> {
        #[derive(Deserialize)]
        struct Header {
            version: u32,
        }
        let unreadable = |source| ObjectError::Unreadable { location: object.location(), source };
        let Header { version } = serde_json::from_slice(json).map_err(unreadable)?;
        if version > VERSION {
            let location = object.location();
            return Err(ObjectError::Newer { location, version, newest: VERSION });
        }
        serde_json::from_slice(json).map_err(unreadable)
    }
}

fn to_u64(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
