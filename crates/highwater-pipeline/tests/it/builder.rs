//! What a user declares is checked before anything runs, and explained.

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use std::sync::Arc;

use highwater_pipeline::{Mistake, Pipeline};
use highwater_testkit::harness::Harness;
use highwater_testkit::memory::MemoryTable;
use highwater_testkit::memory_source::MemorySource;

use crate::numbers;

fn source() -> MemorySource {
    MemorySource::new("numbers", numbers([0]).schema(), 1)
}

#[test]
fn all_mistakes_are_reported_at_once() {
    let p = Pipeline::new("../numbers");
    let numbers = p.source("numbers", source());
    numbers.sink("numbers", MemoryTable::new("numbers"));
    numbers.sink("numbers", MemoryTable::new("numbers"));
    numbers.sink("a b", MemoryTable::new("numbers"));
    let errors = p.build().unwrap_err();
    let mistakes = errors.mistakes();
    assert!(matches!(mistakes[0], Mistake::Twice { .. }), "{errors}");
    assert!(matches!(mistakes[1..], [Mistake::Name(_), Mistake::Name(_)]), "{errors}");
}

#[test]
fn a_pipeline_needs_a_sink_on_a_main_output() {
    let p = Pipeline::new("numbers");
    let numbers = p.source("numbers", source());
    assert!(matches!(p.build().unwrap_err().mistakes(), [Mistake::NoSink]));

    numbers.rejected().sink("rejected", MemoryTable::new("rejected"));
    assert!(matches!(p.build().unwrap_err().mistakes(), [Mistake::NoPrimary]));
}

#[test]
fn explain_names_every_part_and_the_primary() {
    let p = Pipeline::new("numbers");
    let numbers = p.source("numbers", source());
    numbers.rejected().sink("rejected", MemoryTable::new("rejected"));
    numbers.sink("numbers-table", MemoryTable::new("numbers"));
    let plan = p.build().unwrap();
    let text = plan.explain();
    assert!(text.contains("source numbers: memory numbers (n Int64)"), "{text}");
    assert!(text.contains("primary sink: numbers-table"), "{text}");
    assert_eq!(plan.explain_json()["commitOrder"][0], "numbers-table");
    assert!(plan.explain_mermaid().contains("-->|rejected|"));
}

#[test]
fn map_and_filter_compute_and_reject_row_by_row() {
    let doubled = Arc::new(Schema::new(vec![Field::new("twice", DataType::Int64, true)]));
    let tables = Harness::new(|world| {
        let p = Pipeline::new("numbers");
        let small = p
            .source("numbers", world.source("numbers", numbers([0]).schema()))
            .filter("small", |rows| {
                let n = column(rows);
                Ok(n.iter().map(|n| Some(n.is_some_and(|n| n < 10))).collect())
            })
            .map_batches("double", Arc::clone(&doubled), |rows, cx| {
                let n = column(rows);
                for (row, n) in (0..).zip(n.iter()) {
                    if n == Some(7) {
                        cx.reject(row, "seven");
                    }
                }
                let twice: Int64Array = n.iter().map(|n| n.map(|n| n * 2)).collect();
                let schema = Schema::new(vec![Field::new("twice", DataType::Int64, true)]);
                Ok(RecordBatch::try_new(Arc::new(schema), vec![Arc::new(twice) as ArrayRef])?)
            });
        small.rejected().sink("rejected", world.table("rejected"));
        small.sink("doubled", world.table("doubled"));
        p
    })
    .feed("numbers", numbers([1, 7, 12, 3]))
    .tables();
    assert_eq!(tables["doubled"], ["2", "6"]);
    assert_eq!(tables["rejected"], ["7 | seven"]);
}

pub(crate) fn column(rows: &RecordBatch) -> &Int64Array {
    rows.column(0).as_any().downcast_ref().unwrap()
}
