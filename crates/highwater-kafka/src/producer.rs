//! Writes a topic: for generators, examples and tests. At least once, never where exactly once is
//! promised.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chrono::Utc;
use futures::future::{BoxFuture, try_join_all};
use highwater_core::Result;
use rskafka::BackoffConfig;
use rskafka::client::error::{Error as ClientError, ProtocolError};
use rskafka::client::partition::{Compression, PartitionClient, UnknownTopicHandling};
use rskafka::client::{
    Client, ClientBuilder, Credentials as Login, OauthBearerCredentials, SaslConfig,
};
use rskafka::record::Record;

use crate::connection::Connection;
use crate::error::KafkaError;
use crate::options::{ClientProperties, Settings};
use crate::security::{Credentials, Mechanism, Security};

/// For each step, whatever the client below does by itself.
const DEADLINE: Duration = Duration::from_secs(30);
/// A request stays below a broker's usual limit of 1 MB for a batch.
const BATCH_BYTES: usize = 512 << 10;

/// A topic that is written to.
///
/// Records go to the partition that the Java client would choose for their key, lz4-compressed, and
/// count as written once every in-sync replica has them.
pub struct TopicWriter {
    bootstrap: String,
    topic: String,
    partitions: Vec<PartitionClient>,
}

impl fmt::Debug for TopicWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TopicWriter")
            .field("bootstrap", &self.bootstrap)
            .field("topic", &self.topic)
            .field("partitions", &self.partitions.len())
            .finish()
    }
}

impl TopicWriter {
    /// Opens `topic` at the comma-separated `bootstrap` brokers. Creates it with `partitions`
    /// partitions, or one, and the brokers' replication factor when it does not exist.
    ///
    /// # Errors
    /// `Transient` when no broker answers in time; `Invalid` when the topic exists with another
    /// number of partitions than the one given.
    pub async fn create_or_open(
        bootstrap: &str,
        topic: &str,
        partitions: Option<i32>,
    ) -> Result<Self> {
        Self::create_or_open_with(bootstrap, topic, partitions, &ClientProperties::new()).await
    }

    /// The same with the security of `properties`; their other settings are those of readers.
    ///
    /// # Errors
    /// As [`create_or_open`](Self::create_or_open), and `Invalid` when the brokers do not let this
    /// client in or are not to be trusted.
    pub async fn create_or_open_with(
        bootstrap: &str,
        topic: &str,
        partitions: Option<i32>,
        properties: &ClientProperties,
    ) -> Result<Self> {
        Self::open(Place { bootstrap, topic }, partitions, properties).await
    }

    /// Boxed, as is what writes: compiled here, and not again in each program.
    fn open<'a>(
        place: Place<'a>,
        partitions: Option<i32>,
        properties: &'a ClientProperties,
    ) -> BoxFuture<'a, Result<Self>> {
        Box::pin(async move {
            let Place { bootstrap, topic } = place;
            let brokers = bootstrap.split(',').map(|broker| broker.trim().to_owned()).collect();
            let backoff = BackoffConfig {
                init_backoff: Duration::from_millis(50),
                max_backoff: Duration::from_secs(1),
                base: 2.0,
                deadline: Some(DEADLINE),
            };
            let settings = properties.settings();
            let security = Security::try_new(&settings.security).map_err(KafkaError::from)?;
            let security = Arc::new(security);
            place.knock(settings, &security).await?;
            let mut builder =
                ClientBuilder::new(brokers).client_id("highwater-writer").backoff_config(backoff);
            if let Some(tls) = security.tls() {
                builder = builder.tls_config(Arc::clone(tls));
            }
            if let Some(credentials) = security.sasl() {
                builder = builder.sasl_config(login(credentials));
            }
            let client = place.within("reach", builder.build()).await?;
            let count = place.ensure(&client, partitions.unwrap_or(1)).await?;
            if let Some(wanted) = partitions
                && usize::try_from(wanted) != Ok(count)
            {
                let topic = topic.to_owned();
                return Err(KafkaError::Partitions { topic, found: count, wanted }.into());
            }
            let count = i32::try_from(count).unwrap_or(i32::MAX);
            let opening = (0..count)
                .map(|index| client.partition_client(topic, index, UnknownTopicHandling::Retry));
            let partitions = place.within("open", try_join_all(opening)).await?;
            Ok(Self { bootstrap: bootstrap.to_owned(), topic: topic.to_owned(), partitions })
        })
    }

    /// Writes `records`, each a key and a value, in their order within each partition.
    ///
    /// # Errors
    /// `Transient` when the brokers do not take them in time; some may have been written then.
    pub async fn write(&self, records: Vec<(Bytes, Bytes)>) -> Result<()> {
        let place = Place { bootstrap: &self.bootstrap, topic: &self.topic };
        #[expect(
            clippy::disallowed_methods,
            reason = "the time of writing, which nothing is computed from"
        )]
        let timestamp = Utc::now();
        let mut shares: BTreeMap<usize, Vec<Record>> = BTreeMap::new();
        for (key, value) in records {
            let index = partition_of(&key, self.partitions.len());
            let (key, value) = (Some(key.to_vec()), Some(value.to_vec()));
            let record = Record { key, value, headers: BTreeMap::new(), timestamp };
            shares.entry(index).or_default().push(record);
        }
        let writing = shares.into_iter().filter_map(|(index, records)| {
            self.partitions.get(index).map(|client| write_share(place, client, records))
        });
        try_join_all(writing).await?;
        Ok(())
    }

    /// How many partitions the topic has.
    pub fn partitions(&self) -> usize {
        self.partitions.len()
    }
}

fn write_share<'a>(
    place: Place<'a>,
    client: &'a PartitionClient,
    records: Vec<Record>,
) -> BoxFuture<'a, Result<(), KafkaError>> {
    Box::pin(async move {
        let mut batch = Vec::new();
        let mut bytes = 0;
        for record in records {
            let size = record.approximate_size();
            if bytes + size > BATCH_BYTES && !batch.is_empty() {
                let full = std::mem::take(&mut batch);
                place.within("write", client.produce(full, Compression::Lz4)).await?;
                bytes = 0;
            }
            bytes += size;
            batch.push(record);
        }
        place.within("write", client.produce(batch, Compression::Lz4)).await?;
        Ok(())
    })
}

/// Where something is tried, for messages.
#[derive(Clone, Copy)]
struct Place<'a> {
    bootstrap: &'a str,
    topic: &'a str,
}

impl Place<'_> {
    /// Lets a connection of our own say at once that the brokers turn this client away; the client
    /// below would go on trying.
    async fn knock(self, settings: &Settings, security: &Arc<Security>) -> Result<(), KafkaError> {
        for broker in self.bootstrap.split(',') {
            match Connection::open(broker.trim(), settings, security).await {
                Ok(_) => return Ok(()),
                Err(error) if error.is_final() => return Err(error.into()),
                Err(_) => {} // another one may answer
            }
        }
        Ok(())
    }

    async fn within<T>(
        self,
        what: &'static str,
        work: impl Future<Output = Result<T, ClientError>>,
    ) -> Result<T, KafkaError> {
        let (topic, bootstrap) = (self.topic.to_owned(), self.bootstrap.to_owned());
        match tokio::time::timeout(DEADLINE, work).await {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(source)) => {
                Err(KafkaError::Produce { what, topic, bootstrap, source: Box::new(source) })
            }
            Err(_elapsed) => {
                Err(KafkaError::ProduceTimeout { what, topic, bootstrap, after: DEADLINE })
            }
        }
    }

    /// The number of partitions of the topic, which is made if it is missing.
    async fn ensure(self, client: &Client, partitions: i32) -> Result<usize, KafkaError> {
        if let Some(count) = self.count(client).await? {
            return Ok(count);
        }
        let create = async {
            let controller = client.controller_client()?;
            match controller.create_topic(self.topic, partitions, -1, 10_000).await {
                Err(ClientError::ServerError {
                    protocol_error: ProtocolError::TopicAlreadyExists,
                    ..
                }) => Ok(()),
                other => other,
            }
        };
        self.within("create", create).await?;
        let seen = async {
            loop {
                let topics = client.list_topics().await?;
                if let Some(topic) = topics.iter().find(|topic| topic.name == self.topic) {
                    return Ok(topic.partitions.len());
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        self.within("find the created", seen).await
    }

    async fn count(self, client: &Client) -> Result<Option<usize>, KafkaError> {
        let topics = self.within("look for", client.list_topics()).await?;
        let found = topics.iter().find(|topic| topic.name == self.topic);
        Ok(found.map(|topic| topic.partitions.len()))
    }
}

/// The same credentials for the client below. It shows passwords when it is formatted: it is not.
fn login(credentials: &Credentials) -> SaslConfig {
    match credentials.clone() {
        Credentials::Password { mechanism, username, password } => {
            let login = Login::new(username, password.expose().clone());
            match mechanism {
                Mechanism::ScramSha256 => SaslConfig::ScramSha256(login),
                Mechanism::ScramSha512 => SaslConfig::ScramSha512(login),
                Mechanism::Plain | Mechanism::OauthBearer => SaslConfig::Plain(login),
            }
        }
        Credentials::Token(token) => {
            let read = move || {
                let token = token.clone();
                Box::pin(async move { Ok(token.read().await?.expose().clone()) }) as _
            };
            let (authz_id, bearer_kvs) = (None, Vec::new());
            let callback = Arc::new(read);
            SaslConfig::Oauthbearer(OauthBearerCredentials { callback, authz_id, bearer_kvs })
        }
    }
}

/// The partition of a record with `key`, as the Java client chooses it.
fn partition_of(key: &[u8], partitions: usize) -> usize {
    let hash = murmur2(key) & 0x7fff_ffff;
    usize::try_from(hash).unwrap_or(0).checked_rem(partitions).unwrap_or(0)
}

/// Source: `org.apache.kafka.common.utils.Utils.murmur2`.
fn murmur2(data: &[u8]) -> u32 {
    const M: u32 = 0x5bd1_e995;
    let length = u32::try_from(data.len()).unwrap_or(u32::MAX);
    let mut hash = 0x9747_b28c ^ length;
    let (words, tail) = data.as_chunks::<4>();
    for word in words {
        let mut k = u32::from_le_bytes(*word).wrapping_mul(M);
        k ^= k >> 24;
        hash = hash.wrapping_mul(M) ^ k.wrapping_mul(M);
    }
    if !tail.is_empty() {
        for (byte, shift) in tail.iter().zip([0, 8, 16]) {
            hash ^= u32::from(*byte) << shift;
        }
        hash = hash.wrapping_mul(M);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(M);
    hash ^ (hash >> 15)
}

#[cfg(test)]
mod tests;
