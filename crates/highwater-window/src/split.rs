//! The rows of a batch by pane, and those that no window takes any more.

use std::ops::Range;

use arrow::array::{Array, BooleanArray, TimestampMicrosecondArray};

use crate::panes::Panes;

/// Rows by pane, in their order in each.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Split {
    rows: Vec<u32>,
    parts: Vec<(i64, Range<usize>)>,
}

impl Split {
    /// All of so many rows in one pane.
    fn all(pane: i64, count: usize) -> Self {
        let rows: Vec<u32> = (0..).take(count).collect();
        Self { parts: vec![(pane, 0..rows.len())], rows }
    }

    /// Splits rows up. Those without a pane are left out.
    fn of(panes: &[i64]) -> Self {
        let found = || panes.iter().copied().filter(|pane| *pane != NO_PANE);
        let (Some(least), Some(most)) = (found().min(), found().max()) else {
            return Self::default();
        };
        let span = most.checked_sub(least).and_then(|span| usize::try_from(span).ok());
        match span.filter(|span| *span <= panes.len().saturating_mul(4)) {
            Some(0) => {
                let rows: Vec<u32> = numbered(panes).map(|(row, _)| row).collect();
                let parts = vec![(least, 0..rows.len())];
                Self { rows, parts }
            }
            Some(span) => Self::counted(panes, least, span),
            None => Self::sorted(panes),
        }
    }

    /// Splits by counting how many rows each pane has.
    fn counted(panes: &[i64], least: i64, span: usize) -> Self {
        let place = |pane: i64| usize::try_from(pane.wrapping_sub(least)).unwrap_or(usize::MAX);
        let mut ends = vec![0_usize; span + 1];
        for (_, pane) in numbered(panes) {
            if let Some(end) = ends.get_mut(place(pane)) {
                *end += 1;
            }
        }
        let (mut begin, mut parts) = (0, Vec::new());
        for (pane, end) in (least..).zip(&mut ends) {
            let range = begin..begin + *end;
            (*end, begin) = (range.start, range.end);
            if !range.is_empty() {
                parts.push((pane, range));
            }
        }
        let mut rows = vec![0; begin];
        for (row, pane) in numbered(panes) {
            let Some(next) = ends.get_mut(place(pane)) else { continue };
            if let Some(to) = rows.get_mut(*next) {
                *to = row;
            }
            *next += 1;
        }
        Self { rows, parts }
    }

    /// Splits rows of panes that lie far apart.
    fn sorted(panes: &[i64]) -> Self {
        let mut all: Vec<(i64, u32)> = numbered(panes).map(|(row, pane)| (pane, row)).collect();
        all.sort_unstable();
        let mut parts: Vec<(i64, Range<usize>)> = Vec::new();
        for (place, (pane, _)) in all.iter().enumerate() {
            match parts.last_mut() {
                Some((last, range)) if last == pane => range.end = place + 1,
                _ => parts.push((*pane, place..place + 1)),
            }
        }
        Self { rows: all.into_iter().map(|(_, row)| row).collect(), parts }
    }

    /// The panes, each with its rows.
    pub(crate) fn parts(&self) -> impl Iterator<Item = (i64, &[u32])> {
        let rows = |range: &Range<usize>| self.rows.get(range.clone()).unwrap_or_default();
        self.parts.iter().map(move |(pane, range)| (*pane, rows(range)))
    }
}

/// Sorts the rows of a batch into panes, and marks those that go into none: they have no time, or one before
/// `floor`, or no window can be told of them.
pub(crate) fn split(
    times: &TimestampMicrosecondArray,
    panes: &Panes,
    floor: i64,
) -> (Split, Option<BooleanArray>) {
    let usable = panes.times();
    let usable = usable.start.max(floor)..usable.end;
    if let Some(pane) = only_pane(times, panes, &usable) {
        return (Split::all(pane, times.len()), None);
    }
    let (mut pane, mut last) = (NO_PANE, 0..0);
    let mut of = |time: i64| {
        if !last.contains(&time) {
            if !usable.contains(&time) {
                return NO_PANE;
            }
            pane = panes.of(time);
            let from = panes.start(pane);
            last = from.max(usable.start)..from.saturating_add(panes.pane());
        }
        pane
    };
    let all: Vec<i64> = match times.nulls().filter(|nulls| nulls.null_count() > 0) {
        None => times.values().iter().map(|time| of(*time)).collect(),
        Some(_) => times.iter().map(|time| time.map_or(NO_PANE, &mut of)).collect(),
    };
    let marks =
        all.contains(&NO_PANE).then(|| all.iter().map(|pane| Some(*pane == NO_PANE)).collect());
    (Split::of(&all), marks)
}

/// The pane of all rows, if there is one.
fn only_pane(times: &TimestampMicrosecondArray, panes: &Panes, usable: &Range<i64>) -> Option<i64> {
    if times.null_count() > 0 {
        return None;
    }
    let bounds = times.values().iter();
    let (least, most) = bounds
        .fold((i64::MAX, i64::MIN), |(least, most), time| (least.min(*time), most.max(*time)));
    let both = usable.contains(&least) && usable.contains(&most);
    both.then(|| panes.of(least)).filter(|pane| panes.of(most) == *pane)
}

/// What stands for no pane: no time that is used has it.
const NO_PANE: i64 = i64::MIN;

fn numbered(panes: &[i64]) -> impl Iterator<Item = (u32, i64)> {
    (0..).zip(panes.iter().copied()).filter(|(_, pane)| *pane != NO_PANE)
}

#[cfg(test)]
mod tests;
