//! What happens in the course of a commit, for those who watch.

use std::time::Duration;

use highwater_core::{Ended, Error, Name};

use crate::meters;

/// The course of one commit so far: each decision is an event and counts.
pub(crate) struct Course<'a> {
    pipeline: &'a Name,
    sink: &'a Name,
    /// An answer was lost, and nobody has found out yet what became of that swap.
    open: bool,
}

impl<'a> Course<'a> {
    pub(crate) fn new(pipeline: &'a Name, sink: &'a Name) -> Self {
        Self { pipeline, sink, open: false }
    }

    /// Another writer was faster.
    pub(crate) fn conflict(&self) {
        tracing::info!(sink = %self.sink, "conflict");
        meters::conflict(self.pipeline, self.sink);
    }

    /// The answer of a swap was lost.
    pub(crate) fn unknown(&mut self, error: &Error) {
        tracing::warn!(sink = %self.sink, %error, "unknown answer");
        meters::unknown(self.pipeline, self.sink);
        self.open = true;
    }

    /// The base is as it was: a swap whose answer was lost has not been applied so far.
    pub(crate) fn swaps(&mut self) {
        self.resolve("not applied");
    }

    pub(crate) fn ended(&mut self, end: &Ended, took: Duration) {
        self.resolve(match end {
            Ended::Committed(_) => "committed",
            Ended::Fenced { .. } => "fenced",
            Ended::RolledBack { .. } => "rolled back",
            Ended::GaveUp => "given up",
        });
        if matches!(end, Ended::Committed(_)) {
            meters::committed(self.pipeline, self.sink, took.as_secs_f64());
        }
    }

    fn resolve(&mut self, resolved: &'static str) {
        if std::mem::take(&mut self.open) {
            tracing::info!(sink = %self.sink, resolved, "unknown answer resolved");
        }
    }
}
