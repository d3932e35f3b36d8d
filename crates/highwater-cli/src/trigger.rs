//! When epochs begin, as `--trigger` takes it.

use std::time::Duration;

use highwater_pipeline::Trigger;

/// A text that is no trigger.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write an interval such as 10s, 500ms, 1m or 1h, or available-now")]
pub struct TriggerError;

/// Reads `available-now`, or a whole number and `ms`, `s`, `m` or `h`.
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
    if text == "available-now" {
        return Ok(Trigger::AvailableNow);
    }
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let millis = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(TriggerError),
    };
    let number: u32 = number.parse().or(Err(TriggerError))?;
    if number == 0 {
        return Err(TriggerError);
    }
    Ok(Trigger::Every(Duration::from_millis(u64::from(number) * millis)))
}

#[cfg(test)]
mod tests;
