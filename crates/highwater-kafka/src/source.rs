//! The source: a topic, how it is decoded, and where to begin.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use async_trait::async_trait;
use futures::stream::BoxStream;
use highwater_codec::Format;
use highwater_core::{
    Decoder, Limits, Partition, Payload, Planned, Position, Positions, Range, RangeId, Result,
    Source, SourceColumns, StreamInfo, rejected_schema,
};

use crate::cluster::{At, Cluster, Topic};
use crate::decoder::KafkaDecoder;
use crate::detail;
use crate::error::KafkaError;
use crate::estimate::BytesPerOffset;
use crate::options::{Isolation, OnDataLoss, Settings, Start};
use crate::planner::{self, Held, Rules, View};
use crate::reader;
use crate::starts;

/// The records of a Kafka topic.
///
/// Give it a format with [`decode`](KafkaSource::decode), and it is a [`Source`] of rows. Each
/// partition of the topic is one of the source. Only committed records are read unless
/// `isolation.level` says otherwise, and what aborted transactions wrote never shows.
///
/// # Example
/// ```
/// use std::sync::Arc;
///
/// use highwater_codec::{Columns, Json, Type};
/// use highwater_core::Source as _;
/// use highwater_kafka::{KafkaSource, OnDataLoss, Start};
///
/// let orders = Json::try_new(Columns::new().required("id", Type::Text))?;
/// let source = KafkaSource::new("localhost:9092", "orders")
///     .property("client.id", "orders-reader")?
///     .start(Start::Earliest)
///     .on_data_loss(OnDataLoss::Fail)
///     .decode(orders)
///     .source_columns();
/// let names: Vec<String> =
///     source.output().schema.fields().iter().map(|field| field.name().clone()).collect();
/// assert_eq!(names, ["id", "_topic", "_partition", "_offset"]);
/// # Ok::<(), highwater_core::Error>(())
/// ```
#[derive(Debug)]
pub struct KafkaSource<F = Undecoded> {
    bootstrap: String,
    topic: String,
    settings: Settings,
    start: Start,
    on_data_loss: OnDataLoss,
    source_columns: bool,
    format: F,
    cluster: OnceLock<Arc<Cluster>>,
    estimate: Arc<BytesPerOffset>,
    /// The configured start as offsets, once it was looked up.
    starts: Mutex<Option<BTreeMap<i32, i64>>>,
}

/// A [`KafkaSource`] that was not yet told how its records are decoded.
#[derive(Clone, Copy, Debug)]
pub struct Undecoded;

impl KafkaSource {
    /// The records of `topic` at the comma-separated `bootstrap` brokers, written `host:port`.
    /// Nothing is contacted, and mistakes show at the first plan.
    pub fn new(bootstrap: impl Into<String>, topic: impl Into<String>) -> Self {
        Self {
            bootstrap: bootstrap.into(),
            topic: topic.into(),
            settings: Settings::default(),
            start: Start::default(),
            on_data_loss: OnDataLoss::default(),
            source_columns: false,
            format: Undecoded,
            cluster: OnceLock::new(),
            estimate: Arc::new(BytesPerOffset::new()),
            starts: Mutex::default(),
        }
    }

    /// The same topic with its records decoded by `format`.
    pub fn decode<F: Format>(self, format: F) -> KafkaSource<F> {
        KafkaSource {
            bootstrap: self.bootstrap,
            topic: self.topic,
            settings: self.settings,
            start: self.start,
            on_data_loss: self.on_data_loss,
            source_columns: self.source_columns,
            format,
            cluster: self.cluster,
            estimate: self.estimate,
            starts: self.starts,
        }
    }
}

impl<F> KafkaSource<F> {
    /// Where to begin when there are no positions yet. Partitions added to the topic later begin at
    /// their first record.
    #[must_use]
    pub fn start(mut self, start: Start) -> Self {
        self.start = start;
        self
    }

    /// What to do when records are gone before they were read.
    #[must_use]
    pub fn on_data_loss(mut self, choice: OnDataLoss) -> Self {
        self.on_data_loss = choice;
        self
    }

    /// Adds `_topic` (text), `_partition` (i32) and `_offset` (i64) behind the columns of the format.
    #[must_use]
    pub fn source_columns(mut self) -> Self {
        self.source_columns = true;
        self
    }

    /// Lets a record batch have up to `bytes` bytes when it is unpacked, instead of 64 MiB. A batch
    /// that unpacks to more than 1 MiB and 200 times its packed size is refused in any case.
    #[must_use]
    pub fn largest_batch(mut self, bytes: u32) -> Self {
        self.settings.unpacked_bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        self
    }

    /// Sets a property of the Java client: `client.id`, `isolation.level`, `request.timeout.ms`,
    /// `default.api.timeout.ms` (how long a moving leader or a restarting broker is waited for),
    /// `socket.connection.setup.timeout.ms`, `fetch.max.bytes`, `max.partition.fetch.bytes`,
    /// `fetch.max.wait.ms`.
    ///
    /// Of security: `security.protocol`; `ssl.truststore.location` or `ssl.ca.location`,
    /// `ssl.truststore.certificates` (whom to trust instead of those that the system trusts);
    /// `ssl.keystore.location`, or `ssl.keystore.certificate.chain` and `ssl.keystore.key` (the
    /// certificate of this client); `ssl.endpoint.identification.algorithm`; `sasl.mechanism`;
    /// `sasl.username` and `sasl.password`, or `sasl.jaas.config`; `sasl.oauthbearer.token`, or
    /// `sasl.oauthbearer.token.endpoint.url` with a `file:` that is read whenever a token is needed.
    /// Certificates and keys are PEM.
    ///
    /// # Errors
    /// `Invalid` when there is no such property, naming the nearest, or the value does not fit.
    pub fn property(mut self, name: &str, value: &str) -> Result<Self> {
        self.settings.set(name, value)?;
        Ok(self)
    }

    /// The topic.
    pub fn topic(&self) -> &str {
        &self.topic
    }

    fn cluster(&self) -> Result<&Arc<Cluster>, KafkaError> {
        if let Some(cluster) = self.cluster.get() {
            return Ok(cluster);
        }
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        let named = (1..=249).contains(&self.topic.len()) && self.topic.bytes().all(allowed);
        if !named || matches!(&*self.topic, "." | "..") {
            return Err(KafkaError::TopicName { topic: self.topic.clone() });
        }
        let cluster = Cluster::try_new(&self.bootstrap, self.settings.clone())?;
        Ok(self.cluster.get_or_init(|| Arc::new(cluster)))
    }

    /// What the brokers hold now.
    async fn look(&self, from: &Positions) -> Result<View, KafkaError> {
        let cluster = self.cluster()?;
        let mut topic = cluster.topic(&self.topic).await?;
        let all: BTreeSet<i32> = topic.partitions.keys().copied().collect();
        let earliest = cluster.offsets(&mut topic, &all, At::Earliest).await?;
        let readable = At::Latest(self.settings.isolation);
        let latest = cluster.offsets(&mut topic, &all, readable).await?;
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
        self.look_behind(cluster, &mut topic, from, &mut held).await?;
        let starts = self.starts(cluster, &mut topic, from, &held).await?;
        Ok(View { topic: self.topic.clone(), id: topic.id, partitions: held, starts })
    }

    /// Where readers see an end before the position, replication may still see a later one: after
    /// `isolation.level` was changed, or while a transaction hangs.
    async fn look_behind(
        &self,
        cluster: &Cluster,
        topic: &mut Topic,
        from: &Positions,
        held: &mut BTreeMap<i32, Held>,
    ) -> Result<(), KafkaError> {
        let behind: BTreeSet<i32> = held
            .iter()
            .filter(|&(&index, held)| {
                let position = from.get(&Partition::new(&self.topic, index));
                position.is_some_and(|position| position.next > held.latest)
            })
            .map(|(&index, _)| index)
            .collect();
        if behind.is_empty() {
            return Ok(());
        }
        let ends = cluster.offsets(topic, &behind, At::Latest(Isolation::Uncommitted)).await?;
        for (index, end) in ends {
            if let Some(held) = held.get_mut(&index) {
                held.high_watermark = Some(end);
            }
        }
        Ok(())
    }

    /// Where partitions without a position begin, other than at their first record: as configured
    /// at the very first plan, and later as the positions of others remember.
    async fn starts(
        &self,
        cluster: &Cluster,
        topic: &mut Topic,
        from: &Positions,
        held: &BTreeMap<i32, Held>,
    ) -> Result<BTreeMap<i32, i64>, KafkaError> {
        if from.iter().any(|(partition, _)| partition.stream == self.topic) {
            return detail::starts(from, &self.topic);
        }
        let known = self.starts.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(known) = known {
            return Ok(known);
        }
        if let Start::TopicOffsets(topics) = &self.start
            && let Some(other) = topics.keys().find(|name| **name != self.topic)
        {
            let (named, topic) = (other.clone(), self.topic.clone());
            return Err(KafkaError::StartTopic { named, topic });
        }
        let starts = starts::resolve(&self.start, cluster, topic, held).await?;
        *self.starts.lock().unwrap_or_else(PoisonError::into_inner) = Some(starts.clone());
        Ok(starts)
    }
}

#[async_trait]
impl<F: Format + 'static> Source for KafkaSource<F> {
    fn describe(&self) -> String {
        format!("kafka {} at {}", self.topic, self.bootstrap)
    }

    fn output(&self) -> StreamInfo {
        let schema = self.format.schema();
        StreamInfo::new(match self.source_columns {
            true => SourceColumns::behind(&schema),
            false => schema,
        })
    }

    fn rejected(&self) -> StreamInfo {
        StreamInfo::new(rejected_schema())
    }

    async fn plan(
        &self,
        from: &Positions,
        until: Option<&Positions>,
        limits: &Limits,
    ) -> Result<Planned> {
        let view = self.look(from).await?;
        let rules = Rules {
            until,
            limits,
            on_data_loss: self.on_data_loss,
            bytes_per_offset: self.estimate.value(),
        };
        Ok(planner::plan(&view, from, rules)?)
    }

    async fn ends(&self, from: &Positions) -> Result<Positions> {
        let view = self.look(from).await?;
        let ends = view
            .partitions
            .iter()
            .map(|(&index, held)| (Partition::new(&self.topic, index), Position::at(held.latest)));
        Ok(ends.collect())
    }

    fn read(&self, ranges: Vec<Range>) -> BoxStream<'static, Result<(RangeId, Payload)>> {
        match self.cluster() {
            Ok(cluster) => reader::read(
                Arc::clone(cluster),
                self.topic.clone(),
                Arc::clone(&self.estimate),
                ranges,
            ),
            Err(error) => Box::pin(futures::stream::once(async { Err(error.into()) })),
        }
    }

    fn decoder(&self, range: &Range) -> Result<Box<dyn Decoder>> {
        if range.partition.stream != self.topic {
            let (range, topic) = (range.partition.to_string(), self.topic.clone());
            return Err(KafkaError::ForeignRange { range, topic }.into());
        }
        let columns = || SourceColumns::new(&self.format.schema(), range.partition.clone());
        let columns = self.source_columns.then(columns);
        let largest = self.settings.unpacked_bytes;
        let decoder = KafkaDecoder::new(range, self.format.decoder(), columns, largest);
        Ok(Box::new(decoder))
    }
}
