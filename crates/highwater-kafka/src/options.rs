//! What a user may set, under the names the Java client uses.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use highwater_core::Result;

use crate::error::KafkaError;
use crate::security::{SecurityProperties, is_secret, known_properties};

/// Where a pipeline begins that has no positions yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Start {
    /// The first record that is there.
    #[default]
    Earliest,
    /// Behind the last record that is there at the first plan.
    Latest,
    /// The first record whose timestamp is not before this one, in milliseconds since 1970 UTC;
    /// behind the last record when there is none.
    Timestamp(i64),
    /// An offset per partition, where -2 stands for its first record and -1 for its end; partitions
    /// that are not named begin at their first record.
    Offsets(BTreeMap<i32, i64>),
    /// The same by the name of the topic, as Spark's `startingOffsets` has it.
    TopicOffsets(BTreeMap<String, BTreeMap<i32, i64>>),
}

/// Which records are there to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Isolation {
    Committed,
    Uncommitted,
}

impl Isolation {
    pub(crate) fn code(self) -> i8 {
        match self {
            Self::Uncommitted => 0,
            Self::Committed => 1,
        }
    }
}

/// The settings of one source, with defaults that need no thought.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) client_id: String,
    /// The group whose offsets are told to the brokers after each commit.
    pub(crate) group: Option<String>,
    pub(crate) isolation: Isolation,
    pub(crate) connect_timeout: Duration,
    pub(crate) request_timeout: Duration,
    /// How long a leader that moves or a broker that restarts is waited for.
    pub(crate) grace: Duration,
    pub(crate) fetch_bytes: i32,
    pub(crate) partition_bytes: i32,
    pub(crate) fetch_wait: Duration,
    pub(crate) frame_bytes: usize,
    pub(crate) unpacked_bytes: usize,
    pub(crate) security: SecurityProperties,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            client_id: "highwater".to_owned(),
            group: None,
            isolation: Isolation::Committed,
            connect_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_secs(30),
            grace: Duration::from_secs(60),
            fetch_bytes: 4 << 20,
            partition_bytes: 1 << 20,
            fetch_wait: Duration::from_millis(500),
            frame_bytes: 100 << 20,
            unpacked_bytes: 64 << 20,
            security: SecurityProperties::default(),
        }
    }
}

/// Properties of a client by their Java names, as [`KafkaSource::property`] takes them.
///
/// [`KafkaSource::property`]: crate::KafkaSource::property
#[derive(Clone, Debug, Default)]
pub struct ClientProperties(Settings);

impl ClientProperties {
    /// Those of a client that nothing was said of.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets one.
    ///
    /// # Errors
    /// `Invalid` when there is no such property, naming the nearest, or the value does not fit.
    pub fn property(mut self, name: &str, value: &str) -> Result<Self> {
        self.0.set(name, value)?;
        Ok(self)
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.0
    }
}

const KNOWN: [&str; 9] = [
    "client.id",
    "default.api.timeout.ms",
    "fetch.max.bytes",
    "fetch.max.wait.ms",
    "group.id",
    "isolation.level",
    "max.partition.fetch.bytes",
    "request.timeout.ms",
    "socket.connection.setup.timeout.ms",
];

impl Settings {
    /// Sets one property by its Java name.
    pub(crate) fn set(&mut self, name: &str, value: &str) -> Result<(), KafkaError> {
        let secured = self.security.set(name, value);
        let fits = secured.unwrap_or_else(|| self.set_other(name, value));
        fits.map_err(|problem| {
            // A name that is not known may be that of a secret, misspelt.
            let unknown = matches!(problem, PropertyProblem::Unknown { .. });
            let value = (!unknown && !is_secret(name)).then(|| value.to_owned());
            KafkaError::Property { name: name.to_owned(), value, problem }
        })
    }

    fn set_other(&mut self, name: &str, value: &str) -> Fits {
        match name {
            "client.id" => text(&mut self.client_id, value),
            "group.id" => text(self.group.insert(String::new()), value),
            "isolation.level" => choose(
                &mut self.isolation,
                value,
                &[
                    ("read_committed", Isolation::Committed),
                    ("read_uncommitted", Isolation::Uncommitted),
                ],
                "read_committed or read_uncommitted",
            ),
            "socket.connection.setup.timeout.ms" => millis(&mut self.connect_timeout, value),
            "request.timeout.ms" => millis(&mut self.request_timeout, value),
            "default.api.timeout.ms" => millis(&mut self.grace, value),
            "fetch.max.wait.ms" => millis(&mut self.fetch_wait, value),
            "fetch.max.bytes" => bytes(&mut self.fetch_bytes, value),
            "max.partition.fetch.bytes" => bytes(&mut self.partition_bytes, value),
            _ => Err(PropertyProblem::Unknown { nearest: nearest(name) }),
        }
    }
}

/// Whether a value was taken.
pub(crate) type Fits = Result<(), PropertyProblem>;

fn text(place: &mut String, value: &str) -> Fits {
    if value.is_empty() || value.len() > 249 {
        return Err(PropertyProblem::Value { expected: "1 to 249 characters" });
    }
    value.clone_into(place);
    Ok(())
}

fn millis(place: &mut Duration, value: &str) -> Fits {
    let millis = value.parse().ok().filter(|&millis| (1..=3_600_000).contains(&millis));
    *place = Duration::from_millis(
        millis.ok_or(PropertyProblem::Value { expected: "1 to 3600000 milliseconds" })?,
    );
    Ok(())
}

fn bytes(place: &mut i32, value: &str) -> Fits {
    let bytes = value.parse().ok().filter(|bytes| (1..=(64 << 20)).contains(bytes));
    *place = bytes.ok_or(PropertyProblem::Value { expected: "1 to 67108864 bytes" })?;
    Ok(())
}

pub(crate) fn choose<T: Copy>(
    place: &mut T,
    value: &str,
    choices: &[(&str, T)],
    expected: &'static str,
) -> Fits {
    let chosen = choices.iter().find(|(name, _)| *name == value);
    *place = chosen.ok_or(PropertyProblem::Value { expected })?.1;
    Ok(())
}

/// The known name with the fewest edits from `name`.
fn nearest(name: &str) -> &'static str {
    let known = KNOWN.into_iter().chain(known_properties());
    known.min_by_key(|known| edits(name, known)).unwrap_or(KNOWN[0])
}

/// Levenshtein's distance, in characters.
fn edits(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, left) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut before = i + 1;
        for (cell, right) in row.iter_mut().skip(1).zip(b.chars()) {
            let here = (diagonal + usize::from(left != right)).min(before + 1).min(*cell + 1);
            diagonal = std::mem::replace(cell, here);
            before = here;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}

/// What is wrong with a client property.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PropertyProblem {
    /// The name is not known.
    Unknown {
        /// The known name that is most like it.
        nearest: &'static str,
    },
    /// The value does not fit.
    Value {
        /// What would.
        expected: &'static str,
    },
}

impl fmt::Display for PropertyProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { nearest } => {
                write!(f, "there is no such property; the nearest is {nearest}")
            }
            Self::Value { expected } => write!(f, "expected {expected}"),
        }
    }
}

#[cfg(test)]
mod tests;
