//! Histories with branches and tags, and what of them may go.

use serde_json::{Value, json};

use super::*;

const NOW: i64 = 1_000_000;
const RULE: ExpiryRule = ExpiryRule { max_age_ms: 100, min_kept: 1 };

/// A table with snapshots of these ids, parents and ages, and these references.
fn table(snapshots: &[(i64, Option<i64>, i64)], refs: Value) -> (TableMetadata, Refs) {
    let snapshot = |(id, parent, age): &(i64, Option<i64>, i64)| {
        let mut snapshot = json!({
            "snapshot-id": id, "sequence-number": id, "timestamp-ms": NOW - age,
            "manifest-list": format!("{id}.avro"), "summary": {"operation": "append"}, "schema-id": 0,
        });
        if let Some(parent) = parent {
            snapshot["parent-snapshot-id"] = json!(parent);
        }
        snapshot
    };
    let metadata = json!({
        "format-version": 2, "table-uuid": "7b1f0f6e-5f7d-4d2a-9f52-0a4f0e1a2b3c", "location": "memory://t",
        "last-sequence-number": 99, "last-updated-ms": NOW, "last-column-id": 1,
        "schemas": [{"schema-id": 0, "type": "struct", "fields":
            [{"id": 1, "name": "id", "required": true, "type": "long"}]}],
        "current-schema-id": 0, "partition-specs": [{"spec-id": 0, "fields": []}],
        "default-spec-id": 0, "last-partition-id": 999, "sort-orders": [{"order-id": 0, "fields": []}],
        "default-sort-order-id": 0, "properties": {},
        "current-snapshot-id": refs["main"]["snapshot-id"],
        "snapshots": snapshots.iter().map(snapshot).collect::<Vec<_>>(), "refs": refs,
    });
    let refs = serde_json::from_value(metadata.clone()).unwrap();
    (serde_json::from_value(metadata).unwrap(), refs)
}

fn gone(snapshots: &[(i64, Option<i64>, i64)], refs: Value, rule: ExpiryRule) -> Vec<i64> {
    let (metadata, refs) = table(snapshots, refs);
    let mut gone = expired(&metadata, &refs, rule, NOW);
    gone.sort_unstable();
    gone
}

fn branch(head: i64) -> Value {
    json!({"snapshot-id": head, "type": "branch"})
}

/// Four in a row, the newest of them 50 old, the oldest 350.
const ROW: [(i64, Option<i64>, i64); 4] =
    [(1, None, 350), (2, Some(1), 250), (3, Some(2), 101), (4, Some(3), 50)];

#[test]
fn what_is_too_old_goes() {
    assert_eq!(gone(&ROW, json!({"main": branch(4)}), RULE), [1, 2, 3]);
    let longer = ExpiryRule { max_age_ms: 101, ..RULE };
    assert_eq!(gone(&ROW, json!({"main": branch(4)}), longer), [1, 2]);
}

#[test]
fn so_many_stay_however_old_they_are_and_the_new_head_is_one_of_them() {
    for (min_kept, expected) in [(3, &[1, 2][..]), (4, &[1]), (5, &[])] {
        let rule = ExpiryRule { max_age_ms: 0, min_kept };
        assert_eq!(gone(&ROW, json!({"main": branch(4)}), rule), expected, "{min_kept}");
    }
}

#[test]
fn a_branch_says_for_itself_what_it_keeps() {
    let main = json!({"snapshot-id": 4, "type": "branch", "max-snapshot-age-ms": 300});
    assert_eq!(gone(&ROW, json!({"main": main}), RULE), [1]);
    let main = json!({"snapshot-id": 4, "type": "branch", "min-snapshots-to-keep": 4});
    assert_eq!(gone(&ROW, json!({"main": main}), RULE), [1]);
}

#[test]
fn tags_and_heads_of_branches_stay() {
    let tag = json!({"snapshot-id": 1, "type": "tag"});
    assert_eq!(gone(&ROW, json!({"main": branch(4), "year": tag}), RULE), [2, 3]);
    assert_eq!(gone(&ROW, json!({"main": branch(4), "audit": branch(2)}), RULE), [1, 3]);
}

#[test]
fn a_branch_beside_main_has_its_own_rule_or_that_of_the_table() {
    for own in [json!({"min-snapshots-to-keep": 2}), json!({"max-snapshot-age-ms": 300})] {
        let mut audit = branch(3);
        audit.as_object_mut().unwrap().extend(own.as_object().unwrap().clone());
        assert_eq!(gone(&ROW, json!({"main": branch(4), "audit": audit}), RULE), [1]);
    }
    let two = ExpiryRule { min_kept: 2, ..RULE };
    assert_eq!(gone(&ROW, json!({"main": branch(4), "audit": branch(3)}), two), [1]);
}

#[test]
fn what_is_on_no_branch_goes_by_its_age() {
    let history = [(1, None, 350), (2, Some(1), 50), (3, Some(1), 200), (4, Some(1), 99)];
    assert_eq!(gone(&history, json!({"main": branch(2)}), RULE), [1, 3]);
    // A tag keeps its own snapshot. What came before that is on no branch.
    let history = [(1, None, 350), (2, Some(1), 80), (3, Some(2), 70), (4, Some(1), 60)];
    let tag = json!({"snapshot-id": 3, "type": "tag"});
    assert_eq!(gone(&history, json!({"main": branch(4), "year": tag}), RULE), [1]);
}

#[test]
fn a_history_that_was_cut_before_ends_there() {
    let history = [(3, Some(2), 101), (4, Some(3), 50)];
    assert_eq!(gone(&history, json!({"main": branch(4)}), RULE), [3]);
}
