//! Which topics a source reads.

use std::fmt;

use regex::Regex;

use crate::error::KafkaError;

/// One topic, or all whose names match.
#[derive(Clone, Debug)]
pub(crate) enum Topics {
    Named(String),
    Matching { pattern: String, whole: Regex },
}

impl Topics {
    /// Those whose whole name matches `pattern`.
    pub(crate) fn matching(pattern: &str) -> Result<Self, KafkaError> {
        let wrong = |source| {
            let (pattern, source) = (pattern.to_owned(), Box::new(source));
            KafkaError::Pattern { pattern, source }
        };
        // By itself first: otherwise `a)(b` would be one.
        Regex::new(pattern).map_err(wrong)?;
        let whole = Regex::new(&format!("^(?:{pattern})$")).map_err(wrong)?;
        Ok(Self::Matching { pattern: pattern.to_owned(), whole })
    }

    /// Whether `topic` is one of them.
    pub(crate) fn hold(&self, topic: &str) -> bool {
        match self {
            Self::Named(name) => name == topic,
            Self::Matching { whole, .. } => whole.is_match(topic),
        }
    }

    /// The name or the pattern.
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Named(text) | Self::Matching { pattern: text, .. } => text,
        }
    }

    /// Whether a name can be that of a topic. A pattern only ever finds some.
    pub(crate) fn check(&self) -> Result<(), KafkaError> {
        let Self::Named(name) = self else { return Ok(()) };
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        let named = (1..=249).contains(&name.len()) && name.bytes().all(allowed);
        if !named || matches!(&**name, "." | "..") {
            return Err(KafkaError::TopicName { topic: name.clone() });
        }
        Ok(())
    }
}

impl fmt::Display for Topics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(name) => f.write_str(name),
            Self::Matching { pattern, .. } => write!(f, "topics matching {pattern}"),
        }
    }
}
