//! A process that kills itself where a test says.

use std::sync::atomic::{AtomicU64, Ordering};

use highwater_core::{Failpoint, FailpointHook, Result};
use rustix::process::{Signal, getpid, kill_process};

/// A text that names no failpoint, or no occurrence of one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "HIGHWATER_KILL_AT={text} cannot be: write NAME or NAME:N, N from 1, with one of the names {}",
    names()
)]
pub struct KillAtError {
    text: String,
}

fn names() -> String {
    let names: Vec<_> = Failpoint::ALL.iter().map(|point| point.name()).collect();
    names.join(", ")
}

/// Raises SIGKILL on this process when a failpoint is reached for the n-th time: nothing is flushed,
/// closed or told, as if the power had gone.
#[derive(Debug)]
pub(crate) struct KillAt {
    point: Failpoint,
    left: AtomicU64,
}

impl KillAt {
    /// Reads `NAME` or `NAME:N`.
    pub(crate) fn parse(text: &str) -> Result<Self, KillAtError> {
        let wrong = || KillAtError { text: text.to_owned() };
        let (name, nth) = text.split_once(':').unwrap_or((text, "1"));
        let named = |point: &&Failpoint| point.name() == name;
        let point = *Failpoint::ALL.iter().find(named).ok_or_else(wrong)?;
        match nth.parse() {
            Ok(nth) if nth > 0 => Ok(Self { point, left: AtomicU64::new(nth) }),
            _ => Err(wrong()),
        }
    }
}

impl FailpointHook for KillAt {
    fn hit(&self, point: Failpoint) -> Result<()> {
        // The count runs below zero, and around, in far more than the life of a process.
        if point == self.point && self.left.fetch_sub(1, Ordering::Relaxed) == 1 {
            while kill_process(getpid(), Signal::KILL).is_ok() {
                std::thread::yield_now();
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
