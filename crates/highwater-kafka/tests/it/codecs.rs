//! Every compression, every version, and every shape of a record.

use std::io::Write as _;

use arrow::array::{
    Array as _, BinaryArray, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use bytes::Bytes;
use highwater_core::{Decoded, ErrorKind, Limits, Positions, Source};
use highwater_kafka::Metadata;
use highwater_testkit::broker::{Batch, Cluster, Packing, Record};

use crate::reading::{column, read_all, source, value};

pub(crate) fn gzip(data: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    writer.write_all(data).unwrap();
    writer.finish().unwrap()
}

fn snappy(data: &[u8]) -> Vec<u8> {
    snap::raw::Encoder::new().compress_vec(data).unwrap()
}

/// As snappy-java's `SnappyOutputStream` writes it.
fn snappy_java(data: &[u8]) -> Vec<u8> {
    let mut out = b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01".to_vec();
    for chunk in data.chunks(100) {
        let packed = snappy(chunk);
        out.extend_from_slice(&u32::try_from(packed.len()).unwrap().to_be_bytes());
        out.extend_from_slice(&packed);
    }
    out
}

fn lz4_with(data: &[u8], mode: lz4_flex::frame::BlockMode) -> Vec<u8> {
    let info = lz4_flex::frame::FrameInfo::new()
        .block_mode(mode)
        .block_size(lz4_flex::frame::BlockSize::Max64KB)
        .block_checksums(true)
        .content_checksum(true);
    let mut writer = lz4_flex::frame::FrameEncoder::with_frame_info(info, Vec::new());
    writer.write_all(data).unwrap();
    writer.finish().unwrap()
}

fn lz4(data: &[u8]) -> Vec<u8> {
    lz4_with(data, lz4_flex::frame::BlockMode::Independent)
}

fn lz4_linked(data: &[u8]) -> Vec<u8> {
    lz4_with(data, lz4_flex::frame::BlockMode::Linked)
}

fn zstd(data: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(data, 1).unwrap()
}

/// Without the size of the content in the frame, as the Java client writes it.
fn zstd_stream(data: &[u8]) -> Vec<u8> {
    zstd::stream::encode_all(data, 3).unwrap()
}

pub(crate) const PACKINGS: [Packing; 7] = [
    Packing { codec: 1, pack: gzip },
    Packing { codec: 2, pack: snappy },
    Packing { codec: 2, pack: snappy_java },
    Packing { codec: 3, pack: lz4 },
    Packing { codec: 3, pack: lz4_linked },
    Packing { codec: 4, pack: zstd },
    Packing { codec: 4, pack: zstd_stream },
];

fn batch(from: usize, to: usize) -> Batch {
    Batch::of((from..to).map(|n| Record::value(value(&format!("text-{n}")))))
}

#[tokio::test]
async fn every_compression_is_unpacked() {
    let cluster = Cluster::start(1).await.unwrap();
    cluster.create_topic("t", 1);
    let mut n = 0;
    for packing in PACKINGS.into_iter().cycle().take(21) {
        cluster.append("t", 0, batch(n, n + 3000).packed(packing));
        cluster.append("t", 0, batch(n + 3000, n + 3010));
        n += 3010;
    }
    let source = source(&cluster.bootstrap(), "t");
    let (read, _) = read_all(&source, Positions::default(), &Limits::default()).await.unwrap();
    let expected: Vec<String> = (0..n).map(|n| format!("text-{n}")).collect();
    assert_eq!(read.texts(), expected);
}

#[tokio::test]
async fn packed_batches_are_decoded_together_as_far_as_they_fit() {
    let cluster = Cluster::start(1).await.unwrap();
    for packing in PACKINGS {
        cluster.create_topic("t", 1);
        for (from, to) in [(0, 3000), (3000, 6000), (6000, 9000), (9000, 19_000), (19_000, 19_010)]
        {
            cluster.append("t", 0, batch(from, to).packed(packing));
        }
        let source = source(&cluster.bootstrap(), "t");
        let decoded = decode_all(&source).await;
        let rows: Vec<usize> = decoded.rows.iter().map(RecordBatch::num_rows).collect();
        assert_eq!(rows, [6000, 3000, 8192, 1818], "compression {}", packing.codec);
        let (read, _) = read_all(&source, Positions::default(), &Limits::default()).await.unwrap();
        let expected: Vec<String> = (0..19_010).map(|n| format!("text-{n}")).collect();
        assert_eq!(read.texts(), expected, "compression {}", packing.codec);
    }
}

#[tokio::test]
async fn packed_batches_wait_for_others_up_to_a_mebibyte() {
    let cluster = Cluster::start(1).await.unwrap();
    cluster.create_topic("t", 1);
    for _ in 0..5 {
        let large = (0..300).map(|n| Record::value(value(&format!("{n:01000}"))));
        cluster.append("t", 0, Batch::of(large).packed(PACKINGS[5]));
    }
    let decoded = decode_all(&source(&cluster.bootstrap(), "t")).await;
    let rows: Vec<usize> = decoded.rows.iter().map(RecordBatch::num_rows).collect();
    assert_eq!(rows, [1200, 300], "four batches have passed it, three have not");
}

/// Record `n`: its value, key and time tell so, and every fifth is rejected.
fn numbered(n: i64) -> Record {
    let text = if n % 5 == 0 { format!("no JSON {n}") } else { value(&n.to_string()) };
    Record { key: Some(n.to_string().into()), timestamp: 1_000 + n, ..Record::value(text) }
}

#[tokio::test]
async fn records_that_are_decoded_together_keep_what_is_their_own() {
    let cluster = Cluster::start(1).await.unwrap();
    cluster.create_topic("t", 1);
    let (packed, plain) = (Some(PACKINGS[5]), None);
    let mut end = 0;
    for (records, packing) in [
        (3000, packed),
        (3000, packed),
        (3000, packed),
        (10, plain),
        (9000, plain),
        (10, packed),
        (9000, packed),
        (5, packed),
    ] {
        let batch = Batch::of((end..end + records).map(numbered));
        cluster.append("t", 0, Batch { packing, ..batch });
        end += records;
    }
    let source = source(&cluster.bootstrap(), "t");
    let decoded = decode_all(&source.metadata(Metadata::Key).metadata(Metadata::Timestamp)).await;
    let mut seen = Vec::new();
    for rows in &decoded.rows {
        let (texts, keys): (&StringArray, &BinaryArray) = (column(rows, "v"), column(rows, "key"));
        let times: &TimestampMicrosecondArray = column(rows, "timestamp");
        let offsets: &Int64Array = column(rows, "_offset");
        for (row, offset) in offsets.values().iter().enumerate() {
            let text = offset.to_string();
            assert_eq!((texts.value(row), keys.value(row)), (&*text, text.as_bytes()));
            assert_eq!(times.value(row), (1_000 + offset) * 1_000);
            seen.push(*offset);
        }
    }
    for rejected in &decoded.rejected {
        let raw: &BinaryArray = column(rejected, "raw");
        let times: &TimestampMicrosecondArray = column(rejected, "timestamp");
        let offsets: &Int64Array = column(rejected, "offset");
        for (row, offset) in offsets.values().iter().enumerate() {
            assert_eq!(raw.value(row), format!("no JSON {offset}").as_bytes());
            assert_eq!(times.value(row), (1_000 + offset) * 1_000);
            seen.push(*offset);
        }
    }
    seen.sort_unstable();
    assert_eq!(seen, (0..end).collect::<Vec<_>>());
}

#[tokio::test]
async fn every_version_is_spoken() {
    let cluster = Cluster::start(1).await.unwrap();
    cluster.create_topic("t", 3);
    for partition in 0..3 {
        cluster.append("t", partition, batch(0, 10).in_transaction(7));
        cluster.end_transaction("t", partition, 7, false);
        cluster.append("t", partition, batch(10, 20));
    }
    for version in 4..=13 {
        cluster.limit_version(1, version); // Fetch
        cluster.limit_version(2, (version - 2).min(8)); // ListOffsets
        cluster.limit_version(3, version.min(12)); // Metadata
        let source = source(&cluster.bootstrap(), "t");
        let (read, _) = read_all(&source, Positions::default(), &Limits::default()).await.unwrap();
        assert_eq!(read.rows.len(), 30, "version {version}");
    }
    cluster.limit_version(3, 3);
    let source = source(&cluster.bootstrap(), "t");
    let planned = source.plan(&Positions::default(), None, &Limits::default()).await;
    assert_eq!(planned.unwrap_err().kind(), ErrorKind::Unsupported);
}

#[tokio::test]
async fn null_keys_values_and_headers_are_stepped_over() {
    let cluster = Cluster::start(1).await.unwrap();
    cluster.create_topic("t", 1);
    let headers = vec![("a".to_owned(), None), ("a".to_owned(), Some(Bytes::from_static(b"x")))];
    let full = Record {
        key: Some(Bytes::from_static(b"key")),
        headers: headers.clone(),
        timestamp: 1_700_000_000_000,
        ..Record::value(value("full"))
    };
    let tombstone = Record { headers, timestamp: 1_700_000_000_001, ..Record::default() };
    let broken = Record { timestamp: -1, ..Record::value("oops") };
    cluster.append("t", 0, Batch::of([full, tombstone, broken]));
    let source = source(&cluster.bootstrap(), "t");
    let (read, _) = read_all(&source, Positions::default(), &Limits::default()).await.unwrap();
    assert_eq!(read.texts(), ["full"]);
    let rejected: Vec<_> = read.rejected.iter().map(|row| (row.offset, &*row.text)).collect();
    assert_eq!(rejected, [(1, "null"), (2, "oops")]);
}

/// All that the only partition of a topic holds, as it was decoded.
async fn decode_all(source: &dyn Source) -> Decoded {
    let planned = source.plan(&Positions::default(), None, &Limits::default()).await.unwrap();
    let mut decoder = source.decoder(&planned.ranges[0]).unwrap();
    let mut payloads = source.read(planned.ranges);
    let mut decoded = Decoded::default();
    while let Some(item) = futures::StreamExt::next(&mut payloads).await {
        decoder.decode(item.unwrap().1, &mut decoded).unwrap();
    }
    decoder.finish(&mut decoded).unwrap();
    decoded
}

#[tokio::test]
async fn a_timestamp_out_of_range_is_no_timestamp() {
    let cluster = Cluster::start(1).await.unwrap();
    cluster.create_topic("t", 1);
    for timestamp in [-1, i64::MIN, i64::MAX, i64::MAX / 1000 + 1] {
        cluster.append("t", 0, Batch::of([Record { timestamp, ..Record::value("oops") }]));
        let text = value(&timestamp.to_string());
        cluster.append("t", 0, Batch::of([Record { timestamp, ..Record::value(text) }]));
    }
    let source = source(&cluster.bootstrap(), "t").metadata(Metadata::Timestamp);
    let decoded = decode_all(&source).await;
    for batches in [&decoded.rows, &decoded.rejected] {
        let times = batches.iter().map(|batch| {
            let times: &TimestampMicrosecondArray = column(batch, "timestamp");
            (times.len(), times.null_count())
        });
        let (count, nulls) = times.fold((0, 0), |(a, b), (c, d)| (a + c, b + d));
        assert_eq!((count, nulls), (4, 4));
    }
}

#[tokio::test]
async fn a_record_that_was_sent_twice_is_two_rows_at_their_offsets() {
    let cluster = Cluster::start(1).await.unwrap();
    cluster.create_topic("t", 1);
    for _ in 0..2 {
        cluster.append("t", 0, Batch::of([Record::value(value("the same"))]));
    }
    let source = source(&cluster.bootstrap(), "t");
    let (read, _) = read_all(&source, Positions::default(), &Limits::default()).await.unwrap();
    assert_eq!(read.texts(), ["the same", "the same"]);
    assert_eq!(read.rows.iter().map(|row| row.offset).collect::<Vec<_>>(), [0, 1]);
}

#[tokio::test]
async fn the_time_of_a_rejected_record_is_that_of_the_topic() {
    let cluster = Cluster::start(1).await.unwrap();
    cluster.create_topic("t", 1);
    let at = |millis| Record { timestamp: millis, ..Record::value("oops") };
    cluster.append("t", 0, Batch::of([at(1000), at(3000), at(2000)]));
    let appended = Batch { log_append_time: Some(9000), ..Batch::of([at(1000), at(2000)]) };
    cluster.append("t", 0, appended);
    let source = source(&cluster.bootstrap(), "t");
    let decoded = decode_all(&source).await;
    let times: Vec<i64> = decoded
        .rejected
        .iter()
        .flat_map(|batch| {
            let times: &TimestampMicrosecondArray = column(batch, "timestamp");
            assert_eq!(times.null_count(), 0);
            times.values().to_vec()
        })
        .collect();
    assert_eq!(times, [1_000_000, 3_000_000, 2_000_000, 9_000_000, 9_000_000]);
}

#[tokio::test]
async fn a_batch_that_unpacks_to_too_much_is_refused() {
    let cluster = Cluster::start(1).await.unwrap();
    cluster.create_topic("t", 1);
    for packing in PACKINGS {
        let bomb = Batch::of([Record::value(vec![0; 3 << 20])]).packed(packing);
        cluster.append("t", 0, bomb);
    }
    // Uncompressed it is what it is: one record that does not fit.
    cluster.append("t", 0, Batch::of([Record::value(vec![b' '; 17 << 20])]));
    let mut from = Positions::default();
    let mut refused = 0;
    let mut limits = Limits::default();
    limits.records = 1;
    let source = source(&cluster.bootstrap(), "t").largest_batch(2 << 20);
    loop {
        let planned = source.plan(&from, None, &limits).await.unwrap();
        if planned.ranges.is_empty() {
            break;
        }
        match crate::reading::read(&source, &planned).await {
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
                assert!(error.to_string().contains("unpacks to more than"), "{error}");
                refused += 1;
            }
            Ok(read) => assert_eq!(read.rejected.len(), 1),
        }
        from = from.after(&planned.ranges);
    }
    assert_eq!(refused, PACKINGS.len());
}
