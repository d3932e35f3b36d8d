//! A connection says who it is, at its start and again before the broker forgets.

use std::time::Duration;

use bytes::Bytes;
use kafka_protocol::messages::{
    SaslAuthenticateRequest, SaslAuthenticateResponse, SaslHandshakeRequest,
};
use kafka_protocol::protocol::StrBytes;

use crate::connection::Connection;
use crate::error::{Answer, SecurityError, WireError};
use crate::security::{Credentials, Dialog};

const ILLEGAL_STATE: i16 = 34;
const UNSUPPORTED_MECHANISM: i16 = 33;
const DENIED: i16 = 58;
/// A dialog has fewer messages of the client than this.
const LONGEST: usize = 4;
/// What a broker says why is cut off behind so many characters.
const REASON: usize = 300;

/// Goes through the dialog of `credentials`, and gives how long the broker will know the client:
/// without an end if none.
pub(crate) async fn authenticate(
    connection: &mut Connection,
    credentials: &Credentials,
) -> Result<Option<Duration>, WireError> {
    handshake(connection, credentials).await?;
    let address = connection.address().to_owned();
    let refused = |source| WireError::security(&address, source);
    let (mut dialog, mut message) = credentials.begin().await.map_err(refused)?;
    for _ in 0..LONGEST {
        let answer = exchange(connection, credentials, message).await?;
        message = match dialog.answer(&answer.auth_bytes).map_err(refused)? {
            Some(message) => message,
            None => return ended(&dialog, credentials, &answer).map_err(refused),
        };
    }
    let mechanism = credentials.mechanism().name();
    Err(refused(SecurityError::Dialog { mechanism, problem: "the dialog has no end" }))
}

fn ended(
    dialog: &Dialog,
    credentials: &Credentials,
    answer: &SaslAuthenticateResponse,
) -> Result<Option<Duration>, SecurityError> {
    if !dialog.proved() {
        let mechanism = credentials.mechanism().name();
        let problem = "the broker does not prove that it knows the password";
        return Err(SecurityError::Dialog { mechanism, problem });
    }
    let lifetime = u64::try_from(answer.session_lifetime_ms).ok().filter(|millis| *millis > 0);
    Ok(lifetime.map(Duration::from_millis))
}

/// Agrees on the mechanism.
async fn handshake(
    connection: &mut Connection,
    credentials: &Credentials,
) -> Result<(), WireError> {
    let mechanism = credentials.mechanism().name();
    let version = connection.version::<SaslHandshakeRequest>()?;
    let name = StrBytes::from_static_str(mechanism);
    let request = SaslHandshakeRequest::default().with_mechanism(name);
    let answer = connection.exchange(&request, version).await?;
    let source = match answer.error_code {
        0 => return Ok(()),
        UNSUPPORTED_MECHANISM => {
            let offered: Vec<&str> = answer.mechanisms.iter().map(|name| &**name).collect();
            let offered = if offered.is_empty() { "none".into() } else { offered.join(", ") };
            SecurityError::Mechanism { mechanism, offered }
        }
        ILLEGAL_STATE => SecurityError::WithoutSasl,
        code => denied(credentials, &Answer(code).to_string()),
    };
    Err(WireError::security(connection.address(), source))
}

/// One message and what the broker says to it.
async fn exchange(
    connection: &mut Connection,
    credentials: &Credentials,
    message: Vec<u8>,
) -> Result<SaslAuthenticateResponse, WireError> {
    let version = connection.version::<SaslAuthenticateRequest>()?;
    let request = SaslAuthenticateRequest::default().with_auth_bytes(Bytes::from(message));
    let answer = connection.exchange(&request, version).await?;
    match answer.error_code {
        0 => Ok(answer),
        code => {
            let told = answer.error_message.as_ref().map(|text| (**text).to_owned());
            let reason = told.filter(|_| code == DENIED);
            let reason = reason.unwrap_or_else(|| Answer(code).to_string());
            Err(WireError::security(connection.address(), denied(credentials, &reason)))
        }
    }
}

fn denied(credentials: &Credentials, reason: &str) -> SecurityError {
    let user = match credentials {
        Credentials::Password { username, .. } => format!("user {username}"),
        Credentials::Token(_) => "the token".to_owned(),
    };
    let mechanism = credentials.mechanism().name();
    SecurityError::Denied { user, mechanism, reason: reason.chars().take(REASON).collect() }
}
