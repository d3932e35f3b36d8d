//! Mistakes: each gives one paragraph, a next step and an exit code, and commits nothing.

use crate::binary::{Ended, Ledger, files};
use crate::other::{self, Amounts};

const FROM: &str = "generator:rows=300,seed=1";

/// Checks a mistake in the command line, which clap reports.
#[track_caller]
fn assert_usage(arguments: &[&str], words: &[&str]) {
    let ledger = Ledger::new();
    let ended = ledger.call(arguments);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    for word in words {
        assert!(ended.err.contains(word), "{word:?} is not in: {}", ended.err);
    }
    assert!(files(&ledger.path("")).is_empty());
}

#[test]
fn options_that_cannot_be() {
    assert_usage(&["--threads", "0"], &["'--threads <N>'", "a pipeline needs a thread"]);
    assert_usage(&["--threads", "2.5"], &["write a number of threads from 1 to 1024"]);
    assert_usage(&["--triger", "5s"], &["'--triger'", "'--trigger'"]);
    assert_usage(&["run", "--trigger", "5"], &["an interval such as 10s"]);
    assert_usage(&["verfy"], &["'verify'"]);
    assert_usage(&["--from", "generator:rowz=5"], &["rowz", "rows, seed, rate, bad or duplicates"]);
    assert_usage(&["--from", "kafka://localhost/t"], &["\"localhost\" is no broker"]);
    assert_usage(&["--from", "kafka://b:1"], &["--from names no topic", "--topic-pattern"]);
    assert_usage(&["--from", "kafka://b:1/t", "--topic-pattern", "t"], &["names no topic"]);
    assert_usage(&["--from", "kafka://b:1", "--topic-pattern", "t("], &["no pattern of topic"]);
    assert_usage(&["--from", FROM, "--topic-pattern", "t"], &["--topic-pattern is for Kafka"]);
    assert_usage(&["generate", "--to", "kafka://b:1"], &["is no topic"]);
    assert_usage(&["--from", "http://localhost/t"], &["is no source"]);
    assert_usage(&["--from", FROM, "-X", "client.id=me"], &["-X is for Kafka"]);
    assert_usage(&["--from", FROM, "--start", "latest"], &["--start is for Kafka"]);
    assert_usage(&["--from", "kafka://b:1/t", "-X", "client.di=me"], &["client.id", "Next: "]);
    assert_usage(&["--catalog", "ftp://host/x"], &["ftp://host/x is no catalog", "sqlite:"]);
    assert_usage(&["verify", "--catalog", "postgresql:x"], &["postgresql:x is no catalog"]);
    assert_usage(&["--catalog", "sqlite:///:memory:"], &["is no address of a catalog", "Next: "]);
    assert_usage(&["--from", FROM, "--warehouse", "x"], &["--warehouse is for an SQL catalog"]);
    let named = ["--catalog", "sqlite:c.db", "--catalog-option", "pool=5"];
    assert_usage(&named, &["pool=5 is no option of a catalog"]);
}

#[test]
fn names_cannot_leave_their_directories() {
    // What has a slash is the place of a Delta table, and no name.
    for table in ["demo", "demo..t", "..x", "demo.a b", "demo.", ""] {
        assert_usage(&["--from", FROM, "--table", table], &["is no table name"]);
    }
}

#[test]
fn variables_that_cannot_be() {
    let ledger = Ledger::new();
    let with = |name: &str, value: &str| -> Ended {
        ledger.command(&["--from", FROM]).env(name, value).output().unwrap().into()
    };
    with("HIGHWATER_KILL_AT", "commit.swap")
        .assert_failed(2, &["commit.swap", "commit.before-swap"]);
    with("HIGHWATER_LOG", "a=b=c").assert_failed(2, &["HIGHWATER_LOG=a=b=c is no filter"]);
    let ended = with("HIGHWATER_TRIGGER", "soon");
    assert_eq!(ended.code, Some(2));
    assert!(ended.err.contains("defaults are taken from HIGHWATER_TRIGGER"), "{}", ended.err);
}

#[test]
fn records_that_are_all_bad_stop_the_run() {
    let ledger = Ledger::new();
    let ended = ledger.run("generator:rows=300,bad=1", &[]);
    ended.assert_failed(4, &["pipeline ledger, epoch 0", "300 of 300 records", "Next: "]);
    assert!(!files(&ledger.path("data")).iter().any(|path| path.ends_with("v2.metadata.json")));
    let ended = ledger.run("generator:rows=300,bad=1", &["--max-rejected-ratio", "1"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(ledger.verified("generator:rows=300,bad=1")["rejected"], 300);
}

#[test]
fn a_checkpoint_of_another_pipeline() {
    let ledger = Ledger::new();
    other::run(&ledger, "other", 300, Amounts::Kept);
    let ended = ledger.run(FROM, &["--table", "demo.own"]);
    ended.assert_failed(4, &["is the checkpoint of pipeline other, not of ledger", "Next: "]);
}

#[test]
fn a_table_of_another_pipeline() {
    let ledger = Ledger::new();
    other::run(&ledger, "other", 300, Amounts::Kept);
    let ended = ledger.run(FROM, &["--checkpoint", "data/checkpoint/own"]);
    ended.assert_failed(4, &["other", "demo.transactions_ledger", "Next: "]);
}

#[test]
fn a_table_with_other_columns() {
    let ledger = Ledger::new();
    assert_eq!(ledger.run(FROM, &[]).code, Some(0));
    let ended = ledger.run(FROM, &["--source-columns"]);
    let all = ["_topic (string)", "_partition (int)", "_offset (long)"];
    let missing = all.map(|column| format!("column {column} is missing in the table"));
    ended.assert_failed(2, &["demo.transactions_ledger does not take the rows", "Next: "]);
    ended.assert_failed(2, &missing.each_ref().map(String::as_str));
}

#[test]
fn another_generator_than_before() {
    let ledger = Ledger::new();
    assert_eq!(ledger.run(FROM, &[]).code, Some(0));
    let ended = ledger.run("generator:rows=600,seed=2", &[]);
    ended.assert_failed(4, &["generator/0 stands at offset 300", "seed=1", "seed=2", "Next: "]);
    assert_eq!(ledger.run("generator:rows=600,seed=1,rate=5", &[]).code, Some(0));
    assert_eq!(ledger.verified("generator:seed=1")["rows"], 600);
}

#[test]
fn a_generator_without_an_end() {
    let ended = Ledger::new().run("generator:seed=1", &[]);
    ended.assert_failed(2, &["no end to run to", "Next: add rows=N"]);
}

#[test]
fn a_warehouse_that_is_a_file() {
    let ledger = Ledger::new();
    std::fs::write(ledger.path("taken"), "").unwrap();
    let ended = ledger.run(FROM, &["--catalog", "taken"]);
    ended.assert_failed(4, &["taken", "Next: "]);
}

#[test]
fn a_broker_that_does_not_answer() {
    let ledger = Ledger::new();
    let arguments = ["--from", "kafka://127.0.0.1:1/t", "-X", "default.api.timeout.ms=500"];
    let ended = ledger.call(&arguments);
    ended.assert_failed(1, &["pipeline ledger", "127.0.0.1:1", "Next: "]);
}

#[test]
fn a_catalog_that_is_no_database_stops_the_run() {
    let ledger = Ledger::new();
    std::fs::write(ledger.path("catalog.db"), "notes, and no database".repeat(90)).unwrap();
    let ended = ledger.run(FROM, &["--catalog", "sqlite:catalog.db"]);
    ended.assert_failed(2, &["catalog.db is no SQLite database", "Next: name the database of"]);
}
