//! Brokers that come and go: no record is lost, none comes twice.

use std::time::Duration;

use highwater_core::{ErrorKind, Limits, Positions, Source};
use highwater_testkit::broker::{Batch, Cluster, Mood, Record};
use tokio::time::{Instant, sleep};

use crate::reading::{read, read_all, source, value};

const FETCH: i16 = 1;

/// Six partitions with 2,000 records each in batches of 20.
async fn filled(nodes: usize) -> Cluster {
    let cluster = Cluster::start(nodes).await.unwrap();
    cluster.create_topic("t", 6);
    for partition in 0..6 {
        for n in 0..100 {
            let text = |m| value(&format!("text-{partition}-{n}-{m}"));
            cluster.append("t", partition, Batch::of((0..20).map(|m| Record::value(text(m)))));
        }
    }
    cluster
}

async fn read_whole(cluster: &Cluster) -> (usize, bool) {
    let source = source(&cluster.bootstrap(), "t")
        .property("max.partition.fetch.bytes", "4000")
        .unwrap()
        .property("fetch.max.bytes", "12000")
        .unwrap();
    let (read, _) = read_all(&source, Positions::default(), &Limits::default()).await.unwrap();
    let in_order = read.rows.is_sorted_by(|a, b| (a.partition, a.offset) < (b.partition, b.offset));
    (read.rows.len(), in_order)
}

#[tokio::test]
async fn leaders_that_move_are_followed() {
    let cluster = filled(3).await;
    let moving = async {
        for step in 0..30_usize {
            cluster.move_leader("t", step % 6, (step * 2 + 1) % 3);
            sleep(Duration::from_millis(7)).await;
        }
    };
    let (whole, ()) = tokio::join!(read_whole(&cluster), moving);
    assert_eq!(whole, (12_000, true));
}

#[tokio::test]
async fn connections_that_break_within_an_answer_are_made_anew() {
    let cluster = filled(2).await;
    cluster.cut_after(Some(3));
    assert_eq!(read_whole(&cluster).await, (12_000, true));
    assert!(cluster.requests(FETCH) > 30);
}

#[tokio::test]
async fn brokers_that_restart_are_waited_for() {
    let cluster = filled(2).await;
    let restarting = async {
        while cluster.requests(FETCH) < 5 {
            sleep(Duration::from_millis(1)).await;
        }
        for _ in 0..3 {
            sleep(Duration::from_millis(15)).await;
            cluster.set_mood(0, Mood::Down);
            cluster.set_mood(1, Mood::Down);
            sleep(Duration::from_millis(150)).await;
            cluster.set_mood(0, Mood::Well);
            sleep(Duration::from_millis(50)).await;
            cluster.set_mood(1, Mood::Well);
        }
    };
    let (whole, ()) = tokio::join!(read_whole(&cluster), restarting);
    assert_eq!(whole, (12_000, true));
}

#[tokio::test]
async fn a_silent_broker_is_given_up_after_its_deadline() {
    let cluster = filled(1).await;
    let source = source(&cluster.bootstrap(), "t")
        .property("request.timeout.ms", "100")
        .unwrap()
        .property("fetch.max.wait.ms", "10")
        .unwrap()
        .property("default.api.timeout.ms", "300")
        .unwrap();
    let planned = source.plan(&Positions::default(), None, &Limits::default()).await.unwrap();
    cluster.set_mood(0, Mood::Silent);
    let begun = Instant::now();
    let error = read(&source, &planned).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transient, "{error}");
    assert!(error.to_string().contains("no answer to"), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(5));

    cluster.set_mood(0, Mood::Well);
    assert_eq!(read(&source, &planned).await.unwrap().rows.len(), 12_000);
}

#[tokio::test]
async fn a_silent_broker_ends_a_plan_and_a_first_look_too() {
    let cluster = filled(1).await;
    let hasty = || {
        let source = source(&cluster.bootstrap(), "t");
        let source = source.property("request.timeout.ms", "100").unwrap();
        let source = source.property("fetch.max.wait.ms", "10").unwrap();
        source.property("default.api.timeout.ms", "300").unwrap()
    };
    let known = hasty();
    known.plan(&Positions::default(), None, &Limits::default()).await.unwrap();
    cluster.set_mood(0, Mood::Silent);
    let begun = Instant::now();
    for source in [known, hasty()] {
        let planned = source.plan(&Positions::default(), None, &Limits::default()).await;
        let error = planned.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Transient, "{error}");
        assert!(error.to_string().contains("no answer to"), "{error}");
        source.ends(&Positions::default()).await.unwrap_err();
    }
    assert!(begun.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn a_connection_that_leads_nowhere_ends_after_its_deadline() {
    // A listener whose backlog is full answers no connection, as a host that drops packets.
    let listener = tokio::net::TcpSocket::new_v4().unwrap();
    listener.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = listener.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut fills = Vec::new();
    for _ in 0..8 {
        let connect = tokio::net::TcpStream::connect(address);
        fills.push(tokio::time::timeout(Duration::from_millis(50), connect).await);
    }
    let source = source(&address.to_string(), "t");
    let source = source.property("socket.connection.setup.timeout.ms", "200").unwrap();
    let source = source.property("request.timeout.ms", "200").unwrap();
    let begun = Instant::now();
    let planned = source.plan(&Positions::default(), None, &Limits::default()).await;
    assert_eq!(planned.unwrap_err().kind(), ErrorKind::Transient);
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_damaged_answer_is_asked_for_again() {
    let cluster = filled(1).await;
    let source = source(&cluster.bootstrap(), "t");
    let planned = source.plan(&Positions::default(), None, &Limits::default()).await.unwrap();
    cluster.damage(1);
    let error = read(&source, &planned).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transient, "{error}");
    assert!(error.to_string().contains(" offset 0: checksum "), "{error}");
    assert_eq!(read(&source, &planned).await.unwrap().rows.len(), 12_000);
}

#[tokio::test]
async fn damage_that_stays_is_asked_for_once_more_and_then_named() {
    let cluster = Cluster::start(1).await.unwrap();
    cluster.create_topic("t", 1);
    cluster.append("t", 0, Batch::of([Record::value(value("a")), Record::value(value("b"))]));
    let source = source(&cluster.bootstrap(), "t");
    let (_, end) = read_all(&source, Positions::default(), &Limits::default()).await.unwrap();
    cluster.append("t", 0, Batch::of([Record::value(value("c"))]));
    cluster.damage(u32::MAX);
    let planned = source.plan(&end, None, &Limits::default()).await.unwrap();
    for kind in [ErrorKind::Transient, ErrorKind::Corrupt, ErrorKind::Corrupt] {
        let error = read(&source, &planned).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains("topic t partition 0 offset 2: checksum "), "{error}");
    }
}

#[tokio::test]
async fn an_unreachable_cluster_is_named_at_once() {
    let source = source("127.0.0.1:1,localhost:2", "t");
    let planned = source.plan(&Positions::default(), None, &Limits::default()).await;
    let error = planned.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transient);
    let text = error.to_string();
    assert!(
        text.starts_with("kafka: no Kafka broker answers at 127.0.0.1:1, localhost:2"),
        "{text}"
    );
}

#[tokio::test]
async fn a_host_that_is_not_known_passes_by_itself() {
    let source = source("no-such-host.invalid:9092", "t");
    let source = source.property("socket.connection.setup.timeout.ms", "2000").unwrap();
    let planned = source.plan(&Positions::default(), None, &Limits::default()).await;
    let error = planned.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transient, "{error}");
    assert!(error.to_string().contains("no-such-host.invalid:9092"), "{error}");
}

#[tokio::test]
async fn a_right_to_read_that_was_taken_away_ends_at_once() {
    let cluster = filled(1).await;
    let source = source(&cluster.bootstrap(), "t");
    let planned = source.plan(&Positions::default(), None, &Limits::default()).await.unwrap();
    cluster.deny("t");
    let begun = Instant::now();
    let ended = [
        read(&source, &planned).await.unwrap_err(),
        source.plan(&Positions::default(), None, &Limits::default()).await.unwrap_err(),
    ];
    for error in ended {
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
        assert!(error.to_string().contains("(code 29)"), "{error}");
        assert!(error.next_step().contains("grant READ"));
    }
    assert!(begun.elapsed() < Duration::from_secs(5), "it was tried again");
    assert_eq!(cluster.requests(FETCH), 0);
}

#[tokio::test]
async fn a_broker_that_throttles_is_obeyed() {
    let cluster = filled(1).await;
    cluster.throttle(20);
    let begun = Instant::now();
    assert_eq!(read_whole(&cluster).await, (12_000, true));
    let pauses = u32::try_from(cluster.requests(FETCH)).unwrap() - 1;
    assert!(begun.elapsed() >= Duration::from_millis(20) * pauses);
}

#[tokio::test]
async fn the_next_plan_tells_how_long_brokers_asked_to_be_left_alone() {
    let cluster = filled(1).await;
    let source = source(&cluster.bootstrap(), "t");
    let planned = source.plan(&Positions::default(), None, &Limits::default()).await.unwrap();
    assert_eq!(planned.throttled, 0);
    cluster.throttle(7);
    read(&source, &planned).await.unwrap();
    let asked = 7 * cluster.requests(FETCH);
    let end = Positions::default().after(&planned.ranges);
    let planned = source.plan(&end, None, &Limits::default()).await.unwrap();
    assert!(planned.ranges.is_empty());
    cluster.append("t", 0, Batch::of([Record::value(value("one more"))]));
    for expected in [asked, 0] {
        let planned = source.plan(&end, None, &Limits::default()).await.unwrap();
        assert_eq!(planned.throttled, expected);
    }
}

#[tokio::test]
async fn a_dropped_stream_stops_its_requests() {
    let cluster = filled(1).await;
    let source = source(&cluster.bootstrap(), "t").property("fetch.max.bytes", "2000").unwrap();
    let planned = source.plan(&Positions::default(), None, &Limits::default()).await.unwrap();
    let mut payloads = source.read(planned.ranges);
    futures::StreamExt::next(&mut payloads).await.unwrap().unwrap();
    drop(payloads);
    sleep(Duration::from_millis(50)).await;
    let requests = cluster.requests(FETCH);
    sleep(Duration::from_millis(100)).await;
    assert_eq!(cluster.requests(FETCH), requests);
    assert!(requests < 10);
}
