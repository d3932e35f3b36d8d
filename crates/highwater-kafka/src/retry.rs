//! How long to go on asking, with growing pauses.

use std::time::Duration;

use tokio::time::{Instant, sleep};

const FIRST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(1);

/// A grace that begins with the first failure.
#[derive(Debug)]
pub(crate) struct Retry {
    grace: Duration,
    since: Option<Instant>,
    pause: Duration,
}

impl Retry {
    pub(crate) fn new(grace: Duration) -> Self {
        Self { grace, since: None, pause: FIRST }
    }

    /// Notes a failure. False when the grace is over.
    pub(crate) fn failed(&mut self) -> bool {
        self.since.get_or_insert_with(Instant::now).elapsed() < self.grace
    }

    /// Waits before the next attempt, each time longer.
    pub(crate) async fn pause(&mut self) {
        sleep(self.pause).await;
        self.pause = self.pause.saturating_mul(2).min(LONGEST);
    }

    /// Forgets the failures.
    pub(crate) fn succeeded(&mut self) {
        self.since = None;
        self.pause = FIRST;
    }
}
