//! A table in memory that is read at a version.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use highwater_core::{
    Decoded, Decoder, Error, ErrorKind, Limits, Offsets, Partition, Payload, Planned, Position,
    Positions, Range, RangeId, Result, Source, StreamInfo, rejected_schema,
};

/// So many rows are a payload: tables of tests are small, and still come in several.
const PAYLOAD_ROWS: usize = 3;

/// A versioned source in memory. Clones share its versions, of which number 0 is empty.
///
/// # Example
/// ```
/// use std::sync::Arc;
///
/// use arrow::array::{ArrayRef, Int64Array, RecordBatch};
/// use highwater_core::{Limits, Positions, Source};
/// use highwater_testkit::memory_versions::MemoryVersions;
///
/// # futures::executor::block_on(async {
/// let ids: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3]));
/// let rows = RecordBatch::try_from_iter([("id", ids)]).unwrap();
/// let users = MemoryVersions::new("users", rows.schema());
/// users.put(rows);
/// let planned = users.plan(&Positions::default(), None, &Limits::default()).await?;
/// assert_eq!(planned.ranges[0].to.next, 2);
/// # Ok::<(), highwater_core::Error>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct MemoryVersions {
    name: String,
    output: StreamInfo,
    fixed: bool,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug)]
struct Shared {
    /// None where one was taken away.
    versions: Vec<Option<RecordBatch>>,
    reads: Vec<usize>,
}

impl MemoryVersions {
    /// A table with rows of `schema`, of which there are none.
    pub fn new(name: &str, schema: SchemaRef) -> Self {
        let versions = vec![Some(RecordBatch::new_empty(SchemaRef::clone(&schema)))];
        let shared = Arc::new(Mutex::new(Shared { versions, reads: Vec::new() }));
        Self { name: name.to_owned(), output: StreamInfo::new(schema), fixed: false, shared }
    }

    /// The same table, read for ever at the version that the first epoch finds.
    #[must_use]
    pub fn fixed(mut self) -> Self {
        self.fixed = true;
        self
    }

    /// Makes the next version, with these rows and no others.
    pub fn put(&self, rows: RecordBatch) {
        self.shared().versions.push(Some(rows));
    }

    /// Takes the rows of a version away, as a clean-up of a table does.
    pub fn forget(&self, version: usize) {
        if let Some(rows) = self.shared().versions.get_mut(version) {
            *rows = None;
        }
    }

    /// The versions that were read, in their order.
    pub fn reads(&self) -> Vec<usize> {
        self.shared().reads.clone()
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn partition(&self) -> Partition {
        Partition::new(&self.name, 0)
    }

    /// The version that a position names.
    fn version(position: &Position) -> usize {
        usize::try_from(position.next - 1).unwrap_or(usize::MAX)
    }

    fn rows(&self, version: usize) -> Result<RecordBatch> {
        let shared = self.shared();
        let rows = shared.versions.get(version).cloned().flatten();
        rows.ok_or_else(|| {
            let what = format!("version {version} of table {} is gone", self.name);
            Error::new(ErrorKind::Refused, "testkit", what).advise("restore it")
        })
    }
}

#[async_trait]
impl Source for MemoryVersions {
    fn describe(&self) -> String {
        format!("versions {}", self.name)
    }

    fn output(&self) -> StreamInfo {
        self.output.clone()
    }

    fn rejected(&self) -> StreamInfo {
        StreamInfo::new(rejected_schema())
    }

    fn is_versioned(&self) -> bool {
        true
    }

    async fn plan(
        &self,
        from: &Positions,
        until: Option<&Positions>,
        _limits: &Limits,
    ) -> Result<Planned> {
        let partition = self.partition();
        let named = until.and_then(|until| until.get(&partition));
        let named = named.or_else(|| from.get(&partition).filter(|_| self.fixed)).cloned();
        let newest = Position::at(i64::try_from(self.shared().versions.len()).unwrap_or(i64::MAX));
        let to = named.unwrap_or(newest);
        self.rows(Self::version(&to))?;
        Ok(Planned::version(partition, to))
    }

    async fn ends(&self, from: &Positions) -> Result<Positions> {
        let planned = self.plan(from, None, &Limits::default()).await?;
        Ok(planned.ranges.into_iter().map(|range| (range.partition, range.to)).collect())
    }

    fn read(&self, ranges: Vec<Range>) -> BoxStream<'static, Result<(RangeId, Payload)>> {
        let mut payloads = Vec::new();
        for range in ranges {
            let version = Self::version(&range.to);
            self.shared().reads.push(version);
            match self.rows(version) {
                Err(error) => payloads.push(Err(error)),
                Ok(rows) => {
                    let starts = (0..rows.num_rows()).step_by(PAYLOAD_ROWS);
                    payloads.extend(starts.map(|from| {
                        let length = PAYLOAD_ROWS.min(rows.num_rows() - from);
                        Ok((range.id, rows.slice(from, length).into()))
                    }));
                }
            }
        }
        stream::iter(payloads).boxed()
    }

    fn decoder(&self, _range: &Range) -> Result<Box<dyn Decoder>> {
        Ok(Box::new(Ready { next: 0 }))
    }
}

/// Counts the rows of payloads that are rows already.
struct Ready {
    next: i64,
}

impl Decoder for Ready {
    fn decode(&mut self, payload: Payload, decoded: &mut Decoded) -> Result<()> {
        let Some(rows) = payload.rows else { return Ok(()) };
        decoded.records += u64::try_from(rows.num_rows()).unwrap_or(u64::MAX);
        decoded.offsets.push(Offsets::From(self.next));
        self.next += i64::try_from(rows.num_rows()).unwrap_or(i64::MAX);
        decoded.rows.push(rows);
        Ok(())
    }

    fn finish(&mut self, _decoded: &mut Decoded) -> Result<()> {
        Ok(())
    }
}
