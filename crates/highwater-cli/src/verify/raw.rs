//! Sources as they are, for `verify`: it decodes records by other code than the pipeline.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::{BinaryArray, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use futures::StreamExt as _;
use highwater_codec::{self as codec, Format, Reason, RecordDecoder};
use highwater_core::{Decoded, Error, ErrorKind, Range, RangeId, Result, Source};
use highwater_datagen::Records;

use crate::{Failure, ReadOptions, SourceUri};

impl ReadOptions {
    /// The source at `uri`, whose rows have the bytes of a record in `value`, null for one without any, and its place in
    /// `_topic`, `_partition` and `_offset`. A generator makes `records`. Files that are there have settled.
    ///
    /// # Errors
    /// Options that do not go with the source.
    pub fn raw<R: Records + 'static>(
        &self,
        uri: &SourceUri,
        records: R,
    ) -> Result<Box<dyn Source>, Failure> {
        Ok(match uri {
            SourceUri::Generator(uri) => {
                Box::new(self.generator(uri, records)?.decode(Raw).source_columns())
            }
            SourceUri::Kafka(uri) => Box::new(self.topic(uri)?.decode(Raw).source_columns()),
            SourceUri::Directory(path) => {
                let files = self.files(path)?.settle(Duration::ZERO);
                Box::new(files.decode(Raw).source_columns())
            }
        })
    }
}

/// Everything in the ranges of one plan of a source.
///
/// # Errors
/// Whatever the source reports.
pub async fn read_ranges(source: &dyn Source, ranges: &[Range]) -> Result<Decoded> {
    let mut decoders = Vec::new();
    for range in ranges {
        decoders.push((range.id, source.decoder(range)?));
    }
    let mut decoded = Decoded::default();
    let mut payloads = source.read(ranges.to_vec());
    while let Some(payload) = payloads.next().await {
        let (id, payload): (RangeId, _) = payload?;
        if let Some((_, decoder)) = decoders.iter_mut().find(|(range, _)| *range == id) {
            decoder.decode(payload, &mut decoded)?;
        }
    }
    for (_, decoder) in &mut decoders {
        decoder.finish(&mut decoded)?;
    }
    Ok(decoded)
}

/// One column `value` with the bytes of each record, null for a record without any.
#[derive(Clone, Copy, Debug)]
struct Raw;

impl Format for Raw {
    fn schema(&self) -> SchemaRef {
        Arc::new(Schema::new(vec![Field::new("value", DataType::Binary, true)]))
    }

    fn decoder(&self) -> Box<dyn RecordDecoder> {
        Box::new(*self)
    }

    fn describe(&self) -> String {
        "raw".to_owned()
    }
}

impl RecordDecoder for Raw {
    fn decode(
        &mut self,
        records: &codec::Records<'_>,
        outcomes: &mut Vec<Option<Reason>>,
    ) -> Result<RecordBatch> {
        outcomes.clear();
        outcomes.resize(records.values.len(), None);
        let values =
            records.values.iter().map(|value| value.and_then(|span| span.of(records.data)));
        let values: BinaryArray = values.collect();
        RecordBatch::try_new(self.schema(), vec![Arc::new(values)])
            .map_err(|error| Error::new(ErrorKind::Internal, "verify", error))
    }
}
