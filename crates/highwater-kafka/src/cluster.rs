//! The brokers of a cluster: connections to them, and who leads what.

mod offsets;
mod throttle;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::metadata_response::MetadataResponseTopic;
use kafka_protocol::messages::{BrokerId, MetadataRequest, MetadataResponse, TopicName};
use kafka_protocol::protocol::StrBytes;

use crate::connection::Connection;
use crate::error::{Answer, Class, KafkaError, WireError};
use crate::options::Settings;
use crate::probe;
use crate::retry::Retry;
use crate::security::Security;
use crate::versions::Call;
pub(crate) use offsets::{At, Told};
use throttle::Throttle;

/// How long a topic that was never seen may take to be known everywhere after it was created.
const SPREADING: Duration = Duration::from_secs(2);

/// A cluster, with the connections to it that are not in use.
#[derive(Debug)]
pub(crate) struct Cluster {
    bootstrap: Vec<String>,
    settings: Settings,
    security: Arc<Security>,
    idle: Mutex<HashMap<String, Vec<Connection>>>,
    known: Mutex<Known>,
    throttle: Throttle,
}

/// What the last answers told.
#[derive(Debug, Default)]
struct Known {
    brokers: Vec<String>,
    topics: BTreeSet<String>,
}

/// A topic as its brokers see it.
#[derive(Clone, Debug)]
pub(crate) struct Topic {
    pub(crate) name: String,
    /// None when the brokers are too old to have ids.
    pub(crate) id: Option<String>,
    pub(crate) partitions: BTreeMap<i32, Leader>,
}

/// Who leads a partition.
#[derive(Clone, Debug)]
pub(crate) struct Leader {
    /// None while there is no leader.
    pub(crate) address: Option<String>,
    /// -1 when the brokers are too old to say.
    pub(crate) epoch: i32,
}

impl Topic {
    /// The epoch of the leader of a partition; -1 when it is not known.
    pub(crate) fn epoch(&self, index: i32) -> i32 {
        self.partitions.get(&index).map_or(-1, |leader| leader.epoch)
    }
}

impl Cluster {
    /// The cluster that the comma-separated `bootstrap` addresses belong to.
    pub(crate) fn try_new(bootstrap: &str, settings: Settings) -> Result<Self, KafkaError> {
        let addresses: Vec<String> =
            bootstrap.split(',').map(|address| address.trim().to_owned()).collect();
        let usable = |address: &String| {
            address.rsplit_once(':').is_some_and(|(host, port)| {
                !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port != 0)
            })
        };
        if !addresses.iter().all(usable) {
            return Err(KafkaError::Bootstrap { bootstrap: bootstrap.to_owned() });
        }
        let security = Arc::new(Security::try_new(&settings.security)?);
        let (idle, known, throttle) = (Mutex::default(), Mutex::default(), Throttle::default());
        Ok(Self { bootstrap: addresses, settings, security, idle, known, throttle })
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(crate) fn throttle(&self) -> &Throttle {
        &self.throttle
    }

    /// The topic with its leaders. Waits within the grace while its brokers are away.
    pub(crate) async fn topic(&self, name: &str) -> Result<Topic, KafkaError> {
        let mut retry = Retry::new(self.settings.grace);
        let mut spreading = Retry::new(SPREADING);
        loop {
            match self.ask_for(name).await {
                Ok(Ok(topic)) => return Ok(topic),
                Ok(Err(answer)) => match answer.class() {
                    Class::Unknown if self.knows(name) && retry.failed() => {}
                    Class::Unknown if !self.knows(name) && spreading.failed() => {}
                    Class::Again if retry.failed() => {}
                    _ => return Err(self.no_topic(name, answer)),
                },
                Err(KafkaError::Wire(error)) if error.is_final() => return Err(error.into()),
                // A cluster never reached is a wrong address as a rule: said at once.
                Err(_) if !lock(&self.known).brokers.is_empty() && retry.failed() => {}
                Err(error) => return Err(error),
            }
            retry.pause().await;
        }
    }

    /// All topics whose names are `wanted`, other than those that brokers keep for themselves. Waits
    /// within the grace while the brokers are away. One that has no leaders yet is left out.
    pub(crate) async fn topics(
        &self,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<Vec<Topic>, KafkaError> {
        let mut retry = Retry::new(self.settings.grace);
        let answer = loop {
            match self.metadata(None).await {
                Ok(answer) => break answer,
                Err(KafkaError::Wire(error)) if error.is_final() => return Err(error.into()),
                Err(_) if !lock(&self.known).brokers.is_empty() && retry.failed() => {}
                Err(error) => return Err(error),
            }
            retry.pause().await;
        };
        let names = answer.topics.iter().filter(|topic| !topic.is_internal);
        let names = names.filter_map(|topic| topic.name.as_ref());
        let names: Vec<String> =
            names.map(|name| name.to_string()).filter(|name| wanted(name)).collect();
        let found = names.iter().map(|name| self.learn(name, &answer));
        Ok(found.filter_map(Result::ok).collect())
    }

    /// A connection to `address`: an idle one, or a new one.
    pub(crate) async fn connection(&self, address: &str) -> Result<Connection, WireError> {
        let idle = lock(&self.idle).get_mut(address).and_then(Vec::pop);
        match idle {
            Some(connection) => Ok(connection),
            None => Connection::open(address, &self.settings, &self.security).await,
        }
    }

    /// Takes back a connection that is in order.
    pub(crate) fn give_back(&self, connection: Connection) {
        lock(&self.idle).entry(connection.address().to_owned()).or_default().push(connection);
    }

    /// The brokers that were named at the start.
    pub(crate) fn bootstrap(&self) -> String {
        self.bootstrap.join(",")
    }

    /// The answer of `address` to a request in the version that it speaks.
    pub(crate) async fn call<R: Call>(
        &self,
        address: &str,
        request: impl Fn(i16) -> R,
    ) -> Result<R::Response, WireError> {
        self.throttle.over(address).await;
        // An idle connection may have been closed by the other side long ago.
        while let Some(mut connection) = lock_pop(&self.idle, address) {
            let version = connection.version::<R>()?;
            match connection.send(&request(version), version).await {
                Ok(answer) => {
                    self.give_back(connection);
                    return Ok(answer);
                }
                Err(error) if error.is_final() => return Err(error),
                Err(_) => {}
            }
        }
        let mut connection = Connection::open(address, &self.settings, &self.security).await?;
        let version = connection.version::<R>()?;
        match connection.send(&request(version), version).await {
            Ok(answer) => {
                self.give_back(connection);
                Ok(answer)
            }
            Err(error) => {
                Err(probe::explained_by_sasl(error, address, &self.settings, &self.security).await)
            }
        }
    }

    async fn ask_for(&self, name: &str) -> Result<Result<Topic, Answer>, KafkaError> {
        Ok(self.learn(name, &self.metadata(Some(name)).await?))
    }

    /// Asks for a topic, or for all.
    async fn metadata(&self, name: Option<&str>) -> Result<MetadataResponse, KafkaError> {
        self.anyone(|_| metadata_request(name)).await
    }

    /// The answer of the first broker that gives one: of those known, then of those given at the start.
    pub(crate) async fn anyone<R: Call>(
        &self,
        request: impl Fn(i16) -> R,
    ) -> Result<R::Response, KafkaError> {
        let mut candidates = lock(&self.known).brokers.clone();
        for address in &self.bootstrap {
            if !candidates.contains(address) {
                candidates.push(address.clone());
            }
        }
        let mut last = None;
        for address in &candidates {
            match self.call(address, &request).await {
                Ok(answer) => return Ok(answer),
                Err(error) if error.is_final() => return Err(error.into()),
                Err(error) => last = Some(error),
            }
        }
        let Some(source) = last else {
            return Err(KafkaError::Bootstrap { bootstrap: String::new() });
        };
        Err(KafkaError::Unreachable { tried: candidates, source })
    }

    fn learn(&self, name: &str, answer: &MetadataResponse) -> Result<Topic, Answer> {
        let brokers: BTreeMap<BrokerId, String> = answer
            .brokers
            .iter()
            .map(|broker| (broker.node_id, address(&broker.host, broker.port)))
            .collect();
        let topic = answer
            .topics
            .iter()
            .find(|topic| topic.name.as_ref().is_some_and(|found| &***found == name));
        let Some(topic) = topic else { return Err(Answer(3)) };
        let mut known = lock(&self.known);
        known.brokers = brokers.values().cloned().collect();
        if topic.error_code != 0 {
            return Err(Answer(topic.error_code));
        }
        known.topics.insert(name.to_owned());
        Ok(described(name, topic, &brokers))
    }

    fn knows(&self, topic: &str) -> bool {
        lock(&self.known).topics.contains(topic)
    }

    fn no_topic(&self, name: &str, answer: Answer) -> KafkaError {
        let (topic, brokers) = (name.to_owned(), self.bootstrap.join(","));
        match answer.class() {
            Class::Unknown if self.knows(name) => KafkaError::Vanished { topic, brokers },
            Class::Unknown => KafkaError::UnknownTopic { topic, brokers },
            _ if answer.0 == 17 => KafkaError::TopicName { topic },
            _ => KafkaError::Answer { what: "Metadata", place: topic, answer },
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn lock_pop(idle: &Mutex<HashMap<String, Vec<Connection>>>, address: &str) -> Option<Connection> {
    lock(idle).get_mut(address).and_then(Vec::pop)
}

pub(crate) fn address(host: &str, port: i32) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

fn described(
    name: &str,
    topic: &MetadataResponseTopic,
    brokers: &BTreeMap<BrokerId, String>,
) -> Topic {
    let partitions = topic.partitions.iter().map(|partition| {
        let address = brokers.get(&partition.leader_id).cloned();
        (partition.partition_index, Leader { address, epoch: partition.leader_epoch })
    });
    let id = (!topic.topic_id.is_nil()).then(|| topic.topic_id.to_string());
    Topic { name: name.to_owned(), id, partitions: partitions.collect() }
}

pub(crate) fn refused(what: &'static str, topic: &Topic, index: i32, answer: Answer) -> KafkaError {
    KafkaError::Answer { what, place: format!("topic {} partition {index}", topic.name), answer }
}

pub(crate) fn topic_name(name: &str) -> TopicName {
    TopicName(StrBytes::from_string(name.to_owned()))
}

/// The request for one topic, or for all.
fn metadata_request(name: Option<&str>) -> MetadataRequest {
    let topic = |name| MetadataRequestTopic::default().with_name(Some(topic_name(name)));
    let topics = name.map(|name| vec![topic(name)]);
    MetadataRequest::default().with_topics(topics).with_allow_auto_topic_creation(false)
}
