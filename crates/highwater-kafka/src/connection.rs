//! One TCP connection to a broker: one request at a time, each with a deadline.

use std::io;
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::messages::{ApiVersionsRequest, RequestHeader};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, StrBytes};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until, timeout};

use crate::error::WireError;
use crate::options::Settings;
use crate::versions::{Call, Versions};

/// No broker is obeyed when it asks for a longer pause.
const LONGEST_THROTTLE: Duration = Duration::from_secs(30);

/// A connection whose versions are settled.
///
/// After an error, or when a call was cancelled, it is of no more use and is to be dropped.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    address: String,
    client_id: StrBytes,
    frame_bytes: usize,
    deadline: Duration,
    versions: Versions,
    correlation: i32,
    ready_at: Instant,
}

impl Connection {
    /// Connects to `address`, and asks what it speaks.
    pub(crate) async fn open(address: &str, settings: &Settings) -> Result<Self, WireError> {
        let io = |source| WireError::Io { address: address.to_owned(), source };
        let connecting = timeout(settings.connect_timeout, TcpStream::connect(address));
        let stream = connecting.await.map_err(|_elapsed| WireError::Timeout {
            address: address.to_owned(),
            what: "connecting",
            after: settings.connect_timeout,
        })?;
        let stream = stream.map_err(io)?;
        stream.set_nodelay(true).map_err(io)?;
        let mut connection = Self {
            stream,
            address: address.to_owned(),
            client_id: StrBytes::from_string(settings.client_id.clone()),
            frame_bytes: settings.frame_bytes,
            deadline: settings.request_timeout + settings.fetch_wait,
            versions: Versions::default(),
            correlation: 0,
            ready_at: Instant::now(),
        };
        let answer = connection.send(&ApiVersionsRequest::default(), 0).await?;
        connection.versions = Versions::of(&answer);
        Ok(connection)
    }

    /// Where it leads to.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// The version that requests of this kind are sent in.
    pub(crate) fn version<R: Call>(&self) -> Result<i16, WireError> {
        self.versions.pick::<R>().map_err(|theirs| WireError::Versions {
            address: self.address.clone(),
            what: R::NAME,
            theirs: theirs.map_or_else(|| "none".to_owned(), |range| range.to_string()),
            ours: R::SPOKEN.to_string(),
        })
    }

    /// Sends `request` in `version` and waits for the answer.
    pub(crate) async fn send<R: Call>(
        &mut self,
        request: &R,
        version: i16,
    ) -> Result<R::Response, WireError> {
        sleep_until(self.ready_at).await;
        let answer = timeout(self.deadline, self.exchange(request, version)).await;
        let frame = answer.map_err(|_elapsed| WireError::Timeout {
            address: self.address.clone(),
            what: R::NAME,
            after: self.deadline,
        })??;
        let malformed = || WireError::Malformed { address: self.address.clone(), what: R::NAME };
        let mut body = self.body::<R>(frame, version).ok_or_else(malformed)?;
        R::Response::decode(&mut body, version).map_err(|_text| malformed())
    }

    /// Lets the next request wait, as the broker asked for.
    pub(crate) fn throttle(&mut self, millis: i32) {
        let pause = Duration::from_millis(u64::try_from(millis).unwrap_or(0));
        self.ready_at = Instant::now() + pause.min(LONGEST_THROTTLE);
    }

    async fn exchange<R: Call>(&mut self, request: &R, version: i16) -> Result<Bytes, WireError> {
        self.correlation = self.correlation.wrapping_add(1);
        let frame = self
            .encode(request, version)
            .ok_or_else(|| WireError::Malformed { address: self.address.clone(), what: R::NAME })?;
        let sent = self.stream.write_all(&frame).await;
        sent.map_err(|source| WireError::Io { address: self.address.clone(), source })?;
        self.receive().await
    }

    fn encode<R: Call>(&self, request: &R, version: i16) -> Option<BytesMut> {
        let header = RequestHeader::default()
            .with_request_api_key(R::KEY)
            .with_request_api_version(version)
            .with_correlation_id(self.correlation)
            .with_client_id(Some(self.client_id.clone()));
        let mut frame = BytesMut::new();
        frame.put_i32(0);
        header.encode(&mut frame, R::header_version(version)).ok()?;
        request.encode(&mut frame, version).ok()?;
        let length = i32::try_from(frame.len().checked_sub(4)?).ok()?;
        frame.get_mut(..4)?.copy_from_slice(&length.to_be_bytes());
        Some(frame)
    }

    async fn receive(&mut self) -> Result<Bytes, WireError> {
        let io = |source| WireError::Io { address: self.address.clone(), source };
        let announced = self.stream.read_i32().await.map_err(io)?;
        let size = usize::try_from(announced).ok().filter(|&size| size <= self.frame_bytes);
        let size = size.ok_or_else(|| WireError::FrameSize {
            address: self.address.clone(),
            bytes: announced,
            limit: self.frame_bytes,
        })?;
        let mut frame = BytesMut::with_capacity(size);
        let mut rest = (&mut self.stream).take(u64::try_from(size).unwrap_or(0));
        while frame.len() < size {
            if rest.read_buf(&mut frame).await.map_err(io)? == 0 {
                return Err(io(io::ErrorKind::UnexpectedEof.into()));
            }
        }
        Ok(frame.freeze())
    }

    /// The answer behind its header; none when it is not the one to the last request.
    fn body<R: Call>(&self, mut frame: Bytes, version: i16) -> Option<Bytes> {
        let correlation = i32::from_be_bytes(*frame.first_chunk()?);
        let header = if R::Response::header_version(version) == 0 { 4 } else { 5 };
        // A later header has tagged fields, and no broker sends any.
        let tags = frame.get(4..header)?.iter().any(|&tag| tag != 0);
        if correlation != self.correlation || tags {
            return None;
        }
        let body = frame.split_off(header);
        R::SHAPE.fits(&body, version).then_some(body)
    }
}
