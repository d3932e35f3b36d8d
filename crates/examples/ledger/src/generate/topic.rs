//! Transactions in a topic, keyed by their id.

use std::ops::Range;

use bytes::Bytes;
use highwater_cli::{Failure, KafkaUri};
use highwater_datagen::{Generator, Transactions};
use highwater_kafka::TopicWriter;

use super::pace::Pace;

/// Records of one write.
const AT_ONCE: usize = 5_000;

/// Writes records to a topic, which is made if it is missing.
pub(super) fn fill(
    uri: &KafkaUri,
    partitions: Option<i32>,
    generator: &Generator<Transactions>,
    offsets: Range<u64>,
    pace: &Pace,
) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|source| Failure::Io { action: "start a runtime".to_owned(), source })?;
    runtime.block_on(async {
        let topic = TopicWriter::create_or_open(&uri.brokers, &uri.topic, partitions).await?;
        let mut waiting = Vec::with_capacity(AT_ONCE);
        for offset in offsets {
            let ahead = pace.is_ahead(offset);
            if (ahead && !waiting.is_empty()) || waiting.len() == AT_ONCE {
                topic.write(std::mem::take(&mut waiting)).await?;
            }
            if ahead {
                tokio::time::sleep(pace.until(offset)).await;
            }
            let mut record = Vec::new();
            generator.write(offset, &mut record);
            waiting.push((Bytes::copy_from_slice(key_of(&record)), Bytes::from(record)));
        }
        if !waiting.is_empty() {
            topic.write(waiting).await?;
        }
        Ok(())
    })
}

/// The id of a transaction as it is written; nothing for one that has none.
fn key_of(record: &[u8]) -> &[u8] {
    let id = record.strip_prefix(br#"{"transaction_id": ""#).unwrap_or_default();
    id.split(|byte| *byte == b'"').next().unwrap_or_default()
}
