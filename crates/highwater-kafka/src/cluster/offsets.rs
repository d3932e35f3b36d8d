//! What the leaders of partitions say of their logs.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join_all;
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::offset_for_leader_epoch_request::{
    OffsetForLeaderPartition, OffsetForLeaderTopic,
};
use kafka_protocol::messages::{BrokerId, ListOffsetsRequest, OffsetForLeaderEpochRequest};

use super::{Cluster, Topic, refused, topic_name};
use crate::error::{Answer, Class, KafkaError, WireError};
use crate::options::Isolation;
use crate::retry::Retry;
use crate::versions::Call;

/// Which offset of a partition is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum At {
    Earliest,
    /// The end as readers of this isolation see it.
    Latest(Isolation),
    /// The first offset that is not in tiered storage only.
    EarliestLocal,
    /// The first record not before this time in milliseconds; -1 when there is none.
    Time(i64),
}

/// What a leader told of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) offset: i64,
    /// The leader's epoch, when the end was asked for; -1 when the leader is too old to say.
    pub(crate) epoch: i32,
}

/// What leaders are asked.
#[derive(Clone, Copy, Debug)]
enum Question<'a> {
    Offset(At),
    /// Up to which offset their log was written in these epochs or before.
    EpochEnd(&'a BTreeMap<i32, i32>),
}

impl Question<'_> {
    fn name(self) -> &'static str {
        match self {
            Self::Offset(_) => ListOffsetsRequest::NAME,
            Self::EpochEnd(_) => OffsetForLeaderEpochRequest::NAME,
        }
    }
}

type Answers = Vec<(i32, Answer, Told)>;

impl Cluster {
    /// The offsets at `at` of some partitions of `topic`, whose leaders may move meanwhile.
    pub(crate) async fn offsets(
        &self,
        topic: &mut Topic,
        partitions: &BTreeSet<i32>,
        at: At,
    ) -> Result<BTreeMap<i32, Told>, KafkaError> {
        self.answers(topic, partitions, Question::Offset(at)).await
    }

    /// Up to which offset partitions of `topic` hold what was written in an epoch of their leader or
    /// before; `i64::MAX` where the leader is too old to say.
    pub(crate) async fn epoch_ends(
        &self,
        topic: &mut Topic,
        epochs: &BTreeMap<i32, i32>,
    ) -> Result<BTreeMap<i32, i64>, KafkaError> {
        if epochs.is_empty() {
            return Ok(BTreeMap::new());
        }
        let partitions = epochs.keys().copied().collect();
        let told = self.answers(topic, &partitions, Question::EpochEnd(epochs)).await?;
        Ok(told.into_iter().map(|(index, told)| (index, told.offset)).collect())
    }

    async fn answers(
        &self,
        topic: &mut Topic,
        partitions: &BTreeSet<i32>,
        question: Question<'_>,
    ) -> Result<BTreeMap<i32, Told>, KafkaError> {
        let mut retry = Retry::new(self.settings.grace);
        let mut found = BTreeMap::new();
        loop {
            let missing = partitions.iter().filter(|index| !found.contains_key(*index));
            let (groups, mut failure) = by_leader(topic, missing);
            let asked = groups
                .iter()
                .map(|(address, indexes)| self.ask_leader(address, topic, indexes, question));
            for answer in join_all(asked).await {
                match answer {
                    Ok(answers) => {
                        for (index, answer, told) in answers {
                            match answer.class() {
                                Class::Fine => drop(found.insert(index, told)),
                                Class::Again | Class::Unknown => {
                                    failure = Some(refused(question.name(), topic, index, answer));
                                }
                                _ => return Err(refused(question.name(), topic, index, answer)),
                            }
                        }
                    }
                    Err(error) if error.is_final() => return Err(error.into()),
                    Err(error) => failure = Some(error.into()),
                }
            }
            let Some(failure) = failure else { return Ok(found) };
            if !retry.failed() {
                return Err(failure);
            }
            retry.pause().await;
            *topic = self.topic(&topic.name).await?;
        }
    }

    async fn ask_leader(
        &self,
        address: &str,
        topic: &Topic,
        indexes: &[i32],
        question: Question<'_>,
    ) -> Result<Answers, WireError> {
        let asked = match question {
            Question::Offset(at) => self.ask_offsets(address, topic, indexes, at).await,
            Question::EpochEnd(epochs) => self.ask_ends(address, topic, indexes, epochs).await,
        };
        let mut told = asked?;
        told.retain(|(index, ..)| indexes.contains(index));
        if told.len() < indexes.len() {
            let (address, what) = (address.to_owned(), question.name());
            return Err(WireError::Malformed { address, what });
        }
        Ok(told)
    }

    async fn ask_offsets(
        &self,
        address: &str,
        topic: &Topic,
        indexes: &[i32],
        at: At,
    ) -> Result<Answers, WireError> {
        let answer =
            self.call(address, |version| offsets_request(version, topic, indexes, at)).await?;
        let partitions = answer.topics.iter().flat_map(|topic| &topic.partitions);
        let told = partitions.map(|partition| {
            let told = Told { offset: partition.offset, epoch: partition.leader_epoch };
            (partition.partition_index, Answer(partition.error_code), told)
        });
        Ok(told.collect())
    }

    async fn ask_ends(
        &self,
        address: &str,
        topic: &Topic,
        indexes: &[i32],
        epochs: &BTreeMap<i32, i32>,
    ) -> Result<Answers, WireError> {
        let asked = self.call(address, |_| ends_request(topic, indexes, epochs)).await;
        let answer = match asked {
            Ok(answer) => answer,
            Err(WireError::Versions { .. }) => {
                let unknown = Told { offset: i64::MAX, epoch: -1 };
                return Ok(indexes.iter().map(|&index| (index, Answer(0), unknown)).collect());
            }
            Err(error) => return Err(error),
        };
        let partitions = answer.topics.iter().flat_map(|topic| &topic.partitions);
        let told = partitions.map(|partition| {
            let told = Told { offset: partition.end_offset, epoch: partition.leader_epoch };
            // A leader that does not know the epoch is not the one that this is to be asked of.
            let fenced = if partition.end_offset < 0 { Answer::UNKNOWN_EPOCH } else { Answer(0) };
            let answer = Answer(partition.error_code);
            let answer = if answer.class() == Class::Fine { fenced } else { answer };
            (partition.partition, answer, told)
        });
        Ok(told.collect())
    }

    /// The first offset of a partition that its leader reads from its own disk; none when the leader
    /// knows no tiered storage.
    pub(crate) async fn earliest_local(&self, topic: &Topic, index: i32) -> Option<i64> {
        let address = topic.partitions.get(&index)?.address.as_ref()?;
        let connection = self.connection(address).await.ok()?;
        let version = connection.version::<ListOffsetsRequest>();
        self.give_back(connection);
        if version.is_ok_and(|version| version < 8) {
            return Some(0);
        }
        let question = Question::Offset(At::EarliestLocal);
        let told = self.ask_leader(address, topic, &[index], question).await.ok()?;
        let (_, answer, told) = told.first()?;
        (answer.class() == Class::Fine).then_some(told.offset)
    }
}

/// Partitions by the address of their leader, and an error for those without one.
fn by_leader<'a>(
    topic: &Topic,
    indexes: impl Iterator<Item = &'a i32>,
) -> (BTreeMap<String, Vec<i32>>, Option<KafkaError>) {
    let mut groups: BTreeMap<String, Vec<i32>> = BTreeMap::new();
    let mut failure = None;
    for &index in indexes {
        match topic.partitions.get(&index).and_then(|leader| leader.address.clone()) {
            Some(address) => groups.entry(address).or_default().push(index),
            None => failure = Some(refused("Metadata", topic, index, Answer(5))),
        }
    }
    (groups, failure)
}

fn offsets_request(version: i16, topic: &Topic, indexes: &[i32], at: At) -> ListOffsetsRequest {
    let (timestamp, isolation) = match at {
        At::Earliest => (-2, Isolation::Committed),
        At::Latest(isolation) => (-1, isolation),
        At::EarliestLocal => (-4, Isolation::Committed),
        At::Time(millis) => (millis.max(0), Isolation::Committed),
    };
    let partitions = indexes.iter().map(|&index| {
        ListOffsetsPartition::default()
            .with_partition_index(index)
            .with_current_leader_epoch(if version >= 4 { topic.epoch(index) } else { -1 })
            .with_timestamp(timestamp)
    });
    let topic = ListOffsetsTopic::default()
        .with_name(topic_name(&topic.name))
        .with_partitions(partitions.collect());
    ListOffsetsRequest::default()
        .with_replica_id(BrokerId(-1))
        .with_isolation_level(isolation.code())
        .with_topics(vec![topic])
}

fn ends_request(
    topic: &Topic,
    indexes: &[i32],
    epochs: &BTreeMap<i32, i32>,
) -> OffsetForLeaderEpochRequest {
    let partitions = indexes.iter().map(|index| {
        OffsetForLeaderPartition::default()
            .with_partition(*index)
            .with_current_leader_epoch(topic.epoch(*index))
            .with_leader_epoch(epochs.get(index).copied().unwrap_or(-1))
    });
    let topic = OffsetForLeaderTopic::default()
        .with_topic(topic_name(&topic.name))
        .with_partitions(partitions.collect());
    OffsetForLeaderEpochRequest::default().with_replica_id(BrokerId(-1)).with_topics(vec![topic])
}
