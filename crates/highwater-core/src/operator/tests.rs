//! Where an operator may emit.

use arrow::array::{ArrayRef, Int64Array, RecordBatch};

use super::*;

fn rows(ids: Vec<i64>) -> RecordBatch {
    RecordBatch::try_from_iter([("id", Arc::new(Int64Array::from(ids)) as ArrayRef)]).unwrap()
}

fn moment(epoch: u64, now: i64) -> Moment {
    let watermarks = Watermarks::UNKNOWN;
    Moment { epoch: Epoch(epoch), now: Timestamp(now), watermarks }
}

#[test]
fn batches_go_where_they_are_emitted_and_empty_ones_nowhere() {
    let rows = rows(vec![1, 2]);
    let mut emitted = Vec::new();
    let mut counts = StepCounts::default();
    let mut cx = Context::new(moment(3, 9), 1, &mut emitted, &mut counts);
    assert_eq!((cx.epoch(), cx.now()), (Epoch(3), Timestamp(9)));
    cx.emit(rows.clone().into());
    cx.emit(rows.slice(0, 0).into());
    cx.emit_side(0, rows.slice(1, 1).into()).unwrap();
    cx.emit_side(0, rows.slice(0, 0).into()).unwrap();
    let outputs: Vec<_> = emitted.iter().map(|(output, batch)| (*output, batch.len())).collect();
    assert_eq!(outputs, [(Output::Main, 2), (Output::Side(0), 1)]);
}

#[test]
fn an_undeclared_side_output_is_a_bug_and_no_loss() {
    let rows = rows(vec![1]);
    let mut emitted = Vec::new();
    let mut counts = StepCounts::default();
    let mut cx = Context::new(moment(0, 0), 1, &mut emitted, &mut counts);
    let error = cx.emit_side(1, rows.into()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Internal);
    assert!(emitted.is_empty());
}
