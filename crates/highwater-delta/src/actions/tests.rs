//! Lines of commits, of ours and of others.

use std::collections::BTreeMap;

use super::*;

#[test]
fn what_is_written_is_read() {
    let protocol = Protocol {
        min_reader_version: 1,
        min_writer_version: 2,
        reader_features: None,
        writer_features: None,
    };
    let metadata = Metadata {
        id: "id".into(),
        schema_string: r#"{"type":"struct","fields":[]}"#.into(),
        partition_columns: vec!["day".into()],
        configuration: BTreeMap::from([("delta.appendOnly".into(), "true".into())]),
    };
    let mut lines = Lines::default();
    lines.info(7, "STREAMING UPDATE", &json!({"epochId": "3"}), true);
    lines.protocol(&protocol);
    lines.metadata(&metadata, 7);
    lines.txn("ledger/orders", 3);
    let partition = BTreeMap::from([("day".into(), None)]);
    let file = DataFile {
        path: "day=a%2520b/0.parquet".into(),
        size: 9,
        partition_values: partition,
        modification_time: 7,
        stats: Some("{}".into()),
        ..DataFile::default()
    };
    lines.add(&file, true);
    lines.remove(&file, 8, true);
    let bytes = lines.finish();

    let commit = Commit::parse(&bytes).unwrap();
    assert_eq!(commit.protocol, Some(protocol));
    assert_eq!(commit.metadata, Some(metadata));
    assert_eq!(commit.txns, [Txn { app_id: "ledger/orders".into(), version: 3 }]);
    assert_eq!(commit.operation(), Some("STREAMING UPDATE"));
    assert_eq!(commit.parameter("epochId"), Some(3));
    let text = String::from_utf8(bytes).unwrap();
    assert!(text.contains(r#""path":"day=a%2520b/0.parquet""#), "{text}");
    assert_eq!((&commit.adds, &commit.removes), (&vec![file.clone()], &vec![(&file).into()]));
    assert!(text.contains(r#""deletionTimestamp":8,"extendedFileMetadata":true"#), "{text}");
    assert_eq!(text.lines().count(), 6);
}

#[test]
fn lines_of_others_are_taken_as_they_are() {
    let text = concat!(
        r#"{"commitInfo":{"operation":"RESTORE","operationParameters":{"version":"4"}}}"#,
        "\n\r\n",
        r#"{"remove":{"path":"a","deletionTimestamp":1,"dataChange":true}}"#,
        "\n",
        r#"{"txn":{"appId":"a","version":1,"lastUpdated":2}}"#,
    );
    let commit = Commit::parse(text.as_bytes()).unwrap();
    assert_eq!((commit.operation(), commit.parameter("version")), (Some("RESTORE"), Some(4)));
    assert_eq!(commit.parameter("timestamp"), None);
    assert_eq!(commit.txns.len(), 1);
    assert!(Commit::parse(b"{\"txn\":").is_err());
    assert_eq!(Commit::parse(b"{}").unwrap().operation(), None);
}
