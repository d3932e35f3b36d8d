//! Damaged and malicious bytes end in an error, never in a panic or in memory without bound.

use highwater_core::{Decoded, Limits, Payload, Positions, Range, Source};
use highwater_testkit::broker::{Batch, Cluster, Record};
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::codecs::PACKINGS;
use crate::reading::{source, value};

fn range() -> Range {
    let text = r#"{"id":0,"partition":"t/0","from":{"next":0},"to":{"next":100}}"#;
    serde_json::from_str(text).unwrap()
}

fn decode(bytes: Vec<u8>) -> Result<u64, highwater_core::Error> {
    let mut decoder = source("localhost:9092", "t").decoder(&range()).unwrap();
    let mut decoded = Decoded::default();
    decoder.decode(Payload::from(bytes::Bytes::from(bytes)), &mut decoded)?;
    Ok(decoded.records)
}

/// Whole batches as a broker would give them.
fn batches() -> Vec<Vec<u8>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let cluster = Cluster::start(1).await.unwrap();
        let records = || (0..20).map(|n| Record::value(value(&format!("text-{n}"))));
        let mut all = vec![];
        for packing in [None].into_iter().chain(PACKINGS.map(Some)) {
            cluster.create_topic("t", 1);
            cluster.append("t", 0, Batch { packing, ..Batch::of(records()) });
            let source = source(&cluster.bootstrap(), "t");
            let planned = source.plan(&Positions::default(), None, &Limits::default()).await;
            let mut payloads = source.read(planned.unwrap().ranges);
            let first = futures::StreamExt::next(&mut payloads).await.unwrap().unwrap();
            all.push(first.1.bytes.to_vec());
        }
        all
    })
}

#[test]
fn one_wrong_byte_is_noticed() {
    for batch in batches() {
        assert_eq!(decode(batch.clone()).unwrap(), 20);
        for at in 0..batch.len() {
            let mut damaged = batch.clone();
            damaged[at] ^= 0x10;
            // The base offset and the leader's epoch are no part of the checksum.
            if decode(damaged).is_ok() {
                assert!(at < 8 || (12..16).contains(&at), "byte {at}");
            }
        }
    }
}

/// Sets the checksum right, so that what is behind it is reached.
fn seal(batch: &mut [u8]) {
    if batch.len() > 21 {
        let crc = crc_fast::crc32_iscsi(&batch[21..]);
        batch[17..21].copy_from_slice(&crc.to_be_bytes());
    }
}

#[test]
fn damaged_batches_with_a_right_checksum_never_panic() {
    let batches = batches();
    proptest!(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() }, |(
        which in 0..8usize,
        damage in proptest::collection::vec((21..400usize, any::<u8>()), 1..6),
    )| {
        let mut batch = batches[which].clone();
        for (at, byte) in damage {
            let length = batch.len();
            batch[21 + at % (length - 21)] = byte;
        }
        seal(&mut batch);
        drop(decode(batch));
    });
}

#[test]
fn arbitrary_bytes_never_panic() {
    proptest!(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() }, |(
        mut bytes in proptest::collection::vec(any::<u8>(), 0..300),
        codec in 0..8u8,
        length in any::<bool>(),
    )| {
        if bytes.len() > 61 {
            bytes[16] = 2;
            bytes[22] = codec;
            if length {
                let rest = i32::try_from(bytes.len() - 12).unwrap();
                bytes[8..12].copy_from_slice(&rest.to_be_bytes());
                bytes[23..27].copy_from_slice(&100_i32.to_be_bytes());
                bytes[57..61].copy_from_slice(&20_i32.to_be_bytes());
                bytes[0] = 0;
            }
            seal(&mut bytes);
        }
        drop(decode(bytes));
    });
}

#[test]
fn old_message_formats_are_refused_by_name() {
    let mut old = vec![0; 80];
    old[16] = 1;
    let error = decode(old).unwrap_err();
    assert!(error.to_string().contains("message format 1 is not supported"), "{error}");
}

#[test]
fn an_unknown_compression_is_refused_with_its_offset() {
    for codec in [5_u8, 6, 7] {
        let mut batch = batches().swap_remove(0);
        batch[..8].copy_from_slice(&17_i64.to_be_bytes());
        batch[22] = codec;
        seal(&mut batch);
        let error = decode(batch).unwrap_err();
        assert_eq!(error.kind(), highwater_core::ErrorKind::Unsupported, "{error}");
        let words = format!("topic t partition 0 offset 17: compression {codec} is not known");
        assert!(error.to_string().contains(&words), "{error}");
    }
}

#[test]
fn a_range_that_was_not_read_to_its_end_is_noticed() {
    let mut decoder = source("localhost:9092", "t").decoder(&range()).unwrap();
    let error = decoder.finish(&mut Decoded::default()).unwrap_err();
    assert!(error.to_string().contains("read up to offset 0, not up to 100"), "{error}");
}

/// A server that gives every request the same bytes.
async fn answers(bytes: Vec<u8>) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 512];
            while stream.read(&mut request).await.is_ok_and(|read| read > 0) {
                if stream.write_all(&bytes).await.is_err() {
                    break;
                }
            }
        }
    });
    address
}

#[tokio::test]
async fn what_is_no_broker_is_said_to_be_none() {
    for bytes in [
        b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(), // a size of 1.2 GB
        vec![0, 0, 0, 4, 0, 0, 0, 9],                 // another request's answer
        vec![0, 0, 0, 10, 0, 0, 0, 1, 0, 0, 0x7f, 0xff, 0xff, 0xff], // two billion APIs
        vec![0, 0, 0, 0],
        vec![0xff; 8],
    ] {
        let source = source(&answers(bytes).await, "t");
        let planned = source.plan(&Positions::default(), None, &Limits::default()).await;
        let error = planned.unwrap_err();
        assert_eq!(error.kind(), highwater_core::ErrorKind::Transient, "{error}");
        assert!(error.to_string().contains("no Kafka broker answers at 127.0.0.1:"), "{error}");
    }
}
