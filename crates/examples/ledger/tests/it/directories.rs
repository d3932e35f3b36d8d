//! Directories of JSON lines.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Decimal128Type;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures::TryStreamExt as _;
use highwater_core::{Failpoint, Phase};
use highwater_iceberg::FileCatalog;
use serde_json::Value;

use crate::binary::{Ledger, files};

const MADE: &str = "generator:rows=600,seed=7,bad=0.05,duplicates=0.05";
const EPOCHS: &[&str] = &["--max-files-per-epoch", "1", "--source-columns"];

/// A ledger beside a directory `in` with three files of 200 records.
fn made() -> Ledger {
    let ledger = Ledger::new();
    let ended = ledger.call(&["generate", "--from", MADE, "--to", "in", "--per-file", "200"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    ledger
}

fn line(id: u32) -> String {
    format!(
        r#"{{"transaction_id":"T{id}","account_from":"A","account_to":"B","amount":"{id}.25","currency":"EUR","transaction_type":"x","timestamp":"2025-01-16T12:30:00"}}"#
    )
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

/// How often each id with its cents is in the ledger.
fn rows(ledger: &Ledger) -> BTreeMap<(String, i128), usize> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let catalog = FileCatalog::open(ledger.path("data/warehouse").to_str().unwrap()).unwrap();
    let batches: Vec<RecordBatch> = runtime.block_on(async {
        let table = catalog.table("demo.transactions_ledger").read().await.unwrap();
        table.rows().await.unwrap().try_collect().await.unwrap()
    });
    let mut rows = BTreeMap::new();
    for batch in &batches {
        let ids = batch["transaction_id"].as_string::<i32>();
        let cents = batch["amount"].as_primitive::<Decimal128Type>();
        for (id, cents) in ids.iter().zip(cents) {
            *rows.entry((id.unwrap().to_owned(), cents.unwrap())).or_default() += 1;
        }
    }
    rows
}

#[test]
fn the_lines_of_all_files_become_rows_or_are_rejected() {
    let ledger = Ledger::new();
    fs::create_dir_all(ledger.path("in/below")).unwrap();
    let lines = |ids: std::ops::Range<u32>| ids.map(|id| line(id) + "\n").collect::<String>();
    let mut cut = gzip(&lines(300..310));
    cut.pop();
    let written: [(&str, Vec<u8>); 7] = [
        ("in/a.json", (lines(0..100) + "\noops\r\n" + &line(100)).into_bytes()),
        ("in/b.json.gz", gzip(&lines(100..200))),
        ("in/c.json.zst", zstd::encode_all(lines(200..300).as_bytes(), 1).unwrap()),
        ("in/cut.json.gz", cut),
        ("in/_hidden", b"hidden".to_vec()),
        ("in/below/d.json", lines(400..401).into_bytes()),
        ("in/empty.json", Vec::new()),
    ];
    for (path, bytes) in written {
        fs::write(ledger.path(path), bytes).unwrap();
    }
    let ended = ledger.run("in", &["--subdirectories", "--source-columns"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let mut expected = BTreeMap::new();
    for id in (0..101).chain(100..310).chain(400..401) {
        *expected.entry((format!("T{id}"), i128::from(id) * 100 + 25)).or_default() += 1;
    }
    assert_eq!(rows(&ledger), expected);
    let verify = ["verify", "--against", "in", "--subdirectories"];
    let verified = ledger.call(&verify);
    assert_eq!(verified.code, Some(0), "{verified:?}");
    let report: Value = serde_json::from_str(&verified.out).unwrap();
    assert_eq!((&report["rows"], &report["rejected"]), (&312.into(), &2.into()), "{report}");

    // A line more or less in a file is found out.
    fs::write(ledger.path("in/below/d.json"), line(401)).unwrap();
    ledger.call(&verify).assert_failed(4, &["d.json had ", "when it was taken"]);
    let skip = [&verify[..], &["--on-data-loss", "skip"]].concat();
    assert_eq!(ledger.call(&skip).code, Some(5));
}

#[test]
fn a_second_run_takes_what_came_meanwhile() {
    let ledger = made();
    let first = ledger.run("in", &[]);
    assert_eq!(first.code, Some(0), "{first:?}");
    assert!(first.err.contains("begins anew"), "{}", first.err);
    let before = files(&ledger.path("data"));
    let second = ledger.run("in", &[]);
    assert_eq!(second.code, Some(0), "{second:?}");
    assert!(second.err.contains("nothing new was committed"), "{}", second.err);
    assert_eq!(files(&ledger.path("data")), before);

    fs::write(ledger.path("in/more.json"), line(1)).unwrap();
    let third = ledger.run("in", &[]);
    assert_eq!(third.code, Some(0), "{third:?}");
    let report = ledger.verified("in");
    assert_eq!(report["against"]["records"], 601, "{report}");
    // The checkpoint may be lost: the table knows which files were taken.
    fs::remove_dir_all(ledger.path("data/checkpoint")).unwrap();
    let fourth = ledger.run("in", &[]);
    assert_eq!(fourth.code, Some(0), "{fourth:?}");
    assert_eq!(ledger.verified("in")["against"]["records"], 601);
}

#[test]
fn a_kill_anywhere_takes_no_file_twice_and_leaves_none_out() {
    let ledger = made();
    for (rounds, point) in Failpoint::ALL.iter().enumerate() {
        if matches!(point.phase(), Phase::Recover | Phase::State) {
            continue;
        }
        let table = format!("demo.killed_{rounds}");
        let checkpoint = format!("data/checkpoint/{rounds}");
        let more = [EPOCHS, &["--table", &table, "--checkpoint", &checkpoint]].concat();
        let at = format!("{}:2", point.name());
        assert!(ledger.run_killed("in", &more, &at), "{at} was not reached");
        let again = ledger.run("in", &more);
        assert_eq!(again.code, Some(0), "{at}: {again:?}");
        let verified = ledger.call(&["verify", "--table", &table, "--against", "in"]);
        assert_eq!(verified.code, Some(0), "{at}: {verified:?}");
        let report: Value = serde_json::from_str(&verified.out).unwrap();
        assert_eq!(
            (&report["repeatedOffsets"], &report["lastEpoch"]),
            (&0.into(), &2.into()),
            "{at}"
        );
        assert_eq!(report["against"]["records"], 600, "{at}");
    }
}

/// A plan that is prepared and whose staged files are gone is run again: over the same bytes, or not.
#[test]
fn a_prepared_plan_is_run_again_over_the_same_bytes_or_refused() {
    let ledger = made();
    assert_eq!(ledger.run("in", &[]).code, Some(0));
    let before = files(&ledger.path("data/warehouse"));
    fs::write(ledger.path("in/more.json"), line(1)).unwrap();
    assert!(ledger.run_killed("in", &[], "prepare.record:1"));
    let staged = files(&ledger.path("data/warehouse"));
    let staged: Vec<_> = staged.into_iter().filter(|path| !before.contains(path)).collect();
    assert!(!staged.is_empty());
    staged.iter().for_each(|path| fs::remove_file(path).unwrap());

    fs::rename(ledger.path("in/more.json"), ledger.path("away")).unwrap();
    let gone = ["in/more.json is gone; it had ", "put it back"];
    ledger.run("in", &[]).assert_failed(4, &gone);
    ledger.run("in", &["--on-data-loss", "skip"]).assert_failed(1, &gone);
    fs::rename(ledger.path("away"), ledger.path("in/more.json")).unwrap();
    let again = ledger.run("in", &[]);
    assert_eq!(again.code, Some(0), "{again:?}");
    assert_eq!(ledger.verified("in")["against"]["records"], 601);
}

#[test]
fn options_and_directories_that_do_not_fit_are_named() {
    let ledger = Ledger::new();
    ledger.run("nowhere", &[]).assert_failed(2, &["there is no directory ", "/nowhere", "make it"]);
    fs::create_dir(ledger.path("in")).unwrap();
    let wrong: [(&str, &[&str], &[&str]); 4] = [
        ("in", &["--start", "latest"], &["--start", "is for Kafka"]),
        ("in", &["-X", "client.id=a"], &["-X", "is for Kafka"]),
        ("generator:rows=1", &["--subdirectories"], &["--subdirectories", "is for a directory"]),
        ("kafka://127.0.0.1:1/a", &["--max-files-per-epoch", "1"], &["is for a directory"]),
    ];
    for (from, more, words) in wrong {
        ledger.run(from, more).assert_failed(2, words);
    }
}
