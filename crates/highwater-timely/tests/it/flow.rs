//! A slow writer slows its readers, and not the memory.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream, StreamExt as _};
use highwater_core::arrow::array::{ArrayRef, Int64Array, LargeBinaryArray, RecordBatch};
use highwater_core::arrow::buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use highwater_core::arrow::datatypes::{DataType, Field, Schema};
use highwater_core::{
    Batch, Committer, Decoded, Decoder, Limits, Partition, Payload, Planned, Position, Positions,
    Range, RangeId, Result, Routing, Sink, SinkContext, Source, Staged, StreamInfo, Writer,
    WriterContext, rejected_schema,
};
use highwater_pipeline::{Options, Pipeline, Trigger};
use highwater_storage::Storage;
use highwater_testkit::memory::MemoryTable;
use highwater_timely::Threads;

const PARTITIONS: i32 = 2;
const PAYLOADS: i64 = 200;
const PAYLOAD: usize = 64 << 10;
const IN_FLIGHT: usize = 512 << 10;

/// Bytes of payloads that somebody holds, and the most there ever were.
#[derive(Debug, Default)]
struct Held {
    now: AtomicUsize,
    most: AtomicUsize,
}

struct Tracked {
    bytes: Vec<u8>,
    held: Arc<Held>,
}

impl Tracked {
    fn payload(held: &Arc<Held>) -> Payload {
        let now = held.now.fetch_add(PAYLOAD, SeqCst) + PAYLOAD;
        held.most.fetch_max(now, SeqCst);
        let tracked = Self { bytes: vec![7; PAYLOAD], held: Arc::clone(held) };
        Bytes::from_owner(tracked).into()
    }
}

impl AsRef<[u8]> for Tracked {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Tracked {
    fn drop(&mut self) {
        self.held.now.fetch_sub(PAYLOAD, SeqCst);
    }
}

/// Payloads that are always there, each one row that shares the payload's bytes.
struct Plenty(Arc<Held>);

fn rows(payload: Payload) -> RecordBatch {
    let offsets = OffsetBuffer::new(ScalarBuffer::from(vec![0, PAYLOAD.try_into().unwrap()]));
    let column = LargeBinaryArray::new(offsets, Buffer::from(payload.bytes), None);
    RecordBatch::try_new(output().schema, vec![Arc::new(column) as ArrayRef]).unwrap()
}

fn output() -> StreamInfo {
    let column = Field::new("value", DataType::LargeBinary, false);
    StreamInfo::new(Arc::new(Schema::new(vec![column])))
}

#[async_trait]
impl Source for Plenty {
    fn describe(&self) -> String {
        "plenty".to_owned()
    }

    fn output(&self) -> StreamInfo {
        output()
    }

    fn rejected(&self) -> StreamInfo {
        StreamInfo::new(rejected_schema())
    }

    async fn plan(&self, from: &Positions, _: Option<&Positions>, _: &Limits) -> Result<Planned> {
        let range = |index: i32| Range {
            id: RangeId(index.unsigned_abs()),
            partition: Partition::new("plenty", index),
            from: Position::at(0),
            to: Position::at(PAYLOADS),
        };
        let ranges = if from.is_empty() { (0..PARTITIONS).map(range).collect() } else { vec![] };
        Ok(Planned { ranges, ..Planned::default() })
    }

    async fn ends(&self, _: &Positions) -> Result<Positions> {
        Ok(Positions::default())
    }

    fn read(&self, ranges: Vec<Range>) -> BoxStream<'static, Result<(RangeId, Payload)>> {
        let held = Arc::clone(&self.0);
        let each = ranges.into_iter().flat_map(|range| (0..PAYLOADS).map(move |_| range.id));
        stream::iter(each).map(move |id| Ok((id, Tracked::payload(&held)))).boxed()
    }

    fn decoder(&self, _: &Range) -> Result<Box<dyn Decoder>> {
        Ok(Box::new(OneRow))
    }
}

struct OneRow;

impl Decoder for OneRow {
    fn decode(&mut self, payload: Payload, decoded: &mut Decoded) -> Result<()> {
        decoded.rows.push(rows(payload));
        decoded.offsets.push(highwater_core::Offsets::From(0));
        decoded.records += 1;
        Ok(())
    }

    fn finish(&mut self, _: &mut Decoded) -> Result<()> {
        Ok(())
    }
}

/// Keeps nothing of the values but their number, on one worker, and takes 2 ms for each batch.
struct Slow(MemoryTable);

#[async_trait]
impl Sink for Slow {
    fn describe(&self) -> String {
        "slow".to_owned()
    }

    fn resolve(&self, _: &StreamInfo) -> Result<Routing> {
        Ok(Routing::Single)
    }

    async fn open(&self, cx: &SinkContext) -> Result<Box<dyn Committer>> {
        self.0.open(&SinkContext { input: ones(), ..cx.clone() }).await
    }

    fn writer(&self, cx: &WriterContext) -> Result<Box<dyn Writer>> {
        let inner = self.0.writer(&WriterContext { input: ones(), ..cx.clone() })?;
        Ok(Box::new(SlowWriter(inner)))
    }
}

fn ones() -> StreamInfo {
    let column = Field::new("one", DataType::Int64, false);
    StreamInfo::new(Arc::new(Schema::new(vec![column])))
}

struct SlowWriter(Box<dyn Writer>);

#[async_trait]
impl Writer for SlowWriter {
    fn write(&mut self, batch: Batch) -> Result<()> {
        std::thread::sleep(Duration::from_millis(2));
        let column: ArrayRef = Arc::new(Int64Array::from(vec![1; batch.len()]));
        self.0.write(RecordBatch::try_new(ones().schema, vec![column]).unwrap().into())
    }

    fn close(self: Box<Self>) -> BoxFuture<'static, Result<Vec<Staged>>> {
        self.0.close()
    }
}

#[tokio::test]
async fn a_slow_sink_slows_the_readers_and_not_the_memory() {
    let held = Arc::new(Held::default());
    let table = MemoryTable::new("ones");
    let p = Pipeline::new("slow");
    p.source("plenty", Plenty(Arc::clone(&held))).sink("ones", Slow(table.clone()));
    let threads = Threads::new(NonZeroUsize::new(2).unwrap());
    let options = Options::checkpoint_in(Storage::memory())
        .trigger(Trigger::available_now())
        .executor(Arc::new(threads.in_flight(NonZeroUsize::new(IN_FLIGHT).unwrap())));
    p.build().unwrap().start(options).unwrap().wait().await.unwrap();

    assert_eq!(table.row_count(), 400);
    let most = held.most.load(SeqCst);
    // On each worker what is in flight, and the one payload that found no room.
    let room = 2 * (IN_FLIGHT + PAYLOAD);
    assert!(most > IN_FLIGHT && most <= room, "{most} bytes were held, {room} may be");
    assert_eq!(held.now.load(SeqCst), 0);
}
