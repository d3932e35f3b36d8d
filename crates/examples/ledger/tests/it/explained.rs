//! What `explain` writes, to the letter: programs read it.

use serde_json::{Value, json};

use crate::binary::{Ledger, files};

/// A host that no resolver knows.
const FROM: &str = "kafka://nowhere.invalid:9092/transactions";

const TEXT: &str = r#"pipeline ledger
  source transactions: kafka transactions at nowhere.invalid:9092 (transaction_id Utf8, account_from Utf8?, account_to Utf8?, amount_text Utf8, amount Decimal128(18, 2), currency Utf8?, transaction_type Utf8?, event_timestamp Timestamp(µs, "+00:00"))
  sink rejected <- transactions.rejected: iceberg demo.transactions_ledger_rejected in DIR/data/warehouse
  map ledger <- transactions: transaction_id, account_from, account_to, amount, currency, transaction_type, transaction_hash, event_timestamp, processing_time
  sink ledger <- ledger: iceberg demo.transactions_ledger in DIR/data/warehouse
  primary sink: ledger
"#;

const MERMAID: &str = r#"flowchart LR
  n0["source transactions"]
  n1["sink rejected"]
  n2["map ledger"]
  n3["sink ledger"]
  n0 -->|rejected| n1
  n0 --> n2
  n2 --> n3
"#;

const DEDUPED: &str = r#"  watermark transactions.event_timestamp <- transactions: event_timestamp less 3600s
  dedupe dedupe <- transactions.event_timestamp: by transaction_id within 3600s
    keeps rows until the watermark is 3600 s past their time
  map ledger <- dedupe: transaction_id, account_from, account_to, amount, currency, transaction_type, transaction_hash, event_timestamp, processing_time
  sink ledger <- ledger: iceberg demo.transactions_ledger in DIR/data/warehouse
  map late <- dedupe.late: transaction_id, account_from, account_to, amount, currency, transaction_type, transaction_hash, event_timestamp, processing_time
  sink late <- late: iceberg demo.transactions_ledger_late in DIR/data/warehouse
  primary sink: ledger
"#;

/// What it writes in a folder that is called DIR, where it leaves nothing behind.
fn explain(format: &str, more: &[&str]) -> String {
    let ledger = Ledger::new();
    let ended = ledger.call(&[&["explain", "--format", format, "--from", FROM], more].concat());
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""));
    assert!(files(&ledger.path("")).is_empty());
    let folder = ledger.path("").to_str().unwrap().trim_end_matches('/').to_owned();
    ended.out.replace(&folder, "DIR")
}

#[test]
fn text_has_a_line_for_each_part() {
    assert_eq!(explain("text", &[]), TEXT);
}

#[test]
fn text_tells_of_duplicates_and_of_the_bound_of_state() {
    let text = explain("text", &["--dedupe", "1h"]);
    let (_, behind_rejected) = text.split_at(text.find("  watermark ").unwrap());
    assert_eq!(behind_rejected, DEDUPED);
}

#[test]
fn mermaid_is_a_flow_chart() {
    assert_eq!(explain("mermaid", &[]), MERMAID);
}

#[test]
fn json_has_the_documented_fields() {
    let mut plan: Value = serde_json::from_str(&explain("json", &[])).unwrap();
    let fingerprint = plan.as_object_mut().unwrap().remove("fingerprint").unwrap();
    assert_eq!(fingerprint.as_str().unwrap().len(), 64);
    let time = r#"Timestamp(µs, "+00:00")"#;
    let event = format!("event_timestamp {time}");
    let row = [
        "transaction_id Utf8",
        "account_from Utf8?",
        "account_to Utf8?",
        "amount Decimal128(18, 2)",
        "currency Utf8?",
        "transaction_type Utf8?",
        "transaction_hash Utf8",
        &event,
        &format!("processing_time {time}"),
    ];
    let read = [&row[..3], &["amount_text Utf8"], &row[3..6], &[&event]].concat();
    let rejected = [
        "topic Utf8",
        "partition Int32",
        "offset Int64",
        &format!("timestamp {time}?"),
        "raw Binary?",
        "reason Utf8",
    ];
    let names = row.map(|column| column.split(' ').next().unwrap()).join(", ");
    let node = |kind: &str, name: &str, inputs: &[&str], columns: &[&str], settings: &str| json!({"kind": kind, "name": name, "inputs": inputs, "columns": columns, "settings": settings});
    let table = "iceberg demo.transactions_ledger";
    let kafka = "kafka transactions at nowhere.invalid:9092";
    let expected = json!({
        "pipeline": "ledger",
        "commitOrder": ["ledger", "rejected"],
        "nodes": [
            node("source", "transactions", &[], &read, kafka),
            node(
                "sink",
                "rejected",
                &["transactions.rejected"],
                &rejected,
                &format!("{table}_rejected in DIR/data/warehouse"),
            ),
            node("map", "ledger", &["transactions"], &row, &names),
            node("sink", "ledger", &["ledger"], &row, &format!("{table} in DIR/data/warehouse")),
        ],
    });
    assert_eq!(plan, expected, "{plan:#}");
}
