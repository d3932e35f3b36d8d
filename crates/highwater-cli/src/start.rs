//! Where a first start begins, as `--start` takes it.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use highwater_codec::parse_timestamp;

/// Where a pipeline begins that has no positions yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// The first record that is there.
    Earliest,
    /// Behind the last record that is there.
    Latest,
    /// The first record that is not older, in milliseconds since 1970 UTC.
    Timestamp(i64),
    /// An offset for each partition that is named, where -2 is its first record and -1 its end.
    Offsets(BTreeMap<i32, i64>),
    /// The same by the name of the topic.
    TopicOffsets(BTreeMap<String, BTreeMap<i32, i64>>),
}

/// A text that says nowhere to begin.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// None of the known forms.
    #[error("write earliest, latest, timestamp:2025-01-16T12:00:00Z or offsets:FILE")]
    Form,
    /// A point in time that is none.
    #[error(
        "{text:?} is no time: write it like 2025-01-16T12:00:00Z, or as milliseconds since 1970"
    )]
    Time {
        /// The text.
        text: String,
    },
    /// A file that cannot be read.
    #[error("cannot read {}: {cause}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// A file without offsets.
    #[error(r#"{} is no JSON object of offsets by partition, such as {{"0": 120, "1": -2}} or {{"topic": {{"0": 120}}}}: {cause}"#, path.display())]
    Offsets {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: serde_json::Error,
    },
}

impl FromStr for Start {
    type Err = StartError;

    fn from_str(text: &str) -> Result<Self, StartError> {
        match (text, text.split_once(':')) {
            ("earliest", _) => Ok(Self::Earliest),
            ("latest", _) => Ok(Self::Latest),
            (_, Some(("timestamp", time))) => millis(time).map(Self::Timestamp),
            (_, Some(("offsets", path))) => offsets(Path::new(path)),
            _ => Err(StartError::Form),
        }
    }
}

fn millis(text: &str) -> Result<i64, StartError> {
    if let Ok(millis) = text.parse() {
        return Ok(millis);
    }
    let micros = parse_timestamp(text).or(Err(StartError::Time { text: text.to_owned() }))?;
    Ok(micros.div_euclid(1_000))
}

/// Reads `{"0": 120}`, or `{"topic": {"0": 120}}` as Spark's `startingOffsets` has it.
fn offsets(path: &Path) -> Result<Start, StartError> {
    let text = std::fs::read(path)
        .map_err(|cause| StartError::Unreadable { path: path.to_owned(), cause })?;
    // What is wrong is said of the form that it looks like.
    let by_topic = text.iter().filter(|byte| **byte == b'{').count() > 1;
    let read = match by_topic {
        true => serde_json::from_slice(&text).map(Start::TopicOffsets),
        false => serde_json::from_slice(&text).map(Start::Offsets),
    };
    read.map_err(|cause| StartError::Offsets { path: path.to_owned(), cause })
}

#[cfg(test)]
mod tests;
