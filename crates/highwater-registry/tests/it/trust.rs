//! TLS with authorities of one's own, and what happens to who does not trust.

use highwater_codec::Writer;
use highwater_core::ErrorKind;
use highwater_registry::{Registry, RegistryOptions};
use highwater_testkit::broker::Authority;

use crate::asking::{ORDER, ask, client};
use crate::server::Server;

/// A registry that `ours` has signed for this host, and a client with much patience.
fn signed(ours: &Authority) -> (Server, RegistryOptions) {
    let server = Server::start_tls(&ours.issue("127.0.0.1").unwrap());
    server.register(1, ORDER);
    let options = client(&server.url()).patience(std::time::Duration::from_secs(600));
    (server, options)
}

#[test]
fn a_certificate_is_accepted_only_if_it_is_right() {
    let ours = Authority::new("ours").unwrap();
    let (server, options) = signed(&ours);
    assert!(matches!(ask(options.clone().authorities(ours.pem()), 1).unwrap(), Writer::Schema(_)));

    let other = Authority::new("other").unwrap();
    let localhost = client(&format!("https://localhost:{}", server.port()));
    for untrusted in
        [options.clone(), options.authorities(other.pem()), localhost.authorities(ours.pem())]
    {
        let error = ask(untrusted, 1).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
        assert!(error.to_string().contains("is not trusted"), "{error}");
    }
}

#[test]
fn texts_without_a_certificate_are_refused() {
    for pem in
        ["", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
    {
        let error = Registry::try_new(client("https://host").authorities(pem)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    }
}
