//! The table of metrics and its page.

use std::collections::BTreeSet;

use super::*;

const DASHBOARD: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/grafana.json");
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

/// The names in a text that a metric of Prometheus may have, without what a histogram adds to them.
fn metrics_in(text: &str) -> BTreeSet<&str> {
    let words = text.split(|char: char| !char.is_ascii_alphanumeric() && char != '_');
    let names = words.filter(|word| word.starts_with("highwater_"));
    let ends = ["_bucket", "_sum", "_count"];
    names.map(|name| ends.iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name)).collect()
}

#[test]
fn the_dashboard_shows_every_metric_and_no_other() {
    let text = std::fs::read_to_string(DASHBOARD).unwrap();
    let dashboard: serde_json::Value = serde_json::from_str(&text).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let shown: Vec<&str> = panels
        .iter()
        .flat_map(|panel| panel["targets"].as_array().into_iter().flatten())
        .map(|target| target["expr"].as_str().unwrap())
        .collect();
    let shown: BTreeSet<&str> = shown.iter().flat_map(|query| metrics_in(query)).collect();
    let known: BTreeSet<&str> = METRICS.iter().map(|metric| metric.name).collect();
    assert_eq!(shown, known);
    assert!(metrics_in(&text).is_subset(&known), "variables too");
    let mut ids: Vec<_> = panels.iter().map(|panel| panel["id"].as_u64()).collect();
    ids.dedup();
    assert_eq!(ids.len(), panels.len(), "each panel has an id of its own");
}
