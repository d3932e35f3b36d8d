//! Names that become part of a path, and so must not leave their directory.

use std::fmt;

use serde::{Deserialize, Serialize};

const LONGEST: usize = 128;

/// The name of a pipeline, source, step or sink: 1 to 128 of `A-Z a-z 0-9 . _ -`, no leading dot.
///
/// # Example
/// ```
/// use highwater_core::Name;
///
/// assert_eq!("ledger".parse::<Name>()?.as_str(), "ledger");
/// assert!("../ledger".parse::<Name>().is_err());
/// # Ok::<(), highwater_core::NameError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(String);

/// A text that is no [`Name`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is not a name: use 1 to 128 of the characters A-Z a-z 0-9 . _ - and no leading dot"
)]
pub struct NameError {
    text: String,
}

impl Name {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Name {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        let fits = (1..=LONGEST).contains(&text.len()) && !text.starts_with('.');
        if fits && text.bytes().all(allowed) { Ok(Self(text)) } else { Err(NameError { text }) }
    }
}

impl std::str::FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::try_from(text.to_owned())
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests;
