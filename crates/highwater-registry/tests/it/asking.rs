//! What is asked, of whom, how often, and what comes of each answer.

use std::sync::{Arc, Barrier};
use std::time::Duration;

use highwater_codec::{SchemaId, Schemas, Writer};
use highwater_core::{Error, ErrorKind, Secret};
use highwater_registry::{Registry, RegistryOptions};

use crate::server::{Nobody, Server};

pub(crate) const ORDER: &str =
    r#"{"type":"record","name":"Order","fields":[{"name":"id","type":"long"}]}"#;

/// A client without patience.
pub(crate) fn client(url: &str) -> RegistryOptions {
    RegistryOptions::new(url).patience(Duration::from_millis(100))
}

pub(crate) fn ask(options: RegistryOptions, id: u32) -> Result<Writer, Error> {
    Registry::try_new(options).unwrap().writer(SchemaId::Registry(id))
}

fn text(writer: &Writer) -> &str {
    let Writer::Schema(schema) = writer else { panic!("{writer:?}") };
    schema.text()
}

#[test]
fn a_schema_is_asked_for_once_however_many_want_it() {
    let server = Server::start();
    server.register(7, ORDER);
    let registry = Registry::try_new(client(&server.url())).unwrap();
    let together = Barrier::new(8);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                together.wait();
                assert_eq!(text(&registry.writer(SchemaId::Registry(7)).unwrap()), ORDER);
            });
        }
    });
    registry.writer(SchemaId::Registry(7)).unwrap();
    assert_eq!(server.asked(), ["/schemas/ids/7"]);
}

#[test]
fn what_a_schema_refers_to_comes_with_it() {
    let server = Server::start();
    let whole = r#"{"type":"record","name":"a.Whole","fields":[{"name":"part","type":"b.Part"},{"name":"more","type":"b.Part"}]}"#;
    let part = r#"{"type":"record","name":"b.Part","fields":[{"name":"leaf","type":"c.Leaf"}]}"#;
    let leaf = r#"{"type":"enum","name":"c.Leaf","symbols":["X"]}"#;
    let body = |schema: &str, references: &[(&str, u32)]| {
        let references: Vec<_> = references
            .iter()
            .map(|(subject, version)| {
                serde_json::json!({"name": "n", "subject": subject, "version": version})
            })
            .collect();
        serde_json::json!({"schema": schema, "references": references}).to_string()
    };
    server.say("/schemas/ids/1", 200, &body(whole, &[("b/part", 2), ("leaf", 1)]));
    // In a circle, as no registry should have it, and a name that must be escaped.
    server.say("/subjects/b%2Fpart/versions/2", 200, &body(part, &[("leaf", 1), ("b/part", 2)]));
    server.say("/subjects/leaf/versions/1", 200, &body(leaf, &[]));
    let writer = ask(client(&server.url()), 1).unwrap();
    let Writer::Schema(schema) = &writer else { panic!("{writer:?}") };
    assert_eq!(schema.text(), whole);
    assert_eq!(schema.references().len(), 2);
    assert_eq!(
        server.asked(),
        ["/schemas/ids/1", "/subjects/b%2Fpart/versions/2", "/subjects/leaf/versions/1"]
    );
}

#[test]
fn references_without_end_are_refused() {
    let server = Server::start();
    let next = |version: u32| {
        let reference = serde_json::json!([{"name": "n", "subject": "s", "version": version}]);
        serde_json::json!({"schema": ORDER, "references": reference}).to_string()
    };
    server.say("/schemas/ids/1", 200, &next(0));
    for version in 0..300 {
        server.say(&format!("/subjects/s/versions/{version}"), 200, &next(version + 1));
    }
    let error = ask(client(&server.url()), 1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert_eq!(error.to_string(), "registry: schema 1 refers to more than 256 schemas");
}

#[test]
fn the_newest_schema_of_a_subject_is_found() {
    let server = Server::start();
    let body = serde_json::json!({"schema": ORDER, "id": 7, "version": 3}).to_string();
    server.say("/api/subjects/orders-value/versions/latest", 200, &body);
    let registry = Registry::try_new(client(&format!("{}/api/", server.url()))).unwrap();
    assert_eq!(registry.latest("orders-value").unwrap().text(), ORDER);
    let error = registry.latest("other").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(error.to_string().ends_with("does not have the newest schema of other"), "{error}");
}

#[test]
fn user_and_token_are_shown_to_the_registry_and_to_nobody_else() {
    let server = Server::start();
    server.register(1, ORDER);
    let secret = || Secret::new("open sesame".to_owned());
    let basic = client(&server.url()).basic("ali", secret());
    assert!(!format!("{basic:?}").contains("sesame"));
    ask(basic, 1).unwrap();
    assert_eq!(server.asked_by().as_deref(), Some("Basic YWxpOm9wZW4gc2VzYW1l"));
    let bearer = client(&server.url()).bearer(secret());
    let registry = Registry::try_new(bearer).unwrap();
    registry.writer(SchemaId::Registry(1)).unwrap();
    assert_eq!(server.asked_by().as_deref(), Some("Bearer open sesame"));
    assert!(!format!("{registry:?}").contains("sesame"));
}

#[test]
fn who_is_not_let_in_ends_at_once() {
    for status in [401, 403] {
        let server = Server::start();
        server.say("/schemas/ids/1", status, "{}");
        let url = server.url();
        let options = client(&url).patience(Duration::from_secs(600));
        let error = ask(options.basic("ali", Secret::new("wrong".to_owned())), 1).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        let expected = format!(
            "registry: {url}/schemas/ids/1 does not let this client in: it answers {status}"
        );
        assert_eq!(error.to_string(), expected);
        assert_eq!(server.asked().len(), 1);
    }
}

#[test]
fn a_registry_that_is_away_is_transient_and_named() {
    let nobody = Nobody::at_home();
    let url = nobody.url();
    let error = ask(client(&url), 41).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transient);
    let told = error.to_string();
    assert!(
        told.starts_with(&format!("registry: {url}/schemas/ids/41 does not tell schema 41 within")),
        "{told}"
    );
}

#[test]
fn a_registry_that_was_away_is_asked_again() {
    let server = Server::start();
    server.say("/schemas/ids/1", 503, "");
    server.say("/schemas/ids/1", 429, "");
    server.register(1, ORDER);
    let options = client(&server.url()).patience(Duration::from_secs(600));
    assert_eq!(text(&ask(options, 1).unwrap()), ORDER);
    assert_eq!(server.asked().len(), 3);
}

#[test]
fn the_address_that_answers_is_asked_first_from_then_on() {
    let (down, up) = (Server::start(), Server::start());
    for id in [1, 2] {
        down.say(&format!("/schemas/ids/{id}"), 500, "");
        up.register(id, ORDER);
    }
    let nobody = Nobody::at_home();
    let urls = format!("{}, {},{}", nobody.url(), down.url(), up.url());
    let registry = Registry::try_new(client(&urls)).unwrap();
    for id in [1, 2] {
        assert_eq!(text(&registry.writer(SchemaId::Registry(id)).unwrap()), ORDER);
    }
    assert_eq!(down.asked(), ["/schemas/ids/1"]);
    assert_eq!(up.asked(), ["/schemas/ids/1", "/schemas/ids/2"]);
}

#[test]
fn what_is_no_registry_is_told_from_one_that_lacks_a_schema() {
    let server = Server::start();
    server.say("/schemas/ids/1", 404, "<html>no such page</html>");
    server.say("/schemas/ids/2", 200, "<html>welcome</html>");
    server.say("/schemas/ids/3", 404, r#"{"error_code":404,"message":"HTTP 404 Not Found"}"#);
    server.say("/schemas/ids/4", 302, "");
    server.say("/schemas/ids/5", 200, &"x".repeat((8 << 20) + 1));
    for id in 1..=5 {
        let error = ask(client(&server.url()), id).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
        assert!(error.to_string().contains("not as a registry does"), "{error}");
    }
    assert_eq!(ask(client(&server.url()), 6).unwrap(), Writer::Unknown);
}

#[test]
fn schemas_that_no_row_can_be_read_by_reject_their_records() {
    let server = Server::start();
    server.say(
        "/schemas/ids/1",
        200,
        r#"{"schema":"syntax = \"proto3\";","schemaType":"PROTOBUF"}"#,
    );
    server
        .register(2, r#"{"type":"record","name":"L","fields":[{"name":"l","type":["null","L"]}]}"#);
    server.register(3, "\"string\"");
    for (id, why) in [(1, "it is PROTOBUF"), (2, "contains itself"), (3, "not that of a record")] {
        let writer = ask(client(&server.url()), id).unwrap();
        let Writer::Unusable { why: found } = &writer else { panic!("{writer:?}") };
        assert!(found.contains(why), "{found}");
    }
}

#[test]
fn addresses_that_are_none_are_refused_without_showing_a_password() {
    for url in [
        "",
        "registry:8081",
        "ftp://host",
        "http://h/?q=1",
        "http://ali:sesame@host",
        "http://a,,http://b",
    ] {
        let error = Registry::try_new(client(url)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{url}");
        assert!(!format!("{error} {error:?}").contains("sesame"), "{error:?}");
    }
}

#[tokio::test]
async fn an_answer_may_be_waited_for_within_a_runtime() {
    let server = Server::start();
    server.register(1, ORDER);
    let registry = Arc::new(Registry::try_new(client(&server.url())).unwrap());
    assert_eq!(text(&registry.writer(SchemaId::Registry(1)).unwrap()), ORDER);
    assert_eq!(registry.writer(SchemaId::Fingerprint(1)).unwrap(), Writer::Unknown);
    drop(registry);
}
