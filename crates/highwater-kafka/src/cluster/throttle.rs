//! Pauses that brokers ask for.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::lock;

/// No broker is obeyed when it asks for a longer pause.
const LONGEST: Duration = Duration::from_secs(30);

/// Which brokers want to be left alone. Their quotas are about a client, however many connections it
/// has.
#[derive(Debug, Default)]
pub(crate) struct Throttle {
    until: Mutex<HashMap<String, Instant>>,
    millis: AtomicU64,
}

impl Throttle {
    /// Notes that `address` asked for a pause.
    pub(crate) fn asked(&self, address: &str, millis: i32) {
        let millis = u64::try_from(millis).unwrap_or(0);
        if millis == 0 {
            return;
        }
        self.millis.fetch_add(millis, Ordering::Relaxed);
        let until = Instant::now() + Duration::from_millis(millis).min(LONGEST);
        let mut all = lock(&self.until);
        let known = all.entry(address.to_owned()).or_insert(until);
        *known = until.max(*known);
    }

    /// Waits until `address` may be asked again.
    pub(crate) async fn over(&self, address: &str) {
        let until = lock(&self.until).get(address).copied();
        if let Some(until) = until {
            sleep_until(until).await;
        }
    }

    /// How many milliseconds were asked for since this was asked last.
    pub(crate) fn take(&self) -> u64 {
        self.millis.swap(0, Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests;
