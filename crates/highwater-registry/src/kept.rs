//! Answers of a registry as they are kept: one small JSON object each, made once and never changed.

use std::sync::Arc;

use highwater_codec::{AvroSchema, Writer};
use highwater_storage::{Created, Storage};
use serde::{Deserialize, Serialize};

use crate::RegistryError;

/// What a registry said of an id.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Answer {
    /// A schema, with the schemas it refers to.
    Avro { schema: String, references: Vec<String> },
    /// A schema of another language.
    Other { language: String },
    /// There is none.
    Unknown,
}

impl Answer {
    /// What it means for the records that name it.
    pub(crate) fn writer(&self) -> Writer {
        match self {
            Self::Avro { schema, references } => {
                match AvroSchema::with_references(schema, references) {
                    Ok(schema) => Writer::Schema(Arc::new(schema)),
                    Err(error) => Writer::Unusable { why: error.to_string().into() },
                }
            }
            Self::Other { language } => {
                Writer::Unusable { why: format!("it is {language}").into() }
            }
            Self::Unknown => Writer::Unknown,
        }
    }
}

/// Where answers are kept.
#[derive(Debug)]
pub(crate) struct Kept(Option<Storage>);

impl Kept {
    pub(crate) fn new(storage: Option<Storage>) -> Self {
        Self(storage)
    }

    /// The kept answer for `id`, if there is one.
    pub(crate) async fn read(&self, id: u32) -> Result<Option<Answer>, RegistryError> {
        let Some(storage) = &self.0 else { return Ok(None) };
        let path = path(id);
        let bytes = storage.read(&path).await;
        let bytes = bytes.map_err(|cause| RegistryError::Kept { what: what(id), cause })?;
        let damaged = |cause| RegistryError::Damaged { location: storage.location(&path), cause };
        bytes.map(|bytes| serde_json::from_slice(&bytes).map_err(damaged)).transpose()
    }

    /// Keeps `answer`, unless another instance has kept one: then that counts.
    pub(crate) async fn write(&self, id: u32, answer: Answer) -> Result<Answer, RegistryError> {
        let Some(storage) = &self.0 else { return Ok(answer) };
        let failed = |cause| RegistryError::Kept { what: what(id), cause };
        let mut text = serde_json::to_vec(&answer)
            .map_err(|error| RegistryError::Setup { cause: Box::new(error) })?;
        text.push(b'\n');
        match storage.create(&path(id), text.into()).await.map_err(failed)? {
            Created::Created => Ok(answer),
            Created::Exists => Ok(self.read(id).await?.unwrap_or(answer)),
        }
    }
}

fn path(id: u32) -> String {
    format!("{id}.json")
}

fn what(id: u32) -> String {
    format!("schema {id}")
}
