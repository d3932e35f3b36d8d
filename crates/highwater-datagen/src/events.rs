//! Events of users, as the file-events example takes them.

use std::io::Write as _;

use crate::python::{digits, isoformat};
use crate::{Draw, Records};

/// Events as JSON objects, with the spaces of Python's `json.dumps`: `{"event_id": "0_7", "timestamp":
/// "2025-01-16T00:00:41.350123", "user_id": 17, "event_type": "click", "value": 412.07519631254423}`.
///
/// Event `i` of batch `b` is called `b_i`; a batch has 100. Row n comes n twentieths of a second after
/// 2025-01-16 00:01:00, and up to one more, and its time is up to 60 whole seconds before that. Users are
/// the first of [`Users`](crate::Users), types are `click`, `view` and `purchase`, values lie from 10 to
/// 1000 and are written as Python's `repr` has them. Bad ones are cut off, lack their id, are no object, or
/// have a user, a value or a timestamp that is none.
///
/// # Defaults
/// * `users`: 1000
/// * `per_second`: 20
///
/// # Example
/// ```
/// use highwater_datagen::{Events, Generator};
///
/// let mut event = Vec::new();
/// Generator::new(Events::default().users(1)).write(0, &mut event);
/// assert!(String::from_utf8_lossy(&event).contains(r#""user_id": 1, "#));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Events {
    /// At least one.
    users: u64,
    /// The time from one row to the next in microseconds.
    apart: u64,
}

impl Default for Events {
    fn default() -> Self {
        Self { users: USERS, apart: MICROS_BETWEEN_ROWS }
    }
}

impl Events {
    /// How many users there are; none count as one.
    #[must_use]
    pub fn users(mut self, users: u64) -> Self {
        self.users = users.max(1);
        self
    }

    /// How many events there are in a second of their own time, 1 to 1,000,000.
    #[must_use]
    pub fn per_second(mut self, events: u64) -> Self {
        self.apart = SECOND / events.clamp(1, SECOND);
        self
    }
}

impl Records for Events {
    fn write(&self, row: u64, draw: &mut Draw, out: &mut Vec<u8>) {
        self.event(row, draw).write(out);
    }

    fn write_bad(&self, row: u64, draw: &mut Draw, out: &mut Vec<u8>) {
        let event = self.event(row, draw);
        match draw.below(8) {
            0 => {
                let begin = out.len();
                event.write(out);
                let written = out.len() - begin;
                let kept = draw.below(u64::try_from(written).unwrap_or(u64::MAX) - 1) + 1;
                out.truncate(begin + usize::try_from(kept).unwrap_or(1));
            }
            1 => event.write_with(&Bad { id: true, ..Bad::default() }, out),
            2 => event.write_with(&Bad { user: Some("\"nobody\""), ..Bad::default() }, out),
            3 => event.write_with(&Bad { user: Some("1.5"), ..Bad::default() }, out),
            4 => event.write_with(&Bad { value: Some("null"), ..Bad::default() }, out),
            5 => event.write_with(&Bad { value: Some("\"a lot\""), ..Bad::default() }, out),
            6 => event.write_with(&Bad { time: true, ..Bad::default() }, out),
            _ => out.extend_from_slice(b"[\"not an object\"]"),
        }
    }

    fn describe(&self) -> String {
        let Self { users, apart } = self;
        let mut text = "events v1".to_owned();
        if *users != USERS {
            text += &format!(" of {users} users");
        }
        if *apart != MICROS_BETWEEN_ROWS {
            text += &format!(" every {apart} us");
        }
        text
    }
}

/// How many users there are, unless said otherwise.
pub(crate) const USERS: u64 = 1_000;

const BATCH: u64 = 100;
const MICROS_BETWEEN_ROWS: u64 = 50_000;
const SECOND: u64 = 1_000_000;
/// By how many seconds an event may come late.
const LATE: u64 = 60;
/// After so many rows, three centuries of them unless said otherwise, timestamps begin again.
const ROWS_IN_TIME: u64 = 200_000_000_000;

/// The values of one row.
struct Event {
    row: u64,
    micros: u64,
    user: u64,
    kind: &'static str,
    value: f64,
}

/// What of an event is not as it should be.
#[derive(Default)]
struct Bad {
    /// It has no id.
    id: bool,
    user: Option<&'static str>,
    value: Option<&'static str>,
    /// Its day is none that the calendar has.
    time: bool,
}

impl Events {
    fn event(self, row: u64, draw: &mut Draw) -> Event {
        let made = (row % ROWS_IN_TIME) * self.apart + draw.below(self.apart);
        let late = draw.below(LATE + 1) * SECOND;
        Event {
            row,
            micros: made + LATE * SECOND - late,
            user: 1 + draw.below(self.users),
            kind: draw.choose(&["click", "view", "purchase"]),
            value: uniform(draw.bits()),
        }
    }
}

impl Event {
    fn write(&self, out: &mut Vec<u8>) {
        self.write_with(&Bad::default(), out);
    }

    fn write_with(&self, bad: &Bad, out: &mut Vec<u8>) {
        out.push(b'{');
        if !bad.id {
            out.extend_from_slice(b"\"event_id\": \"");
            digits(self.row / BATCH, 1, out);
            out.push(b'_');
            digits(self.row % BATCH, 1, out);
            out.extend_from_slice(b"\", ");
        }
        out.extend_from_slice(b"\"timestamp\": \"");
        match bad.time {
            false => isoformat(self.micros, out),
            true => out.extend_from_slice(b"2025-02-30T00:00:00"),
        }
        out.extend_from_slice(b"\", \"user_id\": ");
        match bad.user {
            None => digits(self.user, 1, out),
            Some(user) => out.extend_from_slice(user.as_bytes()),
        }
        out.extend_from_slice(b", \"event_type\": \"");
        out.extend_from_slice(self.kind.as_bytes());
        out.extend_from_slice(b"\", \"value\": ");
        match bad.value {
            None => {
                // Writing to a Vec cannot fail. Both languages write the fewest digits that tell it apart.
                let _written = write!(out, "{:?}", self.value);
            }
            Some(value) => out.extend_from_slice(value.as_bytes()),
        }
        out.push(b'}');
    }
}

/// A number from 10 to 1000, as Python's `random.uniform` makes it of 53 bits.
#[allow(clippy::cast_precision_loss, reason = "53 bits are exact in a double")]
fn uniform(bits: u64) -> f64 {
    const TWO_TO_53: u64 = 1 << 53;
    let share = (bits >> 11) as f64 / TWO_TO_53 as f64;
    10.0 + 990.0 * share
}

#[cfg(test)]
mod tests;
