//! Raw record batches to rows. Runs on the worker; nothing is allocated per record.

use std::ops::Range as Bytes;
use std::sync::Arc;

use arrow::array::RecordBatch;
use highwater_codec::{Reason, RecordDecoder, Records as Values, Span};
use highwater_core::{
    Decoded, Decoder, Offsets, Partition, Payload, Range, RejectedRecords, Result, SourceColumns,
    Timestamp,
};

use crate::batch::{self, Batches, HEADER, Header, Records};
use crate::compression::Unpacked;
use crate::error::{BatchError, KafkaError};
use crate::fetch::Footer;
use crate::metadata::{Chosen, Known};
use crate::reader::Notes;

/// Rows of one batch at most.
const ROWS: usize = 8192;
/// Unpacked bytes that may wait for more records. Few enough to stay in a cache until they are decoded.
const WAITING: usize = 1 << 20;
/// What a span can reach.
const SPANNED: usize = u32::MAX as usize;

/// Decodes the payloads of one range.
#[derive(Debug)]
pub(crate) struct KafkaDecoder {
    topic: String,
    partition: i32,
    /// The next offset that may be given out.
    next: i64,
    to: i64,
    reached: Option<i64>,
    largest_batch: usize,
    unpacked: Unpacked,
    format: Box<dyn RecordDecoder>,
    rejected: RejectedRecords,
    metadata: Chosen,
    source_columns: Option<SourceColumns>,
    waiting: Waiting,
    outcomes: Vec<Option<Reason>>,
    notes: Arc<Notes>,
}

/// Records that wait to be decoded together, all of them in one buffer.
#[derive(Debug, Default)]
struct Waiting {
    values: Vec<Option<Span>>,
    offsets: Vec<i64>,
    /// In milliseconds; negative when the producer gave none.
    timestamps: Vec<i64>,
    /// Only where columns of the metadata were chosen.
    known: Vec<Known>,
    bytes: u64,
}

impl KafkaDecoder {
    /// A decoder that adds the columns of `metadata`, then those of `source_columns` if there are any.
    pub(crate) fn new(
        range: &Range,
        format: Box<dyn RecordDecoder>,
        (metadata, source_columns): (Chosen, Option<SourceColumns>),
        largest_batch: usize,
        notes: Arc<Notes>,
    ) -> Self {
        Self {
            topic: range.partition.stream.clone(),
            partition: range.partition.index,
            next: range.from.next,
            to: range.to.next,
            reached: None,
            largest_batch,
            unpacked: Unpacked::new(largest_batch),
            format,
            rejected: RejectedRecords::new(&range.partition),
            metadata,
            source_columns,
            waiting: Waiting::default(),
            outcomes: Vec::new(),
            notes,
        }
    }

    fn wrong(&self, error: BatchError, offset: i64) -> KafkaError {
        self.notes.damage.met(error.at(&self.topic, self.partition, offset))
    }

    fn batch(
        &mut self,
        header: &Header,
        at: Bytes<usize>,
        payload: &[u8],
        decoded: &mut Decoded,
    ) -> Result<()> {
        let offset = header.base_offset;
        let wrong = |error: BatchError| {
            self.notes.damage.met(error.at(&self.topic, self.partition, offset))
        };
        let batch = payload.get(at.clone()).unwrap_or_default();
        batch::verify(header, batch).map_err(wrong)?;
        if header.codec() == 0 {
            return self.records(header, at.start + HEADER..at.end, Some(payload), decoded);
        }
        let packed = batch.get(HEADER..).unwrap_or_default();
        let range = self.unpacked.append(header.codec(), packed).map_err(wrong)?;
        self.records(header, range, None, decoded)
    }

    /// Collects the records in `range` of `payload`, or of the unpacked bytes.
    fn records(
        &mut self,
        header: &Header,
        range: Bytes<usize>,
        payload: Option<&[u8]>,
        decoded: &mut Decoded,
    ) -> Result<()> {
        let wrong = |error: BatchError, decoder: &Self| decoder.wrong(error, header.base_offset);
        let mut records = Records::new(header, range).map_err(|error| wrong(error, self))?;
        loop {
            let bytes = payload.unwrap_or_else(|| self.unpacked.bytes());
            let known = !self.metadata.is_empty();
            let full = self
                .waiting
                .collect(&mut records, bytes, header, (self.next..self.to, known))
                .map_err(|error| wrong(error, self))?;
            if let Some(last) = self.waiting.offsets.last() {
                self.next = self.next.max(last.saturating_add(1));
            }
            if !full {
                return Ok(());
            }
            self.flush(payload, decoded)?;
        }
    }

    /// Decodes what waits. The bytes are those of `payload`, or the unpacked ones.
    fn flush(&mut self, payload: Option<&[u8]>, decoded: &mut Decoded) -> Result<()> {
        if self.waiting.values.is_empty() {
            return Ok(());
        }
        let data = payload.unwrap_or_else(|| self.unpacked.bytes());
        let values = Values { data, values: &self.waiting.values };
        let rows = self.format.decode(&values, &mut self.outcomes)?;
        for (record, outcome) in self.outcomes.iter().enumerate() {
            let Some(reason) = outcome else { continue };
            let Some(&offset) = self.waiting.offsets.get(record) else { continue };
            let millis = self.waiting.timestamps.get(record).filter(|millis| **millis >= 0);
            let time = millis.and_then(|millis| millis.checked_mul(1000)).map(Timestamp);
            let raw = self.waiting.values.get(record).copied().flatten();
            let raw = raw.and_then(|span| span.of(data));
            self.rejected.push(offset, time, raw, &reason.to_string());
        }
        if rows.num_rows() > 0 {
            let rows = self.add_metadata(rows, data)?;
            decoded.rows.push(self.add_source_columns(rows)?);
            decoded.offsets.push(Offsets::new(self.accepted()));
        }
        decoded.rejected.extend(self.rejected.take()?);
        decoded.records += u64::try_from(self.waiting.values.len()).unwrap_or(0);
        decoded.bytes += self.waiting.bytes;
        self.waiting.clear();
        Ok(())
    }

    fn add_metadata(&self, rows: RecordBatch, data: &[u8]) -> Result<RecordBatch> {
        if self.metadata.is_empty() {
            return Ok(rows);
        }
        let accepted = self.waiting.known.iter().zip(&self.outcomes);
        let accepted = accepted.filter(|(_, outcome)| outcome.is_none());
        let accepted: Vec<Known> = accepted.map(|(known, _)| known.clone()).collect();
        let partition = Partition::new(&self.topic, self.partition);
        Ok(self.metadata.to(&rows, &partition, &accepted, data)?)
    }

    fn add_source_columns(&self, rows: RecordBatch) -> Result<RecordBatch> {
        let Some(columns) = &self.source_columns else { return Ok(rows) };
        columns.add(&rows, self.accepted())
    }

    /// The offsets of the records that became rows.
    fn accepted(&self) -> impl Iterator<Item = i64> + Clone {
        let accepted = self.waiting.offsets.iter().zip(&self.outcomes);
        accepted.filter(|(_, outcome)| outcome.is_none()).map(|(offset, _)| *offset)
    }
}

impl Decoder for KafkaDecoder {
    fn decode(&mut self, payload: Payload, decoded: &mut Decoded) -> Result<()> {
        if let Some(footer) = Footer::read(&payload.bytes) {
            self.reached = Some(footer.reached);
            return Ok(());
        }
        if let Some(spare) = self.notes.spares.take() {
            self.unpacked = spare;
        }
        let payload: &[u8] = &payload.bytes;
        let mut batches = Batches::new(payload);
        let mut unpacked_waits = false;
        while let Some(batch) = batches.next() {
            let (header, range) = batch.map_err(|error| self.wrong(error, self.next))?;
            let packed = header.codec() != 0;
            let enough = self.unpacked.bytes().len() > WAITING || !self.waiting.fits(&header);
            // The buffer begins anew only where no record of it waits: between two batches.
            if packed != unpacked_waits || packed && enough {
                self.flush((!unpacked_waits).then_some(payload), decoded)?;
                self.unpacked.clear();
                unpacked_waits = packed;
            }
            self.batch(&header, range, payload, decoded)?;
        }
        self.flush((!unpacked_waits).then_some(payload), decoded)?;
        self.unpacked.clear();
        if batches.at() < payload.len() {
            let bytes = payload.len() - batches.at();
            return Err(self.wrong(BatchError::Trailing { bytes }, self.next).into());
        }
        let empty = Unpacked::new(self.largest_batch);
        self.notes.spares.keep(std::mem::replace(&mut self.unpacked, empty));
        Ok(())
    }

    fn finish(&mut self, _decoded: &mut Decoded) -> Result<()> {
        match self.reached {
            Some(reached) if reached >= self.to => Ok(()),
            reached => Err(KafkaError::Incomplete {
                topic: self.topic.clone(),
                partition: self.partition,
                reached: reached.unwrap_or(self.next),
                end: self.to,
            }
            .into()),
        }
    }
}

impl Waiting {
    /// Whether the records of a batch can be decoded together with those that wait.
    fn fits(&self, header: &Header) -> bool {
        let records = usize::try_from(header.records).unwrap_or(usize::MAX);
        self.values.len().saturating_add(records) <= ROWS
    }

    /// Collects records with offsets from `from` up to `to`. True when there may be more, but enough
    /// wait.
    fn collect(
        &mut self,
        records: &mut Records,
        bytes: &[u8],
        header: &Header,
        (offsets, known): (Bytes<i64>, bool),
    ) -> Result<bool, BatchError> {
        let more = records.left().min(ROWS.saturating_sub(self.values.len()));
        self.values.reserve(more);
        self.offsets.reserve(more);
        self.timestamps.reserve(more);
        while self.values.len() < ROWS {
            let Some(record) = records.next(bytes)? else { return Ok(false) };
            let offset = header.base_offset.saturating_add(record.offset_delta.into());
            if offsets.contains(&offset) {
                let value = record.value.as_ref().map(span).transpose();
                let too_large = |_| BatchError::TooLarge { packed: bytes.len(), limit: SPANNED };
                self.values.push(value.map_err(too_large)?);
                self.offsets.push(offset);
                let timestamp = header.timestamp(record.timestamp_delta);
                self.timestamps.push(timestamp.unwrap_or(-1));
                self.bytes += length(&record.key) + length(&record.value);
                if known {
                    let by_broker = header.log_append_time();
                    let (key, headers) = (record.key, record.headers);
                    self.known.push(Known { offset, timestamp, by_broker, key, headers });
                }
            }
        }
        Ok(true)
    }

    fn clear(&mut self) {
        self.values.clear();
        self.offsets.clear();
        self.timestamps.clear();
        self.known.clear();
        self.bytes = 0;
    }
}

fn length(bytes: &Option<Bytes<usize>>) -> u64 {
    bytes.as_ref().map_or(0, |bytes| (bytes.end - bytes.start) as u64)
}

fn span(range: &Bytes<usize>) -> Result<Span, std::num::TryFromIntError> {
    Ok(Span { start: range.start.try_into()?, end: range.end.try_into()? })
}
