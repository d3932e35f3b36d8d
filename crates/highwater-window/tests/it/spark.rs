//! The windows that Spark 4.1.3 makes of the same rows, batch by batch, as `xtask/python/windows_spark.py` wrote them.

use std::time::Duration;

use highwater_window::{Aggregation, Emit, Window, avg, count, count_of, max, min, sum};

use crate::workers::{Cell, Event, Row, Workers, float};

const FIXTURE: &str = include_str!("../data/spark.csv");
const MILLI: i64 = 1_000;

/// The rest of the lines that begin with some words, by their values; none where there is nothing.
fn lines(begin: &str) -> Vec<Vec<Option<&'static str>>> {
    let rest = |line: &'static str| line.strip_prefix(begin)?.strip_prefix(',');
    let value = |value: &'static str| (!value.is_empty()).then_some(value);
    FIXTURE.lines().filter_map(rest).map(|line| line.split(',').map(value).collect()).collect()
}

fn parsed<T: std::str::FromStr>(value: Option<&str>) -> Option<T> {
    value.map(|value| value.parse().ok().unwrap())
}

/// The rows of each batch, in the order of their files.
fn batches(rows: &str) -> Vec<Vec<Event>> {
    let mut batches: Vec<Vec<Event>> = Vec::new();
    for (offset, line) in (0..).zip(lines(&format!("event,{rows}"))) {
        let batch: usize = parsed(line[0]).unwrap();
        let own = |text: Option<&str>| text.map(str::to_owned);
        let (id, s) = (own(line[1]), own(line[5]));
        let (time, n, f) = (parsed(line[2]), parsed(line[3]), parsed(line[4]));
        batches.resize_with(batches.len().max(batch + 1), Vec::new);
        batches[batch].push(Event { offset, id, time, n, f, s, ..Event::default() });
    }
    batches
}

fn aggregates() -> Vec<Aggregation> {
    let numbers = [count("rows"), count_of("n"), sum("n"), min("n"), max("n"), avg("n"), sum("f")];
    numbers.into_iter().chain([min("s"), max("s")]).collect()
}

fn row(values: &[Option<&str>]) -> Row {
    let cell = |(place, value): (usize, &Option<&str>)| match (value, place) {
        (None, _) => Cell::Null,
        (Some(value), 0 | 8 | 9) => Cell::Text((*value).to_owned()),
        (Some(value), 6 | 7) => float(value.parse().unwrap()),
        (Some(value), _) => Cell::Int(value.parse().unwrap()),
    };
    let cells = values[2..].iter().enumerate().map(cell).collect();
    (parsed(values[0]).unwrap(), parsed(values[1]).unwrap(), cells)
}

/// What has passed behind a batch by the global policy: made of the batches before it, and cut to milliseconds.
fn watermark(batches: &[Vec<Event>], batch: usize) -> i64 {
    let before = batches.iter().take(batch).flatten().filter_map(|event| event.time);
    let passed = before.max().map(|latest| latest.div_euclid(MILLI) * MILLI - 60 * MILLI);
    passed.unwrap_or(i64::MIN)
}

fn compare(rows: &str, kind: &str, mode: &str, step: Window) {
    let events = batches(rows);
    let emit = if mode == "append" { Emit::Append } else { Emit::Complete };
    let mut workers = Workers::new(&step.by(["id"]).aggregate(aggregates()).emit(emit), 2);
    let of = format!("{rows},{kind},{mode}");
    let (ran, emitted) = (lines(&format!("batch,{of}")), lines(&format!("row,{of}")));
    assert!(ran.len() >= events.len() && !emitted.is_empty(), "{of}");
    let mut late_before = i64::MIN;
    for number in 0..ran.len() {
        let passed = watermark(&events, number);
        let pieces: Vec<_> =
            events.get(number).map(|it| it.chunks(7)).into_iter().flatten().collect();
        let pieces: Vec<_> = pieces.into_iter().map(<[Event]>::to_vec).collect();
        let found = workers.epoch((late_before, passed), &pieces).rows;
        let own = emitted.iter().filter(|line| parsed(line[0]) == Some(number));
        let mut expected: Vec<_> = own.map(|line| row(&line[1..])).collect();
        expected.sort();
        assert_eq!(found, expected, "{of}, batch {number}");
        late_before = passed;
        workers.restart(1 + number % 3);
    }
}

#[test]
fn windows_are_those_of_spark_in_the_same_batch() {
    let millis = Duration::from_millis;
    for rows in ["sparse", "calm"] {
        for mode in ["append", "complete"] {
            compare(rows, "tumbling", mode, Window::tumbling(millis(50)));
            compare(rows, "sliding", mode, Window::sliding(millis(65), millis(15)));
            // Of sessions in complete mode Spark drops late rows.
            if (rows, mode) != ("sparse", "complete") {
                compare(rows, "session", mode, Window::session(millis(12)));
            }
        }
    }
}
