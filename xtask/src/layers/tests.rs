//! The table against made-up workspaces.

use serde_json::json;

use super::*;

fn graph(members: &[(&str, &[&str])]) -> Graph {
    let packages: Vec<Value> = members
        .iter()
        .map(|(name, dependencies)| {
            let dependencies: Vec<Value> = dependencies
                .iter()
                .map(|on| match on.strip_prefix("dev:") {
                    Some(on) => json!({"name": on, "kind": "dev", "path": "somewhere"}),
                    None if on.starts_with("highwater") => {
                        json!({"name": on, "kind": null, "path": "somewhere"})
                    }
                    None => json!({"name": on, "kind": null}),
                })
                .collect();
            let folder = if name.starts_with("highwater") { "crates" } else { "crates/examples" };
            let manifest = format!("/checkout/{folder}/{name}/Cargo.toml");
            json!({"name": name, "manifest_path": manifest, "dependencies": dependencies})
        })
        .collect();
    read(&json!({ "packages": packages })).unwrap()
}

#[test]
fn what_the_table_allows_passes() {
    let graph = graph(&[
        ("highwater-core", &["arrow"]),
        ("highwater-storage", &["highwater-core", "tokio"]),
        ("highwater-iceberg", &["highwater-storage", "highwater-core", "dev:highwater-testkit"]),
        ("highwater-kafka", &["highwater-core", "dev:highwater-testkit", "dev:highwater-pipeline"]),
        ("ledger", &["highwater-cli", "highwater-iceberg"]),
    ]);
    assert_eq!(violations(&graph), Vec::<String>::new());
}

#[test]
fn a_sideways_edge_is_named() {
    let wrong = violations(&graph(&[("highwater-kafka", &["highwater-iceberg"])]));
    assert_eq!(wrong.len(), 1);
    assert!(wrong[0].starts_with("kafka must not depend on iceberg"), "{}", wrong[0]);
}

#[test]
fn a_crate_without_a_line_is_named() {
    let wrong = violations(&graph(&[("highwater-new", &[])]));
    assert!(wrong[0].contains("highwater-new has no layer"), "{}", wrong[0]);
}

#[test]
fn the_testkit_is_for_tests_only() {
    let wrong = violations(&graph(&[
        ("highwater-cli", &["highwater-testkit"]),
        ("highwater-kafka", &["dev:highwater-datagen"]),
    ]));
    assert_eq!(wrong.len(), 2, "{wrong:?}");
}

#[test]
fn core_takes_no_runtime() {
    let wrong = violations(&graph(&[("highwater-core", &["tokio"])]));
    assert!(wrong[0].starts_with("core must not depend on tokio"), "{}", wrong[0]);
}

#[test]
fn implied_edges_are_not_drawn() {
    let drawn = draw(&graph(&[
        ("highwater-core", &[]),
        ("highwater-storage", &["highwater-core"]),
        ("highwater-parquet", &["highwater-core", "highwater-storage"]),
    ]));
    assert!(drawn.contains("parquet --> storage"), "{drawn}");
    assert!(!drawn.contains("parquet --> core"), "{drawn}");
}

#[test]
fn the_graph_goes_between_its_marks() {
    let page = format!("before\n{GRAPH_BEGIN}old\n{GRAPH_END}after\n");
    let expected = format!("before\n{GRAPH_BEGIN}new\n{GRAPH_END}after\n");
    assert_eq!(with_graph(&page, "new\n").unwrap(), expected);
    assert!(with_graph("no marks", "new\n").is_err());
}
