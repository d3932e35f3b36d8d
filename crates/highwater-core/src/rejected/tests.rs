//! Rejected records as rows.

use arrow::array::AsArray;
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};

use super::*;

#[test]
fn records_become_rows_and_are_taken_once() {
    let mut rejected = RejectedRecords::new(&Partition::new("orders", 3));
    assert!(rejected.take().unwrap().is_none());
    rejected.push(17, Some(Timestamp(5)), Some(b"{"), "it does not end");
    rejected.push(18, None, None, "it is empty");
    assert_eq!(rejected.len(), 2);
    let batch = rejected.take().unwrap().unwrap();
    assert_eq!(batch.schema(), rejected_schema());
    let offsets = batch["offset"].as_primitive::<Int64Type>();
    assert_eq!(offsets.values(), &[17, 18]);
    let times = batch["timestamp"].as_primitive::<TimestampMicrosecondType>();
    assert_eq!(times.iter().collect::<Vec<_>>(), [Some(5), None]);
    let raw = batch["raw"].as_binary::<i32>();
    assert_eq!(raw.iter().collect::<Vec<_>>(), [Some(&b"{"[..]), None]);
    assert!(rejected.is_empty());
    assert!(rejected.take().unwrap().is_none());
}
