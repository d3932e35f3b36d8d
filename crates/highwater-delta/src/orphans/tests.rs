//! Names that are ours, and names that are not.

use highwater_core::{Digest, MarkerId};

use super::*;

fn marker(sink: &str, epoch: u64) -> Marker {
    let id = MarkerId { epoch: Epoch(epoch), digest: Digest::of(b"record") };
    let (pipeline, sink) = ("p".parse().unwrap(), sink.parse().unwrap());
    Marker { pipeline, sink, id, follows: None, plan: None }
}

#[test]
fn data_files_belong_to_a_sink_and_an_epoch() {
    assert_eq!(epoch_in("orders-7-0190ab-0-12.parquet", "orders"), Some(Epoch(7)));
    for other in [
        "orders-7-0190ab-0-12.orc",
        "order-7-0190ab-0-12.parquet",
        "orders-x-0190ab-0-12.parquet",
        "orders-7-0-12.parquet",
        "orders-7-0190ab-0-x.parquet",
        "part-00000-2f8c0f0a-0000-4000-8000-000000000000-c000.snappy.parquet",
    ] {
        assert_eq!(epoch_in(other, "orders"), None, "{other}");
    }
}

#[test]
fn epochs_behind_the_marker_may_still_be_prepared() {
    let markers = [marker("orders", 7)];
    assert!(is_committed("orders-7-run-0-0.parquet", &markers));
    assert!(!is_committed("orders-8-run-0-0.parquet", &markers));
    assert!(!is_committed("returns-1-run-0-0.parquet", &markers));
    assert!(!is_committed("orders-7-run-0-0.parquet", &[]));
}

#[test]
fn a_name_of_two_sinks_must_be_committed_by_both() {
    let markers = [marker("a", 5), marker("a-1", 3)];
    assert!(is_committed("a-1-3-run-0-0.parquet", &markers));
    assert!(!is_committed("a-1-4-run-0-0.parquet", &markers));
}

#[test]
fn paths_in_a_log_are_urls() {
    for (url, path) in [
        ("a/b.parquet", "a/b.parquet"),
        ("c=a%252Fb/x", "c=a%2Fb/x"),
        ("c=Zo%C3%AB/x", "c=Zoë/x"),
        ("100%", "100%"),
        ("%zz%2", "%zz%2"),
        ("%ff", "%ff"),
        ("%é", "%é"),
    ] {
        assert_eq!(decoded(url), path);
    }
}
