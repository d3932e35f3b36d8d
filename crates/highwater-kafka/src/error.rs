//! What goes wrong with a broker or its bytes, and what the driver does about it.

mod answer;
mod batch;
mod security;
mod wire;

use std::time::Duration;

use highwater_core::{Error, ErrorKind, Partition};

use crate::options::PropertyProblem;
pub use answer::Answer;
pub(crate) use answer::Class;
pub use batch::BatchError;
pub use security::SecurityError;
pub use wire::WireError;

/// An error of this crate, before it becomes a [`highwater_core::Error`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KafkaError {
    /// No broker answered.
    #[error("no Kafka broker answers at {}", tried.join(", "))]
    Unreachable {
        /// Every address that was tried.
        tried: Vec<String>,
        /// The last failure.
        source: WireError,
    },
    /// A broker could not be talked to.
    #[error("cannot talk to the Kafka broker")]
    Wire(#[from] WireError),
    /// A list of brokers without a usable address.
    #[error("{bootstrap:?} is not a list of host:port addresses")]
    Bootstrap {
        /// The list.
        bootstrap: String,
    },
    /// A topic name that no broker allows.
    #[error("{topic:?} is not a topic name: use 1 to 249 of the characters A-Z a-z 0-9 . _ -")]
    TopicName {
        /// The name.
        topic: String,
    },
    /// Security that is not set up right.
    #[error(transparent)]
    Security(#[from] SecurityError),
    /// A pattern of topics that is none.
    #[error("{pattern:?} is no pattern of topic names")]
    Pattern {
        /// The pattern.
        pattern: String,
        /// Why.
        source: Box<regex::Error>,
    },
    /// Two columns of one name.
    #[error("topic {topic}: two columns are called {column}")]
    ColumnTwice {
        /// The topic, or the pattern of topics.
        topic: String,
        /// The name.
        column: String,
    },
    /// A topic that was read by a pattern is gone.
    #[error("topic {topic}, which was read as one matching {pattern}, is gone")]
    TopicGone {
        /// The topic.
        topic: String,
        /// The pattern.
        pattern: String,
    },
    /// A client property that is not known, or a value that does not fit.
    #[error("Kafka property {name}{}: {problem}", shown(value.as_deref()))]
    Property {
        /// Its name.
        name: String,
        /// Its value; none when it is or may be a secret.
        value: Option<String>,
        /// What is wrong.
        problem: PropertyProblem,
    },
    /// The brokers have no such topic.
    #[error("topic {topic} does not exist at {brokers}")]
    UnknownTopic {
        /// The topic.
        topic: String,
        /// The brokers that were asked.
        brokers: String,
    },
    /// The topic was there before and is gone.
    #[error("topic {topic} is gone from {brokers}")]
    Vanished {
        /// The topic.
        topic: String,
        /// The brokers that were asked.
        brokers: String,
    },
    /// A broker answered with an error.
    #[error("{what} of {place} failed: {answer}")]
    Answer {
        /// What was asked.
        what: &'static str,
        /// The topic, or topic and partition.
        place: String,
        /// The answer.
        answer: Answer,
    },
    /// Records after the position were removed by retention or by hand.
    #[error(
        "topic {topic} partition {partition}: {lost} offsets from {position} up to {earliest} are gone before they were read"
    )]
    DataLoss {
        /// The topic.
        topic: String,
        /// The partition.
        partition: i32,
        /// The next offset to be read.
        position: i64,
        /// The first offset that is there.
        earliest: i64,
        /// How many offsets lie between.
        lost: i64,
    },
    /// The partition ends before the position.
    #[error(
        "topic {topic} partition {partition} ends at offset {latest}, but was read up to {position}: it was truncated or made anew"
    )]
    Truncated {
        /// The topic.
        topic: String,
        /// The partition.
        partition: i32,
        /// The next offset to be read.
        position: i64,
        /// The end of the partition.
        latest: i64,
    },
    /// The partition holds other records than those that were read.
    #[error(
        "topic {topic} partition {partition} was read up to offset {position} in leader epoch {epoch}, of which only what lies before offset {end} is left: it was truncated and has grown again"
    )]
    Diverged {
        /// The topic.
        topic: String,
        /// The partition.
        partition: i32,
        /// The next offset to be read.
        position: i64,
        /// The epoch of the leader at which it was planned to be read so far.
        epoch: i32,
        /// The first offset that was written later.
        end: i64,
    },
    /// A partition that was read is gone.
    #[error(
        "topic {topic} has no partition {partition} any more; it was read up to offset {position}"
    )]
    PartitionGone {
        /// The topic.
        topic: String,
        /// The partition.
        partition: i32,
        /// The next offset to be read.
        position: i64,
    },
    /// Another topic of the same name.
    #[error("topic {topic} was deleted and made anew: its id was {was} and is {is}")]
    Recreated {
        /// The topic.
        topic: String,
        /// The id it was read by.
        was: String,
        /// The id it has.
        is: String,
    },
    /// A start offset that the partition does not hold.
    #[error(
        "topic {topic} partition {partition} holds offsets {earliest} up to {latest}, not the start offset {start}"
    )]
    Start {
        /// The topic.
        topic: String,
        /// The partition.
        partition: i32,
        /// The wanted start.
        start: i64,
        /// The first offset.
        earliest: i64,
        /// The end.
        latest: i64,
    },
    /// Start offsets that could be those of several topics.
    #[error("the start offsets name no topic, and {topic} are read")]
    StartWithoutTopic {
        /// What this source reads.
        topic: String,
    },
    /// Start offsets of another topic, or of one that is not there.
    #[error("there are start offsets of topic {named}, which is not in what is read: {topic}")]
    StartTopic {
        /// The topic that has some.
        named: String,
        /// What this source reads.
        topic: String,
    },
    /// Positions of another source, or of another topic.
    #[error("the last run stood at {partition}, which is not of topic {topic}")]
    OtherSource {
        /// The partition of one of them.
        partition: Partition,
        /// The topic of this source.
        topic: String,
    },
    /// A position whose detail is not one of this source.
    #[error("the position of {partition} is not one of a Kafka source: {detail:?}")]
    Detail {
        /// The partition.
        partition: String,
        /// The detail.
        detail: String,
    },
    /// A record batch that cannot be read.
    #[error("topic {topic} partition {partition} offset {offset}")]
    Batch {
        /// The topic.
        topic: String,
        /// The partition.
        partition: i32,
        /// The base offset of the batch.
        offset: i64,
        /// Whether damage is met there for the first time: fetched anew, it may be whole.
        first: bool,
        /// What is wrong with it.
        source: BatchError,
    },
    /// The payloads ended before the range did.
    #[error("topic {topic} partition {partition} was read up to offset {reached}, not up to {end}")]
    Incomplete {
        /// The topic.
        topic: String,
        /// The partition.
        partition: i32,
        /// How far the payloads reached.
        reached: i64,
        /// Where the range ends.
        end: i64,
    },
    /// A range that is not one of this source.
    #[error("range {range} is not one of topic {topic}")]
    ForeignRange {
        /// The partition of the range.
        range: String,
        /// The topic of the source.
        topic: String,
    },
    /// Columns of the metadata that do not go together.
    #[error("the columns of the metadata cannot be made")]
    Columns(#[from] arrow::error::ArrowError),
    /// The runtime stopped a fetch.
    #[error("a fetch was stopped")]
    Stopped(#[from] tokio::task::JoinError),
    /// The client of the producer failed.
    #[error("cannot {what} topic {topic} at {bootstrap}")]
    Produce {
        /// What was tried.
        what: &'static str,
        /// The topic.
        topic: String,
        /// The brokers.
        bootstrap: String,
        /// The failure.
        source: Box<rskafka::client::error::Error>,
    },
    /// The producer did not get its answer in time.
    #[error("cannot {what} topic {topic} at {bootstrap} within {} s", after.as_secs())]
    ProduceTimeout {
        /// What was tried.
        what: &'static str,
        /// The topic.
        topic: String,
        /// The brokers.
        bootstrap: String,
        /// The deadline.
        after: Duration,
    },
    /// A topic with another number of partitions than the one asked for.
    #[error("topic {topic} has {found} partitions, not {wanted}")]
    Partitions {
        /// The topic.
        topic: String,
        /// How many it has.
        found: usize,
        /// How many were asked for.
        wanted: i32,
    },
}

fn shown(value: Option<&str>) -> String {
    value.map_or_else(String::new, |value| format!("={value:?}"))
}

impl From<KafkaError> for Error {
    fn from(error: KafkaError) -> Self {
        let (kind, advice) = judge(&error);
        Self::new(kind, "kafka", error).advise(advice)
    }
}

fn judge(error: &KafkaError) -> (ErrorKind, &'static str) {
    use ErrorKind::{Corrupt, Internal, Invalid, Refused, Transient};
    match error {
        KafkaError::Unreachable { .. }
        | KafkaError::Produce { .. }
        | KafkaError::ProduceTimeout { .. } => (
            Transient,
            "check that Kafka runs there and that its advertised listeners can be reached from here",
        ),
        KafkaError::Wire(error) => error.judge(),
        KafkaError::Security(error) => error.judge(),
        KafkaError::Bootstrap { .. } => (Invalid, "write the brokers as host:port,host:port"),
        KafkaError::TopicName { .. } => (Invalid, "correct the name of the topic"),
        KafkaError::Property { .. } => (Invalid, "correct the property"),
        KafkaError::UnknownTopic { .. } => (Invalid, "create the topic, or correct its name"),
        KafkaError::Vanished { .. } => {
            (Refused, "restore the topic, or start a pipeline of another name on a new one")
        }
        KafkaError::Answer { answer, .. } => answer.judge(),
        KafkaError::DataLoss { .. } => (
            Refused,
            "restore the records, or start again with --on-data-loss skip to go on without them",
        ),
        KafkaError::Truncated { .. }
        | KafkaError::Diverged { .. }
        | KafkaError::PartitionGone { .. }
        | KafkaError::Recreated { .. } => (
            Refused,
            "restore the topic, or start a pipeline of another name to read the topic as it is now",
        ),
        KafkaError::Pattern { .. } => (Invalid, "write a regular expression such as orders-.*"),
        KafkaError::ColumnTwice { .. } => {
            (Invalid, "give the column of the metadata another name, with metadata_as")
        }
        KafkaError::TopicGone { .. } => (
            Refused,
            "restore the topic, or start again with --on-data-loss skip to go on without it",
        ),
        KafkaError::StartWithoutTopic { .. } => {
            (Invalid, "write the offsets by topic, such as {\"orders-eu\": {\"0\": 120}}")
        }
        KafkaError::StartTopic { .. } => (Invalid, "name only topics that are there and are read"),
        KafkaError::Start { .. } => (Invalid, "choose a start that the partition holds"),
        KafkaError::OtherSource { .. } | KafkaError::Detail { .. } => (
            Refused,
            "read from the source of before, or begin anew with another checkpoint and another table",
        ),
        KafkaError::Batch { first: true, .. } => {
            (Transient, "look at the network if it happens often: the batch is fetched again")
        }
        KafkaError::Batch { source, .. } => source.judge(),
        KafkaError::Incomplete { .. } => (Corrupt, "start again; if it stays, report it as a bug"),
        KafkaError::ForeignRange { .. } | KafkaError::Columns(_) | KafkaError::Stopped(_) => {
            (Internal, "report this as a bug, with the message")
        }
        KafkaError::Partitions { .. } => {
            (Invalid, "leave out the number of partitions, or use another topic")
        }
    }
}
