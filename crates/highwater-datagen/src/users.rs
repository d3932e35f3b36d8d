//! The users whose events there are.

use crate::events::USERS;
use crate::python::digits;
use crate::{Draw, Records};

/// Users as JSON objects: `{"user_id": 17, "name": "Ada Petrov", "country": "SE"}`. Row n is user n + 1. Bad ones
/// lack their id.
///
/// # Example
/// ```
/// use highwater_datagen::{Generator, Users};
///
/// let users = Generator::new(Users).rows(Users::COUNT);
/// let mut last = Vec::new();
/// users.write(Users::COUNT - 1, &mut last);
/// assert!(last.starts_with(br#"{"user_id": 1000, "name": ""#));
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Users;

impl Users {
    /// How many users have [`Events`](crate::Events), unless said otherwise.
    pub const COUNT: u64 = USERS;
}

const FIRST: [&str; 8] = ["Ada", "Bo", "Chidi", "Dana", "Emre", "Fatou", "Greta", "Hiro"];
const LAST: [&str; 8] =
    ["Almeida", "Bauer", "Chen", "Diallo", "Eriksen", "Fontaine", "Gupta", "Petrov"];
const COUNTRIES: [&str; 6] = ["BR", "DE", "IN", "JP", "SE", "US"];

impl Records for Users {
    fn write(&self, row: u64, draw: &mut Draw, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"user_id\": ");
        digits(row.saturating_add(1), 1, out);
        out.extend_from_slice(b", ");
        name_and_country(draw, out);
    }

    fn write_bad(&self, _row: u64, draw: &mut Draw, out: &mut Vec<u8>) {
        out.push(b'{');
        name_and_country(draw, out);
    }

    fn describe(&self) -> String {
        "users v1".to_owned()
    }
}

fn name_and_country(draw: &mut Draw, out: &mut Vec<u8>) {
    out.extend_from_slice(b"\"name\": \"");
    out.extend_from_slice(draw.choose(&FIRST).as_bytes());
    out.push(b' ');
    out.extend_from_slice(draw.choose(&LAST).as_bytes());
    out.extend_from_slice(b"\", \"country\": \"");
    out.extend_from_slice(draw.choose(&COUNTRIES).as_bytes());
    out.extend_from_slice(b"\"}");
}
