//! The time of day, by which a file is old enough to have settled.

use std::time::{SystemTime, UNIX_EPOCH};

use highwater_core::{Clock, Timestamp};

/// The time of day of this machine. It decides when a file is planned, never what is in a plan.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "times of files are compared with it in plans only"
    )]
    fn now(&self) -> Timestamp {
        Timestamp(micros(SystemTime::now()))
    }
}

/// Microseconds since 1970.
pub(crate) fn micros(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_micros()).unwrap_or(i64::MAX),
        Err(before) => -i64::try_from(before.duration().as_micros()).unwrap_or(i64::MAX),
    }
}
