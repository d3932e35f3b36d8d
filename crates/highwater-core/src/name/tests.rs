//! Which texts are names.

use super::*;

#[test]
fn plain_texts_are_names() {
    for text in ["a", "ledger", "Ledger_2.rejected-v1", "-"] {
        assert_eq!(text.parse::<Name>().unwrap().as_str(), text);
    }
    assert!("x".repeat(128).parse::<Name>().is_ok());
}

#[test]
fn what_could_leave_a_directory_is_no_name() {
    for text in ["", ".", "..", ".hidden", "a/b", "a\\b", "a b", "a\0", "ä", "a\n"] {
        assert!(text.parse::<Name>().is_err(), "{text:?}");
    }
    assert!("x".repeat(129).parse::<Name>().is_err());
}

#[test]
fn json_is_checked_as_well() {
    let name: Name = serde_json::from_str(r#""ledger""#).unwrap();
    assert_eq!(serde_json::to_string(&name).unwrap(), r#""ledger""#);
    assert!(serde_json::from_str::<Name>(r#""../ledger""#).is_err());
}
