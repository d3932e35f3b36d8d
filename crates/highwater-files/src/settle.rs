//! Which files have settled: those that nobody writes to any more, as far as can be told.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::detail::Found;
use crate::error::Version;

/// The files that have not settled, since when they are what they are.
#[derive(Debug, Default)]
pub(crate) struct Settling {
    files: BTreeMap<String, (Version, i64)>,
}

impl Settling {
    /// Sorts files into those that have settled and those that have not, at the time `now` in
    /// microseconds.
    ///
    /// A file has settled when it was last written at least `settle` ago by its own time, or when it
    /// was seen as it is for that long: its time may be that of another clock.
    pub(crate) fn sort(
        &mut self,
        files: Vec<Found>,
        now: i64,
        settle: Duration,
    ) -> (Vec<Found>, Vec<Found>) {
        let settle = i64::try_from(settle.as_micros()).unwrap_or(i64::MAX);
        let mut still = BTreeMap::new();
        let (settled, unsettled) = files.into_iter().partition(|file| {
            let seen = self.files.get(&file.path).filter(|(version, _)| *version == file.version);
            let since = seen.map_or(now, |(_, since)| *since);
            let quiet = |then: i64| now.saturating_sub(then) >= settle;
            if quiet(file.version.modified) || quiet(since) {
                return true;
            }
            still.insert(file.path.clone(), (file.version, since));
            false
        });
        self.files = still;
        (settled, unsettled)
    }
}

#[cfg(test)]
mod tests;
