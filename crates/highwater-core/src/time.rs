//! Epochs and points in time.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The number of an epoch: 0 is the first of a pipeline.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Epoch(pub u64);

impl Epoch {
    /// The epoch after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The epoch before this one; none before the first.
    pub fn previous(self) -> Option<Self> {
        self.0.checked_sub(1).map(Self)
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A point in time: microseconds since 1970-01-01 UTC.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Before all others: what is known of time before anything is known.
    pub const MIN: Self = Self(i64::MIN);
    /// Behind all others: the watermark of a stream that has ended for good.
    pub const MAX: Self = Self(i64::MAX);

    /// The point in time so many microseconds before. The first and the last stay what they are.
    #[must_use]
    pub fn minus(self, micros: i64) -> Self {
        match self {
            Self::MIN | Self::MAX => self,
            Self(time) => Self(time.saturating_sub(micros).min(i64::MAX - 1)),
        }
    }
}

/// The latest event times of some rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Latest {
    /// Of those that lie not too far ahead of the plan's `now`; [`Timestamp::MIN`] of none.
    pub credible: Timestamp,
    /// Of all of them.
    pub any: Timestamp,
}

impl Latest {
    /// Those of two sets of rows together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { credible: self.credible.max(other.credible), any: self.any.max(other.any) }
    }
}

/// How far event time has come in a stream, as of one epoch.
///
/// What is emitted at the end of an epoch lies at or before its `watermark`, and that is the
/// `late_before` of the next. So a row is late exactly when what it belongs to may have been emitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Watermarks {
    /// The watermark of the epoch before: rows at or before it are late.
    pub late_before: Timestamp,
    /// What has passed at the end of this epoch: windows close by it, and state expires.
    pub watermark: Timestamp,
}

impl Watermarks {
    /// Those of a stream whose time nobody has declared: nothing is late, nothing ever passes.
    pub const UNKNOWN: Self = Self { late_before: Timestamp::MIN, watermark: Timestamp::MIN };

    /// Those of what lies so many microseconds behind.
    #[must_use]
    pub fn held_back(self, micros: i64) -> Self {
        let Self { late_before, watermark } = self;
        Self { late_before: late_before.minus(micros), watermark: watermark.minus(micros) }
    }

    /// Those of two streams together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            late_before: self.late_before.min(other.late_before),
            watermark: self.watermark.min(other.watermark),
        }
    }
}

impl Default for Watermarks {
    fn default() -> Self {
        Self::UNKNOWN
    }
}

/// Where the control plane takes `now` from. Nothing below the driver has one.
pub trait Clock: Send + Sync + fmt::Debug {
    /// The time of day.
    fn now(&self) -> Timestamp;
}

#[cfg(test)]
mod tests;
