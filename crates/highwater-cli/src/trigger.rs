//! When epochs begin, as `--trigger` takes it.

use highwater_pipeline::Trigger;

use crate::parse_duration;

/// A text that is no trigger.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write an interval such as 10s, 500ms, 1m or 1h, or available-now")]
pub struct TriggerError;

/// Reads `available-now`, or the interval between epochs.
///
/// # Errors
/// Any other text, and an interval of nothing.
///
/// # Example
/// ```
/// use std::time::Duration;
/// use highwater_cli::parse_trigger;
/// use highwater_pipeline::Trigger;
///
/// assert_eq!(parse_trigger("500ms"), Ok(Trigger::Every(Duration::from_millis(500))));
/// assert_eq!(parse_trigger("available-now"), Ok(Trigger::AvailableNow));
/// assert!(parse_trigger("10").is_err());
/// ```
pub fn parse_trigger(text: &str) -> Result<Trigger, TriggerError> {
    match text {
        "available-now" => Ok(Trigger::AvailableNow),
        interval => parse_duration(interval).map(Trigger::Every).or(Err(TriggerError)),
    }
}

#[cfg(test)]
mod tests;
