//! Fetch requests, and what of an answer is data.

use bytes::Bytes;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::fetch_response::PartitionData;
use kafka_protocol::messages::{BrokerId, FetchRequest, TopicName};

use crate::aborted::{Aborted, AbortedFilter};
use crate::batch::Batches;
use crate::cluster::{Topic, topic_name};
use crate::error::BatchError;
use crate::options::{Isolation, Settings};

/// One partition of a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    pub(crate) partition: i32,
    pub(crate) epoch: i32,
    pub(crate) position: i64,
}

/// The first version that names topics by their id.
const BY_ID: i16 = 13;

/// The request for `wanted` partitions of `topic`, to be [fitted](fit) to a version.
pub(crate) fn request(topic: &Topic, wanted: &[Wanted], settings: &Settings) -> FetchRequest {
    let partitions = wanted.iter().map(|wanted| {
        FetchPartition::default()
            .with_partition(wanted.partition)
            .with_current_leader_epoch(wanted.epoch)
            .with_fetch_offset(wanted.position)
            .with_partition_max_bytes(settings.partition_bytes)
    });
    let id = topic.id.as_ref().and_then(|id| id.parse().ok());
    let topic = FetchTopic::default()
        .with_topic(topic_name(&topic.name))
        .with_topic_id(id.unwrap_or_default())
        .with_partitions(partitions.collect());
    FetchRequest::default()
        .with_replica_id(BrokerId(-1))
        .with_max_wait_ms(i32::try_from(settings.fetch_wait.as_millis()).unwrap_or(i32::MAX))
        .with_min_bytes(1)
        .with_max_bytes(settings.fetch_bytes)
        .with_isolation_level(settings.isolation.code())
        .with_session_epoch(-1) // no fetch session
        .with_topics(vec![topic])
}

/// The request without what `version` does not know, and the version it is sent in: by id only when
/// the id is known.
pub(crate) fn fit(mut request: FetchRequest, version: i16) -> (FetchRequest, i16) {
    let known = request.topics.iter().all(|topic| !topic.topic_id.is_nil());
    let version = if known { version } else { version.min(BY_ID - 1) };
    for topic in &mut request.topics {
        if version >= BY_ID {
            topic.topic = TopicName::default();
        } else {
            topic.topic_id = Default::default();
        }
        if version < 9 {
            topic.partitions.iter_mut().for_each(|partition| partition.current_leader_epoch = -1);
        }
    }
    (request, version)
}

/// What an answer gives of one partition.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Scanned {
    /// Runs of whole batches that hold data, as views into the answer.
    pub(crate) payloads: Vec<Bytes>,
    /// The next offset to be read.
    pub(crate) next: i64,
    /// The bytes of the batches that were stepped over or kept.
    pub(crate) bytes: u64,
}

/// Finds the data among the batches of an answer by their headers alone, from `position` up to `to`.
/// An error comes with the offset that it is at.
pub(crate) fn scan(
    data: &PartitionData,
    position: i64,
    to: i64,
    isolation: Isolation,
) -> Result<Scanned, (i64, BatchError)> {
    let Some(records) = &data.records else {
        return Ok(Scanned { next: position, ..Scanned::default() });
    };
    let mut filter = AbortedFilter::new(aborted(data, isolation));
    let mut batches = Batches::new(records);
    let mut scanned = Scanned { next: position, ..Scanned::default() };
    let mut run = 0..0;
    while scanned.next < to
        && let Some(batch) = batches.next()
    {
        let (header, range) = batch.map_err(|error| (scanned.next, error))?;
        if header.base_offset >= to {
            // Whatever lay before was compacted away.
            scanned.next = to;
            break;
        }
        let bytes = records.get(range.clone()).unwrap_or_default();
        let kept = filter.keeps(&header, bytes).map_err(|error| (header.base_offset, error))?;
        if kept && header.records > 0 && header.next_offset() > scanned.next {
            if run.end != range.start {
                cut(records, &run, &mut scanned.payloads);
                run.start = range.start;
            }
            run.end = range.end;
        }
        scanned.next = scanned.next.max(header.next_offset()).min(to);
    }
    cut(records, &run, &mut scanned.payloads);
    scanned.bytes = u64::try_from(batches.at()).unwrap_or(0);
    Ok(scanned)
}

fn aborted(data: &PartitionData, isolation: Isolation) -> Vec<Aborted> {
    if isolation == Isolation::Uncommitted {
        return Vec::new();
    }
    let aborted = data.aborted_transactions.iter().flatten();
    aborted
        .map(|transaction| Aborted {
            producer_id: transaction.producer_id.0,
            first_offset: transaction.first_offset,
        })
        .collect()
}

fn cut(records: &Bytes, run: &std::ops::Range<usize>, payloads: &mut Vec<Bytes>) {
    if !run.is_empty() {
        payloads.push(records.slice(run.clone()));
    }
}

/// The payload that closes a range: how far its batches reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Footer {
    pub(crate) reached: i64,
}

/// Shorter than any batch, so that the two cannot be mistaken for one another.
const FOOTER: &[u8; 8] = b"hw-range";

impl Footer {
    pub(crate) fn bytes(self) -> Bytes {
        Bytes::from([*FOOTER, self.reached.to_be_bytes()].concat())
    }

    pub(crate) fn read(payload: &[u8]) -> Option<Self> {
        let reached = payload.strip_prefix(FOOTER)?.try_into().ok()?;
        Some(Self { reached: i64::from_be_bytes(reached) })
    }
}
