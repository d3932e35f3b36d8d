//! What programs read: the progress of an epoch, and a plan as JSON.

use std::sync::Arc;

use highwater_pipeline::{Options, Pipeline, Plan, Trigger};
use highwater_storage::Storage;
use highwater_testkit::memory::MemoryTable;
use highwater_testkit::memory_source::MemorySource;
use serde_json::{Value, json};

use crate::numbers;

fn plan(source: &MemorySource) -> Plan {
    let p = Pipeline::new("shown");
    let numbers = p.source("numbers", source.clone());
    numbers.rejected().sink("rejected", MemoryTable::new("rejected"));
    let schema = crate::numbers([0]).schema();
    let kept = numbers.map_batches("kept", Arc::clone(&schema), |rows, _| Ok(rows.clone()));
    kept.sink("numbers", MemoryTable::new("numbers"));
    p.build().unwrap()
}

/// The names in an object, the inner ones behind a point; of a list, those of its first element.
fn names(value: &Value, before: &str, into: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                into.push(format!("{before}{name}"));
                if !before.ends_with("Offset.") {
                    names(value, &format!("{before}{name}."), into);
                }
            }
        }
        Value::Array(items) => {
            if let Some(first) = items.first() {
                names(first, before, into);
            }
        }
        _ => {}
    }
}

#[test]
fn an_epoch_has_the_names_of_spark() {
    let source = MemorySource::new("numbers", numbers([0]).schema(), 1);
    source.append(0, numbers([1]));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let _context = runtime.enter();
    let options = Options::checkpoint_in(Storage::memory()).trigger(Trigger::available_now());
    let handle = plan(&source).start(options).unwrap();
    let observer = handle.observer();
    runtime.block_on(handle.wait()).unwrap();
    let epoch = serde_json::to_value(&observer.recent_progress()[0]).unwrap();
    let mut found = Vec::new();
    names(&epoch, "", &mut found);
    for name in [
        "name",
        "runId",
        "batchId",
        "timestamp",
        "numInputRows",
        "processedRowsPerSecond",
        "durationMs.latestOffset",
        "durationMs.addBatch",
        "durationMs.walCommit",
        "durationMs.commitBatch",
        "durationMs.triggerExecution",
        "sources.name",
        "sources.description",
        "sources.startOffset",
        "sources.endOffset",
        "sources.numInputRows",
        "sources.numInputBytes",
        "sources.backlog.partition",
        "sources.backlog.end",
        "sources.backlog.behind",
        "sources.gaps",
        "sink.name",
        "sink.description",
        "sink.numOutputRows",
        "sink.numOutputBytes",
        "sink.numOutputFiles",
        "sink.committed",
        "sideSinks.numOutputRows",
        "accounting.records",
        "accounting.rows",
        "accounting.rejected",
    ] {
        assert!(found.contains(&name.to_owned()), "{name} is not in {epoch:#}");
    }
    assert_eq!(epoch["sources"][0]["endOffset"], json!({"numbers/0": {"next": 1}}));
    assert_eq!(epoch["accounting"], json!({"records": 1, "rows": 1, "rejected": 0}));
}

#[test]
fn a_plan_as_json_names_all_parts_in_their_order() {
    let source = MemorySource::new("numbers", numbers([0]).schema(), 1);
    let plan = plan(&source);
    let mut json = plan.explain_json();
    let fingerprint = json.as_object_mut().unwrap().remove("fingerprint").unwrap();
    assert_eq!(fingerprint, plan.fingerprint().to_string());
    for node in json["nodes"].as_array_mut().unwrap() {
        node.as_object_mut().unwrap().remove("settings").unwrap();
    }
    let node = |name: &str, kind: &str, inputs: &[&str], columns: &[&str]| json!({"name": name, "kind": kind, "inputs": inputs, "columns": columns});
    let nodes = json["nodes"].as_array().unwrap();
    assert_eq!(nodes[0], node("numbers", "source", &[], &["n Int64"]));
    assert_eq!(
        (&nodes[1]["name"], &nodes[1]["inputs"]),
        (&json!("rejected"), &json!(["numbers.rejected"]))
    );
    assert_eq!((&nodes[2]["name"], &nodes[2]["inputs"]), (&json!("kept"), &json!(["numbers"])));
    assert_eq!(nodes[3], node("numbers", "sink", &["kept"], &["n Int64"]));
    assert_eq!(
        (&json["pipeline"], &json["commitOrder"]),
        (&json!("shown"), &json!(["numbers", "rejected"]))
    );
}
