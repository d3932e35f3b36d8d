//! Durations, as options take them.

use std::time::Duration;

/// A text that is no duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write a duration such as 10s, 500ms, 1m or 1h")]
pub struct DurationError;

/// Reads a whole number, not 0, and `ms`, `s`, `m` or `h`.
///
/// # Errors
/// Any other text.
///
/// # Example
/// ```
/// use std::time::Duration;
/// use highwater_cli::parse_duration;
///
/// assert_eq!(parse_duration("500ms"), Ok(Duration::from_millis(500)));
/// assert!(parse_duration("10").is_err());
/// ```
pub fn parse_duration(text: &str) -> Result<Duration, DurationError> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let millis = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(DurationError),
    };
    match number.parse::<u32>() {
        Ok(number) if number > 0 => Ok(Duration::from_millis(u64::from(number) * millis)),
        _ => Err(DurationError),
    }
}

#[cfg(test)]
mod tests;
