//! Positions as JSON, and what ranges make of them.

use super::*;

fn range(index: i32, from: i64, to: i64) -> Range {
    let partition = Partition::new("orders", index);
    Range { id: RangeId(0), partition, from: Position::at(from), to: Position::at(to) }
}

#[test]
fn positions_are_one_object_by_partition() {
    let mut positions = Positions::default();
    assert!(positions.is_empty());
    positions.set(Partition::new("a/b", 12), Position::at(7));
    let detail = Some("topic id".to_owned());
    positions.set(Partition::new("orders", 0), Position { next: 1, detail });
    let json = serde_json::to_string(&positions).unwrap();
    let expected = r#"{"a/b/12":{"next":7},"orders/0":{"next":1,"detail":"topic id"}}"#;
    assert_eq!(json, expected);
    assert_eq!(serde_json::from_str::<Positions>(&json).unwrap(), positions);
}

#[test]
fn a_partition_needs_its_index() {
    for text in ["orders", "orders/", "orders/x", "", "/", "orders/99999999999"] {
        assert!(Partition::try_from(text.to_owned()).is_err(), "{text:?}");
    }
    let odd = Partition::new("", -1);
    assert_eq!(Partition::try_from(odd.to_string()).unwrap(), odd);
}

#[test]
fn ranges_move_their_partitions_only() {
    let before: Positions = [
        (Partition::new("orders", 0), Position::at(5)),
        (Partition::new("orders", 1), Position::at(6)),
    ]
    .into_iter()
    .collect();
    let after = before.after(&[range(1, 6, 9), range(2, 0, 3)]);
    let next = |index| after.get(&Partition::new("orders", index)).map(|position| position.next);
    assert_eq!([next(0), next(1), next(2), next(3)], [Some(5), Some(9), Some(3), None]);
    assert_eq!(after.iter().count(), 3);
    assert_eq!(before.after(&[]), before);
}

#[test]
fn a_range_comes_back_from_json() {
    let range = range(3, 10, 20);
    let json = serde_json::to_string(&range).unwrap();
    assert_eq!(serde_json::from_str::<Range>(&json).unwrap(), range);
}
