//! `--dedupe`: what is in the tables, beside a loop over the lines that `generate` writes or over what was
//! appended to a topic.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use futures::TryStreamExt as _;
use highwater_core::{Failpoint, Phase};
use highwater_iceberg::FileCatalog;
use highwater_testkit::broker::{Batch, Cluster, Record};
use serde_json::Value;

use crate::binary::{Ended, Ledger};

const FROM: &str = "generator:rows=2000,seed=5,duplicates=0.3";
const HOUR: [&str; 2] = ["--dedupe", "1h"];
const LEDGER: &str = "demo.transactions_ledger";
const LATE: &str = "demo.transactions_ledger_late";

/// The offsets from which the rows of a table came.
async fn offsets(ledger: &Ledger, table: &str) -> BTreeSet<i64> {
    let warehouse = ledger.path("data/warehouse");
    let catalog = FileCatalog::open(warehouse.to_str().unwrap()).unwrap();
    let table = catalog.table(table).read().await.unwrap();
    let batches: Vec<RecordBatch> = table.rows().await.unwrap().try_collect().await.unwrap();
    let column = |rows: &RecordBatch| rows["_offset"].as_primitive::<Int64Type>().values().to_vec();
    let offsets: Vec<i64> = batches.iter().flat_map(column).collect();
    let distinct: BTreeSet<_> = offsets.iter().copied().collect();
    assert_eq!(distinct.len(), offsets.len());
    distinct
}

fn verify(ledger: &Ledger, more: &[&str], code: i32) -> Value {
    let ended = ledger.call(&[&["verify"], more].concat());
    assert_eq!(ended.code, Some(code), "{ended:?}");
    serde_json::from_str(&ended.out).unwrap()
}

/// The time of an hour and some minutes, on one day or the next.
fn time(minute: i64) -> String {
    let (day, minute) = (16 + minute / 1_440, minute % 1_440);
    format!("2025-01-{day:02}T{:02}:{:02}:00", minute / 60, minute % 60)
}

fn transaction(id: i64, minute: i64) -> Batch {
    let time = time(minute);
    Batch::of([Record::value(format!(
        r#"{{"transaction_id":"T{id}","amount":"{id}.50","timestamp":"{time}"}}"#
    ))])
}

/// The offsets at which a generator has an id for the first time.
fn first(ledger: &Ledger, from: &str) -> BTreeSet<i64> {
    let lines = ledger.call(&["generate", "--from", from]).out;
    let mut ids = HashSet::new();
    let first = (0..).zip(lines.lines()).filter(|(_, line)| {
        let record: Value = serde_json::from_str(line).unwrap();
        ids.insert(record["transaction_id"].as_str().unwrap().to_owned())
    });
    first.map(|(offset, _)| offset).collect()
}

#[tokio::test]
async fn the_first_of_each_id_is_kept_from_a_generator() {
    let ledger = Ledger::new();
    let first = first(&ledger, FROM);
    assert!((1_200..1_600).contains(&first.len()), "{}", first.len());

    let more = ["--threads", "3", "--max-records-per-epoch", "170", "--source-columns"];
    let ended = ledger.run(FROM, &[&HOUR[..], &more].concat());
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.err.contains("what comes too late to demo.transactions_ledger_late"));
    assert_eq!(offsets(&ledger, LEDGER).await, first);
    let report = verify(&ledger, &[&HOUR[..], &["--against", FROM]].concat(), 0);
    assert_eq!((&report["rows"], &report["late"]), (&first.len().into(), &0.into()));
    assert_eq!(report["against"]["duplicates"], 2_000 - first.len());
}

/// At every failpoint, on other workers before it than after it. Of ten rows nine come again, so equal ones
/// stand on both sides of nearly every end of an epoch.
#[tokio::test]
async fn a_kill_anywhere_loses_no_state() {
    let ledger = Ledger::new();
    for (round, point) in Failpoint::ALL.iter().enumerate() {
        let (rows, at) = match point {
            // Objects of state are removed when those of sixteen epochs have become one.
            Failpoint::StateTrimmed => (200, 1),
            Failpoint::StateRestored => (60, 1),
            point if point.phase() == Phase::Recover => continue,
            _ => (60, 4),
        };
        let from = format!("generator:rows={rows},seed=7,duplicates=0.9");
        let table = format!("demo.killed_{round}");
        let checkpoint = format!("data/checkpoint/{round}");
        let place = ["--table", &table, "--checkpoint", &checkpoint];
        let more = ["--max-records-per-epoch", "10", "--source-columns"];
        let on = |threads: usize| (threads % 3 + 1).to_string();
        let (before, after) = (on(round), on(round + 1));
        let with = |threads| [&HOUR[..], &place, &more, &["--threads", threads]].concat();
        let at = format!("{}:{at}", point.name());
        assert!(ledger.run_killed(&from, &with(&before), &at), "{at} was not reached");
        let again = ledger.run(&from, &with(&after));
        assert_eq!(again.code, Some(0), "{at}: {again:?}");
        assert_eq!(offsets(&ledger, &table).await, first(&ledger, &from), "{at}");
        let against = ["--table", &table, "--against", &from];
        verify(&ledger, &[&HOUR[..], &against].concat(), 0);
    }
}

/// Records as `(id, minute)`, whose times go forth and back, and some of which come again.
fn records() -> Vec<(i64, i64)> {
    // Numerical Recipes' generator: any will do, as long as it stays the same.
    let mut state = 7_u32;
    let mut below = |limit: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        i64::from((state >> 16) % limit)
    };
    (0..300).map(|n| (below(40), 300 + n * 3 + below(20) - below(5) / 4 * below(300))).collect()
}

/// What a loop does that remembers everything: the offsets that are kept, and those that are late.
/// Epochs end behind the offsets `ends`.
fn expected(records: &[(i64, i64)], ends: &[usize], hour: i64) -> [BTreeSet<i64>; 2] {
    let (mut kept, mut late) = (BTreeSet::new(), BTreeSet::new());
    let mut of_id: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
    // The latest times before an epoch, and before the one before it.
    let (mut latest, mut before) = (i64::MIN, i64::MIN);
    let mut from = 0;
    for &to in ends {
        let rows = (0_i64..).zip(records).skip(from).take(to - from);
        let late_before = before.saturating_sub(hour);
        before = latest;
        for (offset, (id, minute)) in rows {
            let times = of_id.entry(*id).or_default();
            if *minute <= late_before {
                late.insert(offset);
            } else if times.iter().all(|time| (time - minute).abs() >= hour) {
                times.push(*minute);
                kept.insert(offset);
            }
            latest = latest.max(*minute);
        }
        from = to;
    }
    [kept, late]
}

/// Where the epochs of a run ended, as its progress tells.
fn ends(ended: &Ended) -> Vec<usize> {
    let epochs = ended.out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let end = |epoch: Value| epoch["sources"][0]["endOffset"]["t/0"]["next"].as_u64().unwrap();
    epochs.map(|epoch| usize::try_from(end(epoch)).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn late_rows_of_a_topic_go_to_a_table_of_their_own() {
    let (ledger, records) = (Ledger::new(), records());
    let cluster = Cluster::start(1).await.unwrap();
    cluster.create_topic("t", 1);
    for (id, minute) in &records {
        cluster.append("t", 0, transaction(*id, *minute));
    }
    let from = format!("kafka://{}/t", cluster.bootstrap());
    let more = ["--max-records-per-epoch", "23", "--source-columns", "--progress", "json"];
    let ended = ledger.run(&from, &[&HOUR[..], &more].concat());
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let ends = ends(&ended);
    assert!(ends.len() > 10 && ends.last() == Some(&300), "{ends:?}");

    let [kept, late] = expected(&records, &ends, 60);
    assert!(late.len() > 10 && kept.len() + late.len() < 280, "{} {}", kept.len(), late.len());
    assert_eq!(offsets(&ledger, LEDGER).await, kept);
    assert_eq!(offsets(&ledger, LATE).await, late);
    let report = verify(&ledger, &[&HOUR[..], &["--against", &from]].concat(), 0);
    assert_eq!(report["late"], late.len());
    assert_eq!(report["against"]["rows"], kept.len() + late.len());
}

/// Without the table of late rows they would be missing.
#[tokio::test(flavor = "multi_thread")]
async fn verify_finds_what_is_there_twice_and_what_is_missing() {
    let ledger = Ledger::new();
    let cluster = Cluster::start(1).await.unwrap();
    cluster.create_topic("t", 1);
    for (id, minute) in [(1, 60), (1, 89), (2, 60), (2, 61)] {
        cluster.append("t", 0, transaction(id, minute));
    }
    let from = format!("kafka://{}/t", cluster.bootstrap());
    assert_eq!(ledger.run(&from, &["--dedupe", "20m"]).code, Some(0));
    let against = ["--against", &from];
    let of = |bound, code| verify(&ledger, &[&["--dedupe", bound][..], &against].concat(), code);
    assert_eq!(of("20m", 0)["against"]["duplicates"], 1);
    assert_eq!(of("29m", 0)["violations"].as_array().unwrap().len(), 0);

    let found = of("30m", 5)["violations"].clone();
    assert_eq!(found, serde_json::json!(["1 rows have the id of another within the bound"]));
    let found = of("1m", 5)["violations"].clone();
    assert_eq!(found, serde_json::json!(["t/0 offset 3: T2 is not in the ledger"]));
    let found = verify(&ledger, &against, 5)["violations"].clone();
    assert_eq!(found, serde_json::json!(["t/0 offset 3: T2 is not in the ledger"]));
}

#[test]
fn what_dedupe_cannot_do_is_said() {
    let ledger = Ledger::new();
    let ended = ledger.run(FROM, &["--dedupe", "5"]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.err.contains("write a duration such as 10s"), "{}", ended.err);
    assert_eq!(ledger.run("generator:rows=50", &[]).code, Some(0));
    let ended = ledger.call(&[&["verify"], &HOUR[..]].concat());
    ended.assert_failed(2, &["table demo.transactions_ledger_late is not there"]);
    let spark = ["--semantics", "spark", "--source-columns", "--checkpoint", "data/checkpoint/s"];
    let table = ["--table", "demo.spark"];
    assert_eq!(ledger.run(FROM, &[&HOUR[..], &spark, &table].concat()).code, Some(0));
    let verify = ["verify", "--semantics", "spark", "--against", FROM];
    let ended = ledger.call(&[&verify[..], &HOUR, &table].concat());
    ended.assert_failed(4, &["duplicates have none", "leave --against out"]);
}
