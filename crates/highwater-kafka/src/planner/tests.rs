//! Shares of a quota. Whole plans are tested against brokers.

use super::*;

#[test]
fn a_share_is_in_proportion_and_never_empty() {
    assert_eq!(share(0, 100, 10), 0);
    assert_eq!(share(1, 100, 10), 1);
    assert_eq!(share(50, 100, 10), 5);
    assert_eq!(share(100, 100, 100), 100);
    assert_eq!(share(5, 100, 0), 1);
    assert_eq!(share(u64::MAX, u64::MAX, u64::MAX), u64::MAX);
}

#[test]
fn a_detail_is_short_and_may_be_missing() {
    let detail = Detail { topic_id: Some("abc".into()), epoch: 3, ..Detail::default() };
    let position = detail.at(17);
    assert_eq!(position.detail.as_deref(), Some(r#"{"id":"abc","epoch":3}"#));
    let partition = Partition::new("t", 0);
    assert_eq!(Detail::of(&partition, &position).unwrap(), detail);
    let none = Detail::of(&partition, &highwater_core::Position::at(1)).unwrap();
    assert_eq!((none.topic_id, none.epoch), (None, -1));
}
