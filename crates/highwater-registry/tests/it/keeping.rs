//! Answers outlive the registry: what was decoded once is decoded the same again.

use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use highwater_codec::{Avro, Columns, Format, Records, SchemaId, Schemas, Span, Type, Writer};
use highwater_core::ErrorKind;
use highwater_registry::{Registry, RegistryOptions};
use highwater_storage::Storage;

use crate::asking::{ORDER, ask, client};
use crate::server::{Nobody, Server};

/// One life that decodes a record of schema 1 and one of schema 2.
fn life(options: RegistryOptions) -> (RecordBatch, Vec<String>) {
    let columns = Columns::new().required("id", Type::Long);
    let registry = Arc::new(Registry::try_new(options).unwrap());
    let avro = Avro::columns(&columns, registry).unwrap();
    let data = [0, 0, 0, 0, 1, 84, 0, 0, 0, 0, 2, 86];
    let values = [Some(Span { start: 0, end: 6 }), Some(Span { start: 6, end: 12 })];
    let mut outcomes = Vec::new();
    let records = Records { data: &data, values: &values };
    let rows = avro.decoder().decode(&records, &mut outcomes).unwrap();
    (rows, outcomes.iter().flatten().map(ToString::to_string).collect())
}

#[test]
fn a_new_life_decodes_the_same_without_the_registry() {
    let folder = tempfile::tempdir().unwrap();
    let keep = || Storage::open(folder.path().to_str().unwrap()).unwrap().at("schemas");
    let server = Server::start();
    server.register(1, ORDER);
    let first = life(client(&server.url()).keep_in(keep()));
    assert_eq!(first.0.column(0).as_primitive::<Int64Type>().values(), &[42]);
    assert_eq!(first.1, ["there is no schema 2"]);
    drop(server);
    let nobody = Nobody::at_home();
    assert_eq!(life(client(&nobody.url()).keep_in(keep())), first);

    // What the registry says by now changes nothing, and it is not even asked.
    let server = Server::start();
    server.register(2, ORDER);
    assert_eq!(life(client(&server.url()).keep_in(keep())), first);
    assert_eq!(server.asked(), Vec::<String>::new());
    std::fs::remove_file(folder.path().join("schemas/2.json")).unwrap();
    let (rows, _) = life(client(&server.url()).keep_in(keep()));
    assert_eq!(rows.column(0).as_primitive::<Int64Type>().values(), &[42, 43]);
}

#[test]
fn a_schema_is_kept_with_all_it_refers_to() {
    let server = Server::start();
    let body = r#"{"schema":"{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"m\",\"type\":\"M\"}]}",
        "references":[{"name":"M","subject":"m","version":1}]}"#;
    server.say("/schemas/ids/1", 200, body);
    let money = r#"{"schema":"{\"type\":\"fixed\",\"name\":\"M\",\"size\":2}"}"#;
    server.say("/subjects/m/versions/1", 200, money);
    let storage = Storage::memory();
    let first = ask(client(&server.url()).keep_in(storage.clone()), 1).unwrap();
    drop(server);
    let nobody = Nobody::at_home();
    assert_eq!(ask(client(&nobody.url()).keep_in(storage), 1).unwrap(), first);
}

#[test]
fn a_failure_is_not_kept() {
    let (server, storage) = (Server::start(), Storage::memory());
    server.say("/schemas/ids/1", 500, "");
    server.register(1, ORDER);
    let options = client(&server.url()).patience(std::time::Duration::ZERO);
    let registry = Registry::try_new(options.keep_in(storage)).unwrap();
    let error = registry.writer(SchemaId::Registry(1)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transient);
    assert!(matches!(registry.writer(SchemaId::Registry(1)).unwrap(), Writer::Schema(_)));
}

#[tokio::test]
async fn a_damaged_answer_is_not_asked_for_anew() {
    let (server, storage) = (Server::start(), Storage::memory());
    server.register(1, ORDER);
    for damaged in ["", "{}", r#"{"avro":{"schema":"x"}}"#] {
        storage.replace("1.json", damaged.into()).await.unwrap();
        let error = ask(client(&server.url()).keep_in(storage.clone()), 1).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        let told = error.to_string();
        assert!(told.contains("memory://storage/1.json is not a kept schema"), "{told}");
    }
    assert_eq!(server.asked(), Vec::<String>::new());
}
