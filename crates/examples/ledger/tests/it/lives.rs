//! Runs, ends of all kinds, and runs again.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::time::{Duration, Instant};

use highwater_core::{Failpoint, Phase};
use highwater_testkit::broker::{Batch, Cluster, Record};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::binary::{Ended, Ledger, files};

const FROM: &str = "generator:rows=600,seed=7,bad=0.05,duplicates=0.05";
const EPOCHS: &[&str] = &["--max-records-per-epoch", "200", "--source-columns"];

#[test]
fn a_run_commits_everything_and_a_second_run_nothing() {
    let ledger = Ledger::new();
    let first = ledger.run(FROM, &[]);
    assert_eq!(first.code, Some(0), "{first:?}");
    assert!(first.err.contains("begins anew"), "{}", first.err);
    assert!(first.err.contains("iceberg_scan('"), "{}", first.err);
    let report = ledger.verified(FROM);
    let count = |name: &str| report[name].as_u64().unwrap();
    assert_eq!(count("rows") + count("rejected"), 600);
    assert!((15..50).contains(&count("rejected")), "{report}");
    assert!(count("distinctIds") < count("rows"), "{report}");
    assert_eq!(report["against"]["records"], 600);

    let before = files(&ledger.path("data"));
    let second = ledger.run(FROM, &[]);
    assert_eq!(second.code, Some(0), "{second:?}");
    let resumes = "resumes after epoch 0 (generator/0 at 600), known from the checkpoint ";
    assert!(second.err.contains(resumes), "{}", second.err);
    assert!(second.err.contains("nothing new was committed"), "{}", second.err);
    assert_eq!(files(&ledger.path("data")), before);
}

/// At every failpoint of an undisturbed life, in an epoch that is neither the first nor the last.
#[test]
fn a_kill_anywhere_loses_nothing_and_doubles_nothing() {
    let ledger = Ledger::new();
    for (rounds, point) in Failpoint::ALL.iter().enumerate() {
        if matches!(point.phase(), Phase::Recover | Phase::State) {
            continue;
        }
        let table = format!("demo.killed_{rounds}");
        let checkpoint = format!("data/checkpoint/{rounds}");
        let place = ["--table", &table, "--checkpoint", &checkpoint];
        let more = [EPOCHS, &place].concat();
        let at = format!("{}:2", point.name());
        assert!(ledger.run_killed(FROM, &more, &at), "{at} was not reached");
        let again = ledger.run(FROM, &more);
        assert_eq!(again.code, Some(0), "{at}: {again:?}");
        let verified = ledger.call(&["verify", "--table", &table, "--against", FROM]);
        assert_eq!(verified.code, Some(0), "{at}: {verified:?}");
        let report: Value = serde_json::from_str(&verified.out).unwrap();
        assert_eq!(report["repeatedOffsets"], 0, "{at}");
        assert_eq!(report["lastEpoch"], 2, "{at}");
    }
}

#[test]
fn a_kill_during_recovery_is_recovered_from() {
    let ledger = Ledger::new();
    assert!(ledger.run_killed(FROM, EPOCHS, "prepare.record:2"));
    for point in Failpoint::ALL.iter().filter(|point| point.phase() == Phase::Recover) {
        assert!(ledger.run_killed(FROM, EPOCHS, point.name()), "{} not reached", point.name());
    }
    assert_eq!(ledger.run(FROM, EPOCHS).code, Some(0));
    assert_eq!(ledger.verified(FROM)["repeatedOffsets"], 0);
}

/// The same over an SQL catalog, at every failpoint of a commit.
#[test]
fn a_kill_in_a_commit_to_a_database_loses_nothing_and_doubles_nothing() {
    let ledger = Ledger::new();
    let catalog = ["--catalog", "sqlite:///data/catalog.db", "--catalog-option", "name=prod"];
    for (rounds, point) in Failpoint::ALL.iter().enumerate() {
        if point.phase() != Phase::Commit {
            continue;
        }
        let table = format!("demo.killed_{rounds}");
        let checkpoint = format!("data/checkpoint/{rounds}");
        let place = ["--table", &table, "--checkpoint", &checkpoint];
        let more = [EPOCHS, &place, &catalog].concat();
        let at = format!("{}:2", point.name());
        assert!(ledger.run_killed(FROM, &more, &at), "{at} was not reached");
        let again = ledger.run(FROM, &more);
        assert_eq!(again.code, Some(0), "{at}: {again:?}");
        let database = ledger.path("data/catalog.db");
        let reading = format!("SqlCatalog('prod', uri='sqlite:///{}')", database.display());
        assert!(again.err.contains(&reading), "{}", again.err);
        let verify = ["verify", "--table", &table, "--against", FROM];
        let verified = ledger.call(&[&verify, &catalog[..]].concat());
        assert_eq!(verified.code, Some(0), "{at}: {verified:?}");
        let report: Value = serde_json::from_str(&verified.out).unwrap();
        assert_eq!((&report["repeatedOffsets"], &report["lastEpoch"]), (&0.into(), &2.into()));
    }
}

#[test]
fn a_lost_checkpoint_is_made_good_by_the_table() {
    let ledger = Ledger::new();
    assert!(ledger.run_killed(FROM, EPOCHS, "commit.sink:3"));
    std::fs::remove_dir_all(ledger.path("data/checkpoint")).unwrap();
    let again = ledger.run(FROM, EPOCHS);
    assert_eq!(again.code, Some(0), "{again:?}");
    assert!(again.err.contains("known from the marker in the table"), "{}", again.err);
    assert_eq!(ledger.verified(FROM)["repeatedOffsets"], 0);
}

#[test]
fn sigterm_and_ctrl_c_end_a_run_cleanly_and_it_goes_on_later() {
    const ENDLESS: &str = "generator:rows=100000000,seed=3,rate=2000";
    let ledger = Ledger::new();
    for signal in [Signal::TERM, Signal::INT] {
        let mut running = ledger
            .command(&["--from", ENDLESS, "--trigger", "50ms", "--progress", "json"])
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(running.stdout.take().unwrap()).lines();
        for _ in 0..3 {
            let progress: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
            assert_eq!(progress["accounting"]["records"], progress["numInputRows"]);
        }
        let asked = Instant::now();
        kill_process(Pid::from_child(&running), signal).unwrap();
        let left = lines.count();
        let status = running.wait().unwrap();
        assert_eq!(status.code(), Some(0), "{signal:?}");
        assert!(left < 20 && asked.elapsed() < Duration::from_secs(10), "{left} more epochs");
    }
    assert!(ledger.verified(ENDLESS)["lastEpoch"].as_u64() >= Some(5));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_ctrl_c_leaves_at_once() {
    const FETCH: i16 = 1;
    let ledger = Ledger::new();
    // A broker that tells what there is and never hands it over: the epoch begins and does not end.
    let cluster = Cluster::start(1).await.unwrap();
    cluster.create_topic("t", 1);
    cluster.append("t", 0, Batch::of([Record::value("{}")]));
    cluster.leave_unanswered(FETCH);
    let from = format!("kafka://{}/t", cluster.bootstrap());
    let mut waiting = ledger.command(&["--from", &from]).spawn().unwrap();
    let mut lines = BufReader::new(waiting.stderr.take().unwrap()).lines();
    let mut wait_for = |words: &str| {
        let found = lines.find(|line| line.as_ref().unwrap().contains(words));
        assert!(found.is_some(), "never said: {words}");
    };
    while cluster.requests(FETCH) == 0 {
        assert_eq!(waiting.try_wait().unwrap(), None);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    kill_process(Pid::from_child(&waiting), Signal::INT).unwrap();
    wait_for("Ctrl-C again leaves at once");
    kill_process(Pid::from_child(&waiting), Signal::INT).unwrap();
    wait_for("left at once");
    assert_eq!(waiting.wait().unwrap().code(), Some(130));
}

#[test]
fn a_reader_of_progress_that_leaves_ends_the_run() {
    let ledger = Ledger::new();
    let endless = "generator:rows=100000000,seed=3,rate=2000";
    let mut running = ledger
        .command(&["--from", endless, "--trigger", "50ms", "--progress", "json"])
        .spawn()
        .unwrap();
    drop(running.stdout.take());
    let ended = Ended::from(running.wait_with_output().unwrap());
    assert_eq!(ended.code, Some(0), "{ended:?}");
}

#[test]
fn progress_has_an_object_for_each_epoch() {
    let ledger = Ledger::new();
    let ended = ledger.run(FROM, &[EPOCHS, &["--progress", "json"]].concat());
    let epochs: Vec<Value> =
        ended.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let numbers: Vec<_> = epochs.iter().map(|epoch| epoch["batchId"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [0, 1, 2]);
    assert_eq!(epochs[2]["sources"][0]["endOffset"]["generator/0"]["next"], 600);
}

#[test]
fn nothing_is_said_when_nothing_is_to_be_shown() {
    let ledger = Ledger::new();
    let ended = ledger.run(FROM, &["--progress", "off"]);
    assert_eq!((ended.code, ended.out.as_str(), ended.err.as_str()), (Some(0), "", ""));
}

#[test]
fn the_environment_gives_defaults_that_flags_beat() {
    let ledger = Ledger::new();
    let mut command = ledger.command(&["--from", FROM]);
    command.env("HIGHWATER_FROM", "generator:rows=1").env("HIGHWATER_TRIGGER", "available-now");
    let ended = Ended::from(command.output().unwrap());
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(ledger.verified(FROM)["against"]["records"], 600);
}

#[test]
fn properties_are_set_when_the_table_is_made() {
    let ledger = Ledger::new();
    let property = "write.metadata.previous-versions-max=3";
    let ended = ledger.run("generator:rows=10", &["--create", property]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let metadata = ledger.path("data/warehouse/demo/transactions_ledger/metadata/v2.metadata.json");
    let metadata: Value = serde_json::from_slice(&std::fs::read(metadata).unwrap()).unwrap();
    assert_eq!(metadata["properties"]["write.metadata.previous-versions-max"], "3");
}
