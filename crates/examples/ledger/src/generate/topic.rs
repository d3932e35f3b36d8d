//! Transactions in a topic, keyed by their id.

use std::ops::Range;

use bytes::Bytes;
use highwater_cli::{Failure, KafkaUri};
use highwater_core::Secret;
use highwater_datagen::{Generator, Transactions};
use highwater_kafka::{ClientProperties, TopicWriter};

use super::GenerateArguments;
use super::pace::Pace;

/// Records of one write.
const AT_ONCE: usize = 5_000;

/// A topic that is written to, which is made if it is missing.
pub(super) struct Writing<'a> {
    pub(super) uri: &'a KafkaUri,
    pub(super) arguments: &'a GenerateArguments,
}

impl Writing<'_> {
    /// Writes the records of the generator to it.
    pub(super) fn fill(
        &self,
        generator: &Generator<Transactions>,
        offsets: Range<u64>,
        pace: &Pace,
    ) -> Result<(), Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|source| Failure::Io { action: "start a runtime".to_owned(), source })?;
        runtime.block_on(async { write(&self.open().await?, generator, offsets, pace).await })
    }

    async fn open(&self) -> Result<TopicWriter, Failure> {
        let set = |properties: ClientProperties, (key, value): &(String, Secret<String>)| {
            properties.property(key, value.expose())
        };
        let properties = self.arguments.properties.iter().try_fold(ClientProperties::new(), set)?;
        let KafkaUri { brokers, topic } = self.uri;
        let partitions = self.arguments.partitions;
        Ok(TopicWriter::create_or_open_with(brokers, topic, partitions, &properties).await?)
    }
}

async fn write(
    topic: &TopicWriter,
    generator: &Generator<Transactions>,
    offsets: Range<u64>,
    pace: &Pace,
) -> Result<(), Failure> {
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
}

/// The id of a transaction as it is written; nothing for one that has none.
fn key_of(record: &[u8]) -> &[u8] {
    let id = record.strip_prefix(br#"{"transaction_id": ""#).unwrap_or_default();
    id.split(|byte| *byte == b'"').next().unwrap_or_default()
}
