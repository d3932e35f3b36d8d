//! The source: a topic, how it is decoded, and where to begin.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use futures::stream::BoxStream;
use highwater_codec::Format;
use highwater_core::{
    Decoder, Limits, OnDataLoss, Partition, Payload, Planned, Position, Positions, Range, RangeId,
    Result, Source, SourceColumns, StreamInfo, rejected_schema,
};

use crate::cluster::Cluster;
use crate::decoder::KafkaDecoder;
use crate::detail;
use crate::error::KafkaError;
use crate::group::Courtesy;
use crate::look::{Look, Memory};
use crate::metadata::{Chosen, Metadata};
use crate::options::{Settings, Start};
use crate::planner::{self, Rules, View};
use crate::reader::{self, Notes};
use crate::topics::Topics;

/// The records of a Kafka topic, or of several.
///
/// Give it a format with [`decode`](KafkaSource::decode), and it is a [`Source`] of rows. Each
/// partition of a topic is one of the source. Only committed records are read unless
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
    topics: Topics,
    settings: Settings,
    start: Start,
    on_data_loss: OnDataLoss,
    metadata: Chosen,
    source_columns: bool,
    format: F,
    cluster: OnceLock<Arc<Cluster>>,
    notes: Arc<Notes>,
    memory: Memory,
    courtesy: Courtesy,
}

/// A [`KafkaSource`] that was not yet told how its records are decoded.
#[derive(Clone, Copy, Debug)]
pub struct Undecoded;

impl KafkaSource {
    /// The records of `topic` at the comma-separated `bootstrap` brokers, written `host:port`.
    /// Nothing is contacted, and mistakes show at the first plan.
    pub fn new(bootstrap: impl Into<String>, topic: impl Into<String>) -> Self {
        Self::of(bootstrap.into(), Topics::Named(topic.into()))
    }

    /// The records of all topics whose whole names match the regular expression `pattern`. Topics are
    /// looked for at each plan; those that appear after the first one are read from their first
    /// record. One that is gone is lost data, as [`on_data_loss`](Self::on_data_loss) has it: skipped,
    /// it is a gap without an end in the next plan. Topics that brokers keep for themselves are never
    /// read.
    ///
    /// # Errors
    /// `Invalid` when `pattern` is no regular expression.
    ///
    /// # Example
    /// ```
    /// use highwater_kafka::KafkaSource;
    ///
    /// let orders = KafkaSource::pattern("localhost:9092", "orders-(eu|us)")?;
    /// assert_eq!(orders.topic(), "orders-(eu|us)");
    /// assert!(KafkaSource::pattern("localhost:9092", "orders-(").is_err());
    /// # Ok::<(), highwater_core::Error>(())
    /// ```
    pub fn pattern(bootstrap: impl Into<String>, pattern: &str) -> Result<Self> {
        Ok(Self::of(bootstrap.into(), Topics::matching(pattern)?))
    }

    fn of(bootstrap: String, topics: Topics) -> Self {
        Self {
            bootstrap,
            topics,
            settings: Settings::default(),
            start: Start::default(),
            on_data_loss: OnDataLoss::default(),
            metadata: Chosen::default(),
            source_columns: false,
            format: Undecoded,
            cluster: OnceLock::new(),
            notes: Arc::default(),
            memory: Memory::default(),
            courtesy: Courtesy::default(),
        }
    }

    /// The same topics with its records decoded by `format`.
    pub fn decode(self, format: impl Format + 'static) -> KafkaSource<Arc<dyn Format>> {
        KafkaSource {
            bootstrap: self.bootstrap,
            topics: self.topics,
            settings: self.settings,
            start: self.start,
            on_data_loss: self.on_data_loss,
            metadata: self.metadata,
            source_columns: self.source_columns,
            format: Arc::new(format),
            cluster: self.cluster,
            notes: self.notes,
            memory: self.memory,
            courtesy: self.courtesy,
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

    /// Adds a column of what Kafka knows of a record, behind the columns of the format and those added
    /// before, under [its name](Metadata::name).
    ///
    /// # Example
    /// ```
    /// use highwater_codec::{Columns, Json, Type};
    /// use highwater_core::Source as _;
    /// use highwater_kafka::{KafkaSource, Metadata};
    ///
    /// let orders = Json::try_new(Columns::new().required("id", Type::Text))?;
    /// let source = KafkaSource::new("localhost:9092", "orders")
    ///     .decode(orders)
    ///     .metadata(Metadata::Headers)
    ///     .metadata_as(Metadata::Timestamp, "sent_at");
    /// let names: Vec<String> =
    ///     source.output().schema.fields().iter().map(|field| field.name().clone()).collect();
    /// assert_eq!(names, ["id", "headers", "sent_at"]);
    /// # Ok::<(), highwater_core::Error>(())
    /// ```
    #[must_use]
    pub fn metadata(self, column: Metadata) -> Self {
        self.metadata_as(column, column.name())
    }

    /// The same under another name.
    #[must_use]
    pub fn metadata_as(mut self, column: Metadata, name: impl Into<String>) -> Self {
        self.metadata.add(column, name.into());
        self
    }

    /// Adds `_topic` (text), `_partition` (i32) and `_offset` (i64) behind the columns of the format.
    #[must_use]
    pub fn source_columns(mut self) -> Self {
        self.source_columns = true;
        self
    }

    /// Tells the brokers after each commit how far `group` has read, as the property `group.id` does:
    /// for tools that show how far behind a consumer group is. The group must have no members. Its
    /// offsets are never read, and if they cannot be told that is logged and stops nothing.
    ///
    /// # Errors
    /// `Invalid` when `group` is no name of a group: 1 to 249 characters.
    ///
    /// # Example
    /// ```
    /// use highwater_kafka::KafkaSource;
    ///
    /// let orders = KafkaSource::new("localhost:9092", "orders").group_offsets("ledger")?;
    /// assert!(KafkaSource::new("localhost:9092", "orders").group_offsets("").is_err());
    /// # drop(orders);
    /// # Ok::<(), highwater_core::Error>(())
    /// ```
    pub fn group_offsets(self, group: &str) -> Result<Self> {
        self.property("group.id", group)
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
    /// `fetch.max.wait.ms`, `group.id` (see [`group_offsets`](Self::group_offsets)).
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

    /// The topic, or the pattern of the topics.
    pub fn topic(&self) -> &str {
        self.topics.text()
    }

    fn cluster(&self) -> Result<&Arc<Cluster>, KafkaError> {
        if let Some(cluster) = self.cluster.get() {
            return Ok(cluster);
        }
        self.topics.check()?;
        let cluster = Cluster::try_new(&self.bootstrap, self.settings.clone())?;
        Ok(self.cluster.get_or_init(|| Arc::new(cluster)))
    }

    /// What the brokers hold now.
    async fn look(&self, from: &Positions) -> Result<Vec<View>, KafkaError> {
        let look = Look {
            cluster: self.cluster()?,
            topics: &self.topics,
            start: &self.start,
            on_data_loss: self.on_data_loss,
            memory: &self.memory,
        };
        look.at(from).await
    }
}

impl KafkaSource<Arc<dyn Format>> {
    /// The columns of the format, of the metadata and of the source.
    fn schema(&self) -> SchemaRef {
        let schema = self.metadata.behind(&self.format.schema());
        match self.source_columns {
            true => SourceColumns::behind(&schema),
            false => schema,
        }
    }

    /// A name that two columns have is a mistake that readers of the table would make again.
    fn check_columns(&self) -> Result<(), KafkaError> {
        let schema = self.schema();
        let mut names = BTreeSet::new();
        match schema.fields().iter().find(|field| !names.insert(field.name().as_str())) {
            Some(twice) => {
                let (topic, column) = (self.topics.to_string(), twice.name().clone());
                Err(KafkaError::ColumnTwice { topic, column })
            }
            None => Ok(()),
        }
    }
}

// Of one format for all, so that what it does is compiled here, and not again in each program.
#[async_trait]
impl Source for KafkaSource<Arc<dyn Format>> {
    fn describe(&self) -> String {
        format!("kafka {} at {}", self.topics, self.bootstrap)
    }

    fn output(&self) -> StreamInfo {
        StreamInfo::new(self.schema())
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
        self.check_columns()?;
        let views = self.look(from).await?;
        let rules = Rules {
            topics: &self.topics,
            until,
            limits,
            on_data_loss: self.on_data_loss,
            gone: &self.memory.gone(),
            bytes_per_offset: self.notes.estimate.value(),
        };
        let mut planned = planner::plan(&views, from, rules)?;
        if !planned.ranges.is_empty() {
            planned.throttled = self.cluster()?.throttle().take();
        }
        Ok(planned)
    }

    async fn ends(&self, from: &Positions) -> Result<Positions> {
        let views = self.look(from).await?;
        let ends = |view: &View| -> Vec<(Partition, Position)> {
            let held = view.partitions.iter();
            held.map(|(&index, held)| {
                (Partition::new(&view.topic, index), Position::at(held.latest))
            })
            .collect()
        };
        Ok(views.iter().flat_map(ends).collect())
    }

    async fn committed(&self, upto: &Positions) -> Result<()> {
        let Some(group) = &self.settings.group else { return Ok(()) };
        let (let_go, recorded) = (self.memory.gone(), detail::gone(upto)?);
        let there = upto.iter().filter(|(partition, _)| {
            !let_go.contains(&partition.stream) && !recorded.contains(&partition.stream)
        });
        let there = there.map(|(partition, position)| (partition.clone(), position.clone()));
        Ok(self.courtesy.tell(self.cluster()?, group, &there.collect()).await?)
    }

    fn read(&self, ranges: Vec<Range>) -> BoxStream<'static, Result<(RangeId, Payload)>> {
        match self.cluster() {
            Ok(cluster) => reader::read(Arc::clone(cluster), &self.notes, ranges),
            Err(error) => Box::pin(futures::stream::once(async { Err(error.into()) })),
        }
    }

    fn decoder(&self, range: &Range) -> Result<Box<dyn Decoder>> {
        if !self.topics.hold(&range.partition.stream) {
            let (range, topic) = (range.partition.to_string(), self.topics.to_string());
            return Err(KafkaError::ForeignRange { range, topic }.into());
        }
        let schema = self.metadata.behind(&self.format.schema());
        let columns = || SourceColumns::new(&schema, range.partition.clone());
        let columns = self.source_columns.then(columns);
        let added = (self.metadata.clone(), columns);
        let largest = self.settings.unpacked_bytes;
        let notes = Arc::clone(&self.notes);
        Ok(Box::new(KafkaDecoder::new(range, self.format.decoder(), added, largest, notes)))
    }
}
