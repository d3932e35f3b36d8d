//! Any log, read in any cuts, gives the same committed sequence.

use std::collections::BTreeMap;

use highwater_core::{Limits, Positions};
use highwater_kafka::Start;
use highwater_testkit::broker::{Batch, Cluster, Record};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::codecs::PACKINGS;
use crate::reading::{read_all, source, value};

#[derive(Clone, Debug)]
enum Step {
    Plain { records: usize, packing: usize },
    Transactional { producer: i64, records: usize, packing: usize },
    End { producer: i64, commit: bool },
}

#[derive(Clone, Debug)]
struct Case {
    steps: Vec<Step>,
    /// Which offsets the cleaner removes, by their remainder; none for no cleaning.
    cleaned: Option<Vec<bool>>,
    keep_empty: bool,
    partition_bytes: usize,
    records: u64,
    start: i64,
}

fn step() -> impl Strategy<Value = Step> {
    let packing = 0..PACKINGS.len() + 2;
    prop_oneof![
        (1..40usize, packing.clone())
            .prop_map(|(records, packing)| Step::Plain { records, packing }),
        (0..3i64, 1..20usize, packing).prop_map(|(producer, records, packing)| {
            Step::Transactional { producer, records, packing }
        }),
        (0..3i64, any::<bool>()).prop_map(|(producer, commit)| Step::End { producer, commit }),
    ]
}

fn case() -> impl Strategy<Value = Case> {
    let cleaned = proptest::option::of(vec(any::<bool>(), 1..24));
    (vec(step(), 0..40), cleaned, any::<bool>(), 1..3000usize, 1..200u64, 0..300i64).prop_map(
        |(steps, cleaned, keep_empty, partition_bytes, records, start)| Case {
            steps,
            cleaned,
            keep_empty,
            partition_bytes,
            records,
            start,
        },
    )
}

/// Writes the log of a case, and gives the committed records that readers are to see.
fn write(cluster: &Cluster, topic: &str, case: &Case) -> BTreeMap<i64, String> {
    let mut committed = BTreeMap::new();
    let mut open: BTreeMap<i64, BTreeMap<i64, String>> = BTreeMap::new();
    for step in &case.steps {
        match *step {
            Step::Plain { records, packing } => {
                committed.extend(append(cluster, topic, None, records, packing));
            }
            Step::Transactional { producer, records, packing } => {
                let written = append(cluster, topic, Some(producer), records, packing);
                open.entry(producer).or_default().extend(written);
            }
            Step::End { producer, commit } => {
                cluster.end_transaction(topic, 0, producer, commit);
                let ended = open.remove(&producer).unwrap_or_default();
                committed.extend(ended.into_iter().filter(|_| commit));
            }
        }
    }
    let first_open = open.values().filter_map(|open| open.keys().next().copied()).min();
    let stable = first_open.unwrap_or(i64::MAX);
    if let Some(cleaned) = &case.cleaned {
        let keep = |offset: i64| !cleaned[usize::try_from(offset).unwrap() % cleaned.len()];
        cluster.compact(topic, 0, case.keep_empty, keep);
        committed.retain(|offset, _| keep(*offset) || *offset >= stable);
    }
    committed.retain(|offset, _| (case.start..stable).contains(offset));
    committed
}

fn append(
    cluster: &Cluster,
    topic: &str,
    producer: Option<i64>,
    records: usize,
    packing: usize,
) -> BTreeMap<i64, String> {
    let base = cluster.end(topic, 0);
    let written: BTreeMap<i64, String> =
        (base..).take(records).map(|offset| (offset, format!("text-{offset}"))).collect();
    let mut batch = Batch::of(written.values().map(|text| Record::value(value(text))));
    batch.producer = producer;
    batch.packing = PACKINGS.get(packing).copied();
    assert_eq!(cluster.append(topic, 0, batch), base);
    written
}

async fn check(cluster: &Cluster, topic: &str, case: Case) {
    cluster.create_topic(topic, 1);
    let expected: Vec<(i64, String)> = write(cluster, topic, &case).into_iter().collect();
    let mut limits = Limits::default();
    limits.records = case.records;
    let start = case.start.min(cluster.end(topic, 0));
    let source = source(&cluster.bootstrap(), topic)
        .property("max.partition.fetch.bytes", &case.partition_bytes.to_string())
        .unwrap()
        .property("fetch.max.wait.ms", "2")
        .unwrap()
        .start(Start::Offsets(BTreeMap::from([(0, start)])));
    let read = read_all(&source, Positions::default(), &limits).await;
    // A start behind an open transaction is refused, for nobody may read there yet.
    let Ok((read, _)) = read else {
        assert!(expected.is_empty());
        return;
    };
    let rows: Vec<(i64, String)> =
        read.rows.into_iter().map(|row| (row.offset, row.text)).collect();
    assert_eq!(rows, expected);
    assert!(read.rejected.is_empty());
}

#[test]
fn any_log_in_any_cuts_gives_the_committed_records() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let cluster = runtime.block_on(Cluster::start(1)).unwrap();
    let mut topics = 0;
    let mut topic = || {
        topics += 1;
        format!("t{topics}")
    };
    let mut runner =
        TestRunner::new(Config { cases: 60, failure_persistence: None, ..Config::default() });
    let topic = std::cell::RefCell::new(&mut topic);
    runner
        .run(&case(), |case| {
            let topic = (topic.borrow_mut())();
            runtime.block_on(check(&cluster, &topic, case));
            Ok(())
        })
        .unwrap();
}
