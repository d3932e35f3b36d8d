//! The step alone: which rows go on.

use arrow::array::{ArrayRef, Int32Array, RecordBatch};
use arrow::datatypes::Int32Type;
use highwater_core::{Emitted, Epoch, Moment, Offsets, Output, Timestamp, Told, Watermarks};

use super::*;

fn run(condition: &str, numbers: &[Option<i32>]) -> Vec<Emitted> {
    let numbers: ArrayRef = Arc::new(Int32Array::from(numbers.to_vec()));
    let rows = RecordBatch::try_from_iter([("n", numbers)]).unwrap();
    let info = StreamInfo::new(rows.schema());
    let mut operator = Where::holds(condition).resolve(&[info]).unwrap().build().unwrap();
    let moment = Moment { epoch: Epoch(0), now: Timestamp(7), watermarks: Watermarks::UNKNOWN };
    let (mut emitted, mut told) = (Vec::new(), Told::default());
    let mut cx = Context::new(moment, 1, &mut emitted, &mut told);
    operator.on_epoch_start(&mut cx).unwrap();
    let batch = Batch { offsets: Some(Offsets::From(100)), ..Batch::from(rows) };
    assert_eq!(operator.on_batch(Port(0), batch, &mut cx).unwrap(), Flow::Done);
    emitted
}

fn numbers(batch: &Batch) -> Vec<Option<i32>> {
    batch.rows.column(0).as_primitive::<Int32Type>().iter().collect()
}

#[test]
fn true_goes_on_and_false_and_null_do_not() {
    let emitted = run("n > 1", &[Some(1), None, Some(2), Some(3)]);
    let [(Output::Main, kept)] = &*emitted else { panic!("{emitted:?}") };
    assert_eq!(numbers(kept), [Some(2), Some(3)]);
    assert_eq!(kept.offsets, Some(Offsets::From(102)));
    assert!(run("NULL", &[Some(1)]).is_empty());
}

#[test]
fn what_has_no_answer_is_rejected() {
    let emitted = run("10 / n > 2", &[Some(1), Some(0), Some(7), None]);
    let [(Output::Side(0), rejected), (Output::Main, kept)] = &*emitted else {
        panic!("{emitted:?}")
    };
    assert_eq!((numbers(kept), numbers(rejected)), (vec![Some(1)], vec![Some(0)]));
    assert_eq!(rejected.offsets, Some(Offsets::From(101)));
    let reason = rejected.rows.column(1).as_string::<i32>().value(0);
    assert_eq!(reason, "10 / n > 2: Divide by zero error");
}

/// `n <> 0` decides for a row alone, whatever the rows beside it are.
#[test]
fn a_condition_guards_what_follows_it() {
    let emitted = run("n <> 0 AND 10 / n > 2", &[Some(1), Some(0), Some(7), Some(2)]);
    let [(Output::Main, kept)] = &*emitted else { panic!("{emitted:?}") };
    assert_eq!(numbers(kept), [Some(1), Some(2)]);
}

#[test]
fn a_condition_may_ask_for_the_time_of_the_plan() {
    assert_eq!(run("now() < TIMESTAMP '1970-01-02 00:00:00'", &[Some(1)]).len(), 1);
    assert!(run("current_date() > DATE '1970-01-01'", &[Some(1)]).is_empty());
}
