//! Offsets of a consumer group are told after commits, for tools that show how far behind it is.

use highwater_core::{ErrorKind, Limits, Positions, Source};
use highwater_testkit::broker::{Batch, Cluster, Record};

use crate::reading::{read_all, source, value};

const OFFSET_COMMIT: i16 = 8;
const FIND_COORDINATOR: i16 = 10;

async fn read_up() -> (Cluster, Positions) {
    let cluster = Cluster::start(3).await.unwrap();
    cluster.create_topic("t", 2);
    for n in 0..7 {
        cluster.append("t", n % 2, Batch::of([Record::value(value("text"))]));
    }
    let source = source(&cluster.bootstrap(), "t");
    let (_, end) = read_all(&source, Positions::default(), &Limits::default()).await.unwrap();
    (cluster, end)
}

#[tokio::test]
async fn offsets_of_the_group_are_told_in_every_version() {
    for version in 2..=8 {
        let (cluster, end) = read_up().await;
        cluster.limit_version(OFFSET_COMMIT, version);
        cluster.limit_version(FIND_COORDINATOR, (version / 2).min(3));
        let source = source(&cluster.bootstrap(), "t").group_offsets("lag").unwrap();
        source.committed(&end).await.unwrap();
        let told = [0, 1, 2].map(|partition| cluster.committed("lag", "t", partition));
        assert_eq!(told, [Some(4), Some(3), None], "version {version}");
        assert_eq!(cluster.committed("other", "t", 0), None);
    }
}

#[tokio::test]
async fn without_a_group_nothing_is_told() {
    let (cluster, end) = read_up().await;
    source(&cluster.bootstrap(), "t").committed(&end).await.unwrap();
    assert_eq!((cluster.requests(OFFSET_COMMIT), cluster.requests(FIND_COORDINATOR)), (0, 0));
}

#[tokio::test]
async fn what_cannot_be_told_is_an_error_soon() {
    let (cluster, end) = read_up().await;
    let told = source(&cluster.bootstrap(), "t").property("group.id", "lag").unwrap();
    cluster.leave_unanswered(OFFSET_COMMIT);
    tokio::time::timeout(std::time::Duration::from_secs(20), told.committed(&end))
        .await
        .unwrap()
        .unwrap_err();
    // Each commit would wait for it otherwise.
    let asked = cluster.requests(OFFSET_COMMIT);
    told.committed(&end).await.unwrap();
    assert_eq!(cluster.requests(OFFSET_COMMIT), asked);
    cluster.delete_topic("t");
    let gone = source(&cluster.bootstrap(), "t").property("group.id", "lag").unwrap();
    assert_eq!(gone.committed(&end).await.unwrap_err().kind(), ErrorKind::Transient);
}
