//! Why a connection is not let in, or would not be safe.

use std::io;

use highwater_core::ErrorKind;
use rustls::{AlertDescription, CertificateError};

/// What is wrong with the security of a connection. None of it passes by itself.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SecurityError {
    /// A property that has no effect with this `security.protocol`.
    #[error("Kafka property {property} has no effect with security.protocol={protocol}")]
    Unused {
        /// The property.
        property: &'static str,
        /// What the protocol would have to contain.
        needs: &'static str,
        /// The protocol.
        protocol: &'static str,
    },
    /// SASL without a mechanism.
    #[error("Kafka property sasl.mechanism is missing")]
    NoMechanism,
    /// A mechanism without what it shows.
    #[error("sasl.mechanism={mechanism} needs {what}")]
    Incomplete {
        /// The mechanism.
        mechanism: &'static str,
        /// The properties that are missing.
        what: &'static str,
    },
    /// A key without a certificate, or the reverse.
    #[error("Kafka property {property} is set, and the other half of the pair is not")]
    HalfKeystore {
        /// The one that is set.
        property: &'static str,
    },
    /// A file that cannot be read.
    #[error("cannot read {place}")]
    Unreadable {
        /// The file, and the property that names it.
        place: String,
        /// Why.
        source: io::Error,
    },
    /// A Java or PKCS #12 keystore.
    #[error("{place} is a keystore in a binary format, not PEM")]
    NotPem {
        /// The file, and the property that names it.
        place: String,
    },
    /// PEM without what is looked for.
    #[error("{place} holds no {what} in PEM")]
    Missing {
        /// The file or property.
        place: String,
        /// What is looked for.
        what: &'static str,
    },
    /// A private key behind a password.
    #[error("the private key in {place} is encrypted")]
    EncryptedKey {
        /// The file or property.
        place: String,
    },
    /// A certificate of an authority that cannot be used.
    #[error("a certificate in {place} is no authority's")]
    Authority {
        /// The file or property.
        place: String,
        /// Why.
        source: rustls::Error,
    },
    /// A client certificate that cannot be used with its key.
    #[error("the client certificate in {place} cannot be used")]
    ClientCertificate {
        /// The file or property.
        place: String,
        /// Why.
        source: rustls::Error,
    },
    /// The system trusts nobody.
    #[error("this system has no certificates of authorities")]
    NoSystemAuthorities,
    /// TLS cannot be set up.
    #[error("TLS cannot be set up")]
    Setup {
        /// Why.
        source: rustls::Error,
    },
    /// A host name that no certificate can have.
    #[error("{host:?} is no name that a certificate could be for")]
    HostName {
        /// The name.
        host: String,
    },
    /// A certificate of the broker that is not accepted.
    #[error("the certificate of the broker is not accepted")]
    Certificate {
        /// Why.
        source: rustls::Error,
    },
    /// The broker ended the TLS handshake.
    #[error("the broker ended the TLS handshake")]
    Handshake {
        /// What it said.
        source: rustls::Error,
    },
    /// TLS was begun on a port without.
    #[error("the broker answers without TLS on this port")]
    WithoutTls,
    /// The port speaks TLS and was not spoken to in it.
    #[error("the broker speaks TLS on this port")]
    WithTls,
    /// The port does not ask who is there.
    #[error("the broker does no SASL on this port")]
    WithoutSasl,
    /// The port asks who is there.
    #[error("the broker asks for SASL on this port")]
    WithSasl,
    /// A mechanism that the broker does not have.
    #[error("the broker does not offer sasl.mechanism={mechanism}, only {offered}")]
    Mechanism {
        /// The one asked for.
        mechanism: &'static str,
        /// Those that it has, or none.
        offered: String,
    },
    /// The broker does not let the client in.
    #[error("the broker refuses {user} by {mechanism}: {reason}")]
    Denied {
        /// Who the client said it is.
        user: String,
        /// How.
        mechanism: &'static str,
        /// What the broker said.
        reason: String,
    },
    /// A dialog that went wrong.
    #[error("{mechanism}: {problem}")]
    Dialog {
        /// How.
        mechanism: &'static str,
        /// What is wrong.
        problem: &'static str,
    },
}

impl SecurityError {
    pub(super) fn judge(&self) -> (ErrorKind, &'static str) {
        let advice = match self {
            Self::Unused { needs: "SSL", .. } => {
                "set security.protocol=SSL or SASL_SSL, or leave the property out"
            }
            Self::Unused { .. } => {
                "set security.protocol=SASL_SSL or SASL_PLAINTEXT, or leave the property out"
            }
            Self::NoMechanism => {
                "set sasl.mechanism to PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER"
            }
            Self::Incomplete { .. } => "set what is missing, with @FILE for what is secret",
            Self::HalfKeystore { .. } => {
                "set ssl.keystore.key and ssl.keystore.certificate.chain, or ssl.keystore.location"
            }
            Self::Unreadable { .. } => "correct the path, or let this process read the file",
            Self::NotPem { .. } => {
                "export it to PEM, with keytool -exportcert -rfc or openssl pkcs12"
            }
            Self::Missing { .. } => "name the file that holds it",
            Self::EncryptedKey { .. } => {
                "decrypt it with openssl pkey, into a file that only this process can read"
            }
            Self::Authority { .. } | Self::ClientCertificate { .. } | Self::Setup { .. } => {
                "correct the certificate"
            }
            Self::NoSystemAuthorities => {
                "set ssl.truststore.location, or install the package ca-certificates"
            }
            Self::HostName { .. } => "call the broker by the name that its certificate has",
            Self::Certificate { source } => certificate_advice(source),
            Self::Handshake {
                source: rustls::Error::AlertReceived(AlertDescription::CertificateRequired),
            } => "set ssl.keystore.location to the certificate and key of this client",
            Self::Handshake { .. } => "look into the broker's log for why it refuses this client",
            Self::WithoutTls => {
                "set security.protocol to PLAINTEXT or SASL_PLAINTEXT, or use the port with TLS"
            }
            Self::WithTls => {
                "set security.protocol to SSL or SASL_SSL, or use the port without TLS"
            }
            Self::WithoutSasl => {
                "set security.protocol to PLAINTEXT or SSL, or use the port with SASL"
            }
            Self::WithSasl => "set security.protocol to SASL_SSL or SASL_PLAINTEXT",
            Self::Mechanism { .. } => "choose a mechanism that the broker offers",
            Self::Denied { .. } => {
                "correct the user, the password or the token, or let the broker know them"
            }
            Self::Dialog { .. } => "check that this is the right broker, and the password",
        };
        (ErrorKind::Invalid, advice)
    }

    /// What of a TLS failure does not pass by itself.
    pub(crate) fn of_tls(error: &io::Error) -> Option<Self> {
        let source = error.get_ref()?.downcast_ref::<rustls::Error>()?.clone();
        match &source {
            rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented => {
                Some(Self::Certificate { source })
            }
            rustls::Error::PeerIncompatible(_) => Some(Self::Handshake { source }),
            rustls::Error::AlertReceived(alert) if is_final(*alert) => {
                Some(Self::Handshake { source })
            }
            _ => None,
        }
    }
}

/// Whether asking again ends the same. The others may come of a connection that breaks.
fn is_final(alert: AlertDescription) -> bool {
    use AlertDescription as Alert;
    matches!(
        alert,
        Alert::HandshakeFailure
            | Alert::NoCertificate
            | Alert::BadCertificate
            | Alert::UnsupportedCertificate
            | Alert::CertificateRevoked
            | Alert::CertificateExpired
            | Alert::CertificateUnknown
            | Alert::UnknownCA
            | Alert::DecryptError // of a signature; what was damaged on its way is BadRecordMac
            | Alert::AccessDenied
            | Alert::ProtocolVersion
            | Alert::InsufficientSecurity
            | Alert::UnrecognisedName
            | Alert::CertificateRequired
    )
}

fn certificate_advice(error: &rustls::Error) -> &'static str {
    let rustls::Error::InvalidCertificate(error) = error else { return "correct the certificate" };
    match error {
        CertificateError::Expired
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYet
        | CertificateError::NotValidYetContext { .. } => {
            "renew the certificate of the broker, or set the clock of this machine"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "call the broker by a name that its certificate has"
        }
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "set ssl.truststore.location to the certificate of the authority that signed it"
        }
        _ => "give the broker another certificate",
    }
}
