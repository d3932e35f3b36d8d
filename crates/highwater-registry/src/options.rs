//! Which registry is asked, as whom, and where its answers are kept.

use std::time::Duration;

use highwater_core::Secret;
use highwater_storage::Storage;

/// How to reach a registry.
///
/// # Defaults
/// * `patience`: 30 s
/// * nobody in particular asks
/// * the authorities of the system are trusted
/// * answers are kept in memory only
#[derive(Clone, Debug)]
pub struct RegistryOptions {
    pub(crate) urls: String,
    pub(crate) login: Login,
    pub(crate) authorities: Option<String>,
    pub(crate) patience: Duration,
    pub(crate) keep_in: Option<Storage>,
}

/// Who asks.
#[derive(Clone, Debug)]
pub(crate) enum Login {
    Nobody,
    Basic(String, Secret<String>),
    Bearer(Secret<String>),
}

impl RegistryOptions {
    /// The registry at one of these addresses, with commas between them: `http://` or `https://`, host,
    /// port and path. They are asked in turn until one answers.
    pub fn new(urls: impl Into<String>) -> Self {
        Self {
            urls: urls.into(),
            login: Login::Nobody,
            authorities: None,
            patience: Duration::from_secs(30),
            keep_in: None,
        }
    }

    /// Asks as `user`, with a password.
    #[must_use]
    pub fn basic(mut self, user: impl Into<String>, password: Secret<String>) -> Self {
        self.login = Login::Basic(user.into(), password);
        self
    }

    /// Asks with a token.
    #[must_use]
    pub fn bearer(mut self, token: Secret<String>) -> Self {
        self.login = Login::Bearer(token);
        self
    }

    /// Trusts these authorities, certificates in PEM, instead of those of the system.
    #[must_use]
    pub fn authorities(mut self, pem: impl Into<String>) -> Self {
        self.authorities = Some(pem.into());
        self
    }

    /// How long to go on asking for one thing while no registry answers.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Keeps each answer as an object here, and asks for nothing that is there already. A pipeline keeps
    /// them beside its checkpoint.
    ///
    /// What is kept belongs to one registry: another one has other schemas under the same numbers.
    #[must_use]
    pub fn keep_in(mut self, storage: Storage) -> Self {
        self.keep_in = Some(storage);
        self
    }
}
