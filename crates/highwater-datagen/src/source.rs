//! The generator as a source: one partition, whose offsets count the records.

use std::fmt;
use std::num::NonZeroU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use highwater_codec::Format;
use highwater_core::{
    Backlog, Decoder, Limits, Partition, Payload, Planned, Position, Positions, Range, RangeId,
    Result, Source, SourceColumns, StreamInfo, rejected_schema,
};
use tokio::time::Instant;

use crate::decoder::{GeneratedDecoder, LENGTH};
use crate::{DatagenError, Generator, Records};

/// The records of a [`Generator`] as partition `generator/0`, made by [`Generator::decode`].
///
/// Offsets count from 0 without gaps. A position remembers how its records were made: going on with
/// another seed or share is refused, while rows and rate may change. With a rate, the records of the
/// first tenth of a second are there at once.
///
/// # Example
/// ```
/// use highwater_codec::{Columns, Json, Type};
/// use highwater_core::{Limits, Positions, Source};
/// use highwater_datagen::{Generator, Transactions};
///
/// let json = Json::try_new(Columns::new().required("transaction_id", Type::Text))?;
/// let source = Generator::new(Transactions).rows(1_000).decode(json);
/// let (from, limits) = (Positions::default(), Limits::default());
/// let planned = futures::executor::block_on(source.plan(&from, None, &limits))?;
/// assert_eq!(planned.ranges[0].to.next, 1_000);
/// assert!(planned.ended);
/// # Ok::<(), highwater_core::Error>(())
/// ```
pub struct GeneratorSource<R, F> {
    generator: Arc<Generator<R>>,
    format: F,
    source_columns: bool,
    /// The mean length of a record, found by making some.
    record_bytes: u64,
    /// When the source was first asked, and where it stood then.
    first_asked: Mutex<Option<(Instant, i64)>>,
}

/// How much one payload holds.
const PAYLOAD_BYTES: usize = 256 << 10;
const PAYLOAD_RECORDS: u64 = 8_192;

impl<R: Records, F: Format> GeneratorSource<R, F> {
    pub(crate) fn new(generator: Generator<R>, format: F) -> Self {
        const SAMPLE: u64 = 16;
        let mut sample = Vec::new();
        (0..SAMPLE).for_each(|offset| generator.write(offset, &mut sample));
        let record_bytes = (u64::try_from(sample.len()).unwrap_or(u64::MAX) / SAMPLE).max(1);
        Self {
            generator: Arc::new(generator),
            format,
            source_columns: false,
            record_bytes,
            first_asked: Mutex::new(None),
        }
    }

    /// Adds `_topic` (text), `_partition` (i32) and `_offset` (i64) behind the columns of the format.
    #[must_use]
    pub fn source_columns(mut self) -> Self {
        self.source_columns = true;
        self
    }

    /// Where `from` says to go on, if this generator made what lies before.
    fn begin(&self, from: &Positions) -> Result<i64, DatagenError> {
        let ours = partition();
        if let Some((partition, _)) = from.iter().find(|(partition, _)| **partition != ours) {
            return Err(DatagenError::OtherPartition { partition: partition.clone(), ours });
        }
        let Some(Position { next, detail }) = from.get(&ours) else { return Ok(0) };
        let (then, today) = (detail.clone().unwrap_or_default(), self.generator.describe());
        if then != today {
            return Err(DatagenError::OtherRecords { partition: ours, offset: *next, then, today });
        }
        Ok(*next)
    }

    fn position(&self, next: i64) -> Position {
        Position { next, detail: Some(self.generator.describe()) }
    }

    fn rows(&self) -> i64 {
        self.generator.rows.and_then(|rows| i64::try_from(rows).ok()).unwrap_or(i64::MAX)
    }

    /// How many records have come into being by now.
    fn made_by_now(&self, begin: i64) -> i64 {
        let Some(rate) = self.generator.rate else { return self.rows() };
        let mut first = self.first_asked.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, from) = *first.get_or_insert_with(|| (Instant::now(), begin));
        from.saturating_add(made_within(since.elapsed(), rate)).min(self.rows())
    }
}

/// How many records come into being in `time` and a tenth of a second, rounded up: at least one.
fn made_within(time: Duration, rate: NonZeroU64) -> i64 {
    let micros = time.as_micros().saturating_add(100_000);
    let records = micros.saturating_mul(u128::from(rate.get())).div_ceil(1_000_000);
    i64::try_from(records).unwrap_or(i64::MAX)
}

#[async_trait]
impl<R: Records + 'static, F: Format> Source for GeneratorSource<R, F> {
    fn describe(&self) -> String {
        format!("generator of {}", self.generator.describe())
    }

    fn output(&self) -> StreamInfo {
        let schema = self.format.schema();
        StreamInfo::new(match self.source_columns {
            true => SourceColumns::behind(&schema),
            false => schema,
        })
    }

    fn rejected(&self) -> StreamInfo {
        StreamInfo::new(rejected_schema())
    }

    async fn plan(
        &self,
        from: &Positions,
        until: Option<&Positions>,
        limits: &Limits,
    ) -> Result<Planned> {
        let begin = self.begin(from)?;
        let end = match until {
            Some(until) => until.get(&partition()).map_or(0, |until| until.next).min(self.rows()),
            None => self.made_by_now(begin),
        };
        let most = limits.records.min(limits.bytes / self.record_bytes).max(1);
        let to = begin.saturating_add(i64::try_from(most).unwrap_or(i64::MAX)).min(end).max(begin);
        let range = Range {
            id: RangeId(0),
            partition: partition(),
            from: self.position(begin),
            to: self.position(to),
        };
        let behind = u64::try_from(end.saturating_sub(to)).unwrap_or(0);
        Ok(Planned {
            ranges: if to > begin { vec![range] } else { Vec::new() },
            throttled: 0,
            gaps: Vec::new(),
            backlog: vec![Backlog {
                partition: partition(),
                end: end.max(to),
                behind,
                withheld: None,
            }],
            ended: self.generator.rows.is_some() && to >= self.rows(),
        })
    }

    async fn ends(&self, from: &Positions) -> Result<Positions> {
        self.begin(from)?;
        if self.generator.rows.is_none() {
            return Err(DatagenError::Endless.into());
        }
        Ok(Positions::from_iter([(partition(), self.position(self.rows()))]))
    }

    fn read(&self, ranges: Vec<Range>) -> BoxStream<'static, Result<(RangeId, Payload)>> {
        let generator = Arc::clone(&self.generator);
        let room = PAYLOAD_BYTES + PAYLOAD_BYTES / 8;
        let payloads = move |range: Range| {
            let generator = Arc::clone(&generator);
            let span = |offset: i64| u64::try_from(offset).unwrap_or(0);
            let mut left = span(range.from.next)..span(range.to.next);
            let mut payload = move || {
                let mut out = Vec::with_capacity(room);
                let most = usize::try_from(PAYLOAD_RECORDS).unwrap_or(usize::MAX);
                for offset in left.by_ref().take(most) {
                    frame(&mut out, |out| generator.write(offset, out));
                    if out.len() >= PAYLOAD_BYTES {
                        break;
                    }
                }
                (!out.is_empty()).then(|| Payload::from(Bytes::from(out)))
            };
            let id = range.id;
            stream::iter(std::iter::from_fn(move || payload().map(|payload| Ok((id, payload)))))
        };
        stream::iter(ranges).flat_map(payloads).boxed()
    }

    fn decoder(&self, range: &Range) -> Result<Box<dyn Decoder>> {
        let columns = || SourceColumns::new(&self.format.schema(), range.partition.clone());
        let columns = self.source_columns.then(columns);
        Ok(Box::new(GeneratedDecoder::new(range, self.format.decoder(), columns)))
    }
}

impl<R: Records, F: Format> fmt::Debug for GeneratorSource<R, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GeneratorSource")
            .field("generator", &self.generator.describe())
            .field("rows", &self.generator.rows)
            .field("rate", &self.generator.rate)
            .field("format", &self.format)
            .finish_non_exhaustive()
    }
}

fn partition() -> Partition {
    Partition::new("generator", 0)
}

/// Appends what `write` appends, with its length before it.
fn frame(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let begin = out.len();
    out.extend_from_slice(&[0; LENGTH]);
    write(out);
    let length = u32::try_from(out.len() - begin - LENGTH).unwrap_or(u32::MAX).to_le_bytes();
    if let Some(place) = out.get_mut(begin..begin + LENGTH) {
        place.copy_from_slice(&length);
    }
}

#[cfg(test)]
mod tests;
