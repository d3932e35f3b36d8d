//! What the queries write, beside a loop over the same events.

use serde_json::Value;

use crate::binary::Home;
use crate::events::{Event, Query, events, expected, files};
use crate::tables::{rows, texts, windows};

#[test]
fn every_event_is_passed_through_once() {
    let home = Home::new();
    let from = "generator:rows=730,seed=7,bad=0.05,duplicates=0.05";
    let made = home.call(&["generate", "--from", from, "--delay", "0s"]);
    assert_eq!(made.code, Some(0), "{made:?}");
    let ended = home.finish(&["--progress", "json"]);
    assert!(ended.err.contains("delta_scan('"), "{}", ended.err);
    assert_eq!(ended.out.lines().count(), 8, "an epoch takes one file");
    let report = home.verify(&[], 0);
    let count = |name: &str| report[name].as_u64().unwrap();
    assert_eq!((count("rows") + count("rejected"), &report["lastEpoch"]), (730, &7.into()));
    assert!((15..60).contains(&count("rejected")), "{report}");

    let mut ids = Vec::new();
    for number in 0..8 {
        let file = home.path(&format!("data/input/batch_{number}.json"));
        for line in std::fs::read_to_string(file).unwrap().lines() {
            let Ok(Value::Object(event)) = serde_json::from_str(line) else { continue };
            let good = event["timestamp"].as_str().is_some_and(|time| !time.contains("02-30"))
                && event["user_id"].is_u64()
                && event["value"].is_f64();
            if let Some(id) = event.get("event_id").and_then(Value::as_str).filter(|_| good) {
                ids.push(id.to_owned());
            }
        }
    }
    ids.sort();
    assert_eq!(texts(&rows(&home, "data/events"), "event_id"), ids);

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
    for query in [Query::Tumbling, Query::Sliding] {
        let expected = expected(query, &[&events]);
        assert!(expected.closed.len() > 40 && expected.all.len() > expected.closed.len() + 4);
        for (files, threads) in [("1", "1"), ("5", "2"), ("100", "3")] {
            let table = format!("data/{}-{threads}", query.name());
            let checkpoint = format!("data/checkpoint/{}-{threads}", query.name());
            let place = ["--query", query.name(), "--table", &table, "--checkpoint", &checkpoint];
            let more = ["--max-files-per-epoch", files, "--threads", threads];
            home.finish(&[&place[..], &more].concat());
            assert_eq!(windows(&home, query, &table), expected.closed, "{query:?} on {threads}");
            home.verify(&place[..4], 0);
            // The end of event time closes the others.
            let drained = [&place[..], &more, &["--drain"]].concat();
            assert_eq!(home.call(&drained).code, Some(0));
            assert_eq!(windows(&home, query, &table), expected.all, "{query:?} on {threads}");
            home.verify(&[&place[..4], &["--drained"]].concat(), 0);
        }
    }
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
        assert_eq!(windows(&home, query, query.table()), expected.closed);
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
