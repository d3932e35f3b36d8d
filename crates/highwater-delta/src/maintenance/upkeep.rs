//! Maintenance beside the commits of a sink.

use std::time::{Duration, Instant};

use futures::FutureExt as _;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tracing::{debug, warn};

use super::Maintenance;
use crate::intervals::Intervals;
use crate::log::Log;
use crate::state::TableState;

/// How often orphans are looked for, besides at the start.
const SWEEP_EVERY: Duration = Duration::from_secs(24 * 60 * 60);

/// Maintains a table while a sink commits to it. No commit waits for it, or hears of its errors.
#[derive(Debug)]
pub(crate) struct Upkeep {
    policy: Maintenance,
    log: Log,
    /// The version from which on there may be something to do.
    next: u64,
    swept: Option<Instant>,
    running: Option<JoinHandle<Option<u64>>>,
}

impl Upkeep {
    /// For the table of `log`. Nothing is done until it is [tended](Self::tend).
    pub(crate) fn new(policy: Maintenance, log: Log) -> Self {
        Self { policy, log, next: 0, swept: None, running: None }
    }

    /// Begins to do what is due at the version of `state`, unless it is being done. Waits for nothing.
    pub(crate) fn tend(&mut self, state: &TableState) {
        if let Some(running) = &mut self.running {
            let Some(ended) = running.now_or_never() else { return };
            let intervals = Intervals::of(self.log.name(), &state.metadata.configuration);
            let interval = intervals.unwrap_or_default().checkpoint;
            // After a failure the next attempt is as far away as after a checkpoint.
            let checkpoint = ended.ok().flatten().unwrap_or(state.version);
            self.next = checkpoint.saturating_add(interval);
            self.running = None;
        }
        let Some(runtime) = Handle::try_current().ok().filter(|_| state.version >= self.next)
        else {
            return;
        };
        let sweep = self.swept.is_none_or(|swept| swept.elapsed() >= SWEEP_EVERY);
        if sweep {
            self.swept = Some(Instant::now());
        }
        let (policy, log, state) = (self.policy, self.log.clone(), state.clone());
        self.running = Some(runtime.spawn(async move {
            match policy.run(&log, &state, sweep).await {
                Ok((done, checkpoint)) => {
                    debug!(table = log.name(), ?done, "maintained");
                    // A table without a checkpoint counts from its beginning.
                    Some(checkpoint.unwrap_or(0))
                }
                Err(error) => {
                    warn!(table = log.name(), %error, "maintenance is put off");
                    None
                }
            }
        }));
    }
}
