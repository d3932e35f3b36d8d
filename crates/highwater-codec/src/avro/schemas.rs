//! Where the schemas that records were written with come from.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use highwater_core::Result;

use crate::AvroSchema;

/// What a record says of the schema it was written with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SchemaId {
    /// The number that a registry gave it.
    Registry(u32),
    /// Its 64-bit Rabin fingerprint.
    Fingerprint(u64),
}

impl fmt::Display for SchemaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Registry(id) => write!(f, "{id}"),
            Self::Fingerprint(fingerprint) => write!(f, "{fingerprint:016x}"),
        }
    }
}

/// What there is of a schema.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Writer {
    /// The schema.
    Schema(Arc<AvroSchema>),
    /// There is none, and there will be none: records that name it are rejected.
    Unknown,
    /// There is one, and records cannot be read by it: they are rejected.
    Unusable {
        /// Why.
        why: Arc<str>,
    },
}

/// The schemas that records were written with.
///
/// The answer for an id is a part of what an epoch is made of: it must be the same whenever it is asked
/// for, after a restart too. So an implementation that has once not known an id must not come to know
/// it while records with that id may still be read again.
///
/// Called on a worker, which waits for the answer.
pub trait Schemas: fmt::Debug + Send + Sync {
    /// What `id` names.
    ///
    /// # Errors
    /// `Transient` when it cannot be found out now. Any error ends the epoch.
    fn writer(&self, id: SchemaId) -> Result<Writer>;
}

/// Schemas at hand.
///
/// # Example
/// ```
/// use std::sync::Arc;
///
/// use highwater_codec::{AvroSchema, KnownSchemas, SchemaId, Schemas, Writer};
///
/// let schema = AvroSchema::try_new(r#"{"type":"record","name":"R","fields":[{"name":"a","type":"int"}]}"#)?;
/// let known = KnownSchemas::new().id(7, schema.clone()).fingerprinted(schema.clone());
/// let schema = Writer::Schema(Arc::new(schema));
/// assert_eq!(known.writer(SchemaId::Registry(7))?, schema);
/// assert_eq!(known.writer(SchemaId::Registry(8))?, Writer::Unknown);
/// # Ok::<(), highwater_core::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct KnownSchemas(HashMap<SchemaId, Arc<AvroSchema>>);

impl KnownSchemas {
    /// No schemas yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a schema that records name by the number `id`, as a registry gives it.
    #[must_use]
    pub fn id(mut self, id: u32, schema: AvroSchema) -> Self {
        self.0.insert(SchemaId::Registry(id), Arc::new(schema));
        self
    }

    /// Adds a schema that records name by its fingerprint.
    #[must_use]
    pub fn fingerprinted(mut self, schema: AvroSchema) -> Self {
        self.0.insert(SchemaId::Fingerprint(schema.fingerprint()), Arc::new(schema));
        self
    }
}

impl Schemas for KnownSchemas {
    fn writer(&self, id: SchemaId) -> Result<Writer> {
        Ok(self.0.get(&id).cloned().map_or(Writer::Unknown, Writer::Schema))
    }
}
