//! Why a record was rejected, in one short line.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use crate::Type;

/// Why a record was rejected: what, in which column, at which byte of the value.
///
/// One word long, because there is a place for one next to each decoded record.
#[derive(Clone, Debug, PartialEq)]
pub struct Reason(Box<Located>);

#[derive(Clone, Debug, PartialEq)]
struct Located {
    position: Option<usize>,
    fault: Fault,
}

/// What is wrong with a record.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The record is a tombstone.
    #[error("the record has no value")]
    NoValue,
    /// The value is empty or all white space.
    #[error("the value is empty")]
    Empty,
    /// The value is longer than the limit.
    #[error("the value has {bytes} bytes, more than {limit}")]
    TooLarge {
        /// Its length.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// The value begins with a byte order mark, which JSON does not allow.
    #[error("the value begins with a byte order mark")]
    ByteOrderMark,
    /// The bytes are not UTF-8.
    #[error("the value is not UTF-8")]
    NotUtf8,
    /// The value is something else than an object.
    #[error("{found} is not a JSON object")]
    NotAnObject {
        /// The beginning of the value.
        found: Box<str>,
    },
    /// The value is not JSON.
    #[error("not JSON: {detail}")]
    Syntax {
        /// What the parser expected.
        detail: Box<str>,
    },
    /// Something follows the object: another document, or rubbish.
    #[error("something follows the JSON object")]
    Trailing,
    /// Objects and arrays within each other, deeper than the limit.
    #[error("nested deeper than {limit}")]
    TooDeep {
        /// The limit.
        limit: usize,
    },
    /// An object has more keys than the limit.
    #[error("an object has more than {limit} keys")]
    TooManyKeys {
        /// The limit.
        limit: usize,
    },
    /// Half of a surrogate pair in a `\u` escape of a string.
    #[error("a string has half of a surrogate pair")]
    LoneSurrogate,
    /// A key that feeds a column came a second time.
    #[error("the key {key:?} comes twice")]
    DuplicateKey {
        /// The key.
        key: Arc<str>,
    },
    /// The key of a required column is not there.
    #[error("column {column}: the key {key:?} is missing")]
    Missing {
        /// The column, with the structs it lies in.
        column: Arc<str>,
        /// The key.
        key: Arc<str>,
    },
    /// A required column is null.
    #[error("column {column}: null, but the column is required")]
    Null {
        /// The column, with the structs it lies in.
        column: Arc<str>,
    },
    /// The value of a column does not fit it.
    #[error("column {column}: {found} {problem} {wanted}")]
    Value {
        /// The column, with the structs it lies in.
        column: Arc<str>,
        /// What is wrong.
        problem: Problem,
        /// The type of the column.
        wanted: Type,
        /// The beginning of what was found, as it stands in the record.
        found: Box<str>,
    },
    /// What only one format knows of.
    #[error("{what}")]
    Other {
        /// What is wrong, in one short line.
        what: Box<str>,
    },
}

/// What is wrong with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// It is something else.
    #[error("is not of type")]
    Mismatch,
    /// It is too large or too small, or a date that the calendar does not have.
    #[error("is out of range for")]
    OutOfRange,
    /// It has digits that the type does not hold.
    #[error("does not fit exactly in")]
    Inexact,
}

impl Reason {
    /// A reason: what is wrong, and the byte of the value where it was noticed, if one is to blame.
    pub fn new(position: Option<usize>, fault: Fault) -> Self {
        Self(Box::new(Located { position, fault }))
    }

    /// What is wrong.
    pub fn fault(&self) -> &Fault {
        &self.0.fault
    }

    /// The byte of the value where it was noticed, from 0; nothing when no byte is to blame.
    pub fn position(&self) -> Option<usize> {
        self.0.position
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(position) = self.0.position {
            write!(f, "byte {position}: ")?;
        }
        fmt::Display::fmt(&self.0.fault, f)
    }
}

impl Error for Reason {}

/// The beginning of `text`, short enough for a message and on one line.
pub(crate) fn excerpt(text: &str) -> Box<str> {
    const CHARS: usize = 40;
    let mut short: String =
        text.chars().take(CHARS).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(CHARS).is_some() {
        short.push('…');
    }
    short.into()
}
