//! How a client says who it is, from the side of the broker.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use kafka_protocol::messages::{
    SaslAuthenticateRequest, SaslAuthenticateResponse, SaslHandshakeRequest, SaslHandshakeResponse,
};
use kafka_protocol::protocol::StrBytes;
use ring::{digest, hmac, pbkdf2};

use super::guard::Guard;

const UNSUPPORTED_MECHANISM: i16 = 33;
const ILLEGAL_STATE: i16 = 34;
const DENIED: i16 = 58;
const ITERATIONS: u32 = 4096;
const SALT: &[u8] = b"salt of the tests";

/// What a broker knows of whoever is at the other end of a connection.
#[derive(Debug, Default)]
pub(super) enum Login {
    #[default]
    Nobody,
    Begun {
        mechanism: String,
        scram: Option<Scram>,
        refused: bool,
    },
    Known,
}

/// A SCRAM dialog after its first two messages.
#[derive(Debug)]
pub(super) struct Scram {
    user: String,
    nonce: String,
    /// The two messages, as both sides sign them.
    signed: String,
}

/// What to answer to a message.
type Verdict = Result<(Vec<u8>, bool), String>;

impl Login {
    /// Whether any request may be answered.
    pub(super) fn lets_in(&self, guard: &Guard) -> bool {
        guard.mechanisms.is_empty() || matches!(self, Self::Known)
    }

    pub(super) fn handshake(
        &mut self,
        request: &SaslHandshakeRequest,
        guard: &Guard,
    ) -> SaslHandshakeResponse {
        let name = |name: &String| StrBytes::from_string(name.clone());
        let offered = guard.mechanisms.iter().map(name).collect();
        let response = SaslHandshakeResponse::default().with_mechanisms(offered);
        let mechanism = request.mechanism.to_string();
        if guard.mechanisms.is_empty() {
            return response.with_error_code(ILLEGAL_STATE);
        }
        if !guard.mechanisms.contains(&mechanism) {
            return response.with_error_code(UNSUPPORTED_MECHANISM);
        }
        *self = Self::Begun { mechanism, scram: None, refused: false };
        response
    }

    pub(super) fn authenticate(
        &mut self,
        request: &SaslAuthenticateRequest,
        guard: &Guard,
    ) -> SaslAuthenticateResponse {
        let response = SaslAuthenticateResponse::default();
        let Self::Begun { mechanism, scram, refused } = self else {
            return response.with_error_code(ILLEGAL_STATE);
        };
        let denied = || "Authentication failed: Invalid username or password".to_owned();
        let message = &*request.auth_bytes;
        let verdict = match &**mechanism {
            "PLAIN" => plain(message, guard).map(|()| (Vec::new(), true)).ok_or_else(denied),
            "OAUTHBEARER" => token(message, guard, refused),
            name => scrammed(name, message, scram, guard).ok_or_else(denied),
        };
        match verdict {
            Ok((answer, known)) => {
                if known {
                    *self = Self::Known;
                }
                let lifetime = if known { guard.session_ms } else { 0 };
                response.with_auth_bytes(Bytes::from(answer)).with_session_lifetime_ms(lifetime)
            }
            Err(reason) => response
                .with_error_code(DENIED)
                .with_error_message(Some(StrBytes::from_string(reason))),
        }
    }
}

/// Source: RFC 4616.
fn plain(message: &[u8], guard: &Guard) -> Option<()> {
    let mut parts = str::from_utf8(message).ok()?.split('\0');
    let (_authorized, user, password) = (parts.next()?, parts.next()?, parts.next()?);
    guard.users.get(user).filter(|known| **known == password).map(drop)
}

/// Source: RFC 7628, section 3.2.
fn token(message: &[u8], guard: &Guard, refused: &mut bool) -> Verdict {
    if *refused {
        return Err("{\"status\":\"invalid_token\"}".to_owned());
    }
    let text = str::from_utf8(message).unwrap_or_default();
    let given = text.strip_prefix("n,,\u{1}auth=Bearer ");
    let given = given.and_then(|rest| rest.strip_suffix("\u{1}\u{1}"));
    if given.is_some() && given == guard.token.as_deref() {
        return Ok((Vec::new(), true));
    }
    *refused = true;
    Ok((b"{\"status\":\"invalid_token\"}".to_vec(), false))
}

/// Source: RFC 5802, section 3.
fn scrammed(
    mechanism: &str,
    message: &[u8],
    dialog: &mut Option<Scram>,
    guard: &Guard,
) -> Option<(Vec<u8>, bool)> {
    let text = str::from_utf8(message).ok()?;
    let Some(begun) = dialog else {
        let bare = text.strip_prefix("n,,")?;
        let (user, nonce) = (part(bare, "n=")?, part(bare, "r=")?);
        let nonce = format!("{nonce}of-the-broker");
        let first = format!("r={nonce},s={},i={ITERATIONS}", BASE64.encode(SALT));
        let signed = format!("{bare},{first}");
        *dialog = Some(Scram { user: user.to_owned(), nonce, signed });
        return Some((first.into_bytes(), false));
    };
    let known = guard.users.get(&begun.user).map(String::as_str);
    let keys = Keys::new(mechanism, known.or(guard.impostor.then_some("a guess"))?);
    let (without_proof, proof) = text.rsplit_once(",p=")?;
    if part(without_proof, "r=")? != begun.nonce {
        return None;
    }
    let signed = format!("{},{without_proof}", begun.signed);
    let stored = digest::digest(keys.digest, keys.client.as_ref());
    let signature = keys.sign(stored.as_ref(), signed.as_bytes());
    let proof = BASE64.decode(proof).ok()?;
    let client: Vec<u8> = proof.iter().zip(signature.as_ref()).map(|(a, b)| a ^ b).collect();
    let proved = digest::digest(keys.digest, &client).as_ref() == stored.as_ref();
    if !proved && !guard.impostor {
        return None;
    }
    let server = keys.sign(keys.server.as_ref(), signed.as_bytes());
    Some((format!("v={}", BASE64.encode(server)).into_bytes(), true))
}

fn part<'a>(message: &'a str, name: &str) -> Option<&'a str> {
    message.split(',').find_map(|part| part.strip_prefix(name))
}

struct Keys {
    hmac: hmac::Algorithm,
    digest: &'static digest::Algorithm,
    client: hmac::Tag,
    server: hmac::Tag,
}

impl Keys {
    fn new(mechanism: &str, password: &str) -> Self {
        let (hmac, digest, pbkdf2) = match mechanism {
            "SCRAM-SHA-256" => (hmac::HMAC_SHA256, &digest::SHA256, pbkdf2::PBKDF2_HMAC_SHA256),
            _ => (hmac::HMAC_SHA512, &digest::SHA512, pbkdf2::PBKDF2_HMAC_SHA512),
        };
        let mut salted = vec![0; digest.output_len()];
        let iterations = std::num::NonZeroU32::MIN.saturating_add(ITERATIONS - 1);
        pbkdf2::derive(pbkdf2, iterations, SALT, password.as_bytes(), &mut salted);
        let key = hmac::Key::new(hmac, &salted);
        let (client, server) = (hmac::sign(&key, b"Client Key"), hmac::sign(&key, b"Server Key"));
        Self { hmac, digest, client, server }
    }

    fn sign(&self, key: &[u8], message: &[u8]) -> hmac::Tag {
        hmac::sign(&hmac::Key::new(self.hmac, key), message)
    }
}
