//! The bytes below a connection: TCP, with TLS on top where it is asked for.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::error::{SecurityError, WireError};

/// Either kind of stream.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin + fmt::Debug {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin + fmt::Debug> Stream for S {}

/// Connects to `address`, and agrees on keys if `tls` is given.
pub(crate) async fn connect(
    address: &str,
    deadline: Duration,
    tls: Option<&Arc<ClientConfig>>,
) -> Result<Box<dyn Stream>, WireError> {
    let connecting = timeout(deadline, begin(address, tls)).await;
    connecting.map_err(|_elapsed| WireError::Timeout {
        address: address.to_owned(),
        what: "connecting",
        after: deadline,
    })?
}

async fn begin(
    address: &str,
    tls: Option<&Arc<ClientConfig>>,
) -> Result<Box<dyn Stream>, WireError> {
    let failed = |error| failure(address, error);
    let stream = TcpStream::connect(address).await.map_err(failed)?;
    stream.set_nodelay(true).map_err(failed)?;
    let Some(config) = tls else { return Ok(Box::new(stream)) };
    let host = host(address);
    let name = ServerName::try_from(host.to_owned()).map_err(|_name| {
        WireError::security(address, SecurityError::HostName { host: host.to_owned() })
    })?;
    let stream = TlsConnector::from(Arc::clone(config)).connect(name, stream).await;
    Ok(Box::new(stream.map_err(|error| match error.get_ref().and_then(tls_error) {
        // The first thing that came is no TLS.
        Some(rustls::Error::InvalidMessage(_)) => {
            WireError::security(address, SecurityError::WithoutTls)
        }
        _ => failed(error),
    })?))
}

/// What went wrong with the bytes to or from `address`.
pub(crate) fn failure(address: &str, error: io::Error) -> WireError {
    match SecurityError::of_tls(&error) {
        Some(source) => WireError::security(address, source),
        None => WireError::Io { address: address.to_owned(), source: error },
    }
}

fn tls_error<'a>(
    error: &'a (dyn std::error::Error + Send + Sync + 'static),
) -> Option<&'a rustls::Error> {
    error.downcast_ref()
}

/// The name in `host:port`, where an IPv6 address stands in brackets.
fn host(address: &str) -> &str {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}
