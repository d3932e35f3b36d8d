//! Against a real broker, when `HIGHWATER_KAFKA_BOOTSTRAP` names one.

use std::collections::BTreeSet;
use std::time::SystemTime;

use bytes::Bytes;
use highwater_codec::{Columns, Json, Type};
use highwater_core::{ErrorKind, Limits, Positions, Source};
use highwater_kafka::{KafkaSource, TopicWriter};

use crate::reading::{read, read_all, source, value};

fn bootstrap() -> String {
    std::env::var("HIGHWATER_KAFKA_BOOTSTRAP").expect("HIGHWATER_KAFKA_BOOTSTRAP names a broker")
}

#[expect(clippy::disallowed_methods, reason = "a name that no earlier run has used")]
fn fresh_topic(name: &str) -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    format!("highwater-{name}-{}", now.as_micros())
}

fn records(from: usize, to: usize) -> Vec<(Bytes, Bytes)> {
    (from..to)
        .map(|n| (Bytes::from(format!("key-{n}")), Bytes::from(value(&format!("text-{n}")))))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a broker: cargo xtask integration"]
async fn what_is_written_is_read_once_and_again_the_same() {
    let (bootstrap, topic) = (bootstrap(), fresh_topic("read"));
    let writer = TopicWriter::create_or_open(&bootstrap, &topic, Some(4)).await.unwrap();
    writer.write(records(0, 20_000)).await.unwrap();
    let mut limits = Limits::default();
    limits.records = 3000;

    let first = source(&bootstrap, &topic);
    let planned = first.plan(&Positions::default(), None, &limits).await.unwrap();
    assert_eq!(planned.ranges.len(), 4);
    let read_first = read(&first, &planned).await.unwrap();
    let (rest, end) =
        read_all(&first, Positions::default().after(&planned.ranges), &limits).await.unwrap();
    let texts: BTreeSet<&str> = read_first.texts().into_iter().chain(rest.texts()).collect();
    assert_eq!(read_first.rows.len() + rest.rows.len(), 20_000);
    assert_eq!(texts.len(), 20_000);

    // A plan that was made before a crash gives the same rows to the next run.
    let second = source(&bootstrap, &topic);
    assert_eq!(read(&second, &planned).await.unwrap(), read_first);

    // Nothing is left until more comes.
    assert!(second.plan(&end, None, &limits).await.unwrap().ranges.is_empty());
    writer.write(records(20_000, 20_010)).await.unwrap();
    let (late, _) = read_all(&second, end, &Limits::default()).await.unwrap();
    assert_eq!(late.rows.len(), 10);
}

#[tokio::test]
#[ignore = "needs a broker: cargo xtask integration"]
async fn an_unknown_topic_is_refused_and_not_created() {
    let (bootstrap, topic) = (bootstrap(), fresh_topic("unknown"));
    for _ in 0..2 {
        let source = source(&bootstrap, &topic);
        let planned = source.plan(&Positions::default(), None, &Limits::default()).await;
        let error = planned.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
        assert!(error.to_string().contains(&topic), "{error}");
    }
}

#[tokio::test]
#[ignore = "needs a broker: cargo xtask integration"]
async fn a_writer_opens_only_what_fits() {
    let (bootstrap, topic) = (bootstrap(), fresh_topic("open"));
    TopicWriter::create_or_open(&bootstrap, &topic, Some(2)).await.unwrap();
    assert_eq!(
        TopicWriter::create_or_open(&bootstrap, &topic, None).await.unwrap().partitions(),
        2
    );
    let error = TopicWriter::create_or_open(&bootstrap, &topic, Some(3)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
}

#[tokio::test]
#[ignore = "needs a broker: cargo xtask integration"]
async fn topics_are_found_by_a_pattern_and_offsets_of_a_group_are_taken() {
    let (bootstrap, prefix) = (bootstrap(), fresh_topic("pattern"));
    for region in ["eu", "us"] {
        let topic = format!("{prefix}-{region}");
        let writer = TopicWriter::create_or_open(&bootstrap, &topic, Some(2)).await.unwrap();
        writer.write(records(0, 100)).await.unwrap();
    }
    let format = Json::try_new(Columns::new().required("v", Type::Text)).unwrap();
    let source = KafkaSource::pattern(&bootstrap, &format!("{prefix}-.*")).unwrap();
    let source = source.decode(format).source_columns().group_offsets(&prefix).unwrap();
    let (read, end) = read_all(&source, Positions::default(), &Limits::default()).await.unwrap();
    assert_eq!(read.rows.len(), 200);
    for attempt in 1.. {
        // Another source, as one that has just failed pauses.
        let format = Json::try_new(Columns::new().required("v", Type::Text)).unwrap();
        let teller = KafkaSource::pattern(&bootstrap, &format!("{prefix}-.*")).unwrap();
        match teller.decode(format).group_offsets(&prefix).unwrap().committed(&end).await {
            Ok(()) => break,
            // A fresh broker first makes the topic that it keeps offsets in.
            Err(error) => assert!(attempt < 10, "{error}"),
        }
    }
}
