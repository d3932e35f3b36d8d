//! What the queries write, beside a loop over the same events.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::binary::Home;
use crate::events::{Event, Mode, Query, events, expected, files};
use crate::generated::good_ids;
use crate::tables::{rows, texts, windows};

#[test]
fn every_event_is_passed_through_once() {
    let home = Home::new();
    let from = "generator:rows=730,seed=7,bad=0.05,duplicates=0.05";
    home.generate(&["--from", from]);
    let ended = home.finish(&["--progress", "json"]);
    assert!(ended.err.contains("delta_scan('"), "{}", ended.err);
    assert_eq!(ended.out.lines().count(), 8, "an epoch takes one file");
    let report = home.verify(&[], 0);
    let count = |name: &str| report[name].as_u64().unwrap();
    assert_eq!((count("rows") + count("rejected"), &report["lastEpoch"]), (730, &7.into()));
    assert!((15..60).contains(&count("rejected")), "{report}");

    assert_eq!(texts(&rows(&home, "data/events"), "event_id"), good_ids(&home, 8));

    let again = home.finish(&[]);
    assert!(again.err.contains("resumes after epoch 7"), "{}", again.err);
    assert!(again.err.contains("nothing new was committed"), "{}", again.err);
}

/// No cut into epochs and no number of threads shows, as long as no event is late.
#[test]
fn windows_are_those_of_a_loop_for_any_cut_and_any_threads() {
    let home = Home::new();
    let events = events(11, 1_200, 5, 300);
    home.write("data/input", &files(&events, 100));
    for (query, mode) in both(&Mode::ALL) {
        let expected = expected(query, &[&events]);
        assert!(expected.closed.len() > 40 && expected.all.len() > expected.closed.len() + 4);
        let cuts = [("1", "1"), ("5", "3"), ("100", "2")];
        let cuts = if mode == Mode::Append { &cuts[..] } else { &cuts[..2] };
        for &(files, threads) in cuts {
            let name = format!("{}-{}-{threads}", query.name(), mode.name());
            let (table, checkpoint) = (format!("data/{name}"), format!("data/checkpoint/{name}"));
            let what = ["--query", query.name(), "--mode", mode.name(), "--table", &table];
            let more = ["--max-files-per-epoch", files, "--threads", threads];
            let run = [&what[..], &["--checkpoint", &checkpoint], &more].concat();
            home.finish(&run);
            assert_eq!(&windows(&home, query, &table), expected.rows(mode), "{name}");
            home.verify(&what, 0);
            if mode != Mode::Append {
                continue;
            }
            // The end of event time closes the others.
            assert_eq!(home.call(&[&run[..], &["--drain"]].concat()).code, Some(0));
            assert_eq!(windows(&home, query, &table), expected.all, "{name}");
            home.verify(&[&what[..], &["--drained"]].concat(), 0);
        }
    }
}

/// Both queries of windows, in each mode.
fn both(modes: &[Mode]) -> impl Iterator<Item = (Query, Mode)> {
    let of = |query: Query| modes.iter().map(move |mode| (query, *mode));
    of(Query::Tumbling).chain(of(Query::Sliding))
}

#[test]
fn windows_are_by_the_column_that_is_asked_for() {
    let home = Home::new();
    let events = events(13, 400, 5, 300);
    home.write("data/input", &files(&events, 100));
    home.finish(&["--query", "tumbling", "--by", "user_id"]);
    let groups = events.iter().map(|event| (event.second.div_euclid(300), event.user));
    let groups = groups.collect::<BTreeSet<_>>().len();
    let report = home.verify(&["--query", "tumbling", "--by", "user_id"], 0);
    assert_eq!(report["rows"], groups);
    let other = home.call(&["verify", "--query", "tumbling"]);
    other.assert_failed(4, &["has not the columns", "--query"]);
}

/// Event time ends: windows that were written as they came are closed, and stay as they are.
#[test]
fn a_drain_leaves_windows_as_they_are_that_were_not_waited_for() {
    let home = Home::new();
    let events = events(12, 200, 5, 300);
    home.write("data/input", &files(&events, 50));
    for (query, mode) in both(&[Mode::Update, Mode::Complete]) {
        let table = format!("data/{}-{}", query.name(), mode.name());
        let what = ["--query", query.name(), "--mode", mode.name(), "--table", &table];
        let checkpoint = format!("data/checkpoint/{}-{}", query.name(), mode.name());
        let drain = [&what[..], &["--checkpoint", &checkpoint, "--drain"]].concat();
        assert_eq!(home.call(&drain).code, Some(0));
        assert_eq!(windows(&home, query, &table), expected(query, &[&events]).all, "{table}");
        home.verify(&[&what[..], &["--drained"]].concat(), 0);
    }
}

#[test]
fn no_event_is_too_late_for_windows_that_are_replaced() {
    let home = Home::new();
    let events = events(5, 300, 6, 1_500);
    home.write("data/input", &files(&events, 30));
    let what = ["--query", "tumbling", "--mode", "complete"];
    let ended = home.finish(&[&what[..], &["--late", "--progress", "json"]].concat());
    assert!(ended.err.contains("replaces data/event_aggregates; "), "{}", ended.err);
    let all = expected(Query::Tumbling, &[&events]).all;
    assert_eq!(windows(&home, Query::Tumbling, "data/event_aggregates"), all);
    assert!(rows(&home, "data/event_aggregates_late").is_empty());
    home.verify(&[&what[..], &["--late"]].concat(), 0);
}

/// As its table format has no updates, and a table by its path has.
#[test]
fn windows_of_an_iceberg_table_are_appended() {
    let home = Home::new();
    home.write("data/input", &files(&events(11, 400, 5, 300), 100));
    let what = ["--query", "tumbling", "--mode", "append", "--table", "demo.windows"];
    home.finish(&what);
    assert!(home.verify(&what, 0)["rows"].as_u64().unwrap() > 10);
}

#[test]
fn events_that_come_too_late_go_to_a_table_of_their_own_if_asked_to() {
    // Out of order by up to 25 minutes, where 10 are waited for.
    let events = events(5, 900, 6, 1_500);
    let epochs: Vec<&[Event]> = events.chunks(60).collect();
    for (query, watermark) in [(Query::Tumbling, "per-partition"), (Query::Sliding, "global")] {
        let home = Home::new();
        home.write("data/input", &files(&events, 60));
        let expected = expected(query, &epochs);
        assert!((20..400).contains(&expected.late.len()), "{}", expected.late.len());
        let arguments = ["--query", query.name(), "--watermark", watermark];
        let ended = home.finish(&[&arguments[..], &["--late", "--progress", "json"]].concat());
        assert!(
            ended.err.contains(&format!("too late to {}_late", query.table())),
            "{}",
            ended.err
        );
        assert_eq!(&windows(&home, query, query.table()), expected.rows(query.mode()));
        // An event that is late for some of its windows only is not among the late.
        if query == Query::Tumbling {
            home.verify(&["--query", query.name(), "--late"], 0);
        }
        let late = texts(&rows(&home, &format!("{}_late", query.table())), "event_id");
        let mut ids: Vec<_> = expected.late.iter().map(ToString::to_string).collect();
        ids.sort();
        assert_eq!(late, ids);

        let epochs = ended.out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let dropped = |epoch: Value| {
            epoch["stateOperators"][0]["numRowsDroppedByWatermark"].as_u64().unwrap()
        };
        assert_eq!(epochs.map(dropped).sum::<u64>(), expected.late.len() as u64);
    }
}

#[test]
fn a_cell_of_each_table_has_the_types_of_spark() {
    let home = Home::new();
    home.write("data/input", &files(&events(3, 400, 8, 30), 400));
    let of = |query: &str, table: &str| {
        home.finish(&["--query", query]);
        rows(&home, table)[0].schema().fields().iter().map(|it| it.to_string()).collect::<Vec<_>>()
    };
    let types = |fields: Vec<String>, expected: &[&str]| {
        assert_eq!(fields.len(), expected.len(), "{fields:?}");
        for (field, words) in fields.iter().zip(expected) {
            assert!(field.contains(words), "{words} is not in {field}");
        }
    };
    types(of("passthrough", "data/events"), &["event_id", "timestamp", "Int64", "Utf8", "Float64"]);
    types(
        of("tumbling", Query::Tumbling.table()),
        &["window", "event_type", "event_count", "avg_value"],
    );
    types(of("sliding", Query::Sliding.table()), &["window", "user_id", "count"]);
}

#[test]
fn spark_rules_make_nulls_of_what_cannot_be_read() {
    let home = Home::new();
    let lines = concat!(
        r#"{"event_id":"a","timestamp":"2025-01-16T00:00:00","user_id":1,"event_type":"view","value":1}"#,
        "\n",
        r#"{"event_id":"b","timestamp":"soon","user_id":"x","event_type":null,"value":"a lot"}"#,
        "\nno object\n"
    );
    home.write("data/input", &[("a.json".to_owned(), lines.into())]);
    home.finish(&["--semantics", "spark"]);
    let rows = rows(&home, "data/events");
    let nulls = |column: &str| rows.iter().map(|rows| rows[column].null_count()).sum::<usize>();
    let columns = ["event_id", "timestamp", "user_id", "event_type", "value"];
    assert_eq!(columns.map(nulls), [1, 2, 2, 2, 2]);
    assert!(crate::tables::rows(&home, "data/events_rejected").is_empty());
}
