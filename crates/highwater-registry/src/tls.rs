//! How TLS is done: by rustls with ring, for these connections only. No provider is installed for
//! the process.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use crate::RegistryError;

/// The configuration of connections that trust `authorities`, else those of the system.
pub(crate) fn config(authorities: Option<&str>) -> Result<ClientConfig, RegistryError> {
    let mut roots = RootCertStore::empty();
    let unusable = |problem: String| RegistryError::Authorities { problem };
    match authorities {
        Some(pem) => {
            for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
                let certificate = certificate.map_err(|error| unusable(error.to_string()))?;
                roots.add(certificate).map_err(|error| unusable(error.to_string()))?;
            }
            if roots.is_empty() {
                return Err(unusable("there is none".to_owned()));
            }
        }
        // A system without any is found out when something is to be trusted.
        None => {
            let found = rustls_native_certs::load_native_certs().certs;
            let _added = roots.add_parsable_certificates(found);
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| RegistryError::Setup { cause: Box::new(error) })?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}
