//! What a port speaks that hung up on us.
//!
//! A broker that is spoken to in the wrong way closes the connection without a word, and so does one
//! that restarts. One more connection tells the two apart.

use kafka_protocol::messages::{SaslHandshakeRequest, SaslHandshakeResponse};
use kafka_protocol::protocol::StrBytes;

use crate::connection::Connection;
use crate::error::{SecurityError, WireError};
use crate::options::Settings;
use crate::security::Security;
use crate::transport;

/// The broker knows no mechanism of this name: it does SASL.
const UNSUPPORTED_MECHANISM: i16 = 33;

/// `error`, or what it comes of when the broker at `address` closed a connection made with
/// `security` because it speaks another protocol.
pub(crate) async fn explained(
    error: WireError,
    address: &str,
    settings: &Settings,
    security: &Security,
) -> WireError {
    if !error.hung_up() {
        return error;
    }
    let other = if security.tls().is_some() {
        speaks_plainly(address, settings).await.then_some(SecurityError::WithoutTls)
    } else {
        speaks_tls(address, settings).await.then_some(SecurityError::WithTls)
    };
    match other {
        Some(source) => WireError::security(address, source),
        None => error,
    }
}

/// `error`, or that the broker at `address` asks for SASL, when it hung up at the first request of a
/// client that did none.
pub(crate) async fn explained_by_sasl(
    error: WireError,
    address: &str,
    settings: &Settings,
    security: &Security,
) -> WireError {
    if error.hung_up()
        && security.sasl().is_none()
        && asks_for_sasl(address, settings, security).await
    {
        return WireError::security(address, SecurityError::WithSasl);
    }
    error
}

async fn speaks_plainly(address: &str, settings: &Settings) -> bool {
    Connection::unauthenticated(address, settings, &Security::default()).await.is_ok()
}

/// Whether the answer to a TLS greeting is TLS. Nobody is trusted, so that nothing comes of it.
async fn speaks_tls(address: &str, settings: &Settings) -> bool {
    let Some(config) = Security::distrustful() else { return false };
    let greeted = transport::connect(address, settings.connect_timeout, Some(&config)).await;
    match greeted {
        Ok(_) => true,
        Err(WireError::Security { source, .. }) => {
            matches!(*source, SecurityError::Certificate { .. } | SecurityError::Handshake { .. })
        }
        Err(_) => false,
    }
}

async fn asks_for_sasl(address: &str, settings: &Settings, security: &Security) -> bool {
    let Ok(mut connection) = Connection::unauthenticated(address, settings, security).await else {
        return false;
    };
    let Ok(version) = connection.version::<SaslHandshakeRequest>() else { return false };
    let none = SaslHandshakeRequest::default().with_mechanism(StrBytes::from_static_str("NONE"));
    let answer: Result<SaslHandshakeResponse, _> = connection.send(&none, version).await;
    answer.is_ok_and(|answer| answer.error_code == UNSUPPORTED_MECHANISM)
}
