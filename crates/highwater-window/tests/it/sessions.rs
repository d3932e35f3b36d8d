//! Sessions: case by case, and random rows in random pieces against a plain reference.

use std::time::Duration;

use highwater_window::{Emit, Window, count};
use proptest::prelude::*;

use crate::oracle::{agree, epochs};
use crate::reference::{aggregates, summed_up, text};
use crate::workers::{Event, Out, Row, Workers};

/// Sessions of all groups, each with all of its rows.
struct Sessions {
    gap: i64,
    emit: Emit,
    by_id: bool,
    open: Vec<(Option<String>, Vec<Event>)>,
}

/// The first and the last time of some rows.
fn ends(rows: &[Event]) -> (i64, i64) {
    let times = || rows.iter().filter_map(|row| row.time);
    (times().min().unwrap(), times().max().unwrap())
}

impl Sessions {
    fn epoch(&mut self, (late_before, watermark): (i64, i64), events: &[Event]) -> Out {
        let mut out = Out::default();
        for event in events {
            let open = |time: &i64| self.emit == Emit::Complete || time + self.gap > late_before;
            if event.time.filter(open).is_none() {
                out.late.push(event.time);
                out.counted += 1;
                continue;
            }
            let key = event.id.clone().filter(|_| self.by_id);
            self.add(key, vec![event.clone()]);
        }
        let closed = |rows: &[Event]| ends(rows).1.saturating_add(self.gap) <= watermark;
        let all = self.emit == Emit::Complete;
        let emitted = self.open.iter().filter(|(_, rows)| all || closed(rows));
        out.rows = emitted.map(|(key, rows)| self.row(key, rows)).collect();
        if !all {
            let gap = self.gap;
            self.open.retain(|(_, rows)| ends(rows).1.saturating_add(gap) > watermark);
        }
        out.rows.sort();
        out.late.sort();
        out
    }

    /// Adds rows to the sessions that they touch, which become one.
    fn add(&mut self, key: Option<String>, mut rows: Vec<Event>) {
        loop {
            let (first, last) = ends(&rows);
            let touches = |(other, theirs): &(Option<String>, Vec<Event>)| {
                let (from, to) = ends(theirs);
                *other == key && from <= last + self.gap && first <= to + self.gap
            };
            let Some(at) = self.open.iter().position(touches) else { break };
            rows.extend(self.open.remove(at).1);
        }
        self.open.push((key, rows));
    }

    fn row(&self, key: &Option<String>, rows: &[Event]) -> Row {
        let mut cells: Vec<_> = self.by_id.then(|| text(key.clone())).into_iter().collect();
        cells.extend(summed_up(rows));
        let (first, last) = ends(rows);
        (first, last + self.gap, cells)
    }
}

fn step(gap: i64, emit: Emit, by_id: bool) -> Window {
    let step = Window::session(Duration::from_micros(gap.unsigned_abs())).emit(emit);
    let step = step.aggregate(aggregates());
    if by_id { step.by(["id"]) } else { step }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn sessions_are_those_of_the_reference(
        gap in prop_oneof![Just(10_i64), 1..30_i64], complete in any::<bool>(), by_id in any::<bool>(),
        count in 1..4_usize, epochs in epochs(), drain in any::<bool>(),
    ) {
        let emit = if complete { Emit::Complete } else { Emit::Append };
        let mut workers = Workers::new(&step(gap, emit, by_id), count);
        let mut reference = Sessions { gap, emit, by_id, open: Vec::new() };
        agree(&mut workers, epochs, drain, |marks, events| reference.epoch(marks, events))?;
        if drain && emit == Emit::Append {
            prop_assert_eq!(workers.rows_kept(), 0);
        }
    }
}

const GAP: i64 = 10;

fn at(times: &[i64]) -> Vec<Vec<Event>> {
    vec![times.iter().map(|time| Event { time: Some(*time), ..Event::default() }).collect()]
}

fn counting(emit: Emit) -> Workers {
    let step = Window::session(Duration::from_micros(10)).by(["id"]).aggregate([count("n")]);
    Workers::new(&step.emit(emit), 1)
}

/// Where sessions begin and end, and how many rows they have.
fn spans(out: &Out) -> Vec<(i64, i64, String)> {
    out.rows.iter().map(|row| (row.0, row.1, format!("{:?}", row.2[1]))).collect()
}

fn span(first: i64, end: i64, count: i64) -> (i64, i64, String) {
    (first, end, format!("Int({count})"))
}

#[test]
fn rows_a_gap_apart_are_of_one_session_and_no_others() {
    let out = counting(Emit::Append).epoch((i64::MIN, i64::MAX), &at(&[0, GAP, 2 * GAP + 1]));
    assert_eq!(spans(&out), [span(0, 2 * GAP, 2), span(2 * GAP + 1, 3 * GAP + 1, 1)]);
}

#[test]
fn a_session_closes_a_gap_behind_its_last_row() {
    let mut workers = counting(Emit::Append);
    assert_eq!(workers.epoch((i64::MIN, 14), &at(&[0, 5])).rows, []);
    assert_eq!(spans(&workers.epoch((14, 15), &[])), [span(0, 15, 2)]);
    assert_eq!(workers.rows_kept(), 0);
}

/// Whether a row is late goes by the row alone: here the session that it would have been part of is closed.
#[test]
fn a_row_behind_a_closed_session_begins_another_one() {
    let mut workers = counting(Emit::Append);
    assert_eq!(spans(&workers.epoch((i64::MIN, 15), &at(&[0, 5]))), [span(0, 15, 2)]);
    let out = workers.epoch((15, 15), &at(&[5, 6]));
    assert_eq!((out.rows, out.late, out.counted), (vec![], vec![Some(5)], 1));
    assert_eq!(spans(&workers.epoch((15, 16), &[])), [span(6, 16, 1)]);
}

#[test]
fn a_row_joins_two_sessions() {
    for emit in [Emit::Append, Emit::Complete] {
        let mut workers = counting(emit);
        workers.epoch((i64::MIN, i64::MIN), &at(&[0, 18]));
        workers.restart(2);
        workers.epoch((i64::MIN, i64::MIN), &at(&[9]));
        let out = workers.epoch((i64::MIN, i64::MAX), &[]);
        assert_eq!(spans(&out), [span(0, 28, 3)], "{emit:?}");
    }
}

/// A session that goes on and on is kept by its last panes.
#[test]
fn a_long_session_takes_no_more_room_than_a_short_one() {
    let mut workers = counting(Emit::Append);
    let mut late_before = i64::MIN;
    for time in (0..1_000).map(|row| row * 7) {
        assert_eq!(workers.epoch((late_before, time), &at(&[time])).rows, []);
        late_before = time;
        if time % 10 == 0 {
            workers.restart(1);
        }
        assert!(workers.rows_kept() <= 3, "{}", workers.rows_kept());
    }
    let out = workers.epoch((late_before, i64::MAX), &[]);
    assert_eq!(spans(&out), [span(0, 999 * 7 + 10, 1_000)]);
}

/// Nothing closes and nothing is late.
#[test]
fn all_sessions_are_emitted_again_and_again() {
    let mut workers = counting(Emit::Complete);
    let first = [span(0, 10, 1), span(20, 40, 2)];
    assert_eq!(spans(&workers.epoch((i64::MIN, 90), &at(&[0, 20, 30]))), first);
    assert_eq!(spans(&workers.epoch((90, 90), &[])), first);
    assert_eq!(spans(&workers.epoch((90, 90), &at(&[10]))), [span(0, 40, 4)]);
}
