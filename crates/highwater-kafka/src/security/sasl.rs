//! Who the client is, and the dialog in which it says so.

use highwater_core::Secret;
use rsasl::mechname::Mechname;
use rsasl::prelude::{SASLClient, SASLConfig, Session};

use super::properties::{Mechanism, SaslProperties};
use crate::error::SecurityError;

/// No broker is obeyed when it asks for more work than this. Kafka's own default is 4096.
const MOST_ITERATIONS: u32 = 1_000_000;

/// What the client shows.
#[derive(Clone, Debug)]
pub(crate) enum Credentials {
    /// A name and a password.
    Password { mechanism: Mechanism, username: String, password: Secret<String> },
    /// A token that somebody else issued.
    Token(Token),
}

/// Where a token comes from.
#[derive(Clone, Debug)]
pub(crate) enum Token {
    Given(Secret<String>),
    /// Read each time, since whoever issues tokens replaces them.
    File(String),
}

impl Token {
    /// The token as it is now.
    ///
    /// # Errors
    /// When it is in a file that cannot be read.
    pub(crate) async fn read(&self) -> Result<Secret<String>, SecurityError> {
        match self {
            Self::Given(token) => Ok(token.clone()),
            Self::File(path) => match tokio::fs::read_to_string(path).await {
                Ok(text) => Ok(Secret::new(text.trim().to_owned())),
                Err(source) => {
                    let place = format!("{path} (sasl.oauthbearer.token.endpoint.url)");
                    Err(SecurityError::Unreadable { place, source })
                }
            },
        }
    }
}

impl Credentials {
    pub(super) fn try_new(properties: &SaslProperties) -> Result<Self, SecurityError> {
        let mechanism = properties.mechanism.ok_or(SecurityError::NoMechanism)?;
        let needs = |what| SecurityError::Incomplete { mechanism: mechanism.name(), what };
        if mechanism == Mechanism::OauthBearer {
            let given = properties.token.clone().map(Token::Given);
            let token = given.or_else(|| properties.token_file.clone().map(Token::File));
            let what = "sasl.oauthbearer.token, or sasl.oauthbearer.token.endpoint.url=file:PATH";
            return token.map(Self::Token).ok_or(needs(what));
        }
        let what = "sasl.username and sasl.password, or both in sasl.jaas.config";
        let (username, password) = (properties.username.clone(), properties.password.clone());
        let (username, password) = username.zip(password).ok_or(needs(what))?;
        if username.is_empty() || password.expose().is_empty() {
            return Err(needs(what));
        }
        Ok(Self::Password { mechanism, username, password })
    }

    pub(crate) fn mechanism(&self) -> Mechanism {
        match self {
            Self::Password { mechanism, .. } => *mechanism,
            Self::Token(_) => Mechanism::OauthBearer,
        }
    }

    /// Begins a dialog: what the client says first, and what goes on from there.
    pub(crate) async fn begin(&self) -> Result<(Dialog, Vec<u8>), SecurityError> {
        match self {
            Self::Token(token) => {
                let token = token.read().await?;
                let first = format!("n,,\u{1}auth=Bearer {}\u{1}\u{1}", token.expose());
                Ok((Dialog::Token { refused: false }, first.into_bytes()))
            }
            Self::Password { mechanism: Mechanism::Plain, username, password } => {
                let first = format!("\0{username}\0{}", password.expose());
                Ok((Dialog::Plain, first.into_bytes()))
            }
            Self::Password { mechanism, username, password } => {
                let mechanism = mechanism.name();
                let broken = || SecurityError::Dialog { mechanism, problem: BROKEN };
                let name = Mechname::parse(mechanism.as_bytes()).map_err(|_name| broken())?;
                let (user, password) = (username.clone(), password.expose().clone());
                let config = SASLConfig::with_credentials(None, user, password);
                let client = SASLClient::new(config.map_err(|_setup| broken())?);
                let mut session = client.start_suggested(&[name]).map_err(|_setup| broken())?;
                let mut first = Vec::new();
                session.step(None, &mut first).map_err(|_credentials| SecurityError::Dialog {
                    mechanism,
                    problem: "the user name or the password has characters that it does not allow",
                })?;
                Ok((Dialog::Scram { mechanism, session: Box::new(session), over: false }, first))
            }
        }
    }
}

const BROKEN: &str = "it cannot be begun";

/// A dialog under way.
pub(crate) enum Dialog {
    Plain,
    Token { refused: bool },
    Scram { mechanism: &'static str, session: Box<Session>, over: bool },
}

impl Dialog {
    /// What to answer to `challenge`; none when the client has said all.
    pub(crate) fn answer(&mut self, challenge: &[u8]) -> Result<Option<Vec<u8>>, SecurityError> {
        match self {
            Self::Plain => Ok(None),
            Self::Token { refused } if challenge.is_empty() && !*refused => Ok(None),
            // The reason comes as an answer to this, with an error.
            Self::Token { refused } if !*refused => {
                *refused = true;
                Ok(Some(vec![1]))
            }
            Self::Token { .. } => {
                let mechanism = Mechanism::OauthBearer.name();
                Err(SecurityError::Dialog { mechanism, problem: "the broker refuses the token" })
            }
            Self::Scram { over: true, .. } => Ok(None),
            Self::Scram { mechanism, session, over } => {
                let wrong = |problem| SecurityError::Dialog { mechanism, problem };
                if iterations(challenge).is_some_and(|count| count > MOST_ITERATIONS) {
                    return Err(wrong("the broker asks for more than 1000000 iterations"));
                }
                let mut answer = Vec::new();
                let state = session.step(Some(challenge), &mut answer).map_err(|_session| {
                    wrong("the broker does not prove that it knows the password")
                })?;
                *over = state.is_finished();
                Ok(state.has_sent_message().then_some(answer))
            }
        }
    }

    /// Whether the broker has proved whatever the mechanism lets it prove.
    pub(crate) fn proved(&self) -> bool {
        !matches!(self, Self::Scram { over: false, .. })
    }
}

/// The `i=` of the first challenge of SCRAM.
fn iterations(challenge: &[u8]) -> Option<u32> {
    let text = str::from_utf8(challenge).ok()?;
    let count = text.split(',').find_map(|part| part.strip_prefix("i="))?;
    Some(count.parse().unwrap_or(u32::MAX))
}
