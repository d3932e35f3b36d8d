//! One connection to a broker: one request at a time, each with a deadline.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::messages::{ApiVersionsRequest, RequestHeader};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, StrBytes};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout};

use crate::authenticate::authenticate;
use crate::error::{SecurityError, WireError};
use crate::frames::Frames;
use crate::options::Settings;
use crate::probe;
use crate::security::Security;
use crate::transport::{self, Stream};
use crate::versions::{Call, Versions};

/// The first two bytes of a TLS alert, which a port with TLS answers to plain bytes.
const ALERT: [u8; 2] = [0x15, 0x03];

/// A connection whose versions are settled, and that is let in.
///
/// After an error, or when a call was cancelled, it is of no more use and is to be dropped.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: Box<dyn Stream>,
    address: String,
    client_id: StrBytes,
    frame_bytes: usize,
    frames: Frames,
    deadline: Duration,
    versions: Versions,
    correlation: i32,
    security: Arc<Security>,
    /// When to say again who is here, before the broker forgets it.
    renew_at: Option<Instant>,
}

impl Connection {
    /// Connects to `address`, asks what it speaks, and says who is here.
    pub(crate) async fn open(
        address: &str,
        settings: &Settings,
        security: &Arc<Security>,
    ) -> Result<Self, WireError> {
        let mut connection = match Self::unauthenticated(address, settings, security).await {
            Ok(connection) => connection,
            Err(error) => return Err(probe::explained(error, address, settings, security).await),
        };
        connection.security = Arc::clone(security);
        connection.authenticate().await?;
        Ok(connection)
    }

    /// Connects to `address`, and asks what it speaks.
    pub(crate) async fn unauthenticated(
        address: &str,
        settings: &Settings,
        security: &Security,
    ) -> Result<Self, WireError> {
        let stream = transport::connect(address, settings.connect_timeout, security.tls()).await?;
        let mut connection = Self {
            stream,
            address: address.to_owned(),
            client_id: StrBytes::from_string(settings.client_id.clone()),
            frame_bytes: settings.frame_bytes,
            frames: Frames::default(),
            deadline: settings.request_timeout + settings.fetch_wait,
            versions: Versions::default(),
            correlation: 0,
            security: Arc::default(),
            renew_at: None,
        };
        let answer = connection.exchange(&ApiVersionsRequest::default(), 0).await?;
        connection.versions = Versions::of(&answer);
        Ok(connection)
    }

    /// Says who is here, where brokers ask for it.
    async fn authenticate(&mut self) -> Result<(), WireError> {
        let security = Arc::clone(&self.security);
        let Some(credentials) = security.sasl() else { return Ok(()) };
        let begun = Instant::now();
        let lifetime = authenticate(self, credentials).await?;
        // Early enough that a request under way then is answered before the end.
        self.renew_at = lifetime.map(|lifetime| begun + lifetime.mul_f64(0.85));
        Ok(())
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
        if self.renew_at.is_some_and(|at| at <= Instant::now()) {
            self.authenticate().await?;
        }
        self.exchange(request, version).await
    }

    /// Sends `request`, whoever the broker believes this is.
    pub(crate) async fn exchange<R: Call>(
        &mut self,
        request: &R,
        version: i16,
    ) -> Result<R::Response, WireError> {
        let answer = timeout(self.deadline, self.raw_exchange(request, version)).await;
        let frame = answer.map_err(|_elapsed| WireError::Timeout {
            address: self.address.clone(),
            what: R::NAME,
            after: self.deadline,
        })??;
        let malformed = || WireError::Malformed { address: self.address.clone(), what: R::NAME };
        let mut body = self.body::<R>(frame, version).ok_or_else(malformed)?;
        R::Response::decode(&mut body, version).map_err(|_text| malformed())
    }

    async fn raw_exchange<R: Call>(
        &mut self,
        request: &R,
        version: i16,
    ) -> Result<Bytes, WireError> {
        self.correlation = self.correlation.wrapping_add(1);
        let frame = self
            .encode(request, version)
            .ok_or_else(|| WireError::Malformed { address: self.address.clone(), what: R::NAME })?;
        let failed = |error| transport::failure(&self.address, error);
        self.stream.write_all(&frame).await.map_err(failed)?;
        self.stream.flush().await.map_err(failed)?;
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
        let size = self.announced().await?;
        let io = |error| transport::failure(&self.address, error);
        let mut frame = self.frames.take(size);
        let mut rest = (&mut self.stream).take(u64::try_from(size).unwrap_or(0));
        while frame.len() < size {
            if rest.read_buf(&mut frame).await.map_err(io)? == 0 {
                return Err(io(io::ErrorKind::UnexpectedEof.into()));
            }
        }
        Ok(self.frames.lend(frame))
    }

    /// The bytes of the next answer, as it begins with.
    async fn announced(&mut self) -> Result<usize, WireError> {
        let io = |error| transport::failure(&self.address, error);
        let announced = self.stream.read_i32().await.map_err(io)?;
        if self.security.tls().is_none() && announced.to_be_bytes().starts_with(&ALERT) {
            return Err(WireError::security(&self.address, SecurityError::WithTls));
        }
        let size = usize::try_from(announced).ok().filter(|&size| size <= self.frame_bytes);
        size.ok_or_else(|| WireError::FrameSize {
            address: self.address.clone(),
            bytes: announced,
            limit: self.frame_bytes,
        })
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
