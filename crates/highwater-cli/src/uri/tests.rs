//! Addresses and texts that are none.

use super::*;

fn error(text: &str) -> String {
    text.parse::<SourceUri>().unwrap_err().to_string()
}

#[test]
fn a_generator_has_defaults_and_settings() {
    let parse = |text: &str| text.parse::<SourceUri>().unwrap();
    let none = GeneratorUri { rows: None, seed: 1, rate: None, bad: 0.0, duplicates: 0.0 };
    assert_eq!(parse("generator:"), SourceUri::Generator(none));
    let all = "generator:rows=5,seed=7,rate=100,bad=0.25,duplicates=1";
    let SourceUri::Generator(parsed) = parse(all) else { panic!("a generator") };
    assert_eq!((parsed.rows, parsed.seed), (Some(5), 7));
    assert_eq!((parsed.rate, parsed.bad), (NonZeroU64::new(100), 0.25));
    let written = "generator:seed=7,rows=5,rate=100,bad=0.25,duplicates=1";
    assert_eq!(parse(all).to_string(), written);
    assert_eq!(parse(written), parse(all));
}

#[test]
fn mistakes_in_a_generator_are_named() {
    assert_eq!(
        error("generator:rows"),
        "\"rows\" is no setting: write key=value, and a comma between two of them"
    );
    assert_eq!(error("generator:rows=5,rows=6"), "rows is given twice");
    assert_eq!(error("generator:rows=many"), "rows=many cannot be: rows is a whole number");
    assert_eq!(error("generator:rate=0"), "rate=0 cannot be: rate is a whole number from 1");
    for wrong in ["2", "-0.1", "NaN", "x"] {
        let expected = format!("bad={wrong} cannot be: bad is a share from 0 to 1");
        assert_eq!(error(&format!("generator:bad={wrong}")), expected);
    }
}

#[test]
fn kafka_needs_brokers_with_ports_and_one_topic() {
    let parse = |text: &str| text.parse::<SourceUri>().unwrap();
    assert_eq!(parse("kafka://[::1]:9092/a.b_c-1").to_string(), "kafka://[::1]:9092/a.b_c-1");
    assert_eq!(error("kafka://localhost/orders"), "\"localhost\" is no broker: write host:port");
    assert_eq!(error("kafka://a:9092,/orders"), "\"\" is no broker: write host:port");
    assert_eq!(error("kafka://a:0/orders"), "\"a:0\" is no broker: write host:port");
    assert_eq!(parse("kafka://a:9092,b:1").to_string(), "kafka://a:9092,b:1");
    assert_eq!(error("kafka://a:9092/"), "\"\" is no topic: write kafka://host:9092/topic");
    assert_eq!(error("kafka://a:1/b/c"), "\"b/c\" is no topic: write kafka://host:9092/topic");
}

#[test]
fn a_path_is_a_directory() {
    for path in ["data/events", "events", "/data/a:b", "./a:b", "data/2025-01-16T12:00"] {
        let parsed = path.parse::<SourceUri>().unwrap();
        assert_eq!(parsed, SourceUri::Directory(PathBuf::from(path)));
        assert_eq!(parsed.to_string(), path);
    }
    for wrong in ["", "-", "a:b", "s3://bucket/events", "file:///data"] {
        assert!(error(wrong).ends_with("or a directory"), "{wrong}");
    }
}

#[test]
fn other_schemes_are_refused() {
    assert!(error("kafak://a:9092/b").starts_with("kafak://a:9092/b is no source: write gen"));
}
