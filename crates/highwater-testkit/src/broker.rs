//! A Kafka cluster within the process, with faults on demand.
//!
//! It serves ApiVersions, Metadata, ListOffsets, OffsetForLeaderEpoch, Fetch and OffsetCommit over
//! real sockets on 127.0.0.1, behind TLS and SASL where a [`Guard`] asks for them. Its logs are written through its
//! own methods: transactions with markers and an index of the aborted, compaction, retention, topics
//! made anew, leaders that move. Its record batches are encoded here and by nothing else, so a client
//! is never checked against itself.
//!
//! # Example
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! use highwater_testkit::broker::{Batch, Cluster, Record};
//!
//! let cluster = Cluster::start(1).await?;
//! cluster.create_topic("orders", 2);
//! cluster.append("orders", 0, Batch::of([Record::value("first"), Record::value("second")]));
//! assert_eq!(cluster.end("orders", 0), 2);
//! assert!(cluster.bootstrap().starts_with("127.0.0.1:"));
//! # Ok(())
//! # }
//! ```

mod batch;
mod certificates;
mod fetch;
mod groups;
mod guard;
mod log;
mod login;
mod serve;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

pub use batch::{Batch, Packing, Record};
pub use certificates::{Authority, Certificate};
pub use guard::Guard;
use log::Log;

/// The brokers of one cluster. They end with it.
pub struct Cluster {
    state: Shared,
    nodes: Vec<Node>,
    _listeners: JoinSet<()>,
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster").field("bootstrap", &self.bootstrap()).finish_non_exhaustive()
    }
}

/// How a broker treats its connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mood {
    /// It answers.
    #[default]
    Well,
    /// It closes every connection, old and new.
    Down,
    /// It reads requests and never answers.
    Silent,
}

#[derive(Debug)]
struct Node {
    port: u16,
    mood: watch::Sender<Mood>,
}

type Shared = Arc<Mutex<State>>;

/// What all brokers of the cluster know.
#[derive(Debug, Default)]
struct State {
    ports: Vec<u16>,
    topics: BTreeMap<String, Topic>,
    made: u64,
    /// The newest version of an API that is offered, by its key.
    newest: BTreeMap<i16, i16>,
    /// The APIs, by key, whose requests get no answer.
    unanswered: BTreeSet<i16>,
    /// Answers to Fetch until one is cut off in the middle, with its connection.
    cut_after: Option<u32>,
    /// Answers to Fetch that are still to be damaged.
    damage: u32,
    throttle_ms: i32,
    requests: BTreeMap<i16, u64>,
    connections: u64,
    /// The offsets of consumer groups, by group, topic and partition.
    groups: BTreeMap<(String, String, i32), i64>,
    /// Topics that clients may not read.
    denied: BTreeSet<String>,
    guard: Guard,
}

#[derive(Debug)]
struct Topic {
    id: String,
    partitions: Vec<Partition>,
}

#[derive(Debug)]
struct Partition {
    leader: usize,
    epoch: i32,
    log: Log,
}

impl Cluster {
    /// Starts `nodes` brokers that let everybody in.
    ///
    /// # Errors
    /// When no port can be opened.
    pub async fn start(nodes: usize) -> io::Result<Self> {
        Self::guarded(nodes, Guard::new()).await
    }

    /// Starts `nodes` brokers that let in whom `guard` lets in.
    ///
    /// # Errors
    /// When no port can be opened.
    pub async fn guarded(nodes: usize, guard: Guard) -> io::Result<Self> {
        let state = Shared::default();
        lock(&state).guard = guard;
        let mut listeners = JoinSet::new();
        let mut started = Vec::new();
        for node in 0..nodes {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            let port = listener.local_addr()?.port();
            let (mood, seen) = watch::channel(Mood::Well);
            lock(&state).ports.push(port);
            started.push(Node { port, mood });
            listeners.spawn(serve::accept(listener, node, Arc::clone(&state), seen));
        }
        Ok(Self { state, nodes: started, _listeners: listeners })
    }

    /// The addresses of all brokers.
    pub fn bootstrap(&self) -> String {
        let addresses: Vec<String> =
            self.nodes.iter().map(|node| format!("127.0.0.1:{}", node.port)).collect();
        addresses.join(",")
    }

    /// Makes a topic with an id of its own; its partitions are led by the brokers in turn.
    pub fn create_topic(&self, name: &str, partitions: usize) {
        let mut state = lock(&self.state);
        state.made += 1;
        let id = format!("00000000-0000-4000-8000-{:012x}", state.made);
        let nodes = self.nodes.len().max(1);
        let partition = |index| Partition { leader: index % nodes, epoch: 0, log: Log::default() };
        let topic = Topic { id, partitions: (0..partitions).map(partition).collect() };
        state.topics.insert(name.to_owned(), topic);
    }

    /// Removes a topic with all its records.
    pub fn delete_topic(&self, name: &str) {
        lock(&self.state).topics.remove(name);
    }

    /// Adds a partition to a topic.
    pub fn add_partition(&self, topic: &str) {
        if let Some(topic) = lock(&self.state).topics.get_mut(topic) {
            topic.partitions.push(Partition { leader: 0, epoch: 0, log: Log::default() });
        }
    }

    /// Appends a batch and gives the offset of its first record.
    pub fn append(&self, topic: &str, partition: usize, batch: Batch) -> i64 {
        self.log(topic, partition, |log| log.append(batch)).unwrap_or(-1)
    }

    /// Ends the transaction of `producer` in this partition by a marker.
    pub fn end_transaction(&self, topic: &str, partition: usize, producer: i64, commit: bool) {
        self.log(topic, partition, |log| log.end_transaction(producer, commit));
    }

    /// Removes the records whose offset is not kept, as the log cleaner does. A batch that loses
    /// all of them stays as an empty one where `keep_empty`, and goes otherwise.
    pub fn compact(
        &self,
        topic: &str,
        partition: usize,
        keep_empty: bool,
        keep: impl Fn(i64) -> bool,
    ) {
        self.log(topic, partition, |log| log.compact(keep_empty, keep));
    }

    /// Removes what lies before `offset`, as retention does.
    pub fn remove_before(&self, topic: &str, partition: usize, offset: i64) {
        self.log(topic, partition, |log| log.remove_before(offset));
    }

    /// Removes what lies at or after `offset`, as an unclean election does.
    pub fn truncate(&self, topic: &str, partition: usize, offset: i64) {
        let mut state = lock(&self.state);
        if let Some(partition) = state.partition(topic, partition) {
            partition.log.truncate(offset);
            partition.elect(partition.leader);
        }
    }

    /// The end of a partition, behind open transactions too.
    pub fn end(&self, topic: &str, partition: usize) -> i64 {
        self.log(topic, partition, |log| log.end()).unwrap_or(-1)
    }

    /// Lets another broker lead a partition.
    pub fn move_leader(&self, topic: &str, partition: usize, node: usize) {
        let mut state = lock(&self.state);
        if let Some(partition) = state.partition(topic, partition) {
            partition.elect(node);
        }
    }

    /// Changes how a broker treats its connections. Existing ones are closed where it goes down.
    pub fn set_mood(&self, node: usize, mood: Mood) {
        if let Some(node) = self.nodes.get(node) {
            node.mood.send_replace(mood);
        }
    }

    /// Offers no later version than `version` of the API `key`.
    pub fn limit_version(&self, key: i16, version: i16) {
        lock(&self.state).newest.insert(key, version);
    }

    /// Leaves requests of the API `key` without an answer from now on.
    pub fn leave_unanswered(&self, key: i16) {
        lock(&self.state).unanswered.insert(key);
    }

    /// Cuts the connection in the middle of the answer to Fetch that comes after `answers` others,
    /// and again after as many.
    pub fn cut_after(&self, answers: Option<u32>) {
        lock(&self.state).cut_after = answers;
    }

    /// Flips a bit in a record batch of so many of the next answers to Fetch that have one.
    pub fn damage(&self, answers: u32) {
        lock(&self.state).damage = answers;
    }

    /// Lets answers to Fetch ask for a pause.
    pub fn throttle(&self, millis: i32) {
        lock(&self.state).throttle_ms = millis;
    }

    /// Replaces whom the brokers let in. Connections stay as they are.
    pub fn set_guard(&self, guard: Guard) {
        lock(&self.state).guard = guard;
    }

    /// Lets clients not read a topic any more, as an access control list does.
    pub fn deny(&self, topic: &str) {
        lock(&self.state).denied.insert(topic.to_owned());
    }

    /// The offset that a consumer group has committed.
    pub fn committed(&self, group: &str, topic: &str, partition: i32) -> Option<i64> {
        let key = (group.to_owned(), topic.to_owned(), partition);
        lock(&self.state).groups.get(&key).copied()
    }

    /// How many connections were accepted so far.
    pub fn connections(&self) -> u64 {
        lock(&self.state).connections
    }

    /// How many requests of the API `key` came so far.
    pub fn requests(&self, key: i16) -> u64 {
        lock(&self.state).requests.get(&key).copied().unwrap_or(0)
    }

    fn log<T>(&self, topic: &str, partition: usize, work: impl FnOnce(&mut Log) -> T) -> Option<T> {
        lock(&self.state).partition(topic, partition).map(|partition| work(&mut partition.log))
    }
}

impl Partition {
    /// Lets `node` lead from now on.
    fn elect(&mut self, node: usize) {
        self.leader = node;
        self.epoch += 1;
        self.log.begin_epoch(self.epoch);
    }
}

impl State {
    fn partition(&mut self, topic: &str, partition: usize) -> Option<&mut Partition> {
        self.topics.get_mut(topic)?.partitions.get_mut(partition)
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
