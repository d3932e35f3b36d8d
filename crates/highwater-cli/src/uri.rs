//! Addresses of sources, as `--from` takes them.

use std::fmt;
use std::num::NonZeroU64;
use std::path::PathBuf;
use std::str::FromStr;

/// Where records come from.
///
/// # Example
/// ```
/// use highwater_cli::SourceUri;
///
/// let SourceUri::Kafka(kafka) = "kafka://b1:9092,b2:9092/orders".parse()? else { panic!() };
/// assert_eq!((kafka.brokers.as_str(), kafka.topic.as_str()), ("b1:9092,b2:9092", "orders"));
///
/// let error = "generator:rowz=5".parse::<SourceUri>().unwrap_err();
/// assert_eq!(error.to_string(), "rowz is no setting of a generator: use rows, seed, rate, bad or duplicates");
/// # Ok::<(), highwater_cli::UriError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum SourceUri {
    /// `generator:rows=1000,seed=1,rate=100,bad=0.001,duplicates=0.01`, each of them optional.
    Generator(GeneratorUri),
    /// `kafka://host:port,host:port/topic`, or without a topic where there is a pattern of topics.
    Kafka(KafkaUri),
    /// A directory of JSON lines: a path without a colon, or with none before its first slash.
    Directory(PathBuf),
}

/// The settings of a generator.
#[derive(Clone, Debug, PartialEq)]
pub struct GeneratorUri {
    /// How many records; without end if none.
    pub rows: Option<u64>,
    /// The seed, 1 if it is not given.
    pub seed: u64,
    /// How many records in a second; as many as are asked for, if none.
    pub rate: Option<NonZeroU64>,
    /// The share of malformed records, 0 to 1.
    pub bad: f64,
    /// The share of records that are sent twice, 0 to 1.
    pub duplicates: f64,
}

/// A topic of a Kafka cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KafkaUri {
    /// The brokers to begin with, each `host:port`, separated by commas.
    pub brokers: String,
    /// The topic; empty when it is not named.
    pub topic: String,
}

/// A text that is no address of a source.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UriError {
    /// None of the known kinds.
    #[error(
        "{uri} is no source: write generator:rows=1000,seed=1, kafka://host:9092/topic or a directory"
    )]
    Scheme {
        /// The text.
        uri: String,
    },
    /// A part of a generator's settings without a value.
    #[error("{part:?} is no setting: write key=value, and a comma between two of them")]
    NoValue {
        /// The part.
        part: String,
    },
    /// A setting that generators do not have.
    #[error("{key} is no setting of a generator: use rows, seed, rate, bad or duplicates")]
    Unknown {
        /// Its name.
        key: String,
    },
    /// A setting that comes twice.
    #[error("{key} is given twice")]
    Twice {
        /// Its name.
        key: String,
    },
    /// A value that its setting cannot have.
    #[error("{key}={value} cannot be: {key} is {expected}")]
    Value {
        /// The setting.
        key: String,
        /// The value.
        value: String,
        /// What it should be.
        expected: &'static str,
    },
    /// A broker that cannot be called.
    #[error("{broker:?} is no broker: write host:port")]
    Broker {
        /// The broker.
        broker: String,
    },
    /// No topic, or more than one part behind the brokers.
    #[error("{path:?} is no topic: write kafka://host:9092/topic")]
    Topic {
        /// What stands behind the brokers.
        path: String,
    },
}

impl FromStr for SourceUri {
    type Err = UriError;

    fn from_str(text: &str) -> Result<Self, UriError> {
        if let Some(settings) = text.strip_prefix("generator:") {
            return GeneratorUri::parse(settings).map(Self::Generator);
        }
        if let Some(rest) = text.strip_prefix("kafka://") {
            return KafkaUri::parse(rest).map(Self::Kafka);
        }
        // What has a colon before its first slash looks like an address of another kind.
        let first = text.split('/').next().unwrap_or_default();
        match text.is_empty() || text == "-" || first.contains(':') {
            true => Err(UriError::Scheme { uri: text.to_owned() }),
            false => Ok(Self::Directory(PathBuf::from(text))),
        }
    }
}

const COUNT: &str = "a whole number";
const SHARE: &str = "a share from 0 to 1";

impl GeneratorUri {
    fn parse(settings: &str) -> Result<Self, UriError> {
        let mut uri = Self { rows: None, seed: 1, rate: None, bad: 0.0, duplicates: 0.0 };
        let mut seen = Vec::new();
        for part in settings.split(',').filter(|part| !part.is_empty()) {
            let no_value = || UriError::NoValue { part: part.to_owned() };
            let (key, value) = part.split_once('=').ok_or_else(no_value)?;
            if seen.contains(&key) {
                return Err(UriError::Twice { key: key.to_owned() });
            }
            seen.push(key);
            match key {
                "rows" => uri.rows = Some(number(key, value, COUNT)?),
                "seed" => uri.seed = number(key, value, COUNT)?,
                "rate" => uri.rate = Some(number(key, value, "a whole number from 1")?),
                "bad" => uri.bad = share(key, value)?,
                "duplicates" => uri.duplicates = share(key, value)?,
                _ => return Err(UriError::Unknown { key: key.to_owned() }),
            }
        }
        Ok(uri)
    }
}

impl KafkaUri {
    /// Reads what stands behind `kafka://`.
    fn parse(rest: &str) -> Result<Self, UriError> {
        let (brokers, topic) = rest.split_once('/').map_or((rest, None), |(b, t)| (b, Some(t)));
        for broker in brokers.split(',') {
            let port = |port: &str| port.parse::<u16>().is_ok_and(|port| port > 0);
            let split = broker.rsplit_once(':');
            if !split.is_some_and(|(host, it)| !host.is_empty() && port(it)) {
                return Err(UriError::Broker { broker: broker.to_owned() });
            }
        }
        if let Some(path) = topic
            && (path.is_empty() || path.contains('/'))
        {
            return Err(UriError::Topic { path: path.to_owned() });
        }
        let topic = topic.unwrap_or_default().to_owned();
        Ok(Self { brokers: brokers.to_owned(), topic })
    }
}

fn number<T: FromStr>(key: &str, value: &str, expected: &'static str) -> Result<T, UriError> {
    value.parse().or(Err(wrong(key, value, expected)))
}

fn share(key: &str, value: &str) -> Result<f64, UriError> {
    let share: f64 = number(key, value, SHARE)?;
    if (0.0..=1.0).contains(&share) { Ok(share) } else { Err(wrong(key, value, SHARE)) }
}

fn wrong(key: &str, value: &str, expected: &'static str) -> UriError {
    UriError::Value { key: key.to_owned(), value: value.to_owned(), expected }
}

impl fmt::Display for SourceUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kafka(KafkaUri { brokers, topic }) if topic.is_empty() => {
                write!(f, "kafka://{brokers}")
            }
            Self::Kafka(KafkaUri { brokers, topic }) => write!(f, "kafka://{brokers}/{topic}"),
            Self::Directory(path) => write!(f, "{}", path.display()),
            Self::Generator(generator) => {
                write!(f, "generator:seed={}", generator.seed)?;
                if let Some(rows) = generator.rows {
                    write!(f, ",rows={rows}")?;
                }
                if let Some(rate) = generator.rate {
                    write!(f, ",rate={rate}")?;
                }
                if generator.bad > 0.0 {
                    write!(f, ",bad={}", generator.bad)?;
                }
                if generator.duplicates > 0.0 {
                    write!(f, ",duplicates={}", generator.duplicates)?;
                }
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests;
