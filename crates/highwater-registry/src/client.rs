//! Asks a registry by HTTP, again and again for a time, and whoever of several answers.

use std::error::Error as _;
use std::time::Duration;

use highwater_codec::AvroSchema;
use reqwest::{Client, Response, StatusCode};
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep};
use url::Url;

use crate::answer::{Problem, Reference, Registered};
use crate::options::Login;
use crate::{RegistryError, RegistryOptions, tls};

/// How long one attempt may take.
const ATTEMPT: Duration = Duration::from_secs(10);
const CONNECT: Duration = Duration::from_secs(5);
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// The longest answer.
const MAX_BYTES: usize = 8 << 20;
/// The most schemas that one may refer to, through others too.
const MAX_REFERENCES: usize = 256;

/// A client of one registry.
#[derive(Debug)]
pub(crate) struct RegistryClient {
    client: Client,
    urls: Vec<Url>,
    /// The place of the address that answered last.
    answering: usize,
    login: Login,
    patience: Duration,
}

/// How one attempt ended without an answer.
enum Failed {
    /// Another attempt may end otherwise.
    Again(String),
    Finally(RegistryError),
}

impl RegistryClient {
    pub(crate) fn try_new(options: &RegistryOptions) -> Result<Self, RegistryError> {
        let urls = options.urls.split(',').map(|url| address(url.trim()));
        let urls = urls.collect::<Result<Vec<_>, _>>()?;
        let client = Client::builder()
            .use_preconfigured_tls(tls::config(options.authorities.as_deref())?)
            .connect_timeout(CONNECT)
            .timeout(ATTEMPT)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .user_agent("highwater")
            .build()
            .map_err(|error| RegistryError::Setup { cause: Box::new(error) })?;
        let (login, patience) = (options.login.clone(), options.patience);
        Ok(Self { client, urls, answering: 0, login, patience })
    }

    /// The address that is asked first.
    pub(crate) fn url(&self) -> String {
        self.urls.get(self.answering).map(Url::to_string).unwrap_or_default()
    }

    /// The schema with the number `id`; nothing when the registry does not have it.
    pub(crate) async fn schema(&mut self, id: u32) -> Result<Option<Registered>, RegistryError> {
        let path = ["schemas", "ids", &id.to_string()];
        match self.ask(&path, &format!("schema {id}")).await {
            Ok(registered) => Ok(Some(registered)),
            Err(RegistryError::Missing { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The newest schema of a subject.
    pub(crate) async fn latest(&mut self, subject: &str) -> Result<AvroSchema, RegistryError> {
        let what = format!("the newest schema of {subject}");
        let path = ["subjects", subject, "versions", "latest"];
        let registered: Registered = self.ask(&path, &what).await?;
        let references = self.references(&registered, &what).await?;
        AvroSchema::with_references(&registered.schema, &references)
            .map_err(|cause| RegistryError::Schema { what, cause })
    }

    /// The texts of all schemas that one refers to, each once.
    pub(crate) async fn references(
        &mut self,
        of: &Registered,
        what: &str,
    ) -> Result<Vec<String>, RegistryError> {
        let mut found: Vec<Reference> = of.references().to_vec();
        let mut texts = Vec::new();
        while let Some(Reference { subject, version }) = found.get(texts.len()).cloned() {
            if texts.len() >= MAX_REFERENCES {
                let (what, limit) = (what.to_owned(), MAX_REFERENCES);
                return Err(RegistryError::References { what, limit });
            }
            let named = format!("version {version} of {subject}, which {what} refers to");
            let path = ["subjects", &subject, "versions", &version.to_string()];
            let registered: Registered = self.ask(&path, &named).await?;
            for reference in registered.references() {
                if !found.contains(reference) {
                    found.push(reference.clone());
                }
            }
            texts.push(registered.schema);
        }
        texts.sort_unstable();
        texts.dedup();
        Ok(texts)
    }

    /// The answer to one question, from whichever address gives it first.
    async fn ask<T: DeserializeOwned>(
        &mut self,
        path: &[&str],
        what: &str,
    ) -> Result<T, RegistryError> {
        let begin = Instant::now();
        let mut pause = FIRST_PAUSE;
        loop {
            let mut last = None;
            for place in (self.answering..self.urls.len()).chain(0..self.answering) {
                let Some(url) = self.urls.get(place) else { continue };
                let url = below(url, path);
                match self.attempt(&url, what).await {
                    Ok(answer) => {
                        self.answering = place;
                        return Ok(answer);
                    }
                    Err(Failed::Finally(error)) => return Err(error),
                    Err(Failed::Again(problem)) => {
                        tracing::debug!(%url, problem, "asked the registry in vain");
                        last = Some((url.to_string(), problem));
                    }
                }
            }
            if begin.elapsed().saturating_add(pause) >= self.patience {
                let (url, problem) = last.unwrap_or_default();
                let (what, after) = (what.to_owned(), self.patience);
                return Err(RegistryError::Away { url, what, after, problem });
            }
            sleep(pause).await;
            pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
        }
    }

    async fn attempt<T: DeserializeOwned>(&self, url: &Url, what: &str) -> Result<T, Failed> {
        let request = self.client.get(url.clone()).header("Accept", ACCEPT);
        let request = match &self.login {
            Login::Nobody => request,
            Login::Basic(user, password) => request.basic_auth(user, Some(password.expose())),
            Login::Bearer(token) => request.bearer_auth(token.expose()),
        };
        let response = request.send().await.map_err(|error| unreached(url, &error))?;
        let status = response.status();
        let answer = |problem: String| {
            let (url, status) = (url.to_string(), status.as_u16());
            Failed::Finally(RegistryError::Answer { url, status, problem })
        };
        if status == StatusCode::UNAUTHORIZED || status == StatusCode::FORBIDDEN {
            let (url, status) = (url.to_string(), status.as_u16());
            return Err(Failed::Finally(RegistryError::Denied { url, status }));
        }
        if status.is_server_error()
            || status == StatusCode::TOO_MANY_REQUESTS
            || status == StatusCode::REQUEST_TIMEOUT
        {
            return Err(Failed::Again(format!("it answers {}", status.as_u16())));
        }
        let Some(body) = body(response).await.map_err(|error| unreached(url, &error))? else {
            return Err(answer(format!("more than {MAX_BYTES} bytes")));
        };
        if status == StatusCode::OK {
            return serde_json::from_slice(&body).map_err(|error| answer(error.to_string()));
        }
        match serde_json::from_slice::<Problem>(&body) {
            Ok(problem) if status == StatusCode::NOT_FOUND && problem.missing() => {
                let (url, what) = (url.to_string(), what.to_owned());
                Err(Failed::Finally(RegistryError::Missing { url, what }))
            }
            _ => {
                let begin = body.get(..200).unwrap_or(&body);
                Err(answer(String::from_utf8_lossy(begin).into_owned()))
            }
        }
    }
}

const ACCEPT: &str = "application/vnd.schemaregistry.v1+json, application/json";

/// The body of an answer; nothing when it is too long.
async fn body(mut response: Response) -> reqwest::Result<Option<Vec<u8>>> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len().saturating_add(chunk.len()) > MAX_BYTES {
            return Ok(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Some(body))
}

/// What ended an attempt before there was an answer. Bad certificates stay so.
fn unreached(url: &Url, error: &reqwest::Error) -> Failed {
    let mut cause = error.source();
    let mut problem = error.to_string();
    while let Some(error) = cause {
        if let Some(tls) = of_tls(error) {
            let (url, problem) = (url.to_string(), tls.to_string());
            return Failed::Finally(RegistryError::Untrusted { url, problem });
        }
        problem = error.to_string();
        cause = error.source();
    }
    Failed::Again(problem)
}

/// What TLS says, in whatever errors of I/O it is wrapped: these do not name what they hold as a source.
fn of_tls<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a rustls::Error> {
    let wrapped = || error.downcast_ref::<std::io::Error>()?.get_ref().map(|inner| of_tls(inner));
    error.downcast_ref().or_else(|| wrapped().flatten())
}

/// The address of a registry.
fn address(text: &str) -> Result<Url, RegistryError> {
    let wrong = |problem| RegistryError::Url { url: text.to_owned(), problem };
    let url = Url::parse(text).map_err(|_error| wrong("it is no URL"))?;
    if !url.username().is_empty() || url.password().is_some() {
        // The text has a password, so it is not repeated.
        let (url, problem) = (String::new(), "user and password are options of their own");
        return Err(RegistryError::Url { url, problem });
    }
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(wrong("it does not begin with http:// or https:// and a host"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("it has something behind its path"));
    }
    Ok(url)
}

/// A path below the address, each part of it escaped.
fn below(url: &Url, path: &[&str]) -> Url {
    let mut url = url.clone();
    if let Ok(mut parts) = url.path_segments_mut() {
        parts.pop_if_empty().extend(path);
    }
    url
}
