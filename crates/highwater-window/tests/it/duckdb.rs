//! The windows that DuckDB makes of the same rows, as `xtask/python/windows.py` writes them.

use std::path::Path;
use std::time::Duration;

use highwater_window::{
    Aggregation, Window, avg, count, count_distinct, count_of, first, last, max, min, sum,
};

use crate::workers::{Cell, Event, Row, Workers, float};

/// The lines of a file by their values; none where there is nothing.
fn lines(folder: &Path, name: &str) -> Vec<Vec<Option<String>>> {
    let text = std::fs::read_to_string(folder.join(name)).unwrap();
    let value = |value: &str| (!value.is_empty()).then(|| value.to_owned());
    text.lines().map(|line| line.split(',').map(value).collect()).collect()
}

fn parsed<T: std::str::FromStr>(value: &Option<String>) -> Option<T> {
    value.as_ref().map(|value| value.parse().ok().unwrap())
}

fn event(line: &[Option<String>]) -> (usize, Event) {
    let [epoch, partition, offset, id, time, n, f, s] = line else { panic!("{line:?}") };
    let event = Event {
        partition: parsed(partition).unwrap(),
        offset: parsed(offset).unwrap(),
        id: id.clone(),
        time: parsed(time),
        n: parsed(n),
        f: parsed(f),
        d: None,
        s: s.clone(),
    };
    (parsed(epoch).unwrap(), event)
}

fn aggregates() -> Vec<Aggregation> {
    let numbers = [count("rows"), count_of("n"), sum("n"), min("n"), max("n"), avg("n"), sum("f")];
    numbers.into_iter().chain([min("s"), max("s"), first("s"), last("n")]).collect()
}

/// The epoch in which a window is emitted, and its row.
fn window(line: &[Option<String>]) -> (usize, Row) {
    let cell = |(place, value): (usize, &Option<String>)| match (value, place) {
        (None, _) => Cell::Null,
        (Some(value), 0 | 8..=10) => Cell::Text(value.clone()),
        (Some(value), 6 | 7) => float(value.parse().unwrap()),
        (Some(value), _) => Cell::Int(value.parse().unwrap()),
    };
    let cells = line[3..].iter().enumerate().map(cell).collect();
    (parsed(&line[0]).unwrap(), (parsed(&line[1]).unwrap(), parsed(&line[2]).unwrap(), cells))
}

/// Runs the epochs of a folder, each on another number of workers.
fn compare(folder: &Path, kind: &str, step: &Window) {
    let events: Vec<_> = lines(folder, "events.csv").iter().map(|line| event(line)).collect();
    let expected: Vec<_> =
        lines(folder, &format!("{kind}.csv")).iter().map(|it| window(it)).collect();
    assert!(!expected.is_empty(), "{kind}");
    let mut workers = Workers::new(step, 2);
    for line in lines(folder, "epochs.csv") {
        let epoch: usize = parsed(&line[0]).unwrap();
        let marks = [&line[1], &line[2]].map(|mark| parsed(mark).unwrap_or(i64::MIN));
        let mut batches: Vec<Vec<Event>> = Vec::new();
        for partition in 0..2 {
            let own = events.iter().filter(|(at, it)| *at == epoch && it.partition == partition);
            let own: Vec<_> = own.map(|(_, event)| event.clone()).collect();
            batches.extend(own.chunks(1 + epoch * 7).map(<[Event]>::to_vec));
        }
        let found = workers.epoch((marks[0], marks[1]), &batches).rows;
        let rows = expected.iter().filter(|(at, _)| *at == epoch).map(|(_, row)| row.clone());
        let mut rows: Vec<_> = rows.collect();
        rows.sort();
        assert_eq!(found, rows, "{kind} of {}, epoch {epoch}", folder.display());
        workers.restart(1 + epoch % 3);
    }
    assert_eq!(workers.rows_kept(), 0);
}

#[test]
#[ignore = "needs a folder with those of xtask/python/windows.py in HIGHWATER_WINDOWS"]
fn windows_are_those_of_duckdb() {
    let folders = std::env::var("HIGHWATER_WINDOWS").expect("HIGHWATER_WINDOWS is not set");
    let folders = std::fs::read_dir(folders).unwrap().map(|entry| entry.unwrap().path());
    let folders: Vec<_> = folders.collect();
    assert!(!folders.is_empty());
    folders.iter().for_each(|folder| compare_all(folder));
}

fn compare_all(folder: &Path) {
    let micros = Duration::from_micros;
    for rows in ["sparse", "calm"] {
        let folder = folder.join(rows);
        let with = |step: Window| step.by(["id"]);
        let distinct = aggregates().into_iter().chain([count_distinct("n")]);
        let distinct: Vec<_> = distinct.collect();
        let tumbling = with(Window::tumbling(micros(50))).aggregate(distinct.clone());
        compare(&folder, "tumbling", &tumbling);
        compare(
            &folder,
            "sliding",
            &with(Window::sliding(micros(65), micros(15))).aggregate(distinct),
        );
        if rows == "calm" {
            compare(&folder, "session", &with(Window::session(micros(12))).aggregate(aggregates()));
        }
    }
}
