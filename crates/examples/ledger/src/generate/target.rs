//! Where made-up transactions go.

use std::path::PathBuf;
use std::str::FromStr;

use highwater_cli::{KafkaUri, SourceUri, UriError};

/// Where made-up transactions go.
#[derive(Clone, Debug)]
pub(super) enum Target {
    /// Standard output.
    Output,
    /// Files of a directory.
    Directory(PathBuf),
    /// A topic.
    Kafka(KafkaUri),
}

impl FromStr for Target {
    type Err = UriError;

    fn from_str(text: &str) -> Result<Self, UriError> {
        if text == "-" {
            return Ok(Self::Output);
        }
        if !text.contains(':') {
            return Ok(Self::Directory(PathBuf::from(text)));
        }
        match text.parse()? {
            SourceUri::Kafka(uri) if uri.topic.is_empty() => {
                Err(UriError::Topic { path: String::new() })
            }
            SourceUri::Kafka(uri) => Ok(Self::Kafka(uri)),
            SourceUri::Directory(path) => Ok(Self::Directory(path)),
            SourceUri::Generator(_) => Err(UriError::Scheme { uri: text.to_owned() }),
        }
    }
}
