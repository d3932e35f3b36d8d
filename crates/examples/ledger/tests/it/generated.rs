//! `generate`.

use std::io::{BufRead as _, BufReader};

use serde_json::Value;

use crate::binary::{Ledger, files};

const FROM: &str = "generator:rows=250,seed=7,bad=0.1,duplicates=0.1";

#[test]
fn output_and_files_hold_the_same_records() {
    let ledger = Ledger::new();
    let out = ledger.call(&["generate", "--from", FROM, "--to", "-"]);
    assert_eq!(out.code, Some(0), "{out:?}");
    assert_eq!(out.out.lines().count(), 250);
    let parsed = out.out.lines().filter(|line| serde_json::from_str::<Value>(line).is_ok());
    assert!((200..250).contains(&parsed.count()));

    let arguments = ["generate", "--from", FROM, "--to", "made", "--per-file", "100"];
    let made = ledger.call(&arguments);
    assert_eq!(made.code, Some(0), "{made:?}");
    let mut paths = files(&ledger.path("made"));
    paths.sort();
    let texts: Vec<_> = paths.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
    let lines: Vec<_> = texts.iter().map(|text| text.lines().count()).collect();
    assert_eq!(lines, [100, 100, 50]);
    assert_eq!(texts.concat(), out.out);

    ledger.call(&arguments).assert_failed(1, &["made/part-00000.jsonl", "exists"]);
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let ledger = Ledger::new();
    let mut running =
        ledger.command(&["generate", "--from", "generator:rows=10000000"]).spawn().unwrap();
    let mut lines = BufReader::new(running.stdout.take().unwrap()).lines();
    assert!(lines.next().unwrap().unwrap().contains("TXN00000000"));
    drop(lines);
    let ended = running.wait_with_output().unwrap();
    assert_eq!((ended.status.code(), ended.stderr), (Some(0), Vec::new()));
}

#[test]
fn only_generators_can_be_generated_from() {
    let ledger = Ledger::new();
    let ended = ledger.call(&["generate", "--from", "kafka://localhost:9092/t"]);
    ended.assert_failed(2, &["--from must be a generator"]);
    let ended = ledger.call(&["generate", "--to", "generator:rows=5"]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
}
