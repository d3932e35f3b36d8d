//! Whom a cluster lets in.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};

use super::certificates::{Authority, Certificate};

/// Whom the brokers let in, and how. By default everybody, without TLS and SASL.
///
/// # Example
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// use highwater_testkit::broker::{Authority, Cluster, Guard};
///
/// let authority = Authority::new("ours")?;
/// let guard = Guard::new()
///     .tls(&authority.issue("127.0.0.1")?, None)?
///     .mechanisms(&["SCRAM-SHA-512"])
///     .user("alice", "open sesame");
/// let cluster = Cluster::guarded(1, guard).await?;
/// assert!(cluster.bootstrap().starts_with("127.0.0.1:"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct Guard {
    pub(super) tls: Option<Arc<ServerConfig>>,
    pub(super) mechanisms: Vec<String>,
    pub(super) users: BTreeMap<String, String>,
    pub(super) token: Option<String>,
    pub(super) session_ms: i64,
    pub(super) impostor: bool,
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard").field("mechanisms", &self.mechanisms).finish_non_exhaustive()
    }
}

impl Guard {
    /// Lets everybody in.
    pub fn new() -> Self {
        Self::default()
    }

    /// Speaks TLS with `certificate`, and asks clients for one that `clients` has signed if given.
    ///
    /// # Errors
    /// When the certificate cannot be used.
    pub fn tls(
        mut self,
        certificate: &Certificate,
        clients: Option<&Authority>,
    ) -> io::Result<Self> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?;
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(authority) => {
                let mut roots = RootCertStore::empty();
                let trusted = CertificateDer::from_pem_slice(authority.pem().as_bytes());
                roots.add(trusted.map_err(io::Error::other)?).map_err(io::Error::other)?;
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
                builder.with_client_cert_verifier(verifier.map_err(io::Error::other)?)
            }
        };
        let chain = CertificateDer::from_pem_slice(certificate.certificate.as_bytes());
        let key = PrivateKeyDer::from_pem_slice(certificate.key.as_bytes());
        let (chain, key) = (chain.map_err(io::Error::other)?, key.map_err(io::Error::other)?);
        let config = builder.with_single_cert(vec![chain], key).map_err(io::Error::other)?;
        self.tls = Some(Arc::new(config));
        Ok(self)
    }

    /// Asks clients who they are, by one of these: `PLAIN`, `SCRAM-SHA-256`, `SCRAM-SHA-512`,
    /// `OAUTHBEARER`.
    #[must_use]
    pub fn mechanisms(mut self, names: &[&str]) -> Self {
        self.mechanisms = names.iter().map(|name| (*name).to_owned()).collect();
        self
    }

    /// Knows a user.
    #[must_use]
    pub fn user(mut self, name: &str, password: &str) -> Self {
        self.users.insert(name.to_owned(), password.to_owned());
        self
    }

    /// Accepts this token, and no other.
    #[must_use]
    pub fn token(mut self, token: &str) -> Self {
        self.token = Some(token.to_owned());
        self
    }

    /// Lets everybody in by SCRAM without knowing a password, as somebody who stands in for a broker.
    #[must_use]
    pub fn impostor(mut self) -> Self {
        self.impostor = true;
        self
    }

    /// Tells clients that they are forgotten after so many milliseconds.
    #[must_use]
    pub fn forgets_after(mut self, millis: i64) -> Self {
        self.session_ms = millis;
        self
    }
}
