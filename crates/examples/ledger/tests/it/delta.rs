//! A ledger that is a Delta table: where `--table` is a path.

use std::fs;

use highwater_core::{Failpoint, Phase};
use serde_json::Value;

use crate::binary::{Ledger, files};

const FROM: &str = "generator:rows=600,seed=7,bad=0.05,duplicates=0.05";
const EPOCHS: &[&str] = &["--max-records-per-epoch", "200", "--source-columns"];
const TABLE: &str = "--table=lake/ledger";

/// What `verify` finds against the source, which must be nothing wrong.
#[track_caller]
fn verified(ledger: &Ledger, table: &str, more: &[&str]) -> Value {
    let ended = ledger.call(&[&["verify", table, "--against", FROM], more].concat());
    assert_eq!(ended.code, Some(0), "{ended:?}");
    serde_json::from_str(&ended.out).unwrap()
}

#[test]
fn a_path_is_a_delta_table_with_its_side_tables_beside_it() {
    let ledger = Ledger::new();
    let more = [EPOCHS, &[TABLE, "--partition-by=currency", "--dedupe=1h"]].concat();
    let ended = ledger.run(FROM, &more);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let place = ledger.path("lake/ledger").display().to_string();
    for place in [place.clone(), format!("{place}_rejected"), format!("{place}_late")] {
        let reading = format!("LOAD delta; SELECT * FROM delta_scan('{place}') LIMIT 5");
        assert!(ended.err.contains(&reading), "{}", ended.err);
        assert!(ledger.path(&format!("{place}/_delta_log/{:020}.json", 1)).is_file(), "{place}");
    }
    let report = verified(&ledger, TABLE, &["--dedupe=1h"]);
    assert_eq!((&report["against"]["records"], &report["late"]), (&600.into(), &0.into()));
    assert!(report["against"]["duplicates"].as_u64() > Some(0), "{report}");

    let names = files(&ledger.path("lake/ledger"));
    let data: Vec<_> =
        names.iter().filter(|it| it.extension().is_some_and(|it| it == "parquet")).collect();
    assert!(data.len() > 3, "{names:?}");
    assert!(data.iter().all(|name| name.to_str().unwrap().contains("/currency=")), "{names:?}");
    assert!(!ledger.path("data/warehouse").exists());
    let again = ledger.run(FROM, &more);
    assert!(again.err.contains("nothing new was committed"), "{again:?}");
    assert_eq!(files(&ledger.path("lake/ledger")), names);
}

/// At every failpoint of an undisturbed life, in an epoch that is neither the first nor the last.
#[test]
fn a_kill_anywhere_loses_nothing_and_doubles_nothing() {
    let ledger = Ledger::new();
    for (rounds, point) in Failpoint::ALL.iter().enumerate() {
        // A commit to a Delta table is one file, before which nothing is written.
        let foreign = matches!(point.phase(), Phase::Recover | Phase::State);
        if foreign || *point == Failpoint::ManifestsWritten {
            continue;
        }
        let table = format!("--table=lake/killed_{rounds}");
        let checkpoint = format!("--checkpoint=data/checkpoint/{rounds}");
        let more = [EPOCHS, &[&table, &checkpoint]].concat();
        let at = format!("{}:2", point.name());
        assert!(ledger.run_killed(FROM, &more, &at), "{at} was not reached");
        // Without the log the table knows where it stands.
        let log = ledger.path(&format!("data/checkpoint/{rounds}"));
        if rounds % 2 == 0 && log.exists() {
            fs::remove_dir_all(log).unwrap();
        }
        let again = ledger.run(FROM, &more);
        assert_eq!(again.code, Some(0), "{at}: {again:?}");
        let report = verified(&ledger, &table, &[]);
        assert_eq!(
            (&report["repeatedOffsets"], &report["lastEpoch"]),
            (&0.into(), &2.into()),
            "{at}"
        );
    }
}

#[test]
fn what_does_not_go_with_a_path_ends_before_anything_runs() {
    let ledger = Ledger::new();
    for (table, option, named) in [
        ("lake/ledger", "--warehouse=lake", "--warehouse is for a catalog"),
        ("lake/ledger", "--partition-by=day(event_timestamp)", "has no transforms"),
        ("lake/ledger", "--partition-by=when", "cannot be partitioned by when"),
        (
            "lake/ledger",
            "--create=delta.enableRowTracking=true",
            "property delta.enableRowTracking=true",
        ),
        ("gopher://host/ledger", "--progress=off", "gopher://host/ledger"),
    ] {
        let ended = ledger.run(FROM, &["--table", table, option]);
        assert!(ended.code == Some(2) && ended.err.contains(named), "{ended:?}");
    }
    assert!(files(&ledger.path("")).is_empty());
    ledger.call(&["verify", TABLE]).assert_failed(2, &["lake/ledger is not there", "Next: "]);
}

#[test]
fn a_table_of_another_kind_is_refused_by_its_columns() {
    let ledger = Ledger::new();
    assert_eq!(ledger.run(FROM, &[TABLE]).code, Some(0));
    let more = ["--table=lake/ledger_rejected", "--checkpoint=data/checkpoint/other"];
    let ended = ledger.run(FROM, &more);
    ended.assert_failed(2, &["does not take the rows: ", "Next: "]);
}
