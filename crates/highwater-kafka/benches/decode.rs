//! Record batches to records, without a format: what is above the floors of checksum and unpacking.

use std::hint::black_box;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use futures::StreamExt;
use highwater_codec::{Format, Reason, RecordDecoder, Records};
use highwater_core::{Decoded, Limits, Payload, Positions, Source};
use highwater_kafka::KafkaSource;
use highwater_testkit::broker::{Batch, Cluster, Packing, Record};

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
    format!(
        r#"{{"transaction_id":"TXN{n:08}","account_from":"ACC{from:06}","account_to":"ACC{to:06}","amount":"{}.{cents:02}","currency":"EUR","transaction_type":"TRANSFER","timestamp":"2025-01-16T12:30:00Z"}}"#,
        n * 17 % 10_000
    )
    .into_bytes()
}

const RECORDS: u64 = 100_000;

/// The payloads of a topic of batches of 100 records.
async fn payloads(
    source: &KafkaSource<Nothing>,
    cluster: &Cluster,
    packing: Option<Packing>,
) -> (highwater_core::Range, Vec<Payload>) {
    cluster.create_topic("t", 1);
    for batch in 0..RECORDS / 100 {
        let records = (batch * 100..)
            .take(100)
            .map(|n| Record { key: Some(format!("TXN{n:08}").into()), ..Record::value(value(n)) });
        cluster.append("t", 0, Batch { packing, ..Batch::of(records) });
    }
    let planned = source.plan(&Positions::default(), None, &Limits::default()).await;
    let ranges = planned.unwrap_or_default().ranges;
    let items: Vec<_> = source.read(ranges.clone()).collect().await;
    let payloads = items.into_iter().filter_map(|item| item.ok().map(|(_, payload)| payload));
    (
        ranges.into_iter().next().unwrap_or_else(|| unreachable!("the topic has records")),
        payloads.collect(),
    )
}

fn lz4(data: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut writer = lz4_flex::frame::FrameEncoder::new(Vec::new());
    writer.write_all(data).and_then(|()| Ok(writer.finish()?)).unwrap_or_default()
}

fn zstd(data: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(data, 1).unwrap_or_default()
}

fn decode(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let Ok(runtime) = runtime else { return };
    let mut group = criterion.benchmark_group("decode");
    group.throughput(Throughput::Elements(RECORDS)).sample_size(20);
    let packings = [
        ("none", None),
        ("lz4", Some(Packing { codec: 3, pack: lz4 })),
        ("zstd", Some(Packing { codec: 4, pack: zstd })),
    ];
    for (name, packing) in packings {
        let Ok(cluster) = runtime.block_on(Cluster::start(1)) else { return };
        let source = KafkaSource::new(cluster.bootstrap(), "t").decode(Nothing);
        let (range, payloads) = runtime.block_on(payloads(&source, &cluster, packing));
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let mut decoded = Decoded::default();
                let Ok(mut decoder) = source.decoder(&range) else { return };
                for payload in &payloads {
                    drop(black_box(decoder.decode(payload.clone(), &mut decoded)));
                }
                assert_eq!(decoded.records, RECORDS);
            });
        });
    }
    group.finish();
}

criterion_group!(benches, decode);
criterion_main!(benches);
