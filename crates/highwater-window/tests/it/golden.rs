//! What Spark 4.1 does with the same rows, case by case.

use std::time::Duration;

use highwater_window::{Aggregation, Emit, Window, avg, count, count_of, max, min, sum};

use crate::workers::{Cell, Event, Row, Workers, float};

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const OPEN: (i64, i64) = (i64::MIN, i64::MIN);
const ENDS: (i64, i64) = (i64::MIN, i64::MAX);

fn at(id: Option<&str>, time: i64) -> Event {
    Event { id: id.map(str::to_owned), time: Some(time), ..Event::default() }
}

fn tumbling(aggregates: impl IntoIterator<Item = Aggregation>) -> Workers {
    let step = Window::tumbling(Duration::from_mins(5)).by(["id"]).aggregate(aggregates);
    Workers::new(&step, 1)
}

fn counts(rows: &[Row]) -> Vec<(i64, i64)> {
    let count = |row: &Row| match row.2.last() {
        Some(Cell::Int(count)) => i64::try_from(*count).unwrap(),
        found => panic!("{found:?}"),
    };
    rows.iter().map(|row| (row.0 / MINUTE, count(row))).collect()
}

#[test]
fn a_window_holds_its_start_and_not_its_end() {
    let times = [40 * MINUTE, 40 * MINUTE - 1, -1, -5 * MINUTE, -5 * MINUTE - 1];
    let rows: Vec<_> = times.into_iter().map(|time| at(Some("a"), time)).collect();
    let out = tumbling([count("n")]).epoch(ENDS, &[rows]);
    assert_eq!(counts(&out.rows), [(-10, 1), (-5, 2), (35, 1), (40, 1)]);
    assert_eq!(out.rows[3].1, 45 * MINUTE);
}

#[test]
fn null_and_empty_keys_are_groups_of_their_own() {
    let rows = [at(None, 0), at(Some(""), 0), at(None, 1), at(Some("a"), 1)];
    let out = tumbling([count("n")]).epoch(ENDS, &[rows.to_vec()]);
    let keys: Vec<_> = out.rows.into_iter().map(|row| row.2).collect();
    let text = |text: &str| Cell::Text(text.to_owned());
    let expected = [(Cell::Null, 2), (text(""), 1), (text("a"), 1)];
    assert_eq!(keys, expected.map(|(key, count)| vec![key, Cell::Int(count)]));
}

#[test]
fn a_row_without_a_time_is_in_no_window() {
    let rows = [at(Some("a"), 0), Event { time: None, ..at(Some("a"), 0) }];
    let out = tumbling([count("n")]).epoch(ENDS, &[rows.to_vec()]);
    assert_eq!((counts(&out.rows), out.late, out.counted), (vec![(0, 1)], vec![None], 1));
}

#[test]
fn nulls_are_left_out_and_nothing_but_nulls_is_null() {
    let of = |n, f| Event { n, f, ..at(None, 0) };
    let all = || [avg("n"), sum("n"), min("n"), count_of("n"), count("rows")];
    let out =
        tumbling(all()).epoch(ENDS, &[vec![of(Some(1), None), of(None, None), of(Some(2), None)]]);
    let int = Cell::Int;
    assert_eq!(out.rows[0].2[1..], [float(1.5), int(3), int(1), int(2), int(3)]);
    let out = tumbling(all()).epoch(ENDS, &[vec![of(None, None)]]);
    assert_eq!(out.rows[0].2[1..], [Cell::Null, Cell::Null, Cell::Null, int(0), int(1)]);
}

#[test]
fn nan_makes_nan_and_is_above_all_numbers() {
    let of = |f| Event { f: Some(f), ..at(None, 0) };
    let rows = vec![of(1.0), of(-f64::NAN), of(f64::INFINITY)];
    let all = [sum("f"), avg("f"), min("f"), max("f")];
    let out = tumbling(all).epoch(ENDS, &[rows]);
    assert_eq!(out.rows[0].2[1..], [f64::NAN, f64::NAN, 1.0, f64::NAN].map(float));
}

/// decimal(10, 2): the sum is a decimal(20, 2), the average a decimal(14, 6), rounded half up.
#[test]
fn sums_and_averages_of_decimals_are_exact() {
    let of = |d| Event { d: Some(d), ..at(None, 0) };
    let rows = vec![of(1), of(0), of(1)];
    let out = tumbling([sum("d"), avg("d")]).epoch(ENDS, &[rows]);
    assert_eq!(out.rows[0].2[1..], [Cell::Int(2), Cell::Int(6_667)]);
}

/// Where Spark with ANSI off goes on with a number of the wrong sign, there is none.
#[test]
fn a_sum_that_does_not_fit_is_null() {
    let of = |n| Event { n: Some(n), ..at(None, 0) };
    let mut workers = tumbling([sum("n")]);
    let out = workers.epoch(ENDS, &[vec![of(i64::MAX), of(1), of(-1)]]);
    assert_eq!(out.rows[0].2[1], Cell::Int(i64::MAX.into()));
    let out = tumbling([sum("n")]).epoch(ENDS, &[vec![of(i64::MAX), of(1)]]);
    assert_eq!(out.rows[0].2[1], Cell::Null);
}

/// A window is emitted in the epoch whose watermark is its end, and takes rows in that epoch yet.
#[test]
fn a_row_is_late_when_its_window_has_ended_and_not_when_its_time_has_passed() {
    let mut workers = tumbling([count("n")]);
    let row = |time| vec![vec![at(None, time)]];
    let end = 5 * MINUTE;
    assert_eq!(workers.epoch((i64::MIN, end - 1), &row(0)).rows, []);
    let out = workers.epoch((end - 1, end), &row(1));
    assert_eq!((counts(&out.rows), out.counted), (vec![(0, 2)], 0));
    let out = workers.epoch((end, end), &row(end - 1));
    assert_eq!((out.rows, out.late), (vec![], vec![Some(end - 1)]));
    assert_eq!(workers.epoch((end, end), &row(end)).counted, 0);
}

#[test]
fn a_window_younger_than_the_watermark_is_not_emitted() {
    let mut workers = tumbling([count("n")]);
    let rows = vec![vec![at(None, 0), at(None, 5 * MINUTE)]];
    assert_eq!(counts(&workers.epoch((i64::MIN, 9 * MINUTE), &rows).rows), [(0, 1)]);
    assert_eq!(workers.epoch((9 * MINUTE, 9 * MINUTE), &[]).rows, []);
    assert_eq!(workers.rows_kept(), 1);
    assert_eq!(counts(&workers.epoch((9 * MINUTE, i64::MAX), &[]).rows), [(5, 1)]);
    assert_eq!(workers.rows_kept(), 0);
}

/// 10 minutes every 5: of a row at 7, [0, 10) has closed and [5, 15) has not.
#[test]
fn each_window_of_a_sliding_row_is_judged_alone() {
    let step = Window::sliding(Duration::from_mins(10), Duration::from_mins(5));
    let mut workers = Workers::new(&step.by(["id"]).aggregate([count("n")]), 1);
    let row = |time| vec![vec![at(None, time * MINUTE)]];
    let out = workers.epoch((i64::MIN, 10 * MINUTE), &row(6));
    assert_eq!(counts(&out.rows), [(0, 1)]);
    assert_eq!(workers.epoch((10 * MINUTE, 10 * MINUTE), &row(7)).counted, 0);
    assert_eq!(workers.epoch((10 * MINUTE, 10 * MINUTE), &row(4)).counted, 1);
    let out = workers.epoch((10 * MINUTE, 15 * MINUTE), &[]);
    assert_eq!(counts(&out.rows), [(5, 2)]);
    assert_eq!(workers.rows_kept(), 0);
}

#[test]
fn updates_are_the_groups_of_an_epoch_and_complete_is_all_of_them() {
    let rows = |time| vec![vec![at(None, time)]];
    let step = Window::tumbling(Duration::from_mins(5)).by(["id"]).aggregate([count("n")]);
    let mut workers = Workers::new(&step.clone().emit(Emit::Update), 1);
    assert_eq!(counts(&workers.epoch(OPEN, &rows(0)).rows), [(0, 1)]);
    assert_eq!(counts(&workers.epoch(OPEN, &rows(5 * MINUTE)).rows), [(5, 1)]);
    assert_eq!(counts(&workers.epoch((i64::MIN, 5 * MINUTE), &rows(1)).rows), [(0, 2)]);
    assert_eq!(workers.rows_kept(), 1);
    assert_eq!(workers.epoch((5 * MINUTE, 5 * MINUTE), &rows(2)).counted, 1);

    let mut workers = Workers::new(&step.emit(Emit::Complete), 1);
    assert_eq!(counts(&workers.epoch((i64::MIN, 50 * MINUTE), &rows(0)).rows), [(0, 1)]);
    let late = (50 * MINUTE, 50 * MINUTE);
    assert_eq!(counts(&workers.epoch(late, &rows(5 * MINUTE)).rows), [(0, 1), (5, 1)]);
    assert_eq!(counts(&workers.epoch(late, &[]).rows), [(0, 1), (5, 1)]);
    assert_eq!(counts(&workers.epoch(late, &rows(0)).rows), [(0, 2), (5, 1)]);
}
