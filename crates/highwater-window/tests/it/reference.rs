//! The step written down plainly: all rows of all windows are kept, and summed up anew each time.

use std::collections::{BTreeMap, BTreeSet};

use highwater_window::{
    Aggregation, Emit, avg, count, count_distinct, count_of, first, last, max, min, sum,
};

use crate::workers::{Cell, Event, Out, Row, float};

/// Windows of a size, a slide and an offset.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Windows {
    pub(crate) size: i64,
    pub(crate) slide: i64,
    pub(crate) offset: i64,
}

impl Windows {
    /// The starts of all windows that hold a time.
    fn of(self, time: i64) -> Vec<i64> {
        let Self { size, slide, offset } = self;
        let least = (time - size - offset).div_euclid(slide) - 1;
        let starts = (least..).map(|number| number * slide + offset);
        let starts = starts.take_while(|start| *start <= time);
        starts.filter(|start| (*start..*start + size).contains(&time)).collect()
    }
}

/// All rows of all windows.
pub(crate) struct Reference {
    windows: Windows,
    emit: Emit,
    by_id: bool,
    rows: BTreeMap<(i64, Option<String>), Vec<Event>>,
}

impl Reference {
    pub(crate) fn new(windows: Windows, emit: Emit, by_id: bool) -> Self {
        Self { windows, emit, by_id, rows: BTreeMap::new() }
    }

    pub(crate) fn epoch(&mut self, (late_before, watermark): (i64, i64), events: &[Event]) -> Out {
        let (mut out, mut changed) = (Out::default(), BTreeSet::new());
        for event in events {
            let windows = event.time.map(|time| self.windows.of(time)).unwrap_or_default();
            let complete = self.emit == Emit::Complete;
            let open = |start: &i64| complete || start + self.windows.size > late_before;
            let open: Vec<_> = windows.into_iter().filter(open).collect();
            if open.is_empty() {
                out.late.push(event.time);
                out.counted += 1;
            }
            for start in open {
                let key = (start, event.id.clone().filter(|_| self.by_id));
                changed.insert(key.clone());
                self.rows.entry(key).or_default().push(event.clone());
            }
        }
        let closed = |key: &(i64, Option<String>)| key.0 + self.windows.size <= watermark;
        let emitted: Vec<_> = match self.emit {
            Emit::Append => self.rows.keys().filter(|key| closed(key)).collect(),
            Emit::Update => changed.iter().collect(),
            Emit::Complete => self.rows.keys().collect(),
        };
        out.rows = emitted.into_iter().map(|key| self.row(key)).collect();
        if self.emit != Emit::Complete {
            self.rows.retain(|key, _| !closed(key));
        }
        out.rows.sort();
        out.late.sort();
        out
    }

    fn row(&self, key: &(i64, Option<String>)) -> Row {
        let mut cells: Vec<_> = self.by_id.then(|| text(key.1.clone())).into_iter().collect();
        cells.extend(summed_up(&self.rows[key]));
        cells.extend(distinct(&self.rows[key]));
        (key.0, key.0 + self.windows.size, cells)
    }
}

/// Counts of different values, which sessions do not have.
pub(crate) fn distincts() -> Vec<Aggregation> {
    vec![count_distinct("s"), count_distinct("f"), count_distinct("id")]
}

fn distinct(rows: &[Event]) -> [Cell; 3] {
    // There is one zero and one NaN.
    let bits = |f: f64| if f.is_nan() { f64::NAN.to_bits() } else { (f + 0.0).to_bits() };
    let s: BTreeSet<_> = rows.iter().filter_map(|row| row.s.as_ref()).collect();
    let f: BTreeSet<_> = rows.iter().filter_map(|row| row.f.map(bits)).collect();
    let id: BTreeSet<_> = rows.iter().filter_map(|row| row.id.as_ref()).collect();
    [s.len(), f.len(), id.len()].map(|count| Cell::Int(count as i128))
}

/// What the reference makes of a group.
pub(crate) fn aggregates() -> Vec<Aggregation> {
    vec![
        count("rows"),
        count_of("n"),
        sum("n"),
        avg("n"),
        min("n"),
        max("time"),
        sum("f"),
        avg("f"),
        min("f"),
        max("f"),
        sum("d"),
        avg("d"),
        min("s"),
        max("s"),
        first("s"),
        last("n"),
    ]
}

pub(crate) fn summed_up(rows: &[Event]) -> Vec<Cell> {
    let n: Vec<i64> = rows.iter().filter_map(|row| row.n).collect();
    let f: Vec<f64> = rows.iter().filter_map(|row| row.f).collect();
    let d: Vec<i128> = rows.iter().filter_map(|row| row.d).collect();
    let s: Vec<&String> = rows.iter().filter_map(|row| row.s.as_ref()).collect();
    let whole: i128 = n.iter().map(|n| i128::from(*n)).sum();
    let by_place = |row: &&Event| (row.time, row.partition, row.offset);
    let earliest = rows.iter().min_by_key(by_place).unwrap();
    let latest = rows.iter().max_by_key(by_place).unwrap();
    let some = |there: bool, cell: Cell| if there { cell } else { Cell::Null };
    let fits = i64::try_from(whole).is_ok();
    let floats = f.iter().sum::<f64>() + 0.0;
    // NaN is above all other floats, and there is one zero.
    let mut sorted: Vec<f64> = f.iter().map(|f| f + 0.0).collect();
    sorted.sort_by(|one, other| match (one.is_nan(), other.is_nan()) {
        (false, false) => one.partial_cmp(other).unwrap(),
        (one, other) => one.cmp(&other),
    });
    vec![
        Cell::Int(rows.len() as i128),
        Cell::Int(n.len() as i128),
        some(!n.is_empty() && fits, Cell::Int(whole)),
        some(!n.is_empty(), float(whole as f64 / n.len() as f64)),
        n.iter().min().map_or(Cell::Null, |n| Cell::Int((*n).into())),
        Cell::Int(latest.time.unwrap().into()),
        some(!f.is_empty(), float(floats)),
        some(!f.is_empty(), float(floats / f.len() as f64)),
        sorted.first().map_or(Cell::Null, |f| float(*f)),
        sorted.last().map_or(Cell::Null, |f| float(*f)),
        some(!d.is_empty(), Cell::Int(d.iter().sum())),
        some(!d.is_empty(), Cell::Int(half_up(d.iter().sum::<i128>() * 10_000, d.len()))),
        text(s.iter().min().map(|s| (*s).clone())),
        text(s.iter().max().map(|s| (*s).clone())),
        text(earliest.s.clone()),
        latest.n.map_or(Cell::Null, |n| Cell::Int(n.into())),
    ]
}

fn half_up(sum: i128, count: usize) -> i128 {
    let count = (count as i128).max(1);
    let size = (2 * sum.abs() + count) / (2 * count);
    size * sum.signum()
}

pub(crate) fn text(text: Option<String>) -> Cell {
    text.map_or(Cell::Null, Cell::Text)
}
