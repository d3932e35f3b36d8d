//! `generate`: files that appear whole, and the users whose events are in them.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader};

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use serde_json::Value;

use crate::binary::{Home, files};
use crate::tables::{rows, texts};

/// The names in a directory.
fn names(home: &Home, directory: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(home.path(directory)).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// The ids of the events in so many files, in their order; of those that are rejected none.
pub(crate) fn good_ids(home: &Home, files: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for number in 0..files {
        let file = home.path(&format!("data/input/batch_{number}.json"));
        for line in fs::read_to_string(file).unwrap().lines() {
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
    ids
}

#[test]
fn files_have_as_many_events_as_asked_for_and_users_are_written_once() {
    let home = Home::new();
    let arguments = ["generate", "--from", "generator:rows=250,seed=3", "--delay", "0s"];
    let made = home.call(&[&arguments[..], &["--users", "data/users"]].concat());
    assert_eq!(made.code, Some(0), "{made:?}");
    let expected = ["batch_0.json", "batch_1.json", "batch_2.json"].map(ToOwned::to_owned);
    assert_eq!(names(&home, "data/input"), BTreeSet::from(expected));
    let lines = |number: usize| {
        let file = home.path(&format!("data/input/batch_{number}.json"));
        fs::read_to_string(file).unwrap().lines().map(ToOwned::to_owned).collect::<Vec<_>>()
    };
    assert_eq!([0, 1, 2].map(|number| lines(number).len()), [100, 100, 50]);
    let event: Value = serde_json::from_str(&lines(2)[49]).unwrap();
    assert_eq!(event["event_id"], "2_49");

    let users = rows(&home, "data/users");
    let of = |rows: &arrow::array::RecordBatch| {
        rows["user_id"].as_primitive::<Int64Type>().values().to_vec()
    };
    let mut ids: Vec<i64> = users.iter().flat_map(of).collect();
    ids.sort_unstable();
    assert_eq!(ids, (1..=1_000).collect::<Vec<i64>>());
    assert!(texts(&users, "country").iter().all(|country| country.len() == 2));

    // Other users, and more events in a second of their own time.
    let few = ["--to", "few", "--users", "data/few", "--user-count", "3"];
    let from = ["--from", "generator:rows=250,seed=3", "--events-per-second", "4000"];
    home.generate(&[&from[..], &few].concat());
    assert_eq!(texts(&rows(&home, "data/few"), "name").len(), 3);
    for line in fs::read_to_string(home.path("few/batch_2.json")).unwrap().lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        assert!((1..=3).contains(&event["user_id"].as_i64().unwrap()), "{line}");
        assert!(event["timestamp"].as_str().unwrap() < "2025-01-16T00:01:01", "{line}");
    }
    fs::remove_dir_all(home.path("few")).unwrap();

    // Files that are there are not touched, and neither is the table.
    let before = files(&home.path("data"));
    let again = home.call(&[&arguments[..], &["--users", "data/users"]].concat());
    again.assert_failed(1, &["cannot write data/input/batch_0.json", "Next: "]);
    assert_eq!(files(&home.path("data")), before);
    // The same events in other files.
    let other = home.call(&[&arguments[..], &["--to", "other", "--per-file", "250"]].concat());
    assert_eq!(other.code, Some(0), "{other:?}");
    let all: String = (0..3).flat_map(lines).map(|line| line + "\n").collect();
    assert_eq!(fs::read_to_string(home.path("other/batch_0.json")).unwrap(), all);
}

#[test]
fn without_an_end_it_goes_on_until_it_is_ended() {
    let home = Home::new();
    let mut command = home.command(&["generate", "--delay", "1ms", "--per-file", "3"]);
    let mut running = command.spawn().unwrap();
    let mut said = BufReader::new(running.stderr.take().unwrap()).lines();
    let last = said.nth(9).unwrap().unwrap();
    assert!(last.contains("batch_9.json with 3 events"), "{last}");
    running.kill().unwrap();
    running.wait().unwrap();
    for number in 0..10 {
        let file = home.path(&format!("data/input/batch_{number}.json"));
        assert_eq!(fs::read_to_string(file).unwrap().lines().count(), 3);
    }
}

#[test]
fn what_cannot_be_generated_is_said() {
    let home = Home::new();
    let wrong: [(&[&str], &str); 4] = [
        (&["--from", "data/input"], "--from must be a generator"),
        (&["--from", "generator:rows=5,rate=1"], "--delay says how fast"),
        (&["--delay", "0s"], "add rows=N"),
        (&["--from", "generator:rows=5", "--users", "s3://bucket/users"], "s3://bucket/users"),
    ];
    for (arguments, words) in wrong {
        home.call(&[&["generate"], arguments].concat()).assert_failed(2, &[words]);
    }
    let ended = home.call(&["generate", "--delay", "5"]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.err.contains("write a duration such as 10s"), "{}", ended.err);
    assert!(files(&home.path("")).is_empty());
}
