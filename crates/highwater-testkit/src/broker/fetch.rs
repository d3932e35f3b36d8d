//! The answers to Fetch: batches, aborted transactions, and damage on demand.

use std::time::Duration;

use bytes::Bytes;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::fetch_response::{
    AbortedTransaction, FetchableTopicResponse, PartitionData,
};
use kafka_protocol::messages::{FetchRequest, FetchResponse, ProducerId};
use tokio::time::{Instant, sleep};

use super::serve::led;
use super::{Shared, State, lock};

impl State {
    /// The name of a topic that is asked for by its id or its name; of none when the id is unknown.
    fn name_of(&self, asked: &FetchTopic) -> String {
        let id = asked.topic_id.to_string();
        let by_id = self.topics.iter().find(|(_, topic)| topic.id == id).map(|(name, _)| name);
        by_id.cloned().unwrap_or_else(|| asked.topic.to_string())
    }
}

pub(super) async fn fetch(request: &FetchRequest, node: usize, state: &Shared) -> FetchResponse {
    let deadline =
        Instant::now() + Duration::from_millis(u64::try_from(request.max_wait_ms).unwrap_or(0));
    loop {
        let (response, ready) = fetch_now(request, node, &mut lock(state));
        if ready || Instant::now() >= deadline {
            return response;
        }
        sleep(Duration::from_millis(2)).await;
    }
}

/// The answer as of now, and whether it has something to say.
fn fetch_now(request: &FetchRequest, node: usize, state: &mut State) -> (FetchResponse, bool) {
    let mut room = usize::try_from(request.max_bytes).unwrap_or(0);
    let mut ready = false;
    let mut topics = Vec::new();
    for topic in &request.topics {
        let mut partitions = Vec::new();
        let name = state.name_of(topic);
        for wanted in &topic.partitions {
            let mut data = fetch_partition(request, &name, wanted, node, state, (room, !ready));
            let bytes = data.records.as_ref().map_or(0, Bytes::len);
            if state.damage > 0
                && let Some(records) = data.records.as_ref().filter(|records| !records.is_empty())
            {
                state.damage -= 1;
                data.records = Some(damaged(records));
            }
            room = room.saturating_sub(bytes);
            ready |= bytes > 0 || data.error_code != 0;
            partitions.push(data);
        }
        topics.push(
            FetchableTopicResponse::default()
                .with_topic(topic.topic.clone())
                .with_topic_id(topic.topic_id)
                .with_partitions(partitions),
        );
    }
    let throttle = state.throttle_ms;
    (FetchResponse::default().with_throttle_time_ms(throttle).with_responses(topics), ready)
}

/// The same with a flipped bit in the last byte of the first batch, which is a part of its records.
fn damaged(records: &[u8]) -> Bytes {
    let mut damaged = records.to_vec();
    let length = records.get(8..12).and_then(|length| length.try_into().ok());
    let length = length.map_or(0, i32::from_be_bytes);
    let last = usize::try_from(length).unwrap_or(0) + 11;
    if let Some(byte) = damaged.get_mut(last) {
        *byte ^= 0x10;
    }
    damaged.into()
}

fn fetch_partition(
    request: &FetchRequest,
    topic: &str,
    wanted: &FetchPartition,
    node: usize,
    state: &mut State,
    (room, first): (usize, bool),
) -> PartitionData {
    let data = PartitionData::default()
        .with_partition_index(wanted.partition)
        .with_records(Some(Bytes::new()));
    let log = match led(state, topic, wanted.partition, node, wanted.current_leader_epoch) {
        Err(code) => return data.with_error_code(code),
        Ok(partition) => &partition.log,
    };
    if !(log.start()..=log.end()).contains(&wanted.fetch_offset) {
        return data.with_error_code(1);
    }
    let committed = request.isolation_level == 1;
    let bytes = usize::try_from(wanted.partition_max_bytes).unwrap_or(0).min(room);
    let slice = log.slice(wanted.fetch_offset, committed, bytes, first);
    let aborted = slice.aborted.iter().map(|aborted| {
        AbortedTransaction::default()
            .with_producer_id(ProducerId(aborted.producer))
            .with_first_offset(aborted.first)
    });
    data.with_high_watermark(log.end())
        .with_last_stable_offset(log.last_stable())
        .with_log_start_offset(log.start())
        .with_aborted_transactions(committed.then(|| aborted.collect()))
        .with_records(Some(slice.bytes))
}
