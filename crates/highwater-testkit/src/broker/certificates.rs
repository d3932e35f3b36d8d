//! Certificates for brokers and clients, made on the spot.

use std::fmt;
use std::io;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, date_time_ymd,
};

/// An authority that signs certificates.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority").finish_non_exhaustive()
    }
}

/// A certificate and its key, both in PEM.
#[derive(Clone)]
pub struct Certificate {
    /// The certificate.
    pub certificate: String,
    /// The private key, as PKCS #8.
    pub key: String,
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate").finish_non_exhaustive()
    }
}

impl Authority {
    /// A new authority of this name, which nobody trusts yet.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn new(name: &str) -> io::Result<Self> {
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let mut params = params(name, &[])?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let pem = params.self_signed(&key).map_err(io::Error::other)?.pem();
        Ok(Self { issuer: Issuer::new(params, key), pem })
    }

    /// Its certificate in PEM, for those who trust it.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// A certificate for the host `host`, or for the client of that name.
    ///
    /// # Errors
    /// When `host` is no name of a host.
    pub fn issue(&self, host: &str) -> io::Result<Certificate> {
        self.sign(params(host, &[host.to_owned()])?)
    }

    /// The same, out of date since long.
    ///
    /// # Errors
    /// As [`issue`](Self::issue).
    pub fn issue_expired(&self, host: &str) -> io::Result<Certificate> {
        let mut params = params(host, &[host.to_owned()])?;
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2020, 2, 1);
        self.sign(params)
    }

    fn sign(&self, params: CertificateParams) -> io::Result<Certificate> {
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let certificate = params.signed_by(&key, &self.issuer).map_err(io::Error::other)?;
        Ok(Certificate { certificate: certificate.pem(), key: key.serialize_pem() })
    }
}

fn params(name: &str, hosts: &[String]) -> io::Result<CertificateParams> {
    let mut params = CertificateParams::new(hosts.to_vec()).map_err(io::Error::other)?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    Ok(params)
}
