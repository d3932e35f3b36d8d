//! Encodings that go with a source, and those that do not.

use crate::binary::Ledger;

#[test]
fn explain_names_the_encoding_and_contacts_nothing() {
    let ledger = Ledger::new();
    let avro = ["--encoding", "avro", "--registry", "http://127.0.0.1:1"];
    let from = ["explain", "--from", "kafka://127.0.0.1:1/orders"];
    let json = ledger.call(&from);
    let other = ledger.call(&[&from[..], &avro].concat());
    assert_eq!((json.code, other.code), (Some(0), Some(0)), "{json:?} {other:?}");
    assert!(!ledger.path("data").exists());
}

#[test]
fn a_generator_makes_json_only() {
    let ledger = Ledger::new();
    let avro = ["--encoding", "avro", "--registry", "http://127.0.0.1:1"];
    let ended = ledger.run("generator:rows=10", &avro);
    ended.assert_failed(2, &["--encoding avro is for Kafka; a generator makes JSON"]);
    let ended = ledger.run("kafka://127.0.0.1:1/orders", &avro[2..]);
    ended.assert_failed(2, &["--registry goes with --encoding avro"]);
}
