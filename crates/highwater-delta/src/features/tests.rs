//! Tables of others.

use std::collections::BTreeMap;

use serde_json::json;

use super::*;

fn table() -> (Protocol, Metadata, TableSchema) {
    let text =
        r#"{"type":"struct","fields":[{"name":"c","type":"long","nullable":true,"metadata":{}}]}"#;
    let schema: TableSchema = serde_json::from_str(text).unwrap();
    let metadata = Metadata {
        id: "id".into(),
        schema_string: text.into(),
        partition_columns: vec![],
        configuration: BTreeMap::new(),
    };
    (protocol_for(&schema, &metadata.configuration), metadata, schema)
}

fn with_features(names: &[&str]) -> Protocol {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    Protocol {
        min_reader_version: 3,
        min_writer_version: 7,
        reader_features: Some(vec![]),
        writer_features: Some(names),
    }
}

#[test]
fn what_an_append_does_not_touch_is_no_hindrance() {
    let (_, mut metadata, schema) = table();
    let protocol =
        with_features(&["appendOnly", "changeDataFeed", "deletionVectors", "checkConstraints"]);
    metadata.configuration.insert("delta.enableChangeDataFeed".into(), "true".into());
    metadata.configuration.insert("delta.enableRowTracking".into(), "false".into());
    metadata.configuration.insert("delta.columnMapping.mode".into(), "none".into());
    check("t", &protocol, &metadata, &schema).unwrap();
}

#[test]
fn what_is_not_known_or_not_done_is_told() {
    let told = |change: &dyn Fn(&mut Protocol, &mut Metadata, &mut TableSchema)| {
        let (mut protocol, mut metadata, mut schema) = table();
        check("t", &protocol, &metadata, &schema).unwrap();
        change(&mut protocol, &mut metadata, &mut schema);
        check("t", &protocol, &metadata, &schema).unwrap_err().to_string()
    };
    let property = |key: &str, value: &str| {
        told(&|_, metadata, _| {
            metadata.configuration.insert(key.to_owned(), value.to_owned());
        })
    };
    assert_eq!(
        told(&|protocol, _, _| protocol.min_writer_version = 8),
        "table t has the protocol 1/8"
    );
    assert_eq!(
        told(&|protocol, _, _| protocol.min_reader_version = 4),
        "table t has the protocol 4/2"
    );
    assert_eq!(
        told(&|protocol, _, _| *protocol = with_features(&["timeTravelled"])),
        "table t has the feature timeTravelled"
    );
    assert_eq!(
        told(&|protocol, _, _| *protocol = with_features(&["rowTracking"])),
        "table t has the feature rowTracking"
    );
    assert_eq!(
        told(&|protocol, _, _| {
            *protocol = with_features(&[]);
            protocol.reader_features = Some(vec!["catalogManaged".into()]);
        }),
        "table t has the feature catalogManaged"
    );
    assert_eq!(
        property("delta.constraints.positive", "c > 0"),
        "table t has a constraint (delta.constraints.positive)"
    );
    assert_eq!(property("delta.columnMapping.mode", "name"), "table t maps columns by name");
    assert_eq!(
        property("delta.enableInCommitTimestamps", "True"),
        "table t wants timestamps in its commits (delta.enableInCommitTimestamps)"
    );
    assert_eq!(
        property("delta.setTransactionRetentionDuration", "interval 7 days"),
        "table t forgets markers after interval 7 days (delta.setTransactionRetentionDuration)"
    );
    let column = |key: &str| {
        told(&|_, _, schema| {
            for field in &mut schema.fields {
                field.metadata.insert(key.to_owned(), json!("{}"));
            }
        })
    };
    assert_eq!(column("delta.invariants"), "table t has an invariant on column c");
    assert_eq!(column("delta.generationExpression"), "table t generates column c");
    assert_eq!(column("delta.identity.start"), "table t has the identity column c");
}

#[test]
fn what_rows_can_be_taken_out_of_is_told() {
    let on = |key: &str| BTreeMap::from([(key.to_owned(), "TRUE".to_owned())]);
    for key in ["delta.appendOnly", "delta.enableChangeDataFeed"] {
        check_properties("t", &on(key), &Mode::Append).unwrap();
        let error = check_properties("t", &on(key), &Mode::Complete).unwrap_err().to_string();
        assert!(error.starts_with("rows of table t cannot be replaced"), "{error}");
        assert!(error.contains(key), "{error}");
    }
    check_properties("t", &on("delta.enableDeletionVectors"), &Mode::Complete).unwrap();
}

#[test]
fn rows_are_deleted_by_vectors_where_protocol_and_properties_say_so() {
    let (_, _, schema) = table();
    let on = BTreeMap::from([("delta.enableDeletionVectors".to_owned(), "true".to_owned())]);
    let with = protocol_for(&schema, &on);
    assert_eq!(with.reader_features, Some(vec!["deletionVectors".to_owned()]));
    assert_eq!((with.min_reader_version, with.min_writer_version), (3, 7));
    assert!(deletes_by_vectors(&with, &on));
    assert!(!deletes_by_vectors(&with, &BTreeMap::new()));
    assert!(!deletes_by_vectors(&with_features(&["deletionVectors"]), &on));
    assert!(!deletes_by_vectors(&protocol_for(&schema, &BTreeMap::new()), &on));
}
