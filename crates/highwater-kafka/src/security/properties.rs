//! The properties of security, under the names of the Java client and of librdkafka.

use highwater_core::Secret;

use super::jaas;
use crate::options::{Fits, PropertyProblem, choose};

/// The names that [`SecurityProperties::set`] knows.
pub(crate) const KNOWN: [&str; 17] = [
    "sasl.jaas.config",
    "sasl.mechanism",
    "sasl.mechanisms",
    "sasl.oauthbearer.token",
    "sasl.oauthbearer.token.endpoint.url",
    "sasl.password",
    "sasl.username",
    "security.protocol",
    "ssl.ca.location",
    "ssl.certificate.location",
    "ssl.endpoint.identification.algorithm",
    "ssl.key.location",
    "ssl.keystore.certificate.chain",
    "ssl.keystore.key",
    "ssl.keystore.location",
    "ssl.truststore.certificates",
    "ssl.truststore.location",
];

/// Whether the value of the property `name` must not be shown.
pub(crate) fn is_secret(name: &str) -> bool {
    matches!(
        name,
        "sasl.jaas.config" | "sasl.password" | "sasl.oauthbearer.token" | "ssl.keystore.key"
    )
}

/// How connections are made: `security.protocol`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Protocol {
    #[default]
    Plaintext,
    Ssl,
    SaslPlaintext,
    SaslSsl,
}

impl Protocol {
    pub(crate) fn tls(self) -> bool {
        matches!(self, Self::Ssl | Self::SaslSsl)
    }

    pub(crate) fn sasl(self) -> bool {
        matches!(self, Self::SaslPlaintext | Self::SaslSsl)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Plaintext => "PLAINTEXT",
            Self::Ssl => "SSL",
            Self::SaslPlaintext => "SASL_PLAINTEXT",
            Self::SaslSsl => "SASL_SSL",
        }
    }
}

const PROTOCOLS: [(&str, Protocol); 4] = [
    ("PLAINTEXT", Protocol::Plaintext),
    ("SSL", Protocol::Ssl),
    ("SASL_PLAINTEXT", Protocol::SaslPlaintext),
    ("SASL_SSL", Protocol::SaslSsl),
];

/// How a client says who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mechanism {
    Plain,
    ScramSha256,
    ScramSha512,
    OauthBearer,
}

impl Mechanism {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
            Self::OauthBearer => "OAUTHBEARER",
        }
    }
}

const MECHANISMS: [(&str, Mechanism); 4] = [
    ("PLAIN", Mechanism::Plain),
    ("SCRAM-SHA-256", Mechanism::ScramSha256),
    ("SCRAM-SHA-512", Mechanism::ScramSha512),
    ("OAUTHBEARER", Mechanism::OauthBearer),
];

/// All of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct SecurityProperties {
    pub(crate) protocol: Protocol,
    pub(crate) tls: TlsProperties,
    pub(crate) sasl: SaslProperties,
}

/// PEM, in the property itself or in the file that it names.
#[derive(Clone, Debug)]
pub(crate) enum Pem {
    Text { property: &'static str, text: Secret<String> },
    File { property: &'static str, path: String },
}

impl Pem {
    pub(crate) fn property(&self) -> &'static str {
        match self {
            Self::Text { property, .. } | Self::File { property, .. } => property,
        }
    }
}

/// Whom to trust, and as whom to show up.
#[derive(Clone, Debug, Default)]
pub(crate) struct TlsProperties {
    /// The certificates of the authorities; those of the system when there are none.
    pub(crate) trusted: Option<Pem>,
    /// The client's certificate, and behind it those that vouch for it.
    pub(crate) certificate: Option<Pem>,
    pub(crate) key: Option<Pem>,
    /// The host that was called need not be one of the certificate's.
    pub(crate) any_host: bool,
    host_set: bool,
    nobody: bool,
}

impl TlsProperties {
    pub(super) fn trusting_nobody() -> Self {
        Self { nobody: true, ..Self::default() }
    }

    pub(super) fn trusts_nobody(&self) -> bool {
        self.nobody
    }

    /// A property that is set.
    pub(super) fn first_set(&self) -> Option<&'static str> {
        let first = [&self.trusted, &self.certificate, &self.key].into_iter().flatten().next();
        let host = self.host_set.then_some("ssl.endpoint.identification.algorithm");
        first.map(Pem::property).or(host)
    }
}

/// Who the client is.
#[derive(Clone, Debug, Default)]
pub(crate) struct SaslProperties {
    pub(crate) mechanism: Option<Mechanism>,
    pub(crate) username: Option<String>,
    pub(crate) password: Option<Secret<String>>,
    pub(crate) token: Option<Secret<String>>,
    /// The file that the token is read from, each time anew.
    pub(crate) token_file: Option<String>,
}

impl SaslProperties {
    /// A property that is set.
    pub(super) fn first_set(&self) -> Option<&'static str> {
        [
            (self.mechanism.is_some(), "sasl.mechanism"),
            (self.username.is_some(), "sasl.username"),
            (self.password.is_some(), "sasl.password"),
            (self.token.is_some(), "sasl.oauthbearer.token"),
            (self.token_file.is_some(), "sasl.oauthbearer.token.endpoint.url"),
        ]
        .into_iter()
        .find_map(|(set, name)| set.then_some(name))
    }
}

impl SecurityProperties {
    /// Sets one property; none when it is not one of security.
    pub(crate) fn set(&mut self, name: &str, value: &str) -> Option<Fits> {
        let known = KNOWN.iter().find(|known| **known == name)?;
        let fits = match *known {
            "security.protocol" => choose(
                &mut self.protocol,
                value,
                &PROTOCOLS,
                "PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL",
            ),
            name if name.starts_with("ssl.") => self.tls.set(name, value),
            name => self.sasl.set(name, value),
        };
        Some(fits)
    }
}

impl TlsProperties {
    fn set(&mut self, name: &'static str, value: &str) -> Fits {
        let file = || Some(Pem::File { property: name, path: value.to_owned() });
        let text = || Some(Pem::Text { property: name, text: Secret::new(value.to_owned()) });
        if value.is_empty() && name != "ssl.endpoint.identification.algorithm" {
            return Err(PropertyProblem::Value { expected: "a file, or text in PEM" });
        }
        match name {
            "ssl.truststore.location" | "ssl.ca.location" => self.trusted = file(),
            "ssl.truststore.certificates" => self.trusted = text(),
            "ssl.keystore.location" => (self.certificate, self.key) = (file(), file()),
            "ssl.certificate.location" => self.certificate = file(),
            "ssl.key.location" => self.key = file(),
            "ssl.keystore.certificate.chain" => self.certificate = text(),
            "ssl.keystore.key" => self.key = text(),
            _ => {
                let choices = [("https", false), ("", true), ("none", true)];
                let expected = "https, or nothing to accept a certificate of any host";
                choose(&mut self.any_host, value, &choices, expected)?;
                self.host_set = true;
            }
        }
        Ok(())
    }
}

impl SaslProperties {
    fn set(&mut self, name: &'static str, value: &str) -> Fits {
        match name {
            "sasl.mechanism" | "sasl.mechanisms" => {
                let mut mechanism = Mechanism::Plain;
                let expected = "PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER";
                choose(&mut mechanism, value, &MECHANISMS, expected)?;
                self.mechanism = Some(mechanism);
            }
            "sasl.username" => self.username = Some(value.to_owned()),
            "sasl.password" => self.password = Some(Secret::new(value.to_owned())),
            "sasl.oauthbearer.token" => self.token = Some(Secret::new(value.to_owned())),
            "sasl.oauthbearer.token.endpoint.url" => {
                let path = value.strip_prefix("file:").map(|path| {
                    // Both file:///a/b and file:/a/b name the file /a/b.
                    path.strip_prefix("//").unwrap_or(path)
                });
                let path = path.filter(|path| !path.is_empty());
                let expected = "file:PATH, a file that somebody keeps the token in";
                let path = path.ok_or(PropertyProblem::Value { expected })?;
                self.token_file = Some(path.to_owned());
            }
            _ => {
                let jaas = jaas::parse(value).ok_or(PropertyProblem::Value {
                    expected: "a login module, the word required, username=\"..\" and password=\"..\" if it has them, and a semicolon",
                })?;
                self.username = jaas.username.or(self.username.take());
                self.password = jaas.password.map(Secret::new).or(self.password.take());
            }
        }
        Ok(())
    }
}
