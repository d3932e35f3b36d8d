//! What the brokers hold of the topics of a source.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use futures::stream::{self, StreamExt, TryStreamExt};
use highwater_core::{OnDataLoss, Partition, Positions};
use tokio::time::Instant;

use crate::cluster::{At, Cluster, Told, Topic};
use crate::detail::{self, Detail};
use crate::error::KafkaError;
use crate::hanging::Hanging;
use crate::options::{Isolation, Start};
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
    /// Positions, with the epoch of a later leader that holds all records before them.
    held: Mutex<BTreeMap<Partition, (i64, i32)>>,
    hanging: Hanging,
}

impl Memory {
    /// The topics that were let go.
    pub(crate) fn gone(&self) -> BTreeSet<String> {
        lock(&self.gone).clone()
    }
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
        let recorded = detail::gone(from)?;
        let read: BTreeSet<&str> = from.iter().map(|(read, _)| &*read.stream).collect();
        for name in read.into_iter().filter(|name| self.topics.hold(name)) {
            if found.iter().any(|topic| topic.name == name) {
                lock(&self.memory.gone).remove(name);
            } else if !recorded.contains(name) && !lock(&self.memory.gone).contains(name) {
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
        tracing::warn!(topic = name, "the topic is gone; the next plan records what is lost");
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
        let isolation = self.cluster.settings().isolation;
        let end = At::Latest(Isolation::Uncommitted);
        // Asked for before the end for readers: what is written meanwhile is not withheld.
        let watermarks = match isolation {
            Isolation::Uncommitted => BTreeMap::new(),
            Isolation::Committed => self.cluster.offsets(&mut topic, &all, end).await?,
        };
        let latest = self.cluster.offsets(&mut topic, &all, At::Latest(isolation)).await?;
        let mut held = BTreeMap::new();
        for &index in &all {
            let (Some(earliest), Some(latest)) = (earliest.get(&index), latest.get(&index)) else {
                continue;
            };
            let watermark = watermarks.get(&index).unwrap_or(latest);
            let partition = Partition::new(&topic.name, index);
            // The epoch that goes with the end: no record before the end was written later.
            let &Told { offset: latest, epoch } = latest;
            let (earliest, high_watermark) = (earliest.offset, watermark.offset.max(latest));
            let stuck =
                self.memory.hanging.see(&partition, (latest, high_watermark), Instant::now());
            let epoch_end = None;
            let seen = Held { epoch, earliest, latest, high_watermark, stuck, epoch_end };
            held.insert(index, seen);
        }
        self.since(&mut topic, from, &mut held).await?;
        let starts = match known {
            _ if self.begun(from) => detail::starts(from, &topic.name)?,
            Some(known) => known.get(&topic.name).cloned().unwrap_or_default(),
            None => starts::resolve(self.start, self.cluster, &mut topic, &held).await?,
        };
        Ok(View { topic: topic.name, id: topic.id, partitions: held, starts })
    }

    /// Where the leader changed since a position was planned, what lies before the position may have
    /// been truncated and written anew.
    async fn since(
        self,
        topic: &mut Topic,
        from: &Positions,
        held: &mut BTreeMap<i32, Held>,
    ) -> Result<(), KafkaError> {
        let mut epochs = BTreeMap::new();
        for (&index, held) in &*held {
            let partition = Partition::new(&topic.name, index);
            let Some(position) = from.get(&partition) else { continue };
            let epoch = Detail::of(&partition, position)?.epoch;
            let known =
                lock(&self.memory.held).get(&partition) == Some(&(position.next, held.epoch));
            if epoch >= 0 && held.epoch > epoch && !known {
                epochs.insert(index, epoch);
            }
        }
        for (index, end) in self.cluster.epoch_ends(topic, &epochs).await? {
            let partition = Partition::new(&topic.name, index);
            let (Some(held), Some(position)) = (held.get_mut(&index), from.get(&partition)) else {
                continue;
            };
            held.epoch_end = Some(end);
            if position.next <= end {
                lock(&self.memory.held).insert(partition, (position.next, held.epoch));
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
