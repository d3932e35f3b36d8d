//! Properties of a table that its maintenance goes by.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::error::DeltaError;

const CHECKPOINT: &str = "delta.checkpointInterval";
const CLEANUP: &str = "delta.enableExpiredLogCleanup";
const KEPT: &str = "delta.logRetentionDuration";

/// What the properties of a table ask of its maintenance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Intervals {
    /// How many commits there are from one checkpoint to the next.
    pub(crate) checkpoint: u64,
    /// How long commits are kept; for ever, if none.
    pub(crate) log_kept: Option<Duration>,
}

impl Default for Intervals {
    fn default() -> Self {
        Self { checkpoint: 100, log_kept: Some(Duration::from_secs(30 * DAY)) }
    }
}

impl Intervals {
    /// Reads the properties of `table`.
    ///
    /// # Errors
    /// [`DeltaError::Property`].
    pub(crate) fn of(
        table: &str,
        properties: &BTreeMap<String, String>,
    ) -> Result<Self, DeltaError> {
        let wrong = |key, value| DeltaError::property(table, key, value);
        let mut intervals = Self::default();
        if let Some(value) = properties.get(CHECKPOINT) {
            let read = value.parse().ok().filter(|commits| *commits > 0);
            intervals.checkpoint = read.ok_or_else(|| wrong(CHECKPOINT, value))?;
        }
        if let Some(value) = properties.get(KEPT) {
            intervals.log_kept = Some(duration(value).ok_or_else(|| wrong(KEPT, value))?);
        }
        match properties.get(CLEANUP).map(|value| (value, value.parse())) {
            None | Some((_, Ok(true))) => {}
            Some((_, Ok(false))) => intervals.log_kept = None,
            Some((value, Err(_))) => return Err(wrong(CLEANUP, value)),
        }
        Ok(intervals)
    }
}

const DAY: u64 = 24 * 60 * 60;

/// A time such as `interval 30 days` or `1 week 12 hours`.
fn duration(text: &str) -> Option<Duration> {
    let text = text.trim().to_ascii_lowercase();
    let mut words = text.strip_prefix("interval").unwrap_or(&text).split_whitespace().peekable();
    let mut sum = Duration::ZERO;
    words.peek()?;
    while let Some(count) = words.next() {
        let count: u64 = count.parse().ok()?;
        let unit = words.next()?;
        let length = match unit.strip_suffix('s').unwrap_or(unit) {
            "week" => Duration::from_secs(7 * DAY),
            "day" => Duration::from_secs(DAY),
            "hour" => Duration::from_secs(60 * 60),
            "minute" => Duration::from_secs(60),
            "second" => Duration::from_secs(1),
            "millisecond" => Duration::from_millis(1),
            "microsecond" => Duration::from_micros(1),
            "nanosecond" => Duration::from_nanos(1),
            _ => return None,
        };
        sum = sum.checked_add(length.checked_mul(u32::try_from(count).ok()?)?)?;
    }
    Some(sum)
}

#[cfg(test)]
mod tests {
    //! Values of properties.

    use super::*;

    fn of(key: &str, value: &str) -> Option<Intervals> {
        Intervals::of("t", &BTreeMap::from([(key.to_owned(), value.to_owned())])).ok()
    }

    #[test]
    fn intervals_are_read_as_they_are_meant() {
        assert_eq!(of("owner", "me"), Some(Intervals::default()));
        let checkpoint = |value| of(CHECKPOINT, value).map(|it| it.checkpoint);
        assert_eq!((checkpoint("10"), checkpoint("0"), checkpoint("x")), (Some(10), None, None));
        let kept = |value| of(KEPT, value).map(|it| it.log_kept.map(|kept| kept.as_secs()));
        assert_eq!(kept("interval 30 days"), Some(Some(30 * DAY)));
        assert_eq!(kept("INTERVAL 1 week 12 hours"), Some(Some(7 * DAY + 12 * 60 * 60)));
        assert_eq!(kept("interval 0 seconds"), Some(Some(0)));
        for wrong in ["", "interval", "interval 1", "interval -1 days", "interval 1 month", "2 x"] {
            assert_eq!(kept(wrong), None, "{wrong}");
        }
        let cleanup = |value| of(CLEANUP, value).map(|it| it.log_kept.is_some());
        assert_eq!(
            (cleanup("true"), cleanup("false"), cleanup("?")),
            (Some(true), Some(false), None)
        );
    }
}
