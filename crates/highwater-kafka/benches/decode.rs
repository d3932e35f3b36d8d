//! Record batches to records, without a format: what is above the floors of checksum and unpacking. CPU
//! time of the reading thread, as the broker runs on another one, for rows of 164 bytes of JSON in batches of 100.
//!
//! * `decode`: from the bytes of answers to the spans of their values.
//! * `fetch`: the same from a broker, with its requests and answers. Goal: at most 90 ns a row with lz4,
//!   better 55.
#![expect(clippy::unwrap_used, reason = "a benchmark makes its own bytes")]

use std::cell::LazyCell;
use std::hint::black_box;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use futures::StreamExt;
use highwater_codec::{Format, Reason, RecordDecoder, Records};
use highwater_core::{Decoded, Limits, Payload, Positions, Range, Source};
use highwater_kafka::KafkaSource;
use highwater_testkit::broker::{Batch, Cluster, Packing, Record};
use highwater_testkit::cpu::CpuTime;
use tokio::runtime::{Builder, Runtime};

/// Looks at every value and makes no rows.
#[derive(Debug)]
struct Nothing;

impl Format for Nothing {
    fn schema(&self) -> SchemaRef {
        Arc::new(Schema::empty())
    }

    fn decoder(&self) -> Box<dyn RecordDecoder> {
        Box::new(Self)
    }

    fn describe(&self) -> String {
        "nothing".to_owned()
    }
}

impl RecordDecoder for Nothing {
    fn decode(
        &mut self,
        records: &Records<'_>,
        outcomes: &mut Vec<Option<Reason>>,
    ) -> highwater_core::Result<RecordBatch> {
        outcomes.clear();
        outcomes.resize(records.values.len(), None);
        black_box(records);
        Ok(RecordBatch::new_empty(self.schema()))
    }
}

fn value(n: u64) -> Vec<u8> {
    let (from, to, cents) = (n * 7919 % 100_000, n * 104_729 % 100_000, n * 31 % 100);
    let amount = n * 17 % 10_000;
    format!(
        r#"{{"tx_id":"TXN{n:08}","account_from":"ACC{from:06}","account_to":"ACC{to:06}","amount":"{amount:04}.{cents:02}","currency":"EUR","kind":"TRANSFER","timestamp":"2025-01-16T12:30:00Z"}}"#
    )
    .into_bytes()
}

const RECORDS: u64 = 200_000;

fn lz4(data: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut writer = lz4_flex::frame::FrameEncoder::new(Vec::new());
    writer.write_all(data).unwrap();
    writer.finish().unwrap()
}

fn snappy(data: &[u8]) -> Vec<u8> {
    snap::raw::Encoder::new().compress_vec(data).unwrap()
}

fn zstd(data: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(data, 1).unwrap()
}

fn packings() -> [(&'static str, Option<Packing>); 4] {
    [
        ("none", None),
        ("snappy", Some(Packing { codec: 2, pack: snappy })),
        ("lz4", Some(Packing { codec: 3, pack: lz4 })),
        ("zstd", Some(Packing { codec: 4, pack: zstd })),
    ]
}

/// A topic on a broker of its own, and its only range.
struct Topic {
    source: KafkaSource<Arc<dyn Format>>,
    range: Range,
    runtime: Runtime,
    _broker: (Cluster, Runtime),
}

impl Topic {
    fn new(packing: Option<Packing>) -> Self {
        let elsewhere = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let cluster = elsewhere.block_on(Cluster::start(1)).unwrap();
        cluster.create_topic("t", 1);
        for batch in 0..RECORDS / 100 {
            let key = |n| Some(format!("TXN{n:08}").into());
            let record = |n| Record { key: key(n), ..Record::value(value(n)) };
            let records = (batch * 100..).take(100).map(record);
            cluster.append("t", 0, Batch { packing, ..Batch::of(records) });
        }
        let source = KafkaSource::new(cluster.bootstrap(), "t").decode(Nothing);
        let (start, limits) = (Positions::default(), Limits::default());
        let plan = source.plan(&start, None, &limits);
        let range = runtime.block_on(plan).unwrap().ranges.pop().unwrap();
        Self { source, range, runtime, _broker: (cluster, elsewhere) }
    }

    /// Reads the range, and gives each payload to `each`.
    fn read(&self, mut each: impl FnMut(Payload)) {
        self.runtime.block_on(async {
            let mut payloads = self.source.read(vec![self.range.clone()]);
            while let Some(payload) = payloads.next().await {
                each(payload.unwrap().1);
            }
        });
    }

    /// Decodes the payloads that `read` gives.
    fn decode(&self, read: impl FnOnce(&mut dyn FnMut(Payload))) {
        let mut decoded = Decoded::default();
        let mut decoder = self.source.decoder(&self.range).unwrap();
        read(&mut |payload| decoder.decode(payload, &mut decoded).unwrap());
        assert_eq!(decoded.records, RECORDS);
    }
}

fn decode(criterion: &mut Criterion<CpuTime>) {
    for (name, packing) in packings() {
        // Made by the first one that is measured.
        let topic = LazyCell::new(|| Topic::new(packing));
        let payloads = LazyCell::new(|| {
            let mut payloads = Vec::new();
            topic.read(|payload| payloads.push(payload));
            payloads
        });
        let mut group = criterion.benchmark_group("decode");
        group.throughput(Throughput::Elements(RECORDS)).sample_size(20);
        group.bench_function(name, |bencher| {
            bencher.iter(|| topic.decode(|each| payloads.iter().cloned().for_each(each)));
        });
        group.finish();
        let mut group = criterion.benchmark_group("fetch");
        group.throughput(Throughput::Elements(RECORDS)).sample_size(20);
        group.bench_function(name, |bencher| {
            bencher.iter(|| topic.decode(|each| topic.read(each)));
        });
        group.finish();
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().with_measurement(CpuTime::THREAD);
    targets = decode
}
criterion_main!(benches);
