//! What is gone is said, or skipped and recorded; never passed over in silence.

use futures::StreamExt;
use highwater_core::{ErrorKind, Limits, Partition, Positions, Source};
use highwater_kafka::OnDataLoss;
use highwater_testkit::broker::{Batch, Cluster, Record};

use crate::reading::{read, read_all, source, value};

fn append(cluster: &Cluster, partition: usize, records: usize) {
    for n in 0..records {
        cluster.append("t", partition, Batch::of([Record::value(value(&format!("text-{n}")))]));
    }
}

async fn half_read() -> (Cluster, Positions) {
    let cluster = Cluster::start(1).await.unwrap();
    cluster.create_topic("t", 2);
    append(&cluster, 0, 50);
    append(&cluster, 1, 50);
    let source = source(&cluster.bootstrap(), "t");
    let (_, end) = read_all(&source, Positions::default(), &Limits::default()).await.unwrap();
    append(&cluster, 0, 50);
    append(&cluster, 1, 50);
    (cluster, end)
}

#[tokio::test]
async fn retention_that_ran_ahead_is_refused() {
    let (cluster, end) = half_read().await;
    cluster.remove_before("t", 1, 70);
    let source = source(&cluster.bootstrap(), "t");
    let error = source.plan(&end, None, &Limits::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert_eq!(
        error.to_string(),
        "kafka: topic t partition 1: 20 offsets from 50 up to 70 are gone before they were read"
    );
    assert!(error.next_step().contains("--on-data-loss skip"));
}

#[tokio::test]
async fn a_gap_that_may_be_skipped_is_recorded_with_the_records_behind_it() {
    let (cluster, end) = half_read().await;
    cluster.remove_before("t", 1, 100);
    let source = source(&cluster.bootstrap(), "t").on_data_loss(OnDataLoss::Skip);
    let planned = source.plan(&end, None, &Limits::default()).await.unwrap();
    assert_eq!(planned.ranges.len(), 1);
    assert!(planned.gaps.is_empty(), "nothing is read of the partition yet");

    append(&cluster, 1, 5);
    let planned = source.plan(&end, None, &Limits::default()).await.unwrap();
    let gap = &planned.gaps[0];
    assert_eq!((gap.partition.index, gap.from, gap.to), (1, 50, Some(100)));
    assert_eq!(planned.gaps.len(), 1);
    assert_eq!(read(&source, &planned).await.unwrap().rows.len(), 55);
}

#[tokio::test]
async fn records_that_go_between_plan_and_read_are_noticed() {
    let (cluster, end) = half_read().await;
    let source = source(&cluster.bootstrap(), "t");
    let planned = source.plan(&end, None, &Limits::default()).await.unwrap();
    cluster.remove_before("t", 0, 60);
    let error = read(&source, &planned).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(error.to_string().contains("10 offsets from 50 up to 60 are gone"), "{error}");
}

#[tokio::test]
async fn a_truncated_partition_is_refused() {
    let (cluster, end) = half_read().await;
    cluster.truncate("t", 0, 30);
    let source = source(&cluster.bootstrap(), "t").on_data_loss(OnDataLoss::Skip);
    let error = source.plan(&end, None, &Limits::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(error.to_string().contains("ends at offset 30, but was read up to 50"), "{error}");
}

const ENDS: i16 = 23;

/// An unclean election leaves the first 30 records of partition 0, and it grows beyond where it was.
fn diverge(cluster: &Cluster) {
    cluster.truncate("t", 0, 30);
    append(cluster, 0, 200);
}

#[tokio::test]
async fn a_truncated_partition_that_has_grown_again_is_refused() {
    for version in [3, 4] {
        let (cluster, end) = half_read().await;
        cluster.limit_version(ENDS, version);
        diverge(&cluster);
        // It stays so under later leaders.
        for _ in 0..2 {
            let source = source(&cluster.bootstrap(), "t").on_data_loss(OnDataLoss::Skip);
            let error = source.plan(&end, None, &Limits::default()).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
            let words = "topic t partition 0 was read up to offset 50 in leader epoch 0, of which only \
                         what lies before offset 30 is left";
            assert!(error.to_string().contains(words), "{error}");
            cluster.move_leader("t", 0, 0);
            append(&cluster, 0, 5);
        }
    }
}

#[tokio::test]
async fn a_truncation_between_plan_and_read_is_refused() {
    let (cluster, end) = half_read().await;
    let planning = source(&cluster.bootstrap(), "t");
    let planned = planning.plan(&end, None, &Limits::default()).await.unwrap();
    diverge(&cluster);
    // Whether the same run reads the plan, or another one does after a crash.
    for source in [planning, source(&cluster.bootstrap(), "t")] {
        let error = read(&source, &planned).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
        assert!(error.to_string().contains("was read up to offset 100"), "{error}");
        assert!(error.to_string().contains("before offset 30 is left"), "{error}");
    }
}

#[tokio::test]
async fn leaders_that_change_without_loss_are_asked_once() {
    let (cluster, end) = half_read().await;
    let source = source(&cluster.bootstrap(), "t");
    for changes in 1..4 {
        cluster.move_leader("t", 0, 0);
        for _ in 0..3 {
            let planned = source.plan(&end, None, &Limits::default()).await.unwrap();
            assert_eq!(planned.ranges.len(), 2);
            assert_eq!(cluster.requests(ENDS), changes);
        }
    }
    let (read, end) = read_all(&source, end, &Limits::default()).await.unwrap();
    assert_eq!(read.rows.len(), 100);
    // What was written since was planned in the epoch of its leader.
    append(&cluster, 0, 5);
    let (read, _) = read_all(&source, end, &Limits::default()).await.unwrap();
    assert_eq!((read.rows.len(), cluster.requests(ENDS)), (5, 3));
}

#[tokio::test]
async fn brokers_without_epochs_are_read_without_them() {
    for (api, version) in [(ENDS, 2), (2, 3), (3, 6)] {
        let (cluster, _) = half_read().await;
        cluster.limit_version(api, version);
        let source = source(&cluster.bootstrap(), "t");
        let planned = source.plan(&Positions::default(), None, &Limits::default()).await.unwrap();
        cluster.move_leader("t", 0, 0);
        assert_eq!(read(&source, &planned).await.unwrap().rows.len(), 200, "API {api}");
        let end = Positions::default().after(&planned.ranges);
        append(&cluster, 0, 5);
        let planned = source.plan(&end, None, &Limits::default()).await.unwrap();
        assert_eq!(read(&source, &planned).await.unwrap().rows.len(), 5, "API {api}");
    }
}

#[tokio::test]
async fn a_topic_made_anew_is_refused_by_its_id() {
    let (cluster, end) = half_read().await;
    let first = source(&cluster.bootstrap(), "t");
    let planned = first.plan(&end, None, &Limits::default()).await.unwrap();
    cluster.delete_topic("t");
    cluster.create_topic("t", 2);
    append(&cluster, 0, 200);
    append(&cluster, 1, 200);
    let error = read(&first, &planned).await.unwrap_err();
    assert!(error.to_string().contains("deleted and made anew"), "{error}");
    let error = first.plan(&end, None, &Limits::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(error.to_string().contains("deleted and made anew"), "{error}");
}

#[tokio::test]
async fn a_topic_made_anew_while_it_is_read_does_not_answer_for_its_predecessor() {
    let (cluster, end) = half_read().await;
    let source = source(&cluster.bootstrap(), "t").property("fetch.max.bytes", "100").unwrap();
    let planned = source.plan(&end, None, &Limits::default()).await.unwrap();
    let mut payloads = source.read(planned.ranges);
    payloads.next().await.unwrap().unwrap();
    cluster.delete_topic("t");
    cluster.create_topic("t", 2);
    append(&cluster, 0, 200);
    append(&cluster, 1, 200);
    let error = loop {
        if let Err(error) = payloads.next().await.unwrap() {
            break error;
        }
    };
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(error.to_string().contains("deleted and made anew"), "{error}");
}

#[tokio::test]
async fn a_partition_that_is_gone_is_refused() {
    let (cluster, mut end) = half_read().await;
    let position = end.get(&Partition::new("t", 0)).unwrap().clone();
    end.set(Partition::new("t", 2), position);
    let source = source(&cluster.bootstrap(), "t");
    let error = source.plan(&end, None, &Limits::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(error.to_string().contains("has no partition 2 any more"), "{error}");
}

#[tokio::test]
async fn a_transaction_that_hangs_is_no_loss() {
    let (cluster, end) = half_read().await;
    let uncommitted =
        source(&cluster.bootstrap(), "t").property("isolation.level", "read_uncommitted").unwrap();
    let open = Batch::of([Record::value(value("open"))]).in_transaction(9);
    cluster.append("t", 0, open);
    append(&cluster, 0, 5);
    let (read, end) = read_all(&uncommitted, end, &Limits::default()).await.unwrap();
    assert_eq!(read.rows.len(), 106);
    // A reader of committed records sees an end that lies before the position now.
    let committed = source(&cluster.bootstrap(), "t");
    let planned = committed.plan(&end, None, &Limits::default()).await.unwrap();
    assert!(planned.ranges.is_empty());
    let withheld = planned.backlog[0].withheld.unwrap();
    assert_eq!(withheld.offsets, 6);
    assert_eq!(planned.backlog[1].withheld, None);
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    let later = committed.plan(&end, None, &Limits::default()).await.unwrap().backlog[0].withheld;
    assert!(later.unwrap().millis >= withheld.millis + 20);
    cluster.end_transaction("t", 0, 9, true);
    append(&cluster, 0, 5);
    let planned = committed.plan(&end, None, &Limits::default()).await.unwrap();
    assert_eq!(planned.backlog[0].withheld, None);
    let (read, _) = read_all(&committed, end, &Limits::default()).await.unwrap();
    assert_eq!(read.rows.len(), 5);
}

#[tokio::test]
async fn an_unknown_topic_is_said_to_be_unknown() {
    let cluster = Cluster::start(1).await.unwrap();
    let unknown = source(&cluster.bootstrap(), "transactoins");
    let error = unknown.plan(&Positions::default(), None, &Limits::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.to_string().contains("topic transactoins does not exist"), "{error}");
    for (bootstrap, topic) in
        [("localhost", "t"), ("localhost:9092,", "t"), (":9092", "t"), ("a:1", "../t"), ("a:1", "")]
    {
        let source = source(bootstrap, topic);
        let planned = source.plan(&Positions::default(), None, &Limits::default()).await;
        assert_eq!(planned.unwrap_err().kind(), ErrorKind::Invalid, "{bootstrap} {topic}");
    }
}
