//! Topics by a pattern: found when they appear, missed when they go.

use std::collections::BTreeMap;
use std::sync::Arc;

use highwater_codec::{Columns, Format, Json, Type};
use highwater_core::{Error, ErrorKind, Gap, Limits, Partition, Planned, Positions, Source};
use highwater_kafka::{KafkaSource, OnDataLoss, Start};
use highwater_testkit::broker::{Batch, Cluster, Record};
use highwater_testkit::conformance;

use crate::reading::{read_all, value};

fn matching(cluster: &Cluster, pattern: &str) -> KafkaSource<Arc<dyn Format>> {
    let format = Json::try_new(Columns::new().required("v", Type::Text)).unwrap();
    let source = KafkaSource::pattern(cluster.bootstrap(), pattern).unwrap();
    let source = source.decode(format).source_columns();
    source.property("default.api.timeout.ms", "100").unwrap()
}

fn append(cluster: &Cluster, topic: &str, partition: usize, records: usize) {
    for _ in 0..records {
        let text = format!("{topic}/{partition}/{}", cluster.end(topic, partition));
        cluster.append(topic, partition, Batch::of([Record::value(value(&text))]));
    }
}

fn create(cluster: &Cluster, topic: &str, records: usize) {
    cluster.create_topic(topic, 2);
    append(cluster, topic, 0, records);
    append(cluster, topic, 1, records);
}

async fn regions() -> Cluster {
    let cluster = Cluster::start(2).await.unwrap();
    create(&cluster, "orders-eu", 20);
    create(&cluster, "orders-us", 60);
    for other in ["orders", "orders-eu-old", "my-orders-eu", "__consumer_offsets"] {
        create(&cluster, other, 3);
    }
    cluster
}

const REGIONS: &str = "orders-(eu|us|asia)";

async fn plan(source: &KafkaSource<Arc<dyn Format>>, from: &Positions) -> Result<Planned, Error> {
    source.plan(from, None, &Limits::default()).await
}

fn ranges(planned: &Planned) -> Vec<(String, i64, i64)> {
    let range = |range: &highwater_core::Range| {
        (range.partition.to_string(), range.from.next, range.to.next)
    };
    planned.ranges.iter().map(range).collect()
}

fn of(partition: &str, from: i64, to: i64) -> (String, i64, i64) {
    (partition.to_owned(), from, to)
}

#[tokio::test]
async fn topics_whose_whole_names_match_are_a_source() {
    let cluster = regions().await;
    let mut limits = Limits::default();
    limits.records = 50;
    let read = conformance::source(&matching(&cluster, REGIONS), &limits).await;
    assert_eq!(read.records, 160);
    let (read, _) = read_all(&matching(&cluster, ".*"), Positions::default(), &Limits::default())
        .await
        .unwrap();
    assert_eq!(read.rows.len(), 160 + 3 * 6, "all but those of the brokers");
    let mut texts = read.texts();
    texts.sort_unstable();
    texts.dedup();
    assert_eq!(texts.len(), 160 + 3 * 6);
}

#[tokio::test]
async fn the_quota_is_split_over_topics_by_their_backlog() {
    let cluster = regions().await;
    let mut limits = Limits::default();
    limits.records = 80;
    let planned =
        matching(&cluster, REGIONS).plan(&Positions::default(), None, &limits).await.unwrap();
    let expected = [
        of("orders-eu/0", 0, 10),
        of("orders-eu/1", 0, 10),
        of("orders-us/0", 0, 30),
        of("orders-us/1", 0, 30),
    ];
    assert_eq!(ranges(&planned), expected);
    assert_eq!(
        planned.backlog.iter().map(|left| left.behind).collect::<Vec<_>>(),
        [10, 10, 30, 30]
    );
}

#[tokio::test]
async fn a_topic_that_appears_is_read_from_its_first_record() {
    let cluster = regions().await;
    let first = matching(&cluster, REGIONS).start(Start::Latest);
    assert!(plan(&first, &Positions::default()).await.unwrap().ranges.is_empty());
    create(&cluster, "orders-asia", 5);
    append(&cluster, "orders-us", 1, 2);
    let planned = plan(&first, &Positions::default()).await.unwrap();
    let new = [of("orders-asia/0", 0, 5), of("orders-asia/1", 0, 5), of("orders-us/1", 60, 62)];
    assert_eq!(ranges(&planned), new);

    // Another run knows where those begin of which nothing was read yet, in whichever topic.
    let from = Positions::default().after(&planned.ranges);
    append(&cluster, "orders-eu", 0, 1);
    append(&cluster, "orders-us", 0, 1);
    let second = matching(&cluster, REGIONS).start(Start::Latest);
    let planned = plan(&second, &from).await.unwrap();
    assert_eq!(ranges(&planned), [of("orders-eu/0", 20, 21), of("orders-us/0", 60, 61)]);
    let from = from.after(&planned.ranges);
    append(&cluster, "orders-eu", 1, 1);
    let planned = plan(&matching(&cluster, REGIONS), &from).await.unwrap();
    assert_eq!(ranges(&planned), [of("orders-eu/1", 20, 21)]);
}

#[tokio::test]
async fn no_topic_yet_is_no_mistake() {
    let cluster = Cluster::start(1).await.unwrap();
    let source = matching(&cluster, REGIONS).start(Start::Latest);
    assert_eq!(plan(&source, &Positions::default()).await.unwrap(), Planned::default());
    create(&cluster, "orders-us", 4);
    let planned = plan(&source, &Positions::default()).await.unwrap();
    assert_eq!(ranges(&planned), [of("orders-us/0", 0, 4), of("orders-us/1", 0, 4)]);
}

#[tokio::test]
async fn a_topic_that_is_gone_is_lost_data() {
    let cluster = regions().await;
    let first = matching(&cluster, REGIONS);
    let planned = plan(&first, &Positions::default()).await.unwrap();
    let from = Positions::default().after(&planned.ranges);
    cluster.delete_topic("orders-eu");
    append(&cluster, "orders-us", 0, 1);
    for source in [first, matching(&cluster, REGIONS)] {
        let error = plan(&source, &from).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
        let words = "topic orders-eu, which was read as one matching orders-(eu|us|asia), is gone";
        assert!(error.to_string().contains(words), "{error}");
        assert!(error.next_step().contains("--on-data-loss skip"));
    }
    let skipping = matching(&cluster, REGIONS).on_data_loss(OnDataLoss::Skip);
    for _ in 0..2 {
        let planned = plan(&skipping, &from).await.unwrap();
        assert_eq!(ranges(&planned), [of("orders-us/0", 60, 61)]);
        assert_eq!(planned.gaps, [gap("orders-eu", 0, 20), gap("orders-eu", 1, 20)]);
    }
    told_of_what_is_there(&cluster, &from).await;
    // Another topic of that name is not the one that was read.
    create(&cluster, "orders-eu", 50);
    for source in [skipping, matching(&cluster, REGIONS)] {
        let error = plan(&source, &from).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
        assert!(error.to_string().contains("orders-eu was deleted and made anew"), "{error}");
    }
}

fn gap(topic: &str, partition: i32, from: i64) -> Gap {
    Gap { partition: Partition::new(topic, partition), from, to: None }
}

/// A group has no offsets of a topic that is gone.
async fn told_of_what_is_there(cluster: &Cluster, from: &Positions) {
    let skipping = matching(cluster, REGIONS).on_data_loss(OnDataLoss::Skip);
    let skipping = skipping.group_offsets("lag").unwrap();
    plan(&skipping, from).await.unwrap();
    skipping.committed(from).await.unwrap();
    assert_eq!(cluster.committed("lag", "orders-us", 1), Some(60));
    assert_eq!(cluster.committed("lag", "orders-eu", 1), None);
}

#[tokio::test]
async fn a_topic_that_was_let_go_is_recorded_once() {
    let cluster = regions().await;
    let skipping = || matching(&cluster, REGIONS).on_data_loss(OnDataLoss::Skip);
    let planned = plan(&skipping(), &Positions::default()).await.unwrap();
    let mut from = Positions::default().after(&planned.ranges);
    cluster.delete_topic("orders-eu");
    let planned = plan(&skipping(), &from).await.unwrap();
    assert!(planned.ranges.is_empty() && planned.gaps.is_empty(), "nothing is there to carry it");

    append(&cluster, "orders-us", 0, 1);
    let planned = plan(&skipping(), &from).await.unwrap();
    assert_eq!(planned.gaps, [gap("orders-eu", 0, 20), gap("orders-eu", 1, 20)]);
    from = from.after(&planned.ranges);
    // From then on it is over, for every run and whatever its choice.
    for partition in [1, 0, 1] {
        append(&cluster, "orders-us", partition, 1);
        for source in [skipping(), matching(&cluster, REGIONS)] {
            let planned = plan(&source, &from).await.unwrap();
            assert_eq!((planned.ranges.len(), planned.gaps.len()), (1, 0));
        }
        from = from.after(&plan(&skipping(), &from).await.unwrap().ranges);
    }
    // But for another topic of that name.
    create(&cluster, "orders-eu", 50);
    let error = plan(&skipping(), &from).await.unwrap_err();
    assert!(error.to_string().contains("orders-eu was deleted and made anew"), "{error}");
}

#[tokio::test]
async fn positions_of_a_topic_that_does_not_match_are_refused() {
    let cluster = regions().await;
    let wide = matching(&cluster, "orders-.*");
    let planned = plan(&wide, &Positions::default()).await.unwrap();
    let from = Positions::default().after(&planned.ranges);
    assert!(from.get(&Partition::new("orders-eu-old", 0)).is_some());
    let error = plan(&matching(&cluster, REGIONS), &from).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
    assert!(error.to_string().contains("stood at orders-eu-old/0"), "{error}");
}

#[tokio::test]
async fn start_offsets_are_those_of_topics_by_their_names() {
    let cluster = regions().await;
    let offsets = || BTreeMap::from([(0, 15), (1, -1)]);
    let by_topic = |name: &str| Start::TopicOffsets(BTreeMap::from([(name.to_owned(), offsets())]));
    let source = matching(&cluster, REGIONS).start(by_topic("orders-eu"));
    let planned = plan(&source, &Positions::default()).await.unwrap();
    let expected = [of("orders-eu/0", 15, 20), of("orders-us/0", 0, 60), of("orders-us/1", 0, 60)];
    assert_eq!(ranges(&planned), expected);
    for wrong in [Start::Offsets(offsets()), by_topic("orders-asia"), by_topic("orders")] {
        let source = matching(&cluster, REGIONS).start(wrong);
        let error = plan(&source, &Positions::default()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
        assert!(error.to_string().contains("start offsets"), "{error}");
    }
}
