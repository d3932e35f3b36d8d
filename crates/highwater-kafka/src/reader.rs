//! Reads planned ranges: one request per broker under way while the last answers are decoded.

mod failures;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::stream::{self, BoxStream, StreamExt};
use highwater_core::{Error, Payload, Range, RangeId};
use kafka_protocol::messages::fetch_response::PartitionData;
use kafka_protocol::messages::{FetchRequest, FetchResponse};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::cluster::{Cluster, Topic, refused};
use crate::compression::Spares;
use crate::connection::Connection;
use crate::damage::Damage;
use crate::detail::Detail;
use crate::error::{Answer, Class, KafkaError, WireError};
use crate::estimate::BytesPerOffset;
use crate::fetch::{self, Footer, Scanned, Wanted};
use crate::retry::Retry;

/// So many answers without anything of a partition that stood first in the request make it suspect:
/// it is then asked for alone.
const SUSPECT: u32 = 3;

type Item = Result<(RangeId, Payload), Error>;
type Items = Result<Vec<(RangeId, Payload)>, KafkaError>;

/// So many topics are read at once.
const TOPICS_AT_ONCE: usize = 4;

/// Reads `ranges`. Each topic is read in a task of its own, which ends with the stream.
pub(crate) fn read(
    cluster: Arc<Cluster>,
    notes: &Arc<Notes>,
    ranges: Vec<Range>,
) -> BoxStream<'static, Item> {
    let mut topics: BTreeMap<String, Vec<Range>> = BTreeMap::new();
    for range in ranges {
        topics.entry(range.partition.stream.clone()).or_default().push(range);
    }
    let notes = Arc::clone(notes);
    let read =
        move |(topic, ranges)| read_topic(Arc::clone(&cluster), topic, Arc::clone(&notes), ranges);
    stream::iter(topics).map(read).flatten_unordered(TOPICS_AT_ONCE).boxed()
}

fn read_topic(
    cluster: Arc<Cluster>,
    topic: String,
    notes: Arc<Notes>,
    ranges: Vec<Range>,
) -> BoxStream<'static, Item> {
    let begin = async move {
        let (sender, receiver) = mpsc::channel(1);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let failed = match Reader::open(cluster, &topic, &ranges, sender.clone()).await {
                Ok(reader) => reader.run(&notes.estimate).await,
                Err(error) => Err(error),
            };
            if let Err(error) = failed {
                // A receiver that is gone has no use for it.
                drop(sender.send(Err(notes.damage.met(error))).await);
            }
        });
        stream::unfold((receiver, tasks), |(mut receiver, tasks)| async move {
            receiver.recv().await.map(|items: Items| (items, (receiver, tasks)))
        })
    };
    let items = |items: Items| match items {
        Ok(items) => stream::iter(items.into_iter().map(Ok).collect::<Vec<Item>>()),
        Err(error) => stream::iter(vec![Err(error.into())]),
    };
    stream::once(begin).flatten().flat_map(items).boxed()
}

/// What a source learns while it reads.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    pub(crate) estimate: BytesPerOffset,
    pub(crate) damage: Damage,
    pub(crate) spares: Spares,
}

/// One range on its way.
#[derive(Debug)]
struct Progress {
    id: RangeId,
    epoch: i32,
    position: i64,
    to: i64,
    /// The leader's epoch that the range was planned in; -1 when it is not known.
    planned: i32,
    /// The newest epoch whose leader is known to hold all that was planned.
    held: i32,
    /// Answers without anything since the last one with something.
    empty: u32,
    retry: Retry,
    under_way: bool,
}

struct Reader {
    cluster: Arc<Cluster>,
    topic: Topic,
    open: BTreeMap<i32, Progress>,
    busy: BTreeSet<String>,
    fetches: JoinSet<Fetched>,
    /// The leaders are to be asked for again, after a pause.
    stale: bool,
    pace: Retry,
    sender: mpsc::Sender<Items>,
    bytes: u64,
    offsets: u64,
}

/// The end of one request.
struct Fetched {
    address: String,
    partitions: Vec<i32>,
    answer: Result<(FetchResponse, Connection), WireError>,
}

impl Reader {
    async fn open(
        cluster: Arc<Cluster>,
        topic: &str,
        ranges: &[Range],
        sender: mpsc::Sender<Items>,
    ) -> Result<Self, KafkaError> {
        let topic = cluster.topic(topic).await?;
        let mut open = BTreeMap::new();
        for range in ranges {
            same_topic(&topic, Detail::of(&range.partition, &range.from)?.topic_id)?;
            let planned = Detail::of(&range.partition, &range.to)?.epoch;
            let progress = Progress {
                id: range.id,
                epoch: -1,
                position: range.from.next,
                to: range.to.next,
                planned,
                held: planned,
                empty: 0,
                retry: Retry::new(cluster.settings().grace),
                under_way: false,
            };
            open.insert(range.partition.index, progress);
        }
        let pace = Retry::new(cluster.settings().grace);
        let mut reader = Self {
            cluster,
            topic,
            open,
            busy: BTreeSet::new(),
            fetches: JoinSet::new(),
            stale: false,
            pace,
            sender,
            bytes: 0,
            offsets: 0,
        };
        reader.check_leaders().await?;
        Ok(reader)
    }

    async fn run(mut self, estimate: &BytesPerOffset) -> Result<(), KafkaError> {
        while !self.open.is_empty() {
            if self.stale {
                self.refresh().await?;
            }
            self.send_requests()?;
            let Some(fetched) = self.fetches.join_next().await else { continue };
            let items = self.take(fetched?).await?;
            // One answer may wait while another one is decoded. Only then the next request leaves, so that
            // no more than three are in memory.
            if !items.is_empty() && self.sender.send(Ok(items)).await.is_err() {
                return Ok(()); // nobody wants more
            }
        }
        estimate.learn(self.bytes, self.offsets);
        Ok(())
    }

    async fn refresh(&mut self) -> Result<(), KafkaError> {
        self.pace.pause().await;
        let topic = self.cluster.topic(&self.topic.name).await?;
        same_topic(&topic, self.topic.id.clone())?;
        self.topic = topic;
        self.stale = false;
        self.check_leaders().await
    }

    /// One request to each broker that leads an open partition and has none under way.
    fn send_requests(&mut self) -> Result<(), KafkaError> {
        let mut groups: BTreeMap<String, Vec<i32>> = BTreeMap::new();
        let mut leaderless = Vec::new();
        for (&index, progress) in self.open.iter_mut().filter(|(_, open)| !open.under_way) {
            let leader = self.topic.partitions.get(&index);
            progress.epoch = leader.map_or(-1, |leader| leader.epoch);
            match leader.and_then(|leader| leader.address.clone()) {
                Some(address) if self.busy.contains(&address) => {}
                Some(address) => groups.entry(address).or_default().push(index),
                None => leaderless.push(index),
            }
        }
        for index in leaderless {
            self.failed(index, refused("Fetch", &self.topic, index, Answer(5)))?;
        }
        for (address, partitions) in groups {
            self.send_request(address, partitions);
        }
        Ok(())
    }

    fn send_request(&mut self, address: String, mut partitions: Vec<i32>) {
        let empty = |index: &i32| self.open.get(index).map_or(0, |open| open.empty);
        // A broker fills an answer in the order of the request, and whoever got nothing comes first.
        partitions.sort_by_key(|index| std::cmp::Reverse(empty(index)));
        if partitions.first().is_some_and(|first| empty(first) >= SUSPECT) {
            partitions.truncate(1);
        }
        let mut wanted = Vec::with_capacity(partitions.len());
        for &partition in &partitions {
            if let Some(open) = self.open.get_mut(&partition) {
                open.under_way = true;
                wanted.push(Wanted { partition, epoch: open.epoch, position: open.position });
            }
        }
        self.busy.insert(address.clone());
        let cluster = Arc::clone(&self.cluster);
        let request = fetch::request(&self.topic, &wanted, cluster.settings());
        self.fetches.spawn(async move {
            let answer = send(&cluster, &address, request).await;
            Fetched { address, partitions, answer }
        });
    }

    /// Takes the data out of an answer and moves the positions on.
    async fn take(&mut self, fetched: Fetched) -> Result<Vec<(RangeId, Payload)>, KafkaError> {
        self.busy.remove(&fetched.address);
        for index in &fetched.partitions {
            if let Some(open) = self.open.get_mut(index) {
                open.under_way = false;
            }
        }
        let (answer, connection) = match fetched.answer {
            Ok(answer) => answer,
            Err(error) if error.is_final() => return Err(error.into()),
            Err(error) => {
                self.all_failed(&fetched.partitions, error)?;
                return Ok(Vec::new());
            }
        };
        self.cluster.throttle().asked(&fetched.address, answer.throttle_time_ms);
        self.cluster.give_back(connection);
        let alone = fetched.partitions.len() == 1;
        let mut given: BTreeMap<i32, PartitionData> = BTreeMap::new();
        for data in answer.responses.into_iter().flat_map(|topic| topic.partitions) {
            given.insert(data.partition_index, data);
        }
        let mut items = Vec::new();
        for &index in &fetched.partitions {
            let error = Answer(answer.error_code);
            match given.get(&index) {
                _ if error.class() != Class::Fine => {
                    self.answered(index, error).await?;
                }
                Some(data) => self.take_partition(index, data, alone, &mut items).await?,
                // A broker that throttles may leave partitions out.
                None if alone => self.answered(index, Answer(7)).await?,
                None => {}
            }
        }
        Ok(items)
    }

    async fn take_partition(
        &mut self,
        index: i32,
        data: &PartitionData,
        alone: bool,
        items: &mut Vec<(RangeId, Payload)>,
    ) -> Result<(), KafkaError> {
        let answer = Answer(data.error_code);
        if answer.class() != Class::Fine {
            return self.answered(index, answer).await;
        }
        let isolation = self.cluster.settings().isolation;
        let Some(open) = self.open.get_mut(&index) else { return Ok(()) };
        let scanned = fetch::scan(data, open.position, open.to, isolation)
            .map_err(|(offset, error)| error.at(&self.topic.name, index, offset))?;
        if scanned.next == open.position {
            return self.nothing(index, data, alone, items).await;
        }
        self.bytes += scanned.bytes;
        self.offsets += u64::try_from(scanned.next - open.position).unwrap_or(0);
        self.move_on(index, scanned, items);
        Ok(())
    }

    fn move_on(&mut self, index: i32, scanned: Scanned, items: &mut Vec<(RangeId, Payload)>) {
        let Some(open) = self.open.get_mut(&index) else { return };
        open.position = scanned.next;
        open.empty = 0;
        open.retry.succeeded();
        self.pace.succeeded();
        items.extend(scanned.payloads.into_iter().map(|bytes| (open.id, Payload::from(bytes))));
        if open.position >= open.to {
            items.push((open.id, Payload::from(Footer { reached: open.position }.bytes())));
            self.open.remove(&index);
        }
    }
}

async fn send(
    cluster: &Cluster,
    address: &str,
    request: FetchRequest,
) -> Result<(FetchResponse, Connection), WireError> {
    cluster.throttle().over(address).await;
    let mut connection = cluster.connection(address).await?;
    let version = connection.version::<FetchRequest>()?;
    let (request, version) = fetch::fit(request, version);
    let answer = connection.send(&request, version).await?;
    Ok((answer, connection))
}

fn same_topic(topic: &Topic, was: Option<String>) -> Result<(), KafkaError> {
    match (was, &topic.id) {
        (Some(was), Some(is)) if was != *is => {
            Err(KafkaError::Recreated { topic: topic.name.clone(), was, is: is.clone() })
        }
        _ => Ok(()),
    }
}
