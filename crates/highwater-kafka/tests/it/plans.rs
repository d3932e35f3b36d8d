//! Where plans begin and end.

use std::collections::BTreeMap;

use highwater_core::{ErrorKind, Limits, Partition, Position, Positions, Range, Source};
use highwater_kafka::Start;
use highwater_testkit::broker::{Batch, Cluster, Record};
use highwater_testkit::conformance;

use crate::reading::{read_all, source, value};

/// `records` batches of one record each, a second apart from the epoch on.
fn append(cluster: &Cluster, partition: usize, records: usize) {
    for _ in 0..records {
        let timestamp = cluster.end("t", partition) * 1000;
        let text = value(&format!("text-{partition}-{timestamp}"));
        cluster.append("t", partition, Batch::of([Record { timestamp, ..Record::value(text) }]));
    }
}

async fn three_partitions() -> Cluster {
    let cluster = Cluster::start(2).await.unwrap();
    cluster.create_topic("t", 3);
    append(&cluster, 0, 100);
    append(&cluster, 1, 900);
    cluster
}

fn limits(records: u64) -> Limits {
    let mut limits = Limits::default();
    limits.records = records;
    limits
}

#[tokio::test]
async fn a_topic_is_a_source() {
    let cluster = three_partitions().await;
    cluster.append("t", 2, Batch::of([Record::value("not JSON".to_owned())]));
    let read = conformance::source(&source(&cluster.bootstrap(), "t"), &limits(64)).await;
    assert_eq!(read.records, 1_001);
    assert_eq!(read.rejected.values().flatten().map(|rows| rows.num_rows()).sum::<usize>(), 1);
}

#[tokio::test]
async fn the_quota_is_split_in_proportion_to_the_backlog() {
    let cluster = three_partitions().await;
    append(&cluster, 2, 1);
    let source = source(&cluster.bootstrap(), "t");
    let planned = source.plan(&Positions::default(), None, &limits(100)).await.unwrap();
    let taken: Vec<_> = planned
        .ranges
        .iter()
        .map(|range| (range.id.0, range.partition.index, range.from.next, range.to.next))
        .collect();
    assert_eq!(taken, [(0, 0, 0, 9), (1, 1, 0, 89), (2, 2, 0, 1)]);
    let behind: Vec<_> = planned.backlog.iter().map(|left| (left.end, left.behind)).collect();
    assert_eq!(behind, [(100, 91), (900, 811), (1, 0)]);
    assert!(!planned.ended);
}

#[tokio::test]
async fn bytes_limit_a_plan_too() {
    let cluster = three_partitions().await;
    let source = source(&cluster.bootstrap(), "t");
    let mut few = Limits::default();
    few.bytes = 25_600;
    let planned = source.plan(&Positions::default(), None, &few).await.unwrap();
    let taken: i64 = planned.ranges.iter().map(|range| range.to.next - range.from.next).sum();
    assert_eq!(taken, 100, "before anything is read, 256 bytes a record are assumed");
}

#[tokio::test]
async fn a_plan_stops_at_the_ends_of_the_start() {
    let cluster = three_partitions().await;
    let source = source(&cluster.bootstrap(), "t");
    let until = source.ends(&Positions::default()).await.unwrap();
    append(&cluster, 0, 50);
    append(&cluster, 2, 50);
    let planned =
        source.plan(&Positions::default(), Some(&until), &Limits::default()).await.unwrap();
    let ends: Vec<_> = planned.ranges.iter().map(|range| range.to.next).collect();
    assert_eq!(ends, [100, 900]);
    assert!(planned.backlog.iter().all(|left| left.behind == 0));
    let from = Positions::default().after(&planned.ranges);
    let planned = source.plan(&from, Some(&until), &Limits::default()).await.unwrap();
    assert!(planned.ranges.is_empty());
}

#[tokio::test]
async fn latest_is_the_end_at_the_first_plan_for_every_partition() {
    let cluster = three_partitions().await;
    let first = source(&cluster.bootstrap(), "t").start(Start::Latest);
    assert!(first.plan(&Positions::default(), None, &limits(10)).await.unwrap().ranges.is_empty());
    append(&cluster, 0, 3);
    let planned = first.plan(&Positions::default(), None, &limits(10)).await.unwrap();
    assert_eq!((planned.ranges[0].from.next, planned.ranges[0].to.next), (100, 103));

    // Another run knows from the position of partition 0 where partition 1 begins; a partition
    // that was added begins at its first record.
    let from = Positions::default().after(&planned.ranges);
    append(&cluster, 1, 2);
    cluster.add_partition("t");
    append(&cluster, 3, 4);
    let second = source(&cluster.bootstrap(), "t").start(Start::Latest);
    let (read, end) = read_all(&second, from, &limits(3)).await.unwrap();
    let mut rows: Vec<_> = read.rows.iter().map(|row| (row.partition, row.offset)).collect();
    rows.sort_unstable();
    assert_eq!(rows, [(1, 900), (1, 901), (3, 0), (3, 1), (3, 2), (3, 3)]);
    assert!(end.get(&Partition::new("t", 2)).is_none());
    append(&cluster, 2, 1);
    let third = source(&cluster.bootstrap(), "t").start(Start::Earliest);
    let (read, _) = read_all(&third, end, &Limits::default()).await.unwrap();
    assert_eq!(read.rows.len(), 1);
}

#[tokio::test]
async fn a_start_may_be_a_time_or_offsets() {
    let cluster = three_partitions().await;
    let timed = source(&cluster.bootstrap(), "t").start(Start::Timestamp(899_500));
    append(&cluster, 1, 1);
    let planned = timed.plan(&Positions::default(), None, &Limits::default()).await.unwrap();
    let range = &planned.ranges[0];
    assert_eq!((planned.ranges.len(), range.partition.index, range.from.next), (1, 1, 900));

    let named = |offset| {
        source(&cluster.bootstrap(), "t").start(Start::Offsets(BTreeMap::from([(1, offset)])))
    };
    let (read, _) = read_all(&named(890), Positions::default(), &Limits::default()).await.unwrap();
    assert_eq!(read.rows.len(), 100 + 11);
    let error = named(902).plan(&Positions::default(), None, &Limits::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.to_string().contains("holds offsets 0 up to 901, not the start offset 902"));
}

#[tokio::test]
async fn start_offsets_may_stand_for_an_end_and_be_those_of_a_topic() {
    let cluster = three_partitions().await;
    append(&cluster, 2, 5);
    cluster.remove_before("t", 0, 40);
    let offsets = || BTreeMap::from([(0, -2), (1, -1), (2, 3)]);
    let topics = |name: &str| Start::TopicOffsets(BTreeMap::from([(name.to_owned(), offsets())]));
    for start in [Start::Offsets(offsets()), topics("t")] {
        let source = source(&cluster.bootstrap(), "t").start(start);
        let planned = source.plan(&Positions::default(), None, &Limits::default()).await.unwrap();
        let range = |range: &Range| (range.partition.index, range.from.next, range.to.next);
        let ranges: Vec<_> = planned.ranges.iter().map(range).collect();
        assert_eq!(ranges, [(0, 40, 100), (2, 3, 5)]);
    }
    let other = source(&cluster.bootstrap(), "t").start(topics("other"));
    let error = other.plan(&Positions::default(), None, &Limits::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(
        error.to_string().contains("start offsets of topic other, which is not in what is read: t"),
        "{error}"
    );
    let none = source(&cluster.bootstrap(), "t").start(Start::Offsets(BTreeMap::from([(3, -1)])));
    let error = none.plan(&Positions::default(), None, &Limits::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
}

#[tokio::test]
async fn a_partition_that_is_added_begins_at_its_first_record_wherever_others_began() {
    for start in [
        Start::Earliest,
        Start::Latest,
        Start::Timestamp(95_000),
        Start::Offsets(BTreeMap::from([(0, 95)])),
        Start::TopicOffsets(BTreeMap::from([("t".to_owned(), BTreeMap::from([(0, -1)]))])),
    ] {
        let cluster = Cluster::start(1).await.unwrap();
        cluster.create_topic("t", 1);
        append(&cluster, 0, 100);
        let first = source(&cluster.bootstrap(), "t").start(start.clone());
        first.plan(&Positions::default(), None, &Limits::default()).await.unwrap();
        append(&cluster, 0, 1);
        let (_, end) = read_all(&first, Positions::default(), &Limits::default()).await.unwrap();
        cluster.add_partition("t");
        append(&cluster, 1, 7);
        // In the same process and in another.
        for source in [first, source(&cluster.bootstrap(), "t").start(start)] {
            let (read, _) = read_all(&source, end.clone(), &Limits::default()).await.unwrap();
            let rows: Vec<_> = read.rows.iter().map(|row| (row.partition, row.offset)).collect();
            assert_eq!(rows, [1; 7].into_iter().zip(0..7).collect::<Vec<_>>());
        }
    }
}

#[tokio::test]
async fn read_uncommitted_reads_what_was_aborted_and_what_is_open() {
    let cluster = Cluster::start(1).await.unwrap();
    cluster.create_topic("t", 1);
    for (producer, text) in [(1, "aborted"), (2, "committed"), (3, "open")] {
        let batch = Batch::of([Record::value(value(text))]).in_transaction(producer);
        cluster.append("t", 0, batch);
    }
    cluster.end_transaction("t", 0, 1, false);
    cluster.end_transaction("t", 0, 2, true);
    for (isolation, texts) in [
        ("read_committed", &["committed"][..]),
        ("read_uncommitted", &["aborted", "committed", "open"]),
    ] {
        let source = source(&cluster.bootstrap(), "t");
        let source = source.property("isolation.level", isolation).unwrap();
        let (read, _) = read_all(&source, Positions::default(), &Limits::default()).await.unwrap();
        assert_eq!(read.texts(), texts);
    }
}

#[tokio::test]
async fn a_range_whose_tail_was_compacted_away_ends() {
    let cluster = three_partitions().await;
    cluster.compact("t", 0, false, |offset| offset < 60);
    let source = source(&cluster.bootstrap(), "t").property("fetch.max.wait.ms", "5").unwrap();
    let (read, end) = read_all(&source, Positions::default(), &Limits::default()).await.unwrap();
    assert_eq!(read.rows.len(), 960);
    assert_eq!(end.get(&Partition::new("t", 0)).unwrap().next, 100);
}

#[tokio::test]
async fn positions_of_another_source_are_refused() {
    let cluster = three_partitions().await;
    let source = source(&cluster.bootstrap(), "t");
    let detail = Some("file.json".to_owned());
    let other_kind = Position { next: 3, detail };
    for (stream, position) in [("t", other_kind), ("other", Position::at(3))] {
        let from = Positions::from_iter([(Partition::new(stream, 0), position)]);
        let error = source.plan(&from, None, &Limits::default()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
        assert!(error.to_string().contains(stream), "{error}");
    }
}
