//! The ledger by the rules of Spark: the rows that Spark's own job made of the same records.

use std::collections::BTreeMap;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Decimal128Type, Int64Type, TimestampMicrosecondType};
use futures::TryStreamExt as _;
use highwater_iceberg::FileCatalog;
use highwater_testkit::broker::{Batch, Cluster, Record};
use serde_json::{Map, Value, json};

use crate::binary::Ledger;

/// Transactions, good and bad, and what the job of Spark made of them; `xtask/python/spark.py` wrote it.
const FIXTURE: &str = include_str!("../data/spark.jsonl");
const SPARK: [&str; 2] = ["--semantics", "spark"];

/// The cells of a row by their columns.
type Row = Map<String, Value>;

/// The records of the fixture and their rows.
fn fixture() -> Vec<(Option<Vec<u8>>, Row)> {
    let pair = |line: &str| {
        let pair: Vec<Value> = serde_json::from_str(line).unwrap();
        (bytes_of(&pair[0]), pair[1].as_object().unwrap().clone())
    };
    FIXTURE.lines().skip(2).map(pair).collect()
}

fn bytes_of(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.as_bytes().to_vec()),
        value => {
            let hex = value["hex"].as_str().unwrap();
            let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
            Some((0..hex.len()).step_by(2).map(byte).collect())
        }
    }
}

fn shown(array: &dyn Array, row: usize) -> Value {
    if array.is_null(row) {
        return Value::Null;
    }
    match array.data_type() {
        DataType::Utf8 => json!(array.as_string::<i32>().value(row)),
        DataType::Decimal128(..) => {
            json!(array.as_primitive::<Decimal128Type>().value_as_string(row))
        }
        _ => json!(array.as_primitive::<TimestampMicrosecondType>().value(row)),
    }
}

/// The rows of the ledger by the offset they came from, without the time of processing.
async fn rows(ledger: &Ledger) -> BTreeMap<i64, Row> {
    let warehouse = ledger.path("data/warehouse");
    let catalog = FileCatalog::open(warehouse.to_str().unwrap()).unwrap();
    let table = catalog.table("demo.transactions_ledger").read().await.unwrap();
    assert!(table.schema().fields().iter().take(9).all(|field| field.is_nullable()));
    let batches: Vec<RecordBatch> = table.rows().await.unwrap().try_collect().await.unwrap();
    let mut rows = BTreeMap::new();
    for batch in batches {
        let offsets = batch["_offset"].as_primitive::<Int64Type>();
        for row in 0..batch.num_rows() {
            let schema = batch.schema();
            let columns = schema.fields().iter().zip(batch.columns()).take(8);
            let cells = columns.map(|(field, it)| (field.name().clone(), shown(it.as_ref(), row)));
            assert_eq!(rows.insert(offsets.value(row), cells.collect()), None);
        }
    }
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_records_of_a_topic_become_the_rows_of_spark() {
    let ledger = Ledger::new();
    let cluster = Cluster::start(1).await.unwrap();
    cluster.create_topic("transactions", 1);
    let fixture = fixture();
    for (value, _) in &fixture {
        let value = value.clone().map(Into::into);
        let record = Record { value, ..Record::default() };
        cluster.append("transactions", 0, Batch::of([record]));
    }
    let from = format!("kafka://{}/transactions", cluster.bootstrap());
    let ended = ledger.run(&from, &[&SPARK[..], &["--source-columns"]].concat());
    assert_eq!(ended.code, Some(0), "{ended:?}");

    let rows = rows(&ledger).await;
    for (offset, (value, expected)) in (0_i64..).zip(&fixture) {
        let input = String::from_utf8_lossy(value.as_deref().unwrap_or(b"(none)"));
        assert_eq!(rows.get(&offset), Some(expected), "{input}");
    }
    assert_eq!(rows.len(), fixture.len());

    let ended = ledger.call(&[&["verify", "--against", &from], &SPARK[..]].concat());
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let report: Value = serde_json::from_str(&ended.out).unwrap();
    let records = fixture.len();
    assert_eq!(report["against"], json!({"records": records, "rows": records, "rejected": 0}));
    assert_eq!((&report["rejected"], &report["repeatedOffsets"]), (&json!(0), &json!(0)));
    assert!(report["nullAmounts"].as_u64() > Some(20), "{report}");
}

#[test]
fn what_spark_rules_cannot_do_is_said() {
    let ledger = Ledger::new();
    let from = "generator:rows=300,seed=1,bad=0.1";
    assert_eq!(ledger.run(from, &SPARK).code, Some(0));
    let ended = ledger.call(&[&["verify", "--against", from], &SPARK[..]].concat());
    ended.assert_failed(4, &["rows are told by their places", "--source-columns"]);
    let ended = ledger.call(&[&["verify"], &SPARK[..]].concat());
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let ended = ledger.call(&["verify"]);
    assert_eq!(ended.code, Some(5), "{ended:?}");
    assert!(ended.out.contains("rows have no amount"), "{}", ended.out);
}

#[test]
fn explain_tells_the_rules() {
    let ledger = Ledger::new();
    let described = |more: &[&str]| {
        let ended = ledger.call(&[&["explain", "--format", "json"], more].concat());
        assert_eq!(ended.code, Some(0), "{ended:?}");
        ended.out
    };
    assert_ne!(described(&[]), described(&SPARK));
}
