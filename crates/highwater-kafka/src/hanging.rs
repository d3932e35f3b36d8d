//! Transactions that stay open: whoever reads committed records waits behind them.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use highwater_core::Partition;
use tokio::time::Instant;

/// Longer than Kafka lets a transaction stay open by default (`transaction.timeout.ms`, 60 s).
const LONG: Duration = Duration::from_secs(90);

/// Where the ends for readers stay while records lie behind them, and since when.
#[derive(Debug, Default)]
pub(crate) struct Hanging(Mutex<HashMap<Partition, Stuck>>);

#[derive(Clone, Copy, Debug)]
struct Stuck {
    end: i64,
    since: Instant,
    said: bool,
}

impl Hanging {
    /// For how long, `now`, the end for readers has been `end`; none where `watermark` does not lie
    /// behind it.
    pub(crate) fn see(
        &self,
        partition: &Partition,
        (end, watermark): (i64, i64),
        now: Instant,
    ) -> Option<Duration> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if watermark <= end {
            all.remove(partition);
            return None;
        }
        let new = Stuck { end, since: now, said: false };
        let stuck = all.entry(partition.clone()).or_insert(new);
        if stuck.end != end {
            *stuck = new;
        }
        let time = now.saturating_duration_since(stuck.since);
        if time >= LONG && !stuck.said {
            stuck.said = true;
            let seconds = time.as_secs();
            tracing::warn!(
                %partition, offset = end, withheld = watermark - end, seconds,
                "a transaction that begins at this offset stays open; records behind it wait for it"
            );
        }
        Some(time)
    }
}

#[cfg(test)]
mod tests;
