//! Where a first start begins.

use super::*;

#[test]
fn all_forms_are_read() {
    let parse = |text: &str| text.parse::<Start>().unwrap();
    assert_eq!(parse("earliest"), Start::Earliest);
    assert_eq!(parse("latest"), Start::Latest);
    assert_eq!(parse("timestamp:1500"), Start::Timestamp(1_500));
    assert_eq!(parse("timestamp:1970-01-01T01:00:01.5+01:00"), Start::Timestamp(1_500));
    assert_eq!(parse("timestamp:1969-12-31T23:59:59.9999"), Start::Timestamp(-1));
}

#[test]
fn offsets_come_with_or_without_a_topic() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("offsets.json");
    let parse = |text: &str| {
        std::fs::write(&path, text).unwrap();
        format!("offsets:{}", path.display()).parse::<Start>()
    };
    let offsets = BTreeMap::from([(0, 120), (1, -2)]);
    assert_eq!(parse(r#"{"0": 120, "1": -2}"#).unwrap(), Start::Offsets(offsets.clone()));
    let topics = BTreeMap::from([("t".to_owned(), offsets)]);
    assert_eq!(parse(r#"{"t":{"0":120,"1":-2}}"#).unwrap(), Start::TopicOffsets(topics));
    for wrong in ["", "[]", r#"{"0": "120"}"#, r#"{"t": {"0": 1.5}}"#, r#"{"t": {"x": 1}}"#] {
        let error = parse(wrong).unwrap_err().to_string();
        assert!(error.contains("no JSON object of offsets by partition"), "{error}");
    }
}

#[test]
fn mistakes_are_named() {
    let error = |text: &str| text.parse::<Start>().unwrap_err().to_string();
    assert!(error("now").starts_with("write earliest"));
    assert!(error("timestamp:yesterday").starts_with("\"yesterday\" is no time"));
    assert!(error("offsets:/no/such/file").starts_with("cannot read /no/such/file: "));
    assert!(error("offsets:/dev/null").contains("no JSON object of offsets"));
}
