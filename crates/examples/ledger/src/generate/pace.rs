//! Records at a rate.

use std::num::NonZeroU64;
use std::time::Duration;

use tokio::time::Instant;

/// Says when a record is due.
#[derive(Debug)]
pub(super) struct Pace {
    began: Instant,
    rate: Option<NonZeroU64>,
}

/// How long records may come early: sleeping for each of them would cost more than making it.
const EARLY: Duration = Duration::from_millis(20);

impl Pace {
    pub(super) fn new(rate: Option<NonZeroU64>) -> Self {
        Self { began: Instant::now(), rate }
    }

    /// Whether a record is due so much later that it is worth waiting.
    pub(super) fn is_ahead(&self, record: u64) -> bool {
        self.rate.is_some() && self.until(record) > EARLY
    }

    /// The time until a record is due.
    pub(super) fn until(&self, record: u64) -> Duration {
        let Some(rate) = self.rate else { return Duration::ZERO };
        let micros = u128::from(record) * 1_000_000 / u128::from(rate.get());
        let due = Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX));
        due.saturating_sub(self.began.elapsed())
    }
}
