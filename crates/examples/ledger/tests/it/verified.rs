//! What `verify` finds when something is wrong.

use serde_json::Value;

use crate::binary::Ledger;
use crate::other::{self, Amounts};

const FROM: &str = "generator:rows=300,seed=1";

fn report(ledger: &Ledger, more: &[&str], code: i32) -> Value {
    let ended = ledger.call(&[&["verify"], more].concat());
    assert_eq!(ended.code, Some(code), "{ended:?}");
    serde_json::from_str(&ended.out).unwrap()
}

#[test]
fn rows_that_are_what_the_source_says_are_no_violation() {
    let ledger = Ledger::new();
    other::run(&ledger, "other", 300, Amounts::Kept);
    let found = report(&ledger, &["--against", FROM], 0);
    assert_eq!((&found["rows"], &found["against"]["rows"]), (&300.into(), &300.into()));
    assert_eq!(found.get("repeatedOffsets"), None);
}

#[test]
fn other_amounts_are_found() {
    let ledger = Ledger::new();
    other::run(&ledger, "other", 300, Amounts::Negated);
    let found = report(&ledger, &[], 5);
    assert_eq!(found["nonPositiveAmounts"], 300);
    assert_eq!(found["violations"].as_array().unwrap().len(), 1);

    let found = report(&ledger, &["--against", FROM], 5);
    let violations: Vec<_> =
        found["violations"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
    assert_eq!(violations[1], "generator/0 offset 0: TXN00000000 is not in the ledger");
    assert_eq!(violations.len() as u64 + found["moreViolations"].as_u64().unwrap(), 601);
}

#[test]
fn rows_of_another_source_are_not_compared() {
    let ledger = Ledger::new();
    assert_eq!(ledger.run(FROM, &[]).code, Some(0));
    let ended = ledger.call(&["verify", "--against", "generator:rows=300,seed=2"]);
    ended.assert_failed(4, &["seed=1", "seed=2", "Next: "]);
}

#[test]
fn a_table_that_is_not_there_is_named() {
    let ended = Ledger::new().call(&["verify", "--table", "demo.nothing"]);
    ended.assert_failed(2, &["table demo.nothing is not there", "Next: "]);
}
