//! Offsets of a consumer group, for tools that show how far behind it is. Nothing here ever reads them.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use highwater_core::Positions;
use kafka_protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use kafka_protocol::messages::{
    FindCoordinatorRequest, GroupId, OffsetCommitRequest, OffsetCommitResponse,
};
use kafka_protocol::protocol::StrBytes;
use tokio::time::{Instant, timeout};

use crate::cluster::{Cluster, address, topic_name};
use crate::error::{Answer, Class, KafkaError, WireError};
use crate::retry::Retry;

/// A courtesy must not hold up what it is done after.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a coordinator that moves or is just being made is asked for.
const SETTLING: Duration = Duration::from_secs(4);
/// How long nothing is told after it could not be: every epoch would wait for it otherwise.
const PAUSE: Duration = Duration::from_secs(60);

/// Tells the brokers how far a group has read, unless that failed a while ago.
#[derive(Debug, Default)]
pub(crate) struct Courtesy {
    failed: Mutex<Option<Instant>>,
}

impl Courtesy {
    /// Tells the brokers that `group` has read up to `upto`, without being a member of it.
    pub(crate) async fn tell(
        &self,
        cluster: &Cluster,
        group: &str,
        upto: &Positions,
    ) -> Result<(), KafkaError> {
        let failed = || self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        let pauses = failed().is_some_and(|at| at.elapsed() < PAUSE);
        if pauses {
            return Ok(());
        }
        let told = patiently(cluster, group, upto).await;
        *failed() = told.is_err().then(Instant::now);
        told
    }
}

async fn patiently(cluster: &Cluster, group: &str, upto: &Positions) -> Result<(), KafkaError> {
    let mut retry = Retry::new(SETTLING);
    let trying = async {
        loop {
            match attempt(cluster, group, upto).await {
                Err(KafkaError::Answer { answer, .. })
                    if answer.class() == Class::Again && retry.failed() => {}
                ended => return ended,
            }
            retry.pause().await;
        }
    };
    let ended = timeout(PATIENCE, trying).await;
    ended.unwrap_or_else(|_elapsed| {
        let (address, what) = (cluster.bootstrap(), "OffsetCommit");
        Err(WireError::Timeout { address, what, after: PATIENCE }.into())
    })
}

async fn attempt(cluster: &Cluster, group: &str, upto: &Positions) -> Result<(), KafkaError> {
    let coordinator = coordinator(cluster, group).await?;
    let request = |_| request(group, upto);
    let answer: OffsetCommitResponse = cluster.call(&coordinator, request).await?;
    for topic in &answer.topics {
        for partition in &topic.partitions {
            let code = Answer(partition.error_code);
            if code.class() != Class::Fine {
                let index = partition.partition_index;
                let place = format!("group {group} topic {} partition {index}", *topic.name);
                return Err(KafkaError::Answer { what: "OffsetCommit", place, answer: code });
            }
        }
    }
    Ok(())
}

/// The address of the broker that keeps the offsets of `group`.
async fn coordinator(cluster: &Cluster, group: &str) -> Result<String, KafkaError> {
    let key = StrBytes::from_string(group.to_owned());
    let answer = cluster
        .anyone(|_| FindCoordinatorRequest::default().with_key(key.clone()).with_key_type(0))
        .await?;
    match Answer(answer.error_code) {
        code if code.class() == Class::Fine => Ok(address(&answer.host, answer.port)),
        answer => {
            let place = format!("group {group}");
            Err(KafkaError::Answer { what: "FindCoordinator", place, answer })
        }
    }
}

fn request(group: &str, upto: &Positions) -> OffsetCommitRequest {
    let mut topics: BTreeMap<&str, Vec<OffsetCommitRequestPartition>> = BTreeMap::new();
    for (partition, position) in upto.iter() {
        let offset = OffsetCommitRequestPartition::default()
            .with_partition_index(partition.index)
            .with_committed_offset(position.next)
            .with_committed_metadata(Some(StrBytes::from_static_str("")));
        topics.entry(&partition.stream).or_default().push(offset);
    }
    let topics = topics.into_iter().map(|(name, partitions)| {
        OffsetCommitRequestTopic::default().with_name(topic_name(name)).with_partitions(partitions)
    });
    OffsetCommitRequest::default()
        .with_group_id(GroupId(StrBytes::from_string(group.to_owned())))
        .with_generation_id_or_member_epoch(-1) // of no member
        .with_topics(topics.collect())
}
