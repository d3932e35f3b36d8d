//! How a client protects its connections and says who it is, as its properties have it.
//!
//! Properties come one by one and in any order, so that whether they fit together is known only
//! when all are there: [`Security::try_new`] says so, and reads the files they name.

mod jaas;
mod pem;
mod properties;
mod sasl;
mod tls;

use std::sync::Arc;

use rustls::ClientConfig;

use crate::error::SecurityError;
use properties::TlsProperties;
pub(crate) use properties::{Mechanism, SecurityProperties, is_secret};
pub(crate) use sasl::{Credentials, Dialog};

/// The names of the properties of security.
pub(crate) fn known_properties() -> impl Iterator<Item = &'static str> {
    properties::KNOWN.into_iter()
}

/// What connections are made with.
#[derive(Clone, Debug, Default)]
pub(crate) struct Security {
    tls: Option<Arc<ClientConfig>>,
    sasl: Option<Credentials>,
}

impl Security {
    /// Checks that the properties fit together, and reads the files that they name.
    pub(crate) fn try_new(properties: &SecurityProperties) -> Result<Self, SecurityError> {
        let protocol = properties.protocol;
        for (property, needs, has) in [
            (properties.tls.first_set(), "SSL", protocol.tls()),
            (properties.sasl.first_set(), "SASL", protocol.sasl()),
        ] {
            if let Some(property) = property
                && !has
            {
                let protocol = protocol.name();
                return Err(SecurityError::Unused { property, needs, protocol });
            }
        }
        let tls = protocol.tls().then(|| tls::config(&properties.tls)).transpose()?;
        let sasl = protocol.sasl().then(|| Credentials::try_new(&properties.sasl)).transpose()?;
        Ok(Self { tls, sasl })
    }

    /// How connections are encrypted; none when they are not.
    pub(crate) fn tls(&self) -> Option<&Arc<ClientConfig>> {
        self.tls.as_ref()
    }

    /// Who this client is; none when brokers do not ask.
    pub(crate) fn sasl(&self) -> Option<&Credentials> {
        self.sasl.as_ref()
    }

    /// Trusts nobody: enough to find out whether a port speaks TLS.
    pub(crate) fn distrustful() -> Option<Arc<ClientConfig>> {
        tls::config(&TlsProperties::trusting_nobody()).ok()
    }
}

#[cfg(test)]
mod tests;
