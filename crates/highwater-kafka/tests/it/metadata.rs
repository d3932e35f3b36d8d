//! Columns of what Kafka knows of a record: its own for each row, whatever becomes of its neighbours.

use std::sync::Arc;

use arrow::array::{
    Array, AsArray, BinaryArray, Int32Array, Int64Array, ListArray, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::DataType;
use bytes::Bytes;
use futures::StreamExt;
use highwater_codec::Format;
use highwater_core::{Decoded, ErrorKind, Limits, Positions, Source};
use highwater_kafka::{KafkaSource, Metadata};
use highwater_testkit::broker::{Batch, Cluster, Record};

use crate::codecs::PACKINGS;
use crate::reading::{column, source, value};

/// Record `n`: every third is rejected, every second has no key, and they have `n` headers each.
fn record(n: u8) -> Record {
    let header = |m: u8| {
        let value = m.is_multiple_of(2).then(|| Bytes::from(vec![n, m]));
        (["a", "b"][usize::from(m % 2)].to_owned(), value)
    };
    Record {
        key: n.is_multiple_of(2).then(|| Bytes::from(format!("key-{n}"))),
        headers: (0..n).map(header).collect(),
        timestamp: if n == 4 { -1 } else { 1_000 + i64::from(n) },
        ..Record::value(if n % 3 == 2 { "no JSON".to_owned() } else { value(&format!("{n}")) })
    }
}

async fn cluster() -> Cluster {
    let cluster = Cluster::start(1).await.unwrap();
    cluster.create_topic("t", 2);
    let records = || Batch::of((0..9).map(record));
    cluster.append("t", 1, records());
    for packing in PACKINGS {
        cluster.append("t", 1, records().packed(packing));
    }
    cluster.append("t", 1, Batch { log_append_time: Some(9_000), ..records() });
    cluster
}

async fn rows(source: &KafkaSource<Arc<dyn Format>>) -> Vec<RecordBatch> {
    let planned = source.plan(&Positions::default(), None, &Limits::default()).await.unwrap();
    let mut decoder = source.decoder(&planned.ranges[0]).unwrap();
    let (mut decoded, mut payloads) = (Decoded::default(), source.read(planned.ranges));
    while let Some(item) = payloads.next().await {
        decoder.decode(item.unwrap().1, &mut decoded).unwrap();
    }
    decoder.finish(&mut decoded).unwrap();
    assert!(decoded.rows.iter().all(|rows| rows.schema() == source.output().schema));
    decoded.rows
}

#[tokio::test]
async fn every_row_has_what_is_known_of_its_own_record() {
    let cluster = cluster().await;
    let all =
        Metadata::ALL.into_iter().fold(source(&cluster.bootstrap(), "t"), KafkaSource::metadata);
    let mut seen = 0;
    for rows in rows(&all).await {
        let texts: &StringArray = column(&rows, "v");
        let keys: &BinaryArray = column(&rows, "key");
        let topics: &StringArray = column(&rows, "topic");
        let partitions: &Int32Array = column(&rows, "partition");
        let offsets: &Int64Array = column(&rows, "offset");
        let own_offsets: &Int64Array = column(&rows, "_offset");
        let times: &TimestampMicrosecondArray = column(&rows, "timestamp");
        let kinds: &Int32Array = column(&rows, "timestampType");
        let headers: &ListArray = column(&rows, "headers");
        for row in 0..rows.num_rows() {
            let n: u8 = texts.value(row).parse().unwrap();
            let expected = record(n);
            let offset = offsets.value(row);
            assert_eq!(offset % 9, i64::from(n), "record {n}");
            assert_eq!(own_offsets.value(row), offset);
            assert_eq!((topics.value(row), partitions.value(row)), ("t", 1));
            let key = keys.is_valid(row).then(|| keys.value(row));
            assert_eq!(key, expected.key.as_deref(), "record {n}");
            let by_broker = offset >= 9 * 8;
            assert_eq!(kinds.value(row), i32::from(by_broker));
            let time = times.is_valid(row).then(|| times.value(row));
            let sent = (expected.timestamp >= 0).then_some(expected.timestamp * 1_000);
            assert_eq!(time, if by_broker { Some(9_000_000) } else { sent }, "record {n}");
            let list = headers.value(row);
            let (names, values) = (list.as_struct().column(0), list.as_struct().column(1));
            let (names, values) = (names.as_string::<i32>(), values.as_binary::<i32>());
            let found: Vec<(String, Option<Bytes>)> = (0..list.len())
                .map(|at| {
                    let value =
                        values.is_valid(at).then(|| Bytes::copy_from_slice(values.value(at)));
                    (names.value(at).to_owned(), value)
                })
                .collect();
            assert_eq!(found, expected.headers, "record {n}");
            seen += 1;
        }
    }
    assert_eq!(seen, 9 * 6);
}

#[tokio::test]
async fn columns_come_as_chosen_and_under_the_names_given() {
    let cluster = cluster().await;
    let chosen = source(&cluster.bootstrap(), "t")
        .metadata_as(Metadata::Offset, "at")
        .metadata(Metadata::Key)
        .metadata_as(Metadata::Key, "again");
    let names = ["v", "at", "key", "again", "_topic", "_partition", "_offset"];
    let schema = chosen.output().schema;
    assert_eq!(schema.fields().iter().map(|field| field.name()).collect::<Vec<_>>(), names);
    assert_eq!(schema.field(3).data_type(), &DataType::Binary);
    assert!(schema.field(3).is_nullable() && !schema.field(1).is_nullable());
    for rows in rows(&chosen).await {
        assert!(rows["key"].as_ref() == rows["again"].as_ref());
        assert!(rows["at"].as_ref() == rows["_offset"].as_ref());
    }
}

#[tokio::test]
async fn two_columns_of_one_name_are_refused() {
    let cluster = cluster().await;
    for twice in [
        source(&cluster.bootstrap(), "t").metadata_as(Metadata::Key, "v"),
        source(&cluster.bootstrap(), "t").metadata(Metadata::Topic).metadata(Metadata::Topic),
        source(&cluster.bootstrap(), "t").metadata_as(Metadata::Offset, "_offset"),
    ] {
        let planned = twice.plan(&Positions::default(), None, &Limits::default()).await;
        let error = planned.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
        assert!(error.to_string().contains("two columns are called "), "{error}");
        assert!(error.next_step().contains("metadata_as"));
    }
}
