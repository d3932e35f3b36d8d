//! Where an operator may emit.

use std::sync::Arc;

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
    let mut told = Told::default();
    let mut cx = Context::new(moment(3, 9), 1, &mut emitted, &mut told);
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
    let mut told = Told::default();
    let mut cx = Context::new(moment(0, 0), 1, &mut emitted, &mut told);
    let error = cx.emit_side(1, rows.into()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Internal);
    assert!(emitted.is_empty());
}

#[test]
fn the_latest_time_of_each_partition_is_told() {
    let (mut emitted, mut told) = (Vec::new(), Told::default());
    let mut cx = Context::new(moment(0, 0), 0, &mut emitted, &mut told);
    let origin = |index| Origin {
        source: "orders".parse().unwrap(),
        partition: crate::Partition::new("t", index),
    };
    for (index, time) in [(0, 5), (1, 9), (0, 7), (0, 6)] {
        cx.observe(&origin(index), Latest { credible: Timestamp(3), any: Timestamp(time) });
    }
    let latest: Vec<_> = told.observed.into_iter().map(|(at, latest)| (at, latest.any)).collect();
    assert_eq!(latest, [(origin(0), Timestamp(7)), (origin(1), Timestamp(9))]);
}

#[test]
fn inputs_come_anew_unless_something_else_is_said() {
    let (mut emitted, mut told) = (Vec::new(), Told::default());
    let cx = Context::new(moment(0, 0), 0, &mut emitted, &mut told);
    assert!(cx.is_renewed(Port(0)) && cx.is_renewed(Port(1)));
    let cx = cx.with_unchanged(&[Port(1)]);
    assert!(cx.is_renewed(Port(0)) && !cx.is_renewed(Port(1)));
}
