//! The step alone: rows in, rows out, and saves in between.

mod oracle;
mod workers;

use highwater_core::{Epoch, Offsets, Permit, Watermarks};

use super::*;
use workers::{Out, Workers, batch, origin};

const WITHIN: i64 = 60;

fn dedupe() -> Dedupe {
    Dedupe::by(["id"]).within(Duration::from_micros(60))
}

/// What a step on one worker makes of an epoch of `(id, time)` from one partition.
fn epoch(workers: &mut Workers, watermarks: (i64, i64), rows: &[(&str, i64)]) -> Out {
    let rows: Vec<_> = rows.iter().map(|(id, time)| (Some(*id), Some(*time))).collect();
    workers.epoch(marks(watermarks), vec![batch(0, 0, &rows)])
}

fn marks((late_before, watermark): (i64, i64)) -> Watermarks {
    Watermarks { late_before: Timestamp(late_before), watermark: Timestamp(watermark) }
}

#[test]
fn a_row_is_a_duplicate_only_below_the_bound_either_way() {
    let mut workers = Workers::new(&dedupe(), 1);
    let out =
        epoch(&mut workers, (0, 0), &[("a", 100), ("a", 159), ("a", 41), ("a", 160), ("a", 40)]);
    assert_eq!((out.kept, out.duplicates), (vec![100, 160, 40], 2));
    let out = epoch(&mut workers, (0, 0), &[("a", 219), ("a", 220), ("b", 100)]);
    assert_eq!((out.kept, out.duplicates), (vec![220, 100], 1));
}

/// Only kept rows count: 140 is close to 100 but not to a row that is kept.
#[test]
fn a_duplicate_makes_no_other_row_one() {
    let mut workers = Workers::new(&dedupe(), 1);
    let out = epoch(&mut workers, (0, 0), &[("a", 60), ("a", 100), ("a", 140)]);
    assert_eq!(out.kept, [60, 140]);
}

#[test]
fn a_row_at_the_watermark_is_late_and_the_one_after_it_is_not() {
    let mut workers = Workers::new(&dedupe(), 1);
    let out = epoch(&mut workers, (99, 100), &[("a", 98), ("a", 99), ("a", 100)]);
    assert_eq!((out.kept, out.late, out.duplicates), (vec![100], vec![98, 99], 0));
    assert_eq!(out.late_counted, 2);
}

#[test]
fn a_row_without_a_time_goes_on_and_is_compared_with_nothing() {
    let mut workers = Workers::new(&dedupe(), 1);
    let rows = [(Some("a"), None), (Some("a"), Some(5)), (Some("a"), None), (Some("a"), Some(6))];
    let out = workers.epoch(marks((0, 0)), vec![batch(0, 0, &rows)]);
    assert_eq!((out.rows, out.duplicates), (vec![0, 1, 2], 1));
}

#[test]
fn nulls_in_a_key_are_equal() {
    let mut workers = Workers::new(&dedupe(), 1);
    for (epoch, kept) in [(0, vec![0, 2]), (1, vec![])] {
        let first = epoch * 3;
        let rows = [(None, Some(5)), (None, Some(6)), (Some(""), Some(6))];
        let out = workers.epoch(marks((0, 0)), vec![batch(0, first, &rows)]);
        assert_eq!(out.rows, kept);
    }
}

/// A kept row at 100 is close to 159. It goes when 159 has passed, and not before.
#[test]
fn a_row_is_forgotten_when_all_that_is_close_to_it_would_be_late() {
    for (watermark, left) in [(158, 1), (159, 0)] {
        let mut workers = Workers::new(&dedupe(), 1);
        epoch(&mut workers, (0, watermark), &[("a", 100)]);
        assert_eq!(workers.rows_kept(), left, "{watermark}");
        let out = epoch(&mut workers, (watermark, watermark), &[("a", 159), ("a", 160)]);
        let (kept, late) = if left == 1 { (vec![160], vec![]) } else { (vec![160], vec![159]) };
        assert_eq!((out.kept, out.late), (kept, late), "{watermark}");
    }
}

#[test]
fn everything_is_forgotten_once_the_stream_has_ended() {
    let mut workers = Workers::new(&dedupe(), 1);
    epoch(&mut workers, (0, i64::MAX), &[("a", 100), ("b", i64::MAX - 1)]);
    assert_eq!(workers.rows_kept(), 0);
}

#[test]
fn the_first_and_the_last_of_all_times_are_times_like_others() {
    let within = |micros| Dedupe::by(["id"]).within(Duration::from_micros(micros));
    for micros in [1, 2, 1 << 62, i64::MAX.unsigned_abs()] {
        let mut workers = Workers::new(&within(micros), 1);
        let (first, last) = (i64::MIN + 1, i64::MAX);
        let unknown = (i64::MIN, i64::MIN);
        let out =
            epoch(&mut workers, unknown, &[("a", first), ("a", last), ("a", last), ("a", first)]);
        assert_eq!((out.kept, out.duplicates), (vec![first, last], 2), "{micros}");
        let out = epoch(&mut workers, unknown, &[("a", first), ("a", last)]);
        assert_eq!((out.kept, out.duplicates), (vec![], 2), "{micros}");
    }
}

/// Batches travel one by one and in their order, whatever came in.
#[test]
fn kept_rows_leave_a_batch_at_a_time_in_the_order_of_their_places() {
    let mut workers = Workers::new(&dedupe(), 1);
    let row = |id| [(Some(id), Some(5)), (Some("x"), Some(5))];
    let batches = vec![batch(1, 0, &row("d")), batch(0, 7, &row("c")), batch(0, 2, &row("b"))];
    let out = workers.epoch(marks((0, 0)), batches);
    let places: Vec<_> =
        out.batches.iter().map(|batch| (batch.origin.clone(), batch.offsets.clone())).collect();
    let place = |partition, offsets: &[i64]| {
        (Some(origin(partition)), Some(Offsets::new(offsets.iter().copied())))
    };
    assert_eq!(places, [place(0, &[2, 3]), place(0, &[7]), place(1, &[0])]);
}

/// Whoever reads would wait for them, and the epoch for whoever reads.
#[test]
fn rows_that_are_held_hold_no_permit() {
    let room = Arc::new(());
    let mut operator = operator(&dedupe());
    let (mut emitted, mut told) = (Vec::new(), Default::default());
    let mut cx = Context::new(workers::moment(Epoch(0), marks((5, 5))), 1, &mut emitted, &mut told);
    let mut batch = batch(0, 0, &[(Some("a"), Some(9)), (Some("b"), Some(1))]);
    batch.permit = Some(Permit::new(Arc::clone(&room)));
    assert_eq!(operator.on_batch(Port(0), batch, &mut cx).unwrap(), Flow::Done);
    let (_, late) = emitted.pop().unwrap();
    assert!(late.permit.is_some(), "late rows are on their way");
    drop(late);
    assert_eq!(Arc::strong_count(&room), 1);
}

#[test]
fn rows_that_do_not_say_where_they_come_from_are_refused() {
    let whole = || batch(0, 0, &[(Some("a"), Some(1))]);
    for (batch, word) in [
        (Batch { offsets: None, ..whole() }, "1 rows have no offsets"),
        (Batch { origin: None, ..whole() }, "1 rows have no source and partition"),
    ] {
        let error = Workers::new(&dedupe(), 1).try_epoch(marks((0, 0)), vec![batch]).unwrap_err();
        assert!(error.to_string().contains(word), "{error}");
        assert_eq!(error.kind(), ErrorKind::Invalid);
    }
}

#[test]
fn rows_that_come_in_the_wrong_order_are_a_bug() {
    let rows = [(Some("a"), Some(1)), (Some("b"), Some(1)), (Some("c"), Some(1))];
    let of = |offsets: [i64; 3]| Batch {
        offsets: Some(Offsets::Each(offsets.to_vec().into())),
        ..batch(0, 0, &rows)
    };
    let wrong = [
        (vec![of([1, 5, 4])], "offset 4 behind 5"),
        (vec![of([1, 5, 5])], "offset 5 behind 5"),
        (vec![of([1, 5, 9]), of([7, 10, 11])], "offset 7 behind 9"),
        (vec![of([1, 5, 9]), of([1, 5, 9])], "offset 1 behind 9"),
    ];
    for (batches, word) in wrong {
        let error = Workers::new(&dedupe(), 1).try_epoch(marks((0, 0)), batches).unwrap_err();
        assert!(error.to_string().contains("t/0") && error.to_string().contains(word), "{error}");
        assert_eq!(error.kind(), ErrorKind::Internal);
    }
}

#[test]
fn a_step_that_does_not_fit_says_why_and_what_to_do() {
    let (id, minute) = (|| Dedupe::by(["id"]), Duration::from_mins(1));
    let refused = [
        (id(), "it is missing", ".within(..)"),
        (id().within(Duration::ZERO), "it is 0ns", ".within(..)"),
        (id().within(Duration::from_nanos(1_500)), "it is 1.5", ".within(..)"),
        (id().within(Duration::MAX), "whole microseconds", ".within(..)"),
        (Dedupe::by(["no"]).within(minute), "no column no", "correct it"),
        (Dedupe::by([""; 0]).within(minute), "at least one column", "correct it"),
    ];
    let fails = |step: Dedupe, inputs: &[StreamInfo], problem, next_step| {
        let error = step.resolve(inputs).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
        assert!(error.to_string().contains(problem), "{error}");
        assert!(error.next_step().contains(next_step), "{}", error.next_step());
    };
    for (step, problem, next_step) in refused {
        fails(step, &[workers::stream()], problem, next_step);
    }
    let stream = || StreamInfo::new(workers::schema());
    let declare = ".watermark(column, delay)";
    fails(dedupe(), &[stream()], "id need an event time, and the stream has none", declare);
    let number = "column n of type Int32 cannot be the event time";
    fails(dedupe(), &[stream().with_time("n")], number, "timestamp in microseconds");
    fails(dedupe(), &[stream().with_time("when")], "no column when", "correct it");
    fails(dedupe(), &[workers::stream(), workers::stream()], "not of 2", "correct it");
}

#[test]
fn what_is_declared_is_what_the_step_needs() {
    let resolved = dedupe().resolve(&[workers::stream()]).unwrap();
    assert_eq!(resolved.output().schema, workers::schema());
    assert_eq!(resolved.routing(), &Routing::ByKey(vec!["id".to_owned()]));
    assert_eq!(resolved.state(), Some(&StateBound::Time { micros: WITHIN }));
    assert_eq!(resolved.hold(Port(0)), 0);
    let [late] = resolved.sides() else { panic!("{:?}", resolved.sides()) };
    assert_eq!((late.name.as_str(), late.unread), ("late", Unread::Dropped));
    assert_eq!(late.info.schema, workers::schema());
    assert_eq!(dedupe().describe().settings, "by id within 60µs");
}

fn operator(dedupe: &Dedupe) -> Box<dyn Operator> {
    dedupe.resolve(&[workers::stream()]).unwrap().build().unwrap()
}
