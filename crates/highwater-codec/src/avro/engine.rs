//! Records of one schema, decoded many at a time.
//!
//! The decoder behind it appends to columns, and a record that it stops in is half in them. It also
//! takes a record that is too short or too long for done. So it gets whole records only, which were
//! checked, and must use up each of them; if it does not, it is thrown away with all it holds, and the
//! records are tried one by one.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow_avro::reader::{Decoder, ReaderBuilder};
use arrow_avro::schema::{AvroSchema, Fingerprint, FingerprintAlgorithm, SchemaStore};
use highwater_core::Result;

use super::SchemaId;
use super::conform;
use super::resolve::Resolution;
use crate::{CodecError, Fault, Reason};

/// Decodes records that one schema wrote.
#[derive(Debug)]
pub(super) struct Engine {
    id: SchemaId,
    schema: SchemaRef,
    resolution: Resolution,
    decoder: Decoder,
    /// The places, in the call, of the records that wait for being decoded.
    pub(super) waiting: Vec<usize>,
}

impl Engine {
    pub(super) fn try_new(
        id: SchemaId,
        schema: SchemaRef,
        resolution: Resolution,
    ) -> Result<Self, ArrowError> {
        let decoder = decoder(&resolution.schema, id, resolution.projection.as_deref())?;
        Ok(Self { id, schema, resolution, decoder, waiting: Vec::new() })
    }

    /// Checks that `value`, which begins with `start` bytes of framing, is one record.
    pub(super) fn check(&self, value: &[u8], start: usize) -> Result<(), Reason> {
        self.resolution.shape.check(value, start)
    }

    /// Decodes the waiting records, and leaves the places of those that became rows. What became none
    /// goes to `outcomes`.
    pub(super) fn decode<'a>(
        &mut self,
        value: impl Fn(usize) -> &'a [u8],
        outcomes: &mut [Option<Reason>],
    ) -> Result<RecordBatch> {
        let waiting = std::mem::take(&mut self.waiting);
        if let Ok(rows) = self.rows(waiting.iter().map(|place| value(*place))) {
            self.waiting = waiting;
            return Ok(rows);
        }
        let mut good = Vec::new();
        for place in waiting {
            match self.rows(std::iter::once(value(place))) {
                Ok(_) => good.push(place),
                Err(error) => {
                    let what = format!("not decoded: {error}").into();
                    if let Some(outcome) = outcomes.get_mut(place) {
                        *outcome = Some(Reason::new(None, Fault::Other { what }));
                    }
                }
            }
        }
        let rows = self.rows(good.iter().map(|place| value(*place))).map_err(CodecError::from)?;
        self.waiting = good;
        Ok(rows)
    }

    fn rows<'a>(
        &mut self,
        values: impl Iterator<Item = &'a [u8]>,
    ) -> Result<RecordBatch, ArrowError> {
        let mut values = values.peekable();
        if values.peek().is_none() {
            return Ok(RecordBatch::new_empty(Arc::clone(&self.schema)));
        }
        match decode_all(&mut self.decoder, values).and_then(|rows| self.conform(&rows)) {
            Ok(rows) => Ok(rows),
            Err(error) => {
                let projection = self.resolution.projection.as_deref();
                self.decoder = decoder(&self.resolution.schema, self.id, projection)?;
                Err(error)
            }
        }
    }

    fn conform(&self, rows: &RecordBatch) -> Result<RecordBatch, ArrowError> {
        let columns = conform::columns(&self.resolution.feeds, rows.columns(), rows.num_rows())?;
        RecordBatch::try_new(Arc::clone(&self.schema), columns)
    }
}

/// A decoder of records that `schema` wrote and `id` names.
pub(super) fn decoder(
    schema: &str,
    id: SchemaId,
    projection: Option<&[usize]>,
) -> Result<Decoder, ArrowError> {
    let (algorithm, fingerprint) = match id {
        SchemaId::Registry(id) => (FingerprintAlgorithm::Id, Fingerprint::Id(id)),
        SchemaId::Fingerprint(value) => (FingerprintAlgorithm::Rabin, Fingerprint::Rabin(value)),
    };
    let mut store = SchemaStore::new_with_type(algorithm);
    store.set(fingerprint, AvroSchema::new(schema.to_owned()))?;
    let mut builder = ReaderBuilder::new()
        .with_batch_size(usize::MAX)
        .with_writer_schema_store(store)
        .with_active_fingerprint(fingerprint);
    if let Some(projection) = projection {
        builder = builder.with_projection(projection.to_vec());
    }
    builder.build_decoder()
}

/// All values, each of them one record with its framing, as the decoder has them. After an error the
/// decoder is of no use any more.
pub(super) fn decode_all<'a>(
    decoder: &mut Decoder,
    values: impl Iterator<Item = &'a [u8]>,
) -> Result<RecordBatch, ArrowError> {
    let wrong = |what: String| ArrowError::AvroError(what);
    let mut count = 0;
    for value in values {
        let before = decoder.capacity();
        let taken = decoder.decode(value).map_err(|error| wrong(error.to_string()))?;
        if taken != value.len() || before.checked_sub(decoder.capacity()) != Some(1) {
            let bytes = value.len();
            return Err(wrong(format!("{taken} of {bytes} bytes make a record")));
        }
        count += 1;
    }
    match decoder.flush().map_err(|error| wrong(error.to_string()))? {
        Some(rows) if rows.num_rows() == count => Ok(rows),
        other => {
            let rows = other.map_or(0, |rows| rows.num_rows());
            Err(wrong(format!("{count} records became {rows} rows")))
        }
    }
}

#[cfg(test)]
mod tests;
