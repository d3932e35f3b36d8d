//! The contract of a source: planned on the control plane, read and decoded on the data plane.

use arrow::array::RecordBatch;
use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;

use crate::{Limits, Offsets, Planned, Positions, Range, RangeId, Result, StreamInfo};

/// A replayable input.
///
/// The same range always gives the same records in the same order, in this process or in another,
/// today or after a crash; exactly once rests on nothing else of a source.
#[async_trait]
pub trait Source: Send + Sync {
    /// Where the records come from, for `explain` and messages, such as `kafka orders at b1:9092`.
    fn describe(&self) -> String;

    /// The schema of the rows.
    fn output(&self) -> StreamInfo;

    /// The schema of rejected records; [`rejected_schema`](crate::rejected_schema) as a rule.
    fn rejected(&self) -> StreamInfo;

    /// Whether this is a table that is read at a version: each plan names all of it, at the version
    /// that the epoch sees, in ranges that are equal exactly when the rows are.
    ///
    /// Its rows are there for others to be joined with. They are read when a run does not hold them:
    /// at its start, and when a plan names another version than the one before. It never makes an epoch
    /// happen, and has no backlog and no end. Where `until` names a version, that one is planned.
    fn is_versioned(&self) -> bool {
        false
    }

    /// Plans what one epoch reads: the ranges after `from` within `limits`, up to `until` if given.
    ///
    /// A partition that is missing in `from` begins at the source's configured start. Reads no rows,
    /// and waits for none: with nothing to read it answers without ranges.
    ///
    /// What lies before `from` may not be [committed](Self::committed) yet, and may never be: the next plan then
    /// begins before it. An answer that is no longer wanted is not waited for.
    ///
    /// # Errors
    /// `Transient` when the source does not answer; `Refused` when records after `from` are gone.
    async fn plan(
        &self,
        from: &Positions,
        until: Option<&Positions>,
        limits: &Limits,
    ) -> Result<Planned>;

    /// The end of every partition as of now, for a run that processes what is there and stops.
    /// Bounded sources answer with their end.
    ///
    /// # Errors
    /// As [`plan`](Self::plan).
    async fn ends(&self, from: &Positions) -> Result<Positions>;

    /// Reads ranges of one plan as payloads, in order within each range.
    ///
    /// Called once per worker and epoch. Dropping the stream cancels the reads.
    fn read(&self, ranges: Vec<Range>) -> BoxStream<'static, Result<(RangeId, Payload)>>;

    /// A decoder for the payloads of one range.
    ///
    /// # Errors
    /// `Internal` when the range is not one of this source.
    fn decoder(&self, range: &Range) -> Result<Box<dyn Decoder>>;

    /// Tells the source that every table holds the records before `upto`. A courtesy: it may be
    /// left out, and its failure stops nothing.
    ///
    /// # Errors
    /// Whatever went wrong; the driver logs it.
    async fn committed(&self, _upto: &Positions) -> Result<()> {
        Ok(())
    }
}

/// What a source does when records are gone before they were read, or may not be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnDataLoss {
    /// It stops, and says what is lost.
    #[default]
    Fail,
    /// It goes on behind them; the plan records the gap.
    Skip,
}

/// What a source reads at once. Only the decoder of the same source knows what is in it.
#[derive(Clone, Debug, Default)]
pub struct Payload {
    /// Bytes to be decoded.
    pub bytes: Bytes,
    /// Rows, of a source whose reader has them ready.
    pub rows: Option<RecordBatch>,
}

impl Payload {
    /// The bytes of memory that it takes.
    pub fn size(&self) -> usize {
        let rows = self.rows.as_ref().map_or(0, RecordBatch::get_array_memory_size);
        self.bytes.len().saturating_add(rows)
    }
}

impl From<Bytes> for Payload {
    fn from(bytes: Bytes) -> Self {
        Self { bytes, rows: None }
    }
}

impl From<RecordBatch> for Payload {
    fn from(rows: RecordBatch) -> Self {
        Self { bytes: Bytes::new(), rows: Some(rows) }
    }
}

/// Turns the payloads of one range into rows and rejected records. Runs on the worker; does no I/O.
pub trait Decoder {
    /// Decodes one payload and appends what is complete to `decoded`. The rows may lag behind the
    /// payload until [`finish`](Self::finish).
    ///
    /// # Errors
    /// `Corrupt` when the payload is not what the source wrote. A record that does not fit is no
    /// error: it becomes a rejected record.
    fn decode(&mut self, payload: Payload, decoded: &mut Decoded) -> Result<()>;

    /// Gives what is left, once the last payload of the range was decoded.
    ///
    /// # Errors
    /// `Corrupt` when the payloads did not reach the end of the range.
    fn finish(&mut self, decoded: &mut Decoded) -> Result<()>;
}

/// What a decoder made of some payloads.
#[derive(Debug, Default)]
pub struct Decoded {
    /// Rows in the order of their records, in batches of 1 to 8,192.
    pub rows: Vec<RecordBatch>,
    /// The offsets of their records, for each batch of rows.
    pub offsets: Vec<Offsets>,
    /// Rejected records in their order.
    pub rejected: Vec<RecordBatch>,
    /// How many records were taken out of the payloads: rows plus rejected, once the range is finished.
    pub records: u64,
    /// The bytes of those records, keys and values as they were before compression.
    pub bytes: u64,
}
