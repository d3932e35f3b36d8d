//! Events with the users whose they are, beside a loop over both.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::Int64Type;
use highwater_core::{Failpoint, Phase};
use highwater_delta::DeltaTable;
use highwater_pipeline::{Options, Pipeline, Trigger};
use highwater_storage::Storage;
use highwater_testkit::memory_source::MemorySource;
use serde_json::json;

use crate::binary::Home;
use crate::events::{Event, events, files};
use crate::tables::{rows, texts};

/// Users by their ids, each with name and country; some have none.
type Users = BTreeMap<i64, (Option<String>, Option<String>)>;

/// A table of users that somebody else adds to.
struct Dimension {
    source: MemorySource,
    table: DeltaTable,
}

fn batch(users: &[(Option<i64>, Option<&str>, Option<&str>)]) -> RecordBatch {
    let ids: ArrayRef = Arc::new(users.iter().map(|user| user.0).collect::<Int64Array>());
    let names: ArrayRef = Arc::new(users.iter().map(|user| user.1).collect::<StringArray>());
    let countries: ArrayRef = Arc::new(users.iter().map(|user| user.2).collect::<StringArray>());
    let columns = [("country", countries, true), ("user_id", ids, true), ("name", names, true)];
    RecordBatch::try_from_iter_with_nullable(columns).unwrap()
}

impl Dimension {
    fn new(home: &Home, place: &str) -> Self {
        let table = DeltaTable::at(home.path(place).to_str().unwrap()).unwrap();
        Self { source: MemorySource::new("users", batch(&[]).schema(), 1), table }
    }

    fn add(&self, users: &[(Option<i64>, Option<&str>, Option<&str>)]) {
        self.source.append(0, batch(users));
        let p = Pipeline::new("users");
        p.source("users", self.source.clone()).sink("table", self.table.append());
        let options = Options::checkpoint_in(Storage::memory()).trigger(Trigger::available_now());
        p.build().unwrap().run_blocking(options).unwrap();
    }
}

/// Writes the thousand users of the generator, and gives them as the table has them.
fn generate_users(home: &Home) -> Users {
    home.generate(&["--from", "generator:rows=1", "--to", "unused", "--users", "data/users"]);
    let mut users = Users::new();
    for rows in rows(home, "data/users") {
        let ids = rows["user_id"].as_primitive::<Int64Type>().values();
        let text = |name: &str, row| Some(rows[name].as_string::<i32>().value(row).to_owned());
        let user = |row| (text("name", row), text("country", row));
        users.extend(ids.iter().enumerate().map(|(row, id)| (*id, user(row))));
    }
    users
}

/// What should be in the table: number, name and country of each event whose user there is.
fn expected(events: &[Event], users: &Users) -> Vec<String> {
    let row = |event: &Event| {
        let (name, country) = users.get(&event.user)?;
        Some(format!("{} {name:?} {country:?}", event.id))
    };
    let mut rows: Vec<_> = events.iter().filter_map(row).collect();
    rows.sort();
    rows
}

fn found(home: &Home, table: &str) -> Vec<String> {
    let of = |rows: &RecordBatch| -> Vec<String> {
        let text = |name: &str| rows[name].as_string::<i32>().clone();
        let (ids, names, countries) = (text("event_id"), text("name"), text("country"));
        let row = |((id, name), country): ((Option<&str>, _), Option<&str>)| {
            format!("{} {name:?} {country:?}", id.unwrap())
        };
        ids.iter().zip(&names).zip(&countries).map(row).collect()
    };
    let mut found: Vec<_> = rows(home, table).iter().flat_map(of).collect();
    found.sort();
    found
}

#[test]
fn every_event_meets_its_user_for_any_cut_and_any_threads() {
    let home = Home::new();
    let (events, users) = (events(41, 400, 5, 60), generate_users(&home));
    home.write("data/input", &files(&events, 50));
    let expected = expected(&events, &users);
    let without = events.iter().filter(|event| event.user == 0).count();
    assert!((20..150).contains(&without), "{without} events of user 0, whom there is not");
    for (files, threads) in [("1", "1"), ("3", "2"), ("100", "3")] {
        let table = format!("data/enriched-{threads}");
        let checkpoint = format!("data/checkpoint/enriched-{threads}");
        let place = ["--query", "enrich", "--table", &table, "--checkpoint", &checkpoint];
        let more = ["--max-files-per-epoch", files, "--threads", threads];
        let ended = home.finish(&[&place[..], &more].concat());
        assert!(ended.err.contains("joins it with users of data/users"), "{}", ended.err);
        assert_eq!(found(&home, &table), expected, "{threads} threads");
        let report = home.verify(&place[..4], 0);
        let seen = [&report["rows"], &report["withoutUser"], &report["against"]["rows"]];
        assert_eq!(seen, [&json!(400 - without), &json!(without), &json!(400)]);
        let names: Vec<_> = rows(&home, &table)[0].schema_ref().fields().iter().cloned().collect();
        let names: Vec<_> = names.iter().map(|field| field.name().as_str()).collect();
        let spark = ["user_id", "event_id", "timestamp", "event_type", "value", "name", "country"];
        assert_eq!(names, spark, "the columns of Spark's join");
    }
}

#[test]
fn events_meet_the_users_that_there_are_when_their_epoch_is_planned() {
    let home = Home::new();
    let events = events(42, 120, 5, 60);
    let written = files(&events, 60);
    let dimension = Dimension::new(&home, "lake/people");
    dimension.add(&[(Some(1), Some("Ada"), Some("SE")), (Some(2), None, Some("DE"))]);
    dimension.add(&[(None, Some("Nobody"), None)]);
    let text = |text: &str| Some(text.to_owned());
    let mut users = Users::from([(1, (text("Ada"), text("SE"))), (2, (None, text("DE")))]);
    home.write("data/input", &written[..1]);
    let enrich = ["--query", "enrich", "--users", "lake/people"];
    home.finish(&enrich);
    let mut wanted = expected(&events[..60], &users);
    assert_eq!(found(&home, "data/enriched_events"), wanted);
    home.verify(&enrich, 0);

    dimension.add(&[(Some(3), Some("Cy"), None)]);
    users.insert(3, (text("Cy"), None));
    home.write("data/input", &written[1..]);
    home.finish(&enrich);
    wanted.extend(expected(&events[60..], &users));
    wanted.sort();
    assert_eq!(found(&home, "data/enriched_events"), wanted);
}

#[test]
fn a_kill_anywhere_joins_no_event_twice_and_leaves_none_out() {
    let home = Home::new();
    let (events, users) = (events(43, 90, 10, 240), generate_users(&home));
    home.write("data/input", &files(&events, 30));
    let expected = expected(&events, &users);
    for (round, point) in Failpoint::ALL.iter().enumerate() {
        if matches!(point.phase(), Phase::Recover | Phase::State)
            || *point == Failpoint::ManifestsWritten
        {
            continue;
        }
        let table = format!("data/killed_{round}");
        let checkpoint = format!("data/checkpoint/{round}");
        let place = ["--query", "enrich", "--table", &table, "--checkpoint", &checkpoint];
        let on = |round: usize| (round % 3 + 1).to_string();
        let at = format!("{}:2", point.name());
        let (before, after) = (on(round), on(round + 1));
        let with = |threads| [&place[..], &["--threads", threads]].concat();
        assert!(home.run_killed(&with(&before), &at), "{at} was not reached");
        home.finish(&with(&after));
        assert_eq!(found(&home, &table), expected, "{at}");
        let report = home.verify(&place[..4], 0);
        assert_eq!(report["lastEpoch"], 2, "{at}");
    }
    // Before it has the table of users, and while it recovers.
    let enrich = ["--query", "enrich"];
    for at in ["read.payload", "prepare.record:2"] {
        assert!(home.run_killed(&enrich, at), "{at} was not reached");
    }
    for point in Failpoint::ALL.iter().filter(|point| point.phase() == Phase::Recover) {
        assert!(home.run_killed(&enrich, point.name()), "{} was not reached", point.name());
    }
    home.finish(&enrich);
    assert_eq!(found(&home, "data/enriched_events"), expected);
    home.verify(&enrich, 0);
}

#[test]
fn users_that_cannot_be_joined_end_the_run_before_anything_is_committed() {
    let home = Home::new();
    home.write("data/input", &files(&events(44, 30, 10, 0), 30));
    let absent = home.run(&["--query", "enrich"]);
    absent.assert_failed(2, &["data/users is not there", "name a table that is there"]);
    let ended = home.run(&["--users", "data/users"]);
    ended.assert_failed(2, &["--users", "goes with the query enrich"]);
    let ended = home.run(&["--query", "enrich", "--late"]);
    ended.assert_failed(2, &["--late", "goes with a query of windows"]);

    // A table of events has their users, and nothing of them.
    home.finish(&[]);
    let ended = home.run(&["--query", "enrich", "--users", "data/events"]);
    ended
        .assert_failed(2, &["does not have the declared columns", "column name", "column country"]);
    assert!(rows(&home, "data/enriched_events").is_empty());
}

#[test]
fn verify_names_events_with_other_users() {
    let home = Home::new();
    let events: Vec<_> = events(45, 40, 10, 0).into_iter().filter(|it| it.user == 1).collect();
    home.write("data/input", &files(&events, 10));
    let (ours, theirs) = (Dimension::new(&home, "data/users"), Dimension::new(&home, "other"));
    ours.add(&[(Some(1), Some("Ada"), Some("SE")), (Some(1), Some("Adam"), Some("US"))]);
    theirs.add(&[(Some(1), Some("Ada"), Some("SE")), (Some(1), Some("Eve"), Some("US"))]);
    home.finish(&["--query", "enrich"]);
    let names = texts(&rows(&home, "data/enriched_events"), "name");
    assert_eq!(names.len(), 2 * events.len(), "each event meets both");
    home.verify(&["--query", "enrich"], 0);
    let report = home.verify(&["--query", "enrich", "--users", "other"], 5);
    let violations = report["violations"].as_array().unwrap();
    let first = violations[0].as_str().unwrap();
    assert!(first.ends_with("is not in the table with user 1"), "{first}");
    assert_eq!(violations.len(), 2 * events.len().min(10), "{report}");
    let last = violations.last().unwrap().as_str().unwrap();
    assert!(last.contains("1 times too often, with (Some(\"Adam\")"), "{last}");
}
