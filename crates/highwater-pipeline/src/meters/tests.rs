//! The table of metrics and its page.

use std::collections::BTreeSet;

use super::*;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/operations.md");

/// The row of a metric in the page.
fn row(metric: &Metric) -> String {
    let kind = format!("{:?}", metric.kind).to_lowercase();
    format!("| `{}` | {kind} | {} | {} |", metric.name, metric.labels.join(", "), metric.help)
}

#[test]
fn the_page_lists_every_metric_and_no_other() {
    let page = std::fs::read_to_string(PAGE).unwrap();
    let listed: Vec<_> = page.lines().filter(|line| line.starts_with("| `highwater_")).collect();
    let rows: Vec<_> = METRICS.iter().map(row).collect();
    assert_eq!(listed, rows, "the table in docs/operations.md should be:\n{}", rows.join("\n"));
}

#[test]
fn names_and_labels_are_those_of_prometheus() {
    let mut names = BTreeSet::new();
    for metric in METRICS {
        assert!(names.insert(metric.name), "{} stands there twice", metric.name);
        let counts = metric.name.ends_with("_total");
        assert_eq!(counts, metric.kind == MetricKind::Counter, "{}", metric.name);
        let times = metric.name.ends_with("_seconds") && !metric.name.contains("timestamp");
        assert_eq!(times, metric.kind == MetricKind::Histogram, "{}", metric.name);
        assert_eq!(metric.labels.first(), Some(&"pipeline"), "{}", metric.name);
    }
}
