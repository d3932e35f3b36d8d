//! The event that a record is, found without the codec that the pipeline uses.

use highwater_cli::verify::{decimal, micros, object, text};
use serde::Deserialize;
use serde_json::value::RawValue;

/// An event.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Event {
    pub(super) id: String,
    /// Microseconds since 1970 UTC.
    pub(super) micros: i64,
    pub(super) user: i64,
    pub(super) kind: String,
    /// The bits of the double.
    pub(super) value: u64,
}

#[derive(Deserialize)]
struct Record<'a> {
    #[serde(borrow)]
    event_id: Option<&'a RawValue>,
    #[serde(borrow)]
    timestamp: Option<&'a RawValue>,
    #[serde(borrow)]
    user_id: Option<&'a RawValue>,
    #[serde(borrow)]
    event_type: Option<&'a RawValue>,
    #[serde(borrow)]
    value: Option<&'a RawValue>,
}

/// The event that a record is; nothing when it should be rejected.
pub(super) fn judge(record: Option<&[u8]>) -> Option<Event> {
    const DIGITS_OF_A_LONG: usize = 19;
    let record: Record<'_> = serde_json::from_slice(object(record?)?).ok()?;
    let timestamp: &RawValue = record.timestamp?;
    let time: String = serde_json::from_str(timestamp.get()).ok()?;
    let user = decimal(number(record.user_id?)?, DIGITS_OF_A_LONG, 0)?;
    let value: f64 = number(record.value?)?.parse().ok()?;
    Some(Event {
        id: text(record.event_id?)?,
        micros: micros(&time)?,
        user: user.try_into().ok()?,
        kind: text(record.event_type?)?,
        value: Some(value).filter(|value| value.is_finite())?.to_bits(),
    })
}

/// A number as it is written.
fn number(value: &RawValue) -> Option<&str> {
    Some(value.get())
        .filter(|text| text.starts_with(|char: char| char == '-' || char.is_ascii_digit()))
}

#[cfg(test)]
mod tests;
