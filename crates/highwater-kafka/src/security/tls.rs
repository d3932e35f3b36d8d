//! How TLS is done: by rustls with ring, for these connections only. No provider is installed for
//! the process.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
};

use super::pem;
use super::properties::TlsProperties;
use crate::error::SecurityError;

/// The configuration of connections with these properties.
pub(super) fn config(properties: &TlsProperties) -> Result<Arc<ClientConfig>, SecurityError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let invalid = |source| SecurityError::Setup { source };
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(invalid)?;
    let roots = Arc::new(trusted(properties)?);
    let builder = match properties.any_host {
        false if !properties.trusts_nobody() => builder.with_root_certificates(roots),
        false => builder.with_root_certificates(RootCertStore::empty()),
        true => {
            let checked = WebPkiServerVerifier::builder_with_provider(roots, provider).build();
            let checked =
                checked.map_err(|error| invalid(rustls::Error::General(error.to_string())))?;
            builder.dangerous().with_custom_certificate_verifier(Arc::new(AnyHost(checked)))
        }
    };
    let config = match (&properties.certificate, &properties.key) {
        (None, None) => builder.with_no_client_auth(),
        (Some(certificate), Some(key)) => {
            let chain = pem::certificates(certificate)?;
            builder.with_client_auth_cert(chain, pem::key(key)?).map_err(|source| {
                SecurityError::ClientCertificate { place: pem::place(certificate), source }
            })?
        }
        (Some(alone), None) | (None, Some(alone)) => {
            return Err(SecurityError::HalfKeystore { property: alone.property() });
        }
    };
    Ok(Arc::new(config))
}

/// The authorities whose certificates are accepted.
fn trusted(properties: &TlsProperties) -> Result<RootCertStore, SecurityError> {
    let mut roots = RootCertStore::empty();
    if properties.trusts_nobody() {
        return Ok(roots);
    }
    if let Some(own) = &properties.trusted {
        for certificate in pem::certificates(own)? {
            roots
                .add(certificate)
                .map_err(|source| SecurityError::Authority { place: pem::place(own), source })?;
        }
        return Ok(roots);
    }
    let found = rustls_native_certs::load_native_certs();
    // Some systems keep certificates that no client can use; the others do.
    let (usable, _unusable) = roots.add_parsable_certificates(found.certs);
    if usable == 0 { Err(SecurityError::NoSystemAuthorities) } else { Ok(roots) }
}

/// Checks everything but the name of the host.
#[derive(Debug)]
struct AnyHost(Arc<WebPkiServerVerifier>);

impl ServerCertVerifier for AnyHost {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        host: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        use CertificateError::{NotValidForName, NotValidForNameContext};
        // The name is looked at last, when all else was found right.
        match self.0.verify_server_cert(certificate, intermediates, host, ocsp, now) {
            Err(rustls::Error::InvalidCertificate(
                NotValidForName | NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}
