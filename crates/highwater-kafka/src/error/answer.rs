//! The error codes of answers.

use std::fmt;

use highwater_core::ErrorKind;
use kafka_protocol::ResponseError;

/// The error code of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer(pub i16);

/// What to do about an [`Answer`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// Nothing is wrong.
    Fine,
    /// The topic or partition is not known there: perhaps not yet.
    Unknown,
    /// The leader moved or the broker is busy: ask again, somewhere else perhaps.
    Again,
    /// The position is outside of the partition.
    Position,
    /// Asking again gives the same.
    Fatal,
}

impl Answer {
    /// The broker does not know the epoch of the leader.
    pub(crate) const UNKNOWN_EPOCH: Self = Self(75);

    pub(crate) fn class(self) -> Class {
        match self.0 {
            0 => Class::Fine,
            1 => Class::Position,
            3 | 100 => Class::Unknown,
            -1 | 5 | 6 | 7 | 9 | 13 | 14 | 15 | 16 | 56 | 74 | 75 | 78 => Class::Again,
            _ => Class::Fatal,
        }
    }

    pub(super) fn judge(self) -> (ErrorKind, &'static str) {
        match (self.class(), self.0) {
            (Class::Again | Class::Unknown, _) => {
                (ErrorKind::Transient, "check that every partition of the topic has a leader")
            }
            (_, 30) => (ErrorKind::Invalid, "grant READ on the group to this client"),
            (_, 22 | 25) => (ErrorKind::Invalid, "name a group that no consumer is a member of"),
            (_, 29 | 31) => {
                (ErrorKind::Invalid, "grant READ and DESCRIBE on the topic to this client")
            }
            (_, 2) => (ErrorKind::Corrupt, "repair the partition on its broker"),
            (_, 76) => (
                ErrorKind::Unsupported,
                "use a newer broker, or another compression.type of the topic",
            ),
            _ => (ErrorKind::Refused, "look into the broker's log"),
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match ResponseError::try_from_code(self.0) {
            Some(error) => write!(f, "{error} (code {})", self.0),
            None => write!(f, "code {}", self.0),
        }
    }
}
