//! Properties by their Java names.

use super::*;

#[test]
fn an_unknown_property_names_the_nearest() {
    let error = Settings::default().set("isolaton.level", "x").unwrap_err();
    assert!(error.to_string().ends_with("the nearest is isolation.level"), "{error}");
    let error = Settings::default().set("max.partition.fetch", "1").unwrap_err();
    assert!(error.to_string().ends_with("the nearest is max.partition.fetch.bytes"), "{error}");
}

#[test]
fn values_are_checked() {
    let mut settings = Settings::default();
    settings.set("isolation.level", "read_uncommitted").unwrap();
    settings.set("request.timeout.ms", "1500").unwrap();
    settings.set("security.protocol", "PLAINTEXT").unwrap();
    assert_eq!(settings.isolation, Isolation::Uncommitted);
    assert_eq!(settings.request_timeout, Duration::from_millis(1500));
    for (name, value) in [
        ("isolation.level", "committed"),
        ("request.timeout.ms", "0"),
        ("fetch.max.bytes", "-1"),
        ("security.protocol", "TLS"),
        ("client.id", ""),
    ] {
        let error = settings.set(name, value).unwrap_err();
        assert!(error.to_string().contains("expected"), "{error}");
    }
}

#[test]
fn edits_are_counted() {
    assert_eq!(edits("", "abc"), 3);
    assert_eq!(edits("abc", "abc"), 0);
    assert_eq!(edits("kitten", "sitting"), 3);
}
