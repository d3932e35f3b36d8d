//! What the brokers hold of the topics of a source.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use futures::stream::{self, StreamExt, TryStreamExt};
use highwater_core::{Partition, Positions};

use crate::cluster::{At, Cluster, Topic};
use crate::detail;
use crate::error::KafkaError;
use crate::options::{Isolation, OnDataLoss, Start};
use crate::planner::{Held, View};
use crate::starts;
use crate::topics::Topics;

/// So many topics are asked for at once.
const AT_ONCE: usize = 8;

type Starts = BTreeMap<String, BTreeMap<i32, i64>>;

/// What a source remembers from one look to the next.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// The configured start as offsets, once it was looked up.
    starts: Mutex<Option<Starts>>,
    /// Topics that were read and are gone.
    gone: Mutex<BTreeSet<String>>,
}

/// How a source looks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look<'a> {
    pub(crate) cluster: &'a Cluster,
    pub(crate) topics: &'a Topics,
    pub(crate) start: &'a Start,
    pub(crate) on_data_loss: OnDataLoss,
    pub(crate) memory: &'a Memory,
}

impl Look<'_> {
    /// What the brokers hold now, by the names of the topics.
    pub(crate) async fn at(self, from: &Positions) -> Result<Vec<View>, KafkaError> {
        if let (Start::Offsets(_), Topics::Matching { .. }) = (self.start, self.topics) {
            return Err(KafkaError::StartWithoutTopic { topic: self.topics.to_string() });
        }
        let topics = match self.topics {
            Topics::Named(name) => vec![self.cluster.topic(name).await?],
            Topics::Matching { .. } => self.matching(from).await?,
        };
        let known = lock(&self.memory.starts).clone();
        let views: Vec<View> = stream::iter(topics)
            .map(|topic| self.one(topic, from, known.as_ref()))
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        if known.is_none() && !self.begun(from) {
            self.check_start(&views)?;
            let starts = views.iter().map(|view| (view.topic.clone(), view.starts.clone()));
            *lock(&self.memory.starts) = Some(starts.collect());
        }
        Ok(views)
    }

    /// The topics that match, as a broker lists them. One that was read and is missing there is
    /// waited for, as a broker that has just started may not know it yet.
    async fn matching(self, from: &Positions) -> Result<Vec<Topic>, KafkaError> {
        let mut found = self.cluster.topics(|name| self.topics.hold(name)).await?;
        let read: BTreeSet<&str> = from.iter().map(|(read, _)| &*read.stream).collect();
        for name in read.into_iter().filter(|name| self.topics.hold(name)) {
            if found.iter().any(|topic| topic.name == name) {
                lock(&self.memory.gone).remove(name);
            } else if !lock(&self.memory.gone).contains(name) {
                match self.cluster.topic(name).await {
                    Ok(topic) => found.push(topic),
                    Err(KafkaError::Vanished { .. } | KafkaError::UnknownTopic { .. }) => {
                        self.is_gone(name)?;
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        found.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }

    fn is_gone(self, name: &str) -> Result<(), KafkaError> {
        if self.on_data_loss == OnDataLoss::Fail {
            let (topic, pattern) = (name.to_owned(), self.topics.text().to_owned());
            return Err(KafkaError::TopicGone { topic, pattern });
        }
        tracing::warn!(topic = name, "the topic is gone; what was not read of it is lost");
        lock(&self.memory.gone).insert(name.to_owned());
        Ok(())
    }

    async fn one(
        self,
        mut topic: Topic,
        from: &Positions,
        known: Option<&Starts>,
    ) -> Result<View, KafkaError> {
        let all: BTreeSet<i32> = topic.partitions.keys().copied().collect();
        let earliest = self.cluster.offsets(&mut topic, &all, At::Earliest).await?;
        let readable = At::Latest(self.cluster.settings().isolation);
        let latest = self.cluster.offsets(&mut topic, &all, readable).await?;
        let mut held = BTreeMap::new();
        for (&index, leader) in &topic.partitions {
            // Both were asked for of every partition that was there; one made since waits its turn.
            let (Some(&earliest), Some(&latest)) = (earliest.get(&index), latest.get(&index))
            else {
                continue;
            };
            let epoch = leader.epoch;
            held.insert(index, Held { epoch, earliest, latest, high_watermark: None });
        }
        self.behind(&mut topic, from, &mut held).await?;
        let starts = match known {
            _ if self.begun(from) => detail::starts(from, &topic.name)?,
            Some(known) => known.get(&topic.name).cloned().unwrap_or_default(),
            None => starts::resolve(self.start, self.cluster, &mut topic, &held).await?,
        };
        Ok(View { topic: topic.name, id: topic.id, partitions: held, starts })
    }

    /// Where readers see an end before the position, replication may still see a later one: after
    /// `isolation.level` was changed, or while a transaction hangs.
    async fn behind(
        self,
        topic: &mut Topic,
        from: &Positions,
        held: &mut BTreeMap<i32, Held>,
    ) -> Result<(), KafkaError> {
        let behind: BTreeSet<i32> = held
            .iter()
            .filter(|&(&index, held)| {
                let position = from.get(&Partition::new(&topic.name, index));
                position.is_some_and(|position| position.next > held.latest)
            })
            .map(|(&index, _)| index)
            .collect();
        if behind.is_empty() {
            return Ok(());
        }
        let at = At::Latest(Isolation::Uncommitted);
        for (index, end) in self.cluster.offsets(topic, &behind, at).await? {
            if let Some(held) = held.get_mut(&index) {
                held.high_watermark = Some(end);
            }
        }
        Ok(())
    }

    /// Whether anything was read. From then on, what is new begins at its first record.
    fn begun(self, from: &Positions) -> bool {
        from.iter().any(|(partition, _)| self.topics.hold(&partition.stream))
    }

    /// Whether start offsets are those of topics that are there.
    fn check_start(self, views: &[View]) -> Result<(), KafkaError> {
        let Start::TopicOffsets(offsets) = self.start else { return Ok(()) };
        let there = |name: &&String| views.iter().any(|view| view.topic == **name);
        match offsets.keys().find(|name| !there(name)) {
            Some(named) => {
                let (named, topic) = (named.clone(), self.topics.to_string());
                Err(KafkaError::StartTopic { named, topic })
            }
            None => Ok(()),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
