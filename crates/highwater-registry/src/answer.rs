//! What a registry says.
//!
//! Source: Confluent Schema Registry API, "Schemas" and "Subjects".

use serde::Deserialize;

/// The code of a schema that there is not.
const NO_SCHEMA: u32 = 40_403;
/// The codes of subjects and versions that there are not.
const NO_SUBJECT: u32 = 40_401;
const NO_VERSION: u32 = 40_402;

/// A schema as it is registered.
#[derive(Debug, Deserialize)]
pub(crate) struct Registered {
    /// Its text.
    pub(crate) schema: String,
    /// Its language; Avro if none is named.
    #[serde(default, rename = "schemaType")]
    pub(crate) language: Option<String>,
    /// The schemas whose types it names.
    #[serde(default)]
    pub(crate) references: Option<Vec<Reference>>,
}

impl Registered {
    /// Its language when it is not Avro.
    pub(crate) fn other_language(&self) -> Option<&str> {
        self.language.as_deref().filter(|language| !language.eq_ignore_ascii_case("AVRO"))
    }

    pub(crate) fn references(&self) -> &[Reference] {
        self.references.as_deref().unwrap_or_default()
    }
}

/// A schema that another one names.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub(crate) struct Reference {
    pub(crate) subject: String,
    pub(crate) version: u32,
}

/// Why there is no answer.
#[derive(Debug, Deserialize)]
pub(crate) struct Problem {
    error_code: u32,
}

impl Problem {
    /// Whether the registry has understood, and does not have it.
    pub(crate) fn missing(&self) -> bool {
        [NO_SCHEMA, NO_SUBJECT, NO_VERSION].contains(&self.error_code)
    }
}
