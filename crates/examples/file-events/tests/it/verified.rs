//! What `verify` finds when something is wrong.

use std::fs;

use serde_json::Value;

use crate::binary::Home;
use crate::events::{Query, events, expected, files};

fn violations(report: &Value) -> Vec<String> {
    let texts = report["violations"].as_array().unwrap().iter();
    texts.map(|text| text.as_str().unwrap().to_owned()).collect()
}

/// A source with an event less, and one with an event more, than a table was made of.
#[test]
fn events_that_are_missing_or_too_many_are_named() {
    let home = Home::new();
    let events = events(31, 300, 8, 60);
    home.write("data/input", &files(&events, 100));
    home.write("less", &files(&events[1..], 100));
    let more = [&events[..], &events[7..8]].concat();
    home.write("more", &files(&more, 100));
    for query in ["passthrough", "tumbling", "sliding"] {
        home.finish(&["--query", query]);
        home.verify(&["--query", query], 0);
        let of =
            |source: &str| violations(&home.verify(&["--query", query, "--against", source], 5));
        let (less, more) = (of("less"), of("more"));
        match query {
            "passthrough" => {
                assert_eq!(less, ["0 is in the table 1 times more than in the source"]);
                assert_eq!(more.len(), 1);
                assert!(more[0].ends_with("offset 0: 7 is not in the table"), "{more:?}");
            }
            "tumbling" => assert_eq!((less.len(), more.len()), (1, 1), "{less:?} {more:?}"),
            _ => assert_eq!((less.len(), more.len()), (5, 5), "{less:?} {more:?}"),
        }
    }
}

#[test]
fn rejected_records_are_compared_by_their_places() {
    let home = Home::new();
    fs::create_dir_all(home.path("data/input")).unwrap();
    home.write("data/input", &[("a.json".to_owned(), b"one\ntwo\n".to_vec())]);
    home.finish(&[]);
    assert_eq!(home.verify(&[], 0)["rejected"], 2);
    home.write("data/input", &[("a.json".to_owned(), b"on\nthree\n".to_vec())]);
    let found = violations(&home.verify(&[], 5));
    assert_eq!(found.len(), 2);
    assert!(found[0].ends_with("a.json/0 offset 3: is not among the rejected"), "{found:?}");
    assert!(found[1].ends_with("a.json/0 offset 4: should not be rejected, 1 times"), "{found:?}");
}

#[test]
fn a_table_that_is_not_there_is_named() {
    let ended = Home::new().call(&["verify", "--query", "sliding"]);
    ended.assert_failed(2, &["data/user_activity", "Next: "]);
}

/// In a table that is updated all windows must be, also those that event time has not passed.
#[test]
fn windows_that_are_missing_are_named() {
    let home = Home::new();
    let events = events(32, 300, 8, 60);
    home.write("data/input", &files(&events, 100));
    let tumbling = ["--query", "tumbling", "--mode"];
    home.finish(&[&tumbling[..], &["append"]].concat());
    home.verify(&[&tumbling[..], &["append"]].concat(), 0);
    let expected = expected(Query::Tumbling, &[&events]);
    for mode in ["update", "complete"] {
        let found = violations(&home.verify(&[&tumbling[..], &[mode]].concat(), 5));
        assert_eq!(found.len(), expected.all.len() - expected.closed.len(), "{found:?}");
        assert!(found.iter().all(|it| it.contains(" is not in the table: ")), "{found:?}");
    }
}
