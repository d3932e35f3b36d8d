//! Certificates and keys in PEM.

use std::fs;

use rustls::pki_types::pem::{Error as PemError, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::properties::Pem;
use crate::error::SecurityError;

/// Files of certificates are small; another one is a mistake.
const LARGEST: u64 = 16 << 20;

/// The certificates in `pem`, at least one.
pub(super) fn certificates(pem: &Pem) -> Result<Vec<CertificateDer<'static>>, SecurityError> {
    let bytes = read(pem)?;
    let found: Result<Vec<_>, PemError> = CertificateDer::pem_slice_iter(&bytes).collect();
    match found {
        Ok(certificates) if certificates.is_empty() => Err(nothing(pem, &bytes, "certificate")),
        Ok(certificates) => Ok(certificates),
        Err(_) => Err(nothing(pem, &bytes, "readable certificate")),
    }
}

/// The first private key in `pem`.
pub(super) fn key(pem: &Pem) -> Result<PrivateKeyDer<'static>, SecurityError> {
    let bytes = read(pem)?;
    // What the parser says of a key might quote it.
    PrivateKeyDer::from_pem_slice(&bytes).map_err(|_error| {
        let encrypted = b"BEGIN ENCRYPTED PRIVATE KEY";
        if bytes.windows(encrypted.len()).any(|window| window == encrypted) {
            return SecurityError::EncryptedKey { place: place(pem) };
        }
        nothing(pem, &bytes, "private key")
    })
}

/// Where something in `pem` stands, for messages.
pub(super) fn place(pem: &Pem) -> String {
    match pem {
        Pem::Text { property, .. } => (*property).to_owned(),
        Pem::File { path, property } => format!("{path} ({property})"),
    }
}

fn read(pem: &Pem) -> Result<Vec<u8>, SecurityError> {
    let path = match pem {
        // Java's properties files have a PEM text in one line.
        Pem::Text { text, .. } => return Ok(text.expose().replace("\\n", "\n").into_bytes()),
        Pem::File { path, .. } => path,
    };
    let read = fs::metadata(path).and_then(|metadata| match metadata.len() {
        0..=LARGEST => fs::read(path),
        _ => Err(std::io::ErrorKind::FileTooLarge.into()),
    });
    read.map_err(|source| SecurityError::Unreadable { place: place(pem), source })
}

fn nothing(pem: &Pem, bytes: &[u8], what: &'static str) -> SecurityError {
    let place = place(pem);
    match bytes {
        [0xfe, 0xed, 0xfe, 0xed, ..] | [0x30, 0x82, ..] => SecurityError::NotPem { place },
        _ => SecurityError::Missing { place, what },
    }
}
