//! Records by the schemas they name, and their rows in the order of the records.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::interleave_record_batch;
use highwater_core::Result;

use super::engine::Engine;
use super::resolve::{Mismatch, Resolver};
use super::{AvroSchema, SchemaId, Schemas, Target, Writer};
use crate::{CodecError, Fault, Reason, RecordDecoder, Records};

/// The longest value in bytes.
const MAX_BYTES: usize = 16 << 20;
/// The most schemas that are kept ready.
const MAX_WRITERS: usize = 1_000;

#[derive(Debug)]
pub(super) struct AvroDecoder {
    target: Arc<Target>,
    schemas: Arc<dyn Schemas>,
    /// What each schema is read by, or why it cannot be.
    writers: HashMap<SchemaId, usize>,
    engines: Vec<Result<Engine, Fault>>,
}

impl AvroDecoder {
    pub(super) fn new(target: Arc<Target>, schemas: Arc<dyn Schemas>) -> Self {
        Self { target, schemas, writers: HashMap::new(), engines: Vec::new() }
    }

    /// Puts a record among those that wait for their rows, unless something is wrong with it.
    fn accept(&mut self, place: usize, value: Option<&[u8]>) -> Result<Option<Reason>> {
        let Some(value) = value else { return Ok(Some(Reason::new(None, Fault::NoValue))) };
        let (id, start) = match frame(value) {
            Ok(frame) => frame,
            Err(fault) => return Ok(Some(Reason::new(None, fault))),
        };
        let writer = self.writer(id)?;
        Ok(match self.engines.get_mut(writer) {
            Some(Ok(engine)) => match engine.check(value, start) {
                Ok(()) => {
                    engine.waiting.push(place);
                    None
                }
                Err(reason) => Some(reason),
            },
            Some(Err(fault)) => Some(Reason::new(None, fault.clone())),
            None => None,
        })
    }

    /// The place of what reads the schema `id`.
    fn writer(&mut self, id: SchemaId) -> Result<usize> {
        if let Some(place) = self.writers.get(&id) {
            return Ok(*place);
        }
        let unusable = |why: &str| {
            let what = format!("schema {id} cannot be read: {why}");
            Fault::Other { what: what.into() }
        };
        let engine = match self.schemas.writer(id)? {
            Writer::Schema(schema) => {
                self.engine(id, &schema).map_err(|Mismatch(why)| unusable(&why))
            }
            Writer::Unusable { why } => Err(unusable(&why)),
            Writer::Unknown => {
                Err(Fault::Other { what: format!("there is no schema {id}").into() })
            }
        };
        let place = self.engines.len();
        self.engines.push(engine);
        self.writers.insert(id, place);
        Ok(place)
    }

    fn engine(&self, id: SchemaId, writer: &AvroSchema) -> Result<Engine, Mismatch> {
        let Target { record, schema, lenient } = self.target.as_ref();
        let resolver = Resolver::new(*lenient);
        let resolution = resolver.resolve(writer.node(), record, schema.fields())?;
        let engine = Engine::try_new(id, Arc::clone(schema), resolution);
        engine.map_err(|error| Mismatch(error.to_string()))
    }

    /// The rows of all waiting records, in the order of the records.
    fn rows(
        &mut self,
        records: &Records<'_>,
        outcomes: &mut [Option<Reason>],
    ) -> Result<RecordBatch> {
        let value = |place: usize| {
            let span = records.values.get(place).copied().flatten();
            span.and_then(|span| span.of(records.data)).unwrap_or_default()
        };
        let mut batches = Vec::new();
        let mut places = Vec::new();
        for engine in self.engines.iter_mut().flatten().filter(|it| !it.waiting.is_empty()) {
            let rows = engine.decode(value, outcomes)?;
            let batch = batches.len();
            let waiting = engine.waiting.drain(..).enumerate();
            places.extend(waiting.map(|(row, place)| (place, (batch, row))));
            batches.push(rows);
        }
        if batches.len() > 1 {
            places.sort_unstable();
            let places: Vec<_> = places.into_iter().map(|(_, place)| place).collect();
            let batches: Vec<_> = batches.iter().collect();
            return Ok(interleave_record_batch(&batches, &places).map_err(CodecError::from)?);
        }
        let none = || RecordBatch::new_empty(Arc::clone(&self.target.schema));
        Ok(batches.pop().unwrap_or_else(none))
    }
}

impl RecordDecoder for AvroDecoder {
    fn decode(
        &mut self,
        records: &Records<'_>,
        outcomes: &mut Vec<Option<Reason>>,
    ) -> Result<RecordBatch> {
        records.check()?;
        outcomes.clear();
        // What a call that failed has left behind belongs to its records.
        self.engines.iter_mut().flatten().for_each(|engine| engine.waiting.clear());
        if self.engines.len() > MAX_WRITERS {
            self.engines.clear();
            self.writers.clear();
        }
        for (place, value) in records.values.iter().enumerate() {
            let value = value.and_then(|span| span.of(records.data));
            let outcome = self.accept(place, value)?;
            outcomes.push(outcome);
        }
        self.rows(records, outcomes)
    }
}

/// The schema that a value names, and the byte at which its record begins.
fn frame(value: &[u8]) -> Result<(SchemaId, usize), Fault> {
    if value.len() > MAX_BYTES {
        return Err(Fault::TooLarge { bytes: value.len(), limit: MAX_BYTES });
    }
    let short = || {
        let what = format!("{} bytes are too few to name a schema", value.len());
        Fault::Other { what: what.into() }
    };
    match value {
        [] => Err(Fault::Empty),
        [0, rest @ ..] => {
            let id = rest.first_chunk().ok_or_else(short)?;
            Ok((SchemaId::Registry(u32::from_be_bytes(*id)), 5))
        }
        [0xc3, 1, rest @ ..] => {
            let fingerprint = rest.first_chunk().ok_or_else(short)?;
            Ok((SchemaId::Fingerprint(u64::from_le_bytes(*fingerprint)), 10))
        }
        [first, ..] => {
            let what = format!("begins with {first:02x}, not with 00 or c301 and a schema");
            Err(Fault::Other { what: what.into() })
        }
    }
}
