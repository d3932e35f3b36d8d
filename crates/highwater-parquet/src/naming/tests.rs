//! Names that are ours, and names that are not; values that would leave their directory, and others.

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
        "00000-0-2f8c0f0a-0000-4000-8000-000000000000-00001.parquet",
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
fn no_value_is_more_than_one_part_of_a_path() {
    let values = [
        ("../../x", "..%2F..%2Fx"),
        ("..", ".."),
        ("", ""),
        ("a/b\\c", "a%2Fb%5Cc"),
        ("nul\0", "nul%00"),
        ("10:30 +", "10%3A30%20%2B"),
        ("Zoë", "Zo%C3%AB"),
        ("x#1", "x%231"),
    ];
    for (value, expected) in values {
        assert_eq!(partition_directory("c", value), format!("c={expected}"));
    }
    assert_eq!(partition_directory("../c", "v"), "..%2Fc=v");
}

#[test]
fn long_values_are_cut_between_characters() {
    let long = partition_directory(&"n".repeat(300), &"ë".repeat(150));
    assert_eq!(long, format!("{}={}", "n".repeat(100), "%C3%AB".repeat(16)));
}
