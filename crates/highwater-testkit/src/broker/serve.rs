//! What the brokers answer.

use std::io;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use kafka_protocol::messages::api_versions_response::ApiVersion;
use kafka_protocol::messages::list_offsets_response::{
    ListOffsetsPartitionResponse, ListOffsetsTopicResponse,
};
use kafka_protocol::messages::metadata_response::{
    MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use kafka_protocol::messages::offset_for_leader_epoch_response::{
    EpochEndOffset, OffsetForLeaderTopicResult,
};
use kafka_protocol::messages::{
    ApiVersionsRequest, ApiVersionsResponse, BrokerId, FetchRequest, FindCoordinatorRequest,
    ListOffsetsRequest, ListOffsetsResponse, MetadataRequest, MetadataResponse,
    OffsetCommitRequest, OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse, ResponseHeader,
    SaslAuthenticateRequest, SaslHandshakeRequest, TopicName,
};
use kafka_protocol::protocol::{
    Decodable, Encodable, HeaderVersion, Request, StrBytes, decode_request_header_from_buffer,
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::fetch::fetch;
use super::groups;
use super::login::Login;
use super::{Mood, Partition, Shared, State, lock};

/// The APIs that are served: key, oldest and newest version.
const SERVED: [(i16, i16, i16); 9] = [
    (FetchRequest::KEY, 4, 13),
    (ListOffsetsRequest::KEY, 1, 8),
    (MetadataRequest::KEY, 0, 12),
    (OffsetForLeaderEpochRequest::KEY, 2, 4),
    (OffsetCommitRequest::KEY, 2, 8),
    (FindCoordinatorRequest::KEY, 0, 3),
    (SaslHandshakeRequest::KEY, 0, 1),
    (ApiVersionsRequest::KEY, 0, 3),
    (SaslAuthenticateRequest::KEY, 0, 2),
];

/// As Kafka's `socket.request.max.bytes`: the greeting of TLS is more, when it is read as a size.
const LARGEST_REQUEST: usize = 100 << 20;

/// Accepts connections for ever.
pub(super) async fn accept(
    listener: TcpListener,
    node: usize,
    state: Shared,
    mood: watch::Receiver<Mood>,
) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        lock(&state).connections += 1;
        connections.spawn(connection(stream, node, Shared::clone(&state), mood.clone()));
    }
}

async fn connection(
    stream: TcpStream,
    node: usize,
    state: Shared,
    mut mood: watch::Receiver<Mood>,
) {
    let seen = mood.clone();
    let tls = lock(&state).guard.tls.clone();
    let serve = async {
        match tls {
            None => exchanges(stream, node, &state, &seen).await,
            Some(config) => {
                if let Ok(stream) = TlsAcceptor::from(config).accept(stream).await {
                    exchanges(stream, node, &state, &seen).await;
                }
            }
        }
    };
    tokio::select! {
        biased;
        _ = mood.wait_for(|mood| *mood == Mood::Down) => {}
        () = serve => {}
    }
}

/// Requests and answers, until one side has enough.
async fn exchanges(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    node: usize,
    state: &Shared,
    mood: &watch::Receiver<Mood>,
) {
    let mut login = Login::default();
    while exchange(&mut stream, (node, &mut login), state, mood).await.is_ok() {}
}

/// One request and its answer.
async fn exchange(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    (node, login): (usize, &mut Login),
    state: &Shared,
    mood: &watch::Receiver<Mood>,
) -> io::Result<()> {
    let size = usize::try_from(stream.read_i32().await?).map_err(invalid)?;
    if size > LARGEST_REQUEST {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut frame = vec![0; size];
    stream.read_exact(&mut frame).await?;
    let mut frame = Bytes::from(frame);
    let header = decode_request_header_from_buffer(&mut frame).map_err(invalid)?;
    let (key, version) = (header.request_api_key, header.request_api_version);
    *lock(state).requests.entry(key).or_default() += 1;
    let body = answer(frame, (key, version), (node, login), state).await.map_err(invalid)?;
    let unanswered = lock(state).unanswered.contains(&key);
    if unanswered || *mood.borrow() == Mood::Silent {
        std::future::pending::<()>().await;
    }
    let mut out = BytesMut::new();
    out.put_i32(0);
    ResponseHeader::default()
        .with_correlation_id(header.correlation_id)
        .encode(&mut out, body.header)
        .map_err(invalid)?;
    out.extend_from_slice(&body.bytes);
    let length = i32::try_from(out.len() - 4).map_err(invalid)?;
    out.as_mut().put_i32(length);
    if key == FetchRequest::KEY && cuts(state) {
        stream.write_all(out.get(..out.len() / 2).unwrap_or_default()).await?;
        return Err(io::ErrorKind::ConnectionAborted.into());
    }
    stream.write_all(&out).await?;
    stream.flush().await
}

fn invalid(error: impl std::fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error.to_string())
}

/// Whether this answer is to be cut off.
fn cuts(state: &Shared) -> bool {
    let state = lock(state);
    let fetches = state.requests.get(&FetchRequest::KEY).copied().unwrap_or(0);
    state.cut_after.is_some_and(|after| fetches.is_multiple_of(u64::from(after) + 1))
}

/// The client may not read the topic.
const DENIED: i16 = 29;

/// What brokers keep for themselves.
const INTERNAL: [&str; 2] = ["__consumer_offsets", "__transaction_state"];

struct Body {
    header: i16,
    bytes: BytesMut,
}

async fn answer(
    mut frame: Bytes,
    (key, version): (i16, i16),
    (node, login): (usize, &mut Login),
    state: &Shared,
) -> Result<Body, String> {
    let served = SERVED.iter().find(|(served, ..)| *served == key);
    let fits = served.is_some_and(|(_, oldest, newest)| {
        let newest = lock(state).newest.get(&key).copied().unwrap_or(*newest);
        (*oldest..=newest).contains(&version)
    });
    if !fits {
        return Err(format!("version {version} of API {key} is not served"));
    }
    let before = [ApiVersionsRequest::KEY, SaslHandshakeRequest::KEY, SaslAuthenticateRequest::KEY];
    if !before.contains(&key) && !login.lets_in(&lock(state).guard) {
        return Err("a request before the client said who it is".to_owned());
    }
    match key {
        SaslHandshakeRequest::KEY => {
            let request = request::<SaslHandshakeRequest>(&mut frame, version)?;
            body(&login.handshake(&request, &lock(state).guard), version)
        }
        SaslAuthenticateRequest::KEY => {
            let request = request::<SaslAuthenticateRequest>(&mut frame, version)?;
            body(&login.authenticate(&request, &lock(state).guard), version)
        }
        ApiVersionsRequest::KEY => body(&api_versions(&lock(state)), version),
        MetadataRequest::KEY => {
            let request = request::<MetadataRequest>(&mut frame, version)?;
            body(&metadata(&request, &lock(state)), version)
        }
        FindCoordinatorRequest::KEY => {
            request::<FindCoordinatorRequest>(&mut frame, version)?;
            body(&groups::coordinator(&lock(state)), version)
        }
        OffsetCommitRequest::KEY => {
            let request = request::<OffsetCommitRequest>(&mut frame, version)?;
            body(&groups::commit(&request, node, &mut lock(state)), version)
        }
        ListOffsetsRequest::KEY => {
            let request = request::<ListOffsetsRequest>(&mut frame, version)?;
            body(&list_offsets(&request, version, node, &mut lock(state)), version)
        }
        OffsetForLeaderEpochRequest::KEY => {
            let request = request::<OffsetForLeaderEpochRequest>(&mut frame, version)?;
            body(&epoch_ends(&request, node, &mut lock(state)), version)
        }
        _ => {
            let request = request::<FetchRequest>(&mut frame, version)?;
            body(&fetch(&request, node, state).await, version)
        }
    }
}

fn request<R: Decodable>(frame: &mut Bytes, version: i16) -> Result<R, String> {
    let request = R::decode(frame, version).map_err(|error| error.to_string())?;
    if frame.has_remaining() { Err("bytes behind the request".to_owned()) } else { Ok(request) }
}

fn body<R: Encodable + HeaderVersion>(response: &R, version: i16) -> Result<Body, String> {
    let mut bytes = BytesMut::new();
    response.encode(&mut bytes, version).map_err(|error| error.to_string())?;
    Ok(Body { header: R::header_version(version), bytes })
}

fn api_versions(state: &State) -> ApiVersionsResponse {
    let api = |(key, oldest, newest): (i16, i16, i16)| {
        let newest = state.newest.get(&key).copied().unwrap_or(newest);
        ApiVersion::default().with_api_key(key).with_min_version(oldest).with_max_version(newest)
    };
    ApiVersionsResponse::default().with_api_keys(SERVED.map(api).to_vec())
}

fn broker(node: usize) -> BrokerId {
    BrokerId(i32::try_from(node).unwrap_or(-1))
}

fn metadata(request: &MetadataRequest, state: &State) -> MetadataResponse {
    let brokers = state.ports.iter().enumerate().map(|(node, port)| {
        MetadataResponseBroker::default()
            .with_node_id(broker(node))
            .with_host(StrBytes::from_static_str("127.0.0.1"))
            .with_port(i32::from(*port))
    });
    let all = || state.topics.keys().map(|name| StrBytes::from_string(name.clone()).into());
    let names: Vec<TopicName> = match &request.topics {
        Some(topics) => topics.iter().map(|topic| topic.name.clone().unwrap_or_default()).collect(),
        None => all().collect(),
    };
    let topics = names.into_iter().map(|name| {
        let described = MetadataResponseTopic::default()
            .with_name(Some(name.clone()))
            .with_is_internal(INTERNAL.contains(&&**name));
        if state.denied.contains(&**name) {
            return described.with_error_code(DENIED);
        }
        let Some(topic) = state.topics.get(&**name) else { return described.with_error_code(3) };
        let partitions = (0..).zip(&topic.partitions).map(|(index, partition)| {
            MetadataResponsePartition::default()
                .with_partition_index(index)
                .with_leader_id(broker(partition.leader))
                .with_leader_epoch(partition.epoch)
        });
        described
            .with_topic_id(topic.id.parse().unwrap_or_default())
            .with_partitions(partitions.collect())
    });
    MetadataResponse::default()
        .with_brokers(brokers.collect())
        .with_controller_id(BrokerId(0))
        .with_topics(topics.collect())
}

/// The partition, when this broker leads it and the client knows its epoch.
pub(super) fn led<'a>(
    state: &'a mut State,
    topic: &str,
    index: i32,
    node: usize,
    epoch: i32,
) -> Result<&'a Partition, i16> {
    if state.denied.contains(topic) {
        return Err(DENIED);
    }
    let index = usize::try_from(index).map_err(|_negative| 3_i16)?;
    let partition = state.partition(topic, index).ok_or(3_i16)?;
    match epoch {
        _ if partition.leader != node => Err(6),
        -1 => Ok(partition),
        epoch if epoch < partition.epoch => Err(74),
        epoch if epoch > partition.epoch => Err(75),
        _ => Ok(partition),
    }
}

fn list_offsets(
    request: &ListOffsetsRequest,
    version: i16,
    node: usize,
    state: &mut State,
) -> ListOffsetsResponse {
    let committed = request.isolation_level == 1;
    let topics = request.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|wanted| {
            let (index, epoch) = (wanted.partition_index, wanted.current_leader_epoch);
            let answer = ListOffsetsPartitionResponse::default().with_partition_index(index);
            match led(state, &topic.name, index, node, epoch) {
                Err(code) => answer.with_error_code(code),
                Ok(Partition { log, epoch, .. }) => {
                    let offset = match wanted.timestamp {
                        -2 | -4 => log.start(),
                        -1 if committed => log.last_stable(),
                        -1 => log.end(),
                        millis => log.find(millis),
                    };
                    answer.with_offset(offset).with_leader_epoch(if version < 4 {
                        -1
                    } else {
                        *epoch
                    })
                }
            }
        });
        let partitions = partitions.collect();
        ListOffsetsTopicResponse::default()
            .with_name(topic.name.clone())
            .with_partitions(partitions)
    });
    ListOffsetsResponse::default().with_topics(topics.collect())
}

fn epoch_ends(
    request: &OffsetForLeaderEpochRequest,
    node: usize,
    state: &mut State,
) -> OffsetForLeaderEpochResponse {
    let topics = request.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|wanted| {
            let (index, epoch) = (wanted.partition, wanted.current_leader_epoch);
            let answer = EpochEndOffset::default().with_partition(index);
            match led(state, &topic.topic, index, node, epoch) {
                Err(code) => answer.with_error_code(code),
                Ok(partition) => {
                    let (epoch, end) = partition.log.epoch_end(wanted.leader_epoch);
                    answer.with_leader_epoch(epoch).with_end_offset(end)
                }
            }
        });
        let partitions = partitions.collect();
        OffsetForLeaderTopicResult::default()
            .with_topic(topic.topic.clone())
            .with_partitions(partitions)
    });
    OffsetForLeaderEpochResponse::default().with_topics(topics.collect())
}
