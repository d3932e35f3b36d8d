//! A source in memory: partitions that a test appends to, and that can be read again and again.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::array::RecordBatch;
use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use highwater_core::{
    Backlog, Decoded, Decoder, Error, ErrorKind, Limits, Offsets, Partition, Payload, Planned,
    Position, Positions, Range, RangeId, RejectedRecords, Result, Source, StreamInfo,
    rejected_schema,
};

const PAYLOAD_RECORDS: i64 = 1_000;

/// A replayable source in memory. Clones share its records.
///
/// Each row is a record, whose offset is its place in the partition. A record may also be one that
/// cannot become a row.
///
/// # Example
/// ```
/// use std::sync::Arc;
///
/// use arrow::array::{ArrayRef, Int64Array, RecordBatch};
/// use highwater_core::{Limits, Positions, Source};
/// use highwater_testkit::memory_source::MemorySource;
///
/// # futures::executor::block_on(async {
/// let ids: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3]));
/// let rows = RecordBatch::try_from_iter([("id", ids)]).unwrap();
/// let source = MemorySource::new("orders", rows.schema(), 2).bounded();
/// source.append(0, rows);
/// let planned = source.plan(&Positions::default(), None, &Limits::default()).await?;
/// assert_eq!(planned.ranges[0].to.next, 3);
/// assert!(planned.ended);
/// # Ok::<(), highwater_core::Error>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct MemorySource {
    name: String,
    output: StreamInfo,
    bounded: bool,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug)]
struct Shared {
    partitions: Vec<Records>,
    told: Option<Positions>,
}

#[derive(Clone, Debug, Default)]
struct Records {
    /// With the offset of the first record of each.
    runs: Vec<(i64, Run)>,
    /// The first offset that is still there.
    start: i64,
    end: i64,
}

#[derive(Clone, Debug)]
enum Run {
    Rows(RecordBatch),
    Rejected { raw: Bytes, reason: String },
}

impl MemorySource {
    /// A source of `partitions` empty partitions of the stream `name`, for rows of `schema`.
    pub fn new(name: &str, schema: arrow::datatypes::SchemaRef, partitions: usize) -> Self {
        let partitions = vec![Records::default(); partitions];
        let shared = Arc::new(Mutex::new(Shared { partitions, told: None }));
        Self { name: name.to_owned(), output: StreamInfo::new(schema), bounded: false, shared }
    }

    /// The same source, which ends where its records end.
    #[must_use]
    pub fn bounded(mut self) -> Self {
        self.bounded = true;
        self
    }

    /// Appends rows, a record each.
    ///
    /// # Panics
    /// When there is no such partition.
    pub fn append(&self, partition: usize, rows: RecordBatch) {
        let count = rows.num_rows();
        self.push(partition, Run::Rows(rows), count);
    }

    /// Appends a record that cannot become a row.
    ///
    /// # Panics
    /// When there is no such partition.
    pub fn append_rejected(&self, partition: usize, raw: impl Into<Bytes>, reason: &str) {
        self.push(partition, Run::Rejected { raw: raw.into(), reason: reason.to_owned() }, 1);
    }

    /// Removes the records of a partition before `offset`, as retention does.
    pub fn forget_before(&self, partition: usize, offset: i64) {
        if let Some(records) = self.shared().partitions.get_mut(partition) {
            records.start = offset.min(records.end);
        }
    }

    /// The last positions that the source was told are in every table.
    pub fn told(&self) -> Option<Positions> {
        self.shared().told.clone()
    }

    fn push(&self, partition: usize, run: Run, count: usize) {
        let mut shared = self.shared();
        let records = shared.partitions.get_mut(partition);
        assert!(records.is_some(), "source {} has no partition {partition}", self.name);
        if let (Some(records), Ok(count)) = (records, i64::try_from(count)) {
            records.runs.push((records.end, run));
            records.end += count;
        }
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn partition(&self, index: usize) -> Partition {
        Partition::new(&self.name, i32::try_from(index).unwrap_or(i32::MAX))
    }

    fn records(&self, range: &Range) -> Result<Records> {
        let index = usize::try_from(range.partition.index).ok();
        let shared = self.shared();
        let records = index.and_then(|index| shared.partitions.get(index));
        match records {
            Some(records) if range.partition.stream == self.name => Ok(records.clone()),
            _ => Err(error(ErrorKind::Internal, format!("{} is not here", range.partition))),
        }
    }

    fn plan_now(
        &self,
        from: &Positions,
        until: Option<&Positions>,
        limits: &Limits,
    ) -> Result<Planned> {
        let shared = self.shared();
        let mut planned = Planned { ended: self.bounded, ..Planned::default() };
        let mut records_left = i64::try_from(limits.records).unwrap_or(i64::MAX);
        let mut bytes_left = limits.bytes;
        for (index, records) in shared.partitions.iter().enumerate() {
            let partition = self.partition(index);
            let next = from.get(&partition).map_or(0, |position| position.next);
            if next < records.start {
                let gone = format!("{partition} begins at {}, not at {next}", records.start);
                return Err(error(ErrorKind::Refused, gone));
            }
            let stop = until.and_then(|until| until.get(&partition)).map(|stop| stop.next);
            let end = stop.map_or(records.end, |stop| stop.min(records.end));
            let others = i64::try_from(shared.partitions.len() - index).unwrap_or(1);
            let quota = (records_left / others).max(records_left.min(1));
            let to = records.within(next, end.min(next.saturating_add(quota)), &mut bytes_left);
            if to > next {
                records_left -= to - next;
                let id = RangeId(u32::try_from(planned.ranges.len()).unwrap_or(u32::MAX));
                let (from, to) = (Position::at(next), Position::at(to));
                planned.ranges.push(Range { id, partition: partition.clone(), from, to });
            }
            planned.ended &= to.max(next) >= records.end;
            let behind = u64::try_from(records.end - to.max(next)).unwrap_or(0);
            planned.backlog.push(Backlog { partition, end: records.end, behind, withheld: None });
        }
        Ok(planned)
    }
}

impl Records {
    /// The end of what fits, at most `to`. One record always fits as long as nothing was taken.
    fn within(&self, from: i64, to: i64, bytes_left: &mut u64) -> i64 {
        let mut end = from;
        while end < to {
            let Some(bytes) = self.bytes_at(end) else { break };
            if bytes > *bytes_left {
                break;
            }
            *bytes_left -= bytes;
            end += 1;
        }
        end
    }

    fn run_at(&self, offset: i64) -> Option<(i64, &Run)> {
        let after = self.runs.partition_point(|(start, _)| *start <= offset);
        let (start, run) = self.runs.get(after.checked_sub(1)?)?;
        Some((*start, run))
    }

    /// The bytes of a record: of a row, the average of its batch.
    fn bytes_at(&self, offset: i64) -> Option<u64> {
        match self.run_at(offset)?.1 {
            Run::Rejected { raw, .. } => u64::try_from(raw.len()).ok(),
            Run::Rows(rows) => {
                u64::try_from(rows.get_array_memory_size() / rows.num_rows().max(1)).ok()
            }
        }
    }
}

fn error(kind: ErrorKind, what: String) -> Error {
    Error::new(kind, "testkit", what)
}

#[async_trait]
impl Source for MemorySource {
    fn describe(&self) -> String {
        format!("memory {}", self.name)
    }

    fn output(&self) -> StreamInfo {
        self.output.clone()
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
        self.plan_now(from, until, limits)
    }

    async fn ends(&self, _from: &Positions) -> Result<Positions> {
        let shared = self.shared();
        let end = |(index, records): (usize, &Records)| {
            (self.partition(index), Position::at(records.end))
        };
        Ok(shared.partitions.iter().enumerate().map(end).collect())
    }

    fn read(&self, ranges: Vec<Range>) -> BoxStream<'static, Result<(RangeId, Payload)>> {
        let payloads: Vec<_> = ranges.iter().flat_map(pieces).collect();
        stream::iter(payloads).map(Ok).boxed()
    }

    fn decoder(&self, range: &Range) -> Result<Box<dyn Decoder>> {
        let records = self.records(range)?;
        Ok(Box::new(MemoryDecoder { range: range.clone(), next: range.from.next, records }))
    }

    async fn committed(&self, upto: &Positions) -> Result<()> {
        self.shared().told = Some(upto.clone());
        Ok(())
    }
}

/// The payload of a memory source names offsets: the first, and the one after the last.
fn pieces(range: &Range) -> Vec<(RangeId, Payload)> {
    let mut pieces = Vec::new();
    let mut from = range.from.next;
    while from < range.to.next {
        let to = range.to.next.min(from.saturating_add(PAYLOAD_RECORDS));
        let bytes = Bytes::from([from.to_le_bytes(), to.to_le_bytes()].concat());
        pieces.push((range.id, bytes.into()));
        from = to;
    }
    pieces
}

struct MemoryDecoder {
    range: Range,
    next: i64,
    records: Records,
}

impl MemoryDecoder {
    fn corrupt(&self, what: &str) -> Error {
        error(ErrorKind::Corrupt, format!("{} at {}: {what}", self.range.partition, self.next))
    }

    fn take(&mut self, to: i64, decoded: &mut Decoded) -> Result<()> {
        let mut rejected = RejectedRecords::new(&self.range.partition);
        while self.next < to {
            if self.next < self.records.start {
                return Err(self.corrupt("the record is gone"));
            }
            let bytes = self.records.bytes_at(self.next);
            let run = self.records.run_at(self.next);
            let (Some((start, run)), Some(bytes)) = (run, bytes) else {
                return Err(self.corrupt("there is no such record"));
            };
            let taken = match run {
                Run::Rejected { raw, reason } => {
                    rejected.push(self.next, None, Some(raw), reason);
                    1
                }
                Run::Rows(rows) => {
                    let skip = usize::try_from(self.next - start).unwrap_or(usize::MAX);
                    let wanted = usize::try_from(to - self.next).unwrap_or(usize::MAX);
                    let count = rows.num_rows().saturating_sub(skip).min(wanted);
                    decoded.rows.push(rows.slice(skip, count));
                    decoded.offsets.push(Offsets::From(self.next));
                    count
                }
            };
            let records = u64::try_from(taken).unwrap_or(u64::MAX);
            decoded.records += records;
            decoded.bytes += bytes * records;
            self.next += i64::try_from(taken).unwrap_or(i64::MAX);
        }
        decoded.rejected.extend(rejected.take()?);
        Ok(())
    }
}

impl Decoder for MemoryDecoder {
    fn decode(&mut self, payload: Payload, decoded: &mut Decoded) -> Result<()> {
        let offsets = payload.bytes.as_chunks::<8>();
        let ([from, to], []) = offsets else { return Err(self.corrupt("an unknown payload")) };
        let (from, to) = (i64::from_le_bytes(*from), i64::from_le_bytes(*to));
        if from != self.next || to > self.range.to.next {
            return Err(self.corrupt("the payload is not the next of its range"));
        }
        self.take(to, decoded)
    }

    fn finish(&mut self, _decoded: &mut Decoded) -> Result<()> {
        if self.next < self.range.to.next {
            return Err(self.corrupt("the payloads do not reach the end of the range"));
        }
        Ok(())
    }
}
