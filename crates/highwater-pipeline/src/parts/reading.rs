//! One worker's part of a source in one epoch.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::task::{self, Poll, ready};

use arrow::array::RecordBatch;
use futures::stream::{BoxStream, StreamExt};
use highwater_core::{
    Batch, Decoded, Decoder, Emitted, Failpoint, Failpoints, Name, Origin, Output, Payload, Permit,
    Range, RangeId, Result, Source,
};

use super::{bug, to_u64};
use crate::accounting::{Done, SourceCounts};

/// Reads some ranges of a source and decodes what comes.
pub struct Reading {
    source: Name,
    decoders: BTreeMap<RangeId, RangeDecoder>,
    payloads: BoxStream<'static, Result<(RangeId, Payload)>>,
    counts: SourceCounts,
    failpoints: Failpoints,
}

/// A decoder with the origin of its rows.
struct RangeDecoder {
    origin: Arc<Origin>,
    decoder: Box<dyn Decoder>,
}

impl Reading {
    /// Begins to read `ranges` of `source`, which has the name `name` in the pipeline.
    ///
    /// # Errors
    /// `Internal` when a range is not one of this source.
    pub fn open(
        name: &Name,
        source: &dyn Source,
        ranges: Vec<Range>,
        failpoints: &Failpoints,
    ) -> Result<Self> {
        let decoder = |range: &Range| {
            let partition = range.partition.clone();
            let origin = Arc::new(Origin { source: name.clone(), partition });
            Ok((range.id, RangeDecoder { origin, decoder: source.decoder(range)? }))
        };
        Ok(Self {
            source: name.clone(),
            decoders: ranges.iter().map(decoder).collect::<Result<_>>()?,
            payloads: source.read(ranges),
            counts: SourceCounts::default(),
            failpoints: failpoints.clone(),
        })
    }

    /// The next payload, if it is there; none behind the last one.
    ///
    /// # Errors
    /// What the source reports.
    pub fn poll_payload(
        &mut self,
        cx: &mut task::Context<'_>,
    ) -> Poll<Result<Option<(RangeId, Payload)>>> {
        let read = ready!(self.payloads.poll_next_unpin(cx)).transpose()?;
        if read.is_some() {
            self.failpoints.hit(Failpoint::PayloadRead)?;
        }
        Poll::Ready(Ok(read))
    }

    /// The rows and rejected records of a payload. They carry `permit`; those that the decoder keeps
    /// back do not.
    ///
    /// # Errors
    /// `Corrupt` when the payload is not what the source wrote.
    pub fn decode(
        &mut self,
        range: RangeId,
        payload: Payload,
        permit: Option<&Permit>,
    ) -> Result<Vec<Emitted>> {
        let reader = self.decoders.get_mut(&range).ok_or_else(|| bug("a payload of no range"))?;
        let mut decoded = Decoded::default();
        reader.decoder.decode(payload, &mut decoded)?;
        self.counts.take_in(decoded, &reader.origin, permit)
    }

    /// What the decoders kept back, once there is no payload left.
    ///
    /// # Errors
    /// `Corrupt` when the payloads did not reach the end of a range.
    pub fn finish(&mut self) -> Result<Vec<Emitted>> {
        let mut emitted = Vec::new();
        for reader in self.decoders.values_mut() {
            let mut decoded = Decoded::default();
            reader.decoder.finish(&mut decoded)?;
            emitted.extend(self.counts.take_in(decoded, &reader.origin, None)?);
        }
        Ok(emitted)
    }

    /// What was read.
    pub fn done(self) -> Done {
        Done::Read(self.source, self.counts)
    }
}

impl SourceCounts {
    fn take_in(
        &mut self,
        decoded: Decoded,
        origin: &Arc<Origin>,
        permit: Option<&Permit>,
    ) -> Result<Vec<Emitted>> {
        let count = |batches: &[RecordBatch]| -> u64 {
            batches.iter().map(|batch| to_u64(batch.num_rows())).sum()
        };
        self.records += decoded.records;
        self.bytes += decoded.bytes;
        self.rows += count(&decoded.rows);
        self.rejected += count(&decoded.rejected);
        if decoded.offsets.len() != decoded.rows.len() {
            return Err(bug("a decoder gave rows without their offsets"));
        }
        let batch = |rows, offsets| Batch {
            rows,
            origin: Some(Arc::clone(origin)),
            offsets,
            permit: permit.cloned(),
        };
        let rows = decoded.rows.into_iter().zip(decoded.offsets);
        let rows = rows.map(|(rows, offsets)| (Output::Main, batch(rows, Some(offsets))));
        let rejected = decoded.rejected.into_iter();
        let rejected = rejected.map(|rows| (Output::Side(0), batch(rows, None)));
        Ok(rows.chain(rejected).filter(|(_, batch)| !batch.is_empty()).collect())
    }
}

impl fmt::Debug for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reading")
            .field("source", &self.source)
            .field("ranges", &self.decoders.keys())
            .field("counts", &self.counts)
            .finish_non_exhaustive()
    }
}
