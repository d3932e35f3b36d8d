//! `--dedupe`: what is passed on, beside a set of the ids in the files.

use std::collections::BTreeSet;

use crate::binary::Home;
use crate::events::{Event, files};
use crate::generated::good_ids;
use crate::tables::{rows, texts};

#[test]
fn what_is_sent_twice_is_passed_on_once() {
    let home = Home::new();
    let from = "generator:rows=900,seed=7,bad=0.05,duplicates=0.2";
    home.generate(&["--from", from]);
    let sent = good_ids(&home, 9);
    let once: BTreeSet<_> = sent.iter().cloned().collect();
    assert!(sent.len() - once.len() > 100, "{} and {}", sent.len(), once.len());
    for threads in ["1", "3"] {
        let table = format!("data/once-{threads}");
        let checkpoint = format!("data/checkpoint/{threads}");
        let run = ["--dedupe", "1h", "--table", &table, "--checkpoint", &checkpoint];
        home.finish(&[&run[..], &["--threads", threads]].concat());
        assert_eq!(
            texts(&rows(&home, &table), "event_id"),
            once.iter().cloned().collect::<Vec<_>>()
        );
        home.verify(&["--dedupe", "1h", "--table", &table], 0);
        home.verify(&["--table", &table], 5);
    }
    home.finish(&[]);
    home.verify(&[], 0);
    let twice = home.verify(&["--dedupe", "1h"], 5);
    assert!(twice["violations"][0].as_str().unwrap().contains("is in the table twice"), "{twice}");
}

/// By the time of events, and those that come too late to tell are kept apart.
#[test]
fn what_comes_again_after_the_bound_is_passed_on_again() {
    let home = Home::new();
    let minute =
        |id, minute: i64| Event { id, second: minute * 60, user: 1, kind: "view", value: 1.0 };
    let events = [minute(1, 0), minute(1, 59), minute(1, 61), minute(2, 61), minute(3, 50)];
    home.write("data/input", &files(&events, 1));
    home.finish(&["--dedupe", "1h", "--late"]);
    assert_eq!(texts(&rows(&home, "data/events"), "event_id"), ["1", "1", "2"]);
    assert_eq!(texts(&rows(&home, "data/events_late"), "event_id"), ["3"]);
    home.verify(&["--dedupe", "1h", "--late"], 0);
    home.verify(&["--dedupe", "1h"], 5);
    home.verify(&["--dedupe", "62m", "--late"], 5);
}

#[test]
fn options_that_a_query_has_no_use_for_are_refused() {
    let home = Home::new();
    let wrong: [(&[&str], &str); 4] = [
        (&["--query", "tumbling", "--dedupe", "1h"], "--dedupe goes with the query passthrough"),
        (&["--by", "user_id"], "--by goes with a query of windows"),
        (&["--late"], "--late goes with a query of windows and with --dedupe"),
        (&["--mode", "update"], "--mode goes with a query of windows"),
    ];
    for (arguments, words) in wrong {
        home.run(arguments).assert_failed(2, &[words]);
    }
}
