//! One instance of the step for sessions: rows into panes as long as the gap, and sessions out of them.
//!
//! Two rows of a group in one pane are closer than the gap, and rows of panes that are no neighbours further
//! apart. So a pane has one group of a key, and what is yet to be found out is which neighbours are of one session.

use std::collections::VecDeque;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::Int64Type;
use highwater_core::{
    Batch, Context, Flow, Operator, Port, Result, StateReader, StateWriter, Timestamp,
};
use highwater_state::{Keys, Scan, Table};

use crate::aggregate::Place;
use crate::groups::{Parts, Shape};
use crate::split::split;
use crate::windowing::{Specs, emit_late};
use crate::{Emit, WindowError};

/// An instance.
pub(crate) struct Sessions {
    specs: Arc<Specs>,
    /// Groups by the pane of their last row.
    groups: Table,
    closing: Option<Closing>,
}

/// Sessions that are emitted at the end of an epoch.
struct Closing {
    /// Those whose last row is before this close.
    before: i64,
    /// The panes that are yet to be looked at, and the one at hand.
    panes: VecDeque<i64>,
    at: Option<(i64, Scan)>,
    copy: Option<Copied>,
}

/// Groups that are put together and stay apart all the same.
struct Copied {
    groups: Table,
    /// The last pane of which there is a copy.
    last: i64,
}

impl Sessions {
    pub(crate) fn try_new(specs: Arc<Specs>) -> Result<Self> {
        Ok(Self { groups: Table::try_new(specs.groups.clone())?, closing: None, specs })
    }

    /// The first time that is not late, and whose session is not closed by then.
    fn open_from(&self, watermark: Timestamp) -> i64 {
        watermark.0.saturating_sub(self.specs.panes.size()).saturating_add(1)
    }

    /// Adds rows of a batch to their groups of a pane.
    fn add(&mut self, pane: i64, (keys, rows): (&Keys, &[u32]), place: Place<'_>) -> Result<()> {
        let found = self.groups.upsert(keys, pane, rows)?;
        let slots = found.slots();
        let mut groups = self.groups.update(pane, slots)?;
        let (least, most): (Wanted, Wanted) = (i64::min, i64::max);
        for (column, wanted) in [(FIRST, least), (LAST, most)] {
            let kept = groups.column::<Int64Type>(column)?;
            for ((slot, new), row) in slots.iter().zip(found.is_new()).zip(rows) {
                let time = place.times.get(*row as usize).copied().ok_or(WindowError::Columns)?;
                if let Some(kept) = kept.get_mut(*slot as usize) {
                    *kept = if *new { time } else { wanted(*kept, time) };
                }
            }
        }
        self.specs.shape.add_rows(&mut groups, (slots, rows), place)
    }

    /// The next sessions that are to be emitted; none when all are.
    fn next_sessions(&mut self) -> Result<Option<Batch>> {
        let Self { specs, groups, closing } = self;
        let Some(closing) = closing else { return Ok(None) };
        loop {
            let Some((pane, scan)) = &mut closing.at else {
                let Some(pane) = closing.panes.pop_front() else { return Ok(None) };
                if let Some(copy) = &mut closing.copy {
                    copy.follow(groups, pane)?;
                }
                let table = closing.copy.as_ref().map_or(&*groups, |copy| &copy.groups);
                closing.at = Some((pane, table.scan(pane)));
                continue;
            };
            let table = closing.copy.as_mut().map_or(&mut *groups, |copy| &mut copy.groups);
            match scan.next(table)? {
                Some((keys, values)) => {
                    let rows = (&keys, values.as_slice());
                    let closed = close(&specs.shape, (table, *pane), rows, closing.before)?;
                    if let Some(closed) = closed {
                        return Ok(Some(closed));
                    }
                }
                None => {
                    if let Some(copy) = &mut closing.copy {
                        copy.groups.forget(specs.panes.start(pane.saturating_add(1)))?;
                    }
                    closing.at = None;
                }
            }
        }
    }
}

impl Operator for Sessions {
    fn on_batch(&mut self, _port: Port, batch: Batch, cx: &mut Context<'_>) -> Result<Flow> {
        let Specs { panes, time, emit, shape, .. } = &*self.specs;
        let floor = match emit {
            Emit::Complete => i64::MIN,
            _ => self.open_from(cx.late_before()),
        };
        let times = time.of(&batch)?;
        let (split, late) = split(&times, panes, floor);
        emit_late(&batch, late, cx)?;
        let keys = self.groups.keys(&shape.columns(&batch)?)?;
        let place = Place { times: times.values(), batch: Some(&batch) };
        for (pane, rows) in split.parts() {
            self.add(pane, (&keys, rows), place)?;
        }
        Ok(Flow::Done)
    }

    fn on_epoch_end(&mut self, cx: &mut Context<'_>) -> Result<Flow> {
        let complete = self.specs.emit == Emit::Complete;
        let before = match complete {
            true => i64::MAX,
            false => self.open_from(cx.watermark()),
        };
        let last = self.groups.bucket(before);
        let panes = self.groups.buckets().filter(|pane| *pane <= last).collect();
        let copy = match complete {
            true => {
                Some(Copied { groups: Table::try_new(self.specs.groups.clone())?, last: i64::MIN })
            }
            false => None,
        };
        self.closing = Some(Closing { before, panes, at: None, copy });
        self.more(cx)
    }

    fn more(&mut self, cx: &mut Context<'_>) -> Result<Flow> {
        if let Some(sessions) = self.next_sessions()? {
            cx.emit(sessions);
            return Ok(Flow::More);
        }
        self.closing = None;
        if self.specs.emit == Emit::Append {
            self.groups.forget(self.open_from(cx.watermark()))?;
        }
        Ok(Flow::Done)
    }

    fn save(&mut self, state: &mut StateWriter) -> Result<()> {
        Ok(self.groups.save(state)?)
    }

    fn restore(&mut self, state: &StateReader) -> Result<()> {
        Ok(self.groups.restore(state)?)
    }
}

impl Copied {
    /// Copies a pane and the next one, unless they were.
    fn follow(&mut self, from: &Table, pane: i64) -> Result<()> {
        for pane in pane.max(self.last.saturating_add(1))..=pane.saturating_add(1) {
            let mut scan = from.scan(pane);
            while let Some((keys, values)) = scan.next(from)? {
                let all: Vec<u32> = (0..).take(keys.len()).collect();
                let found = self.groups.upsert(&keys, pane, &all)?;
                let mut into = self.groups.update(pane, found.slots())?;
                for (column, array) in values.iter().enumerate() {
                    into.fill(column, found.slots(), array, &all)?;
                }
            }
            self.last = pane;
        }
        Ok(())
    }
}

/// Closes groups of a pane whose last row is before a time: those that the next pane goes on with become part of its
/// groups, and the others are sessions.
fn close(
    shape: &Shape,
    (table, pane): (&mut Table, i64),
    (keys, values): (&Keys, &[ArrayRef]),
    before: i64,
) -> Result<Option<Batch>> {
    let (times, state) = values.split_at_checked(shape.times()).ok_or(WindowError::Columns)?;
    let (firsts, lasts) = (times.get(FIRST).and_then(micros), times.get(LAST).and_then(micros));
    let (firsts, lasts) = firsts.zip(lasts).ok_or(WindowError::Columns)?;
    let over = (0..).zip(lasts).filter(|(_, last)| **last < before);
    let mut over: Vec<u32> = over.map(|(row, _)| row).collect();
    let next = pane.saturating_add(1);
    let (slots, joined) = joined(shape, (table, next), (keys, &over), lasts)?;
    if !joined.is_empty() {
        let mut groups = table.update(next, &slots)?;
        let theirs = groups.column::<Int64Type>(FIRST)?;
        for (slot, row) in slots.iter().zip(&joined) {
            let first = firsts.get(*row as usize).copied().ok_or(WindowError::Columns)?;
            if let Some(theirs) = theirs.get_mut(*slot as usize) {
                *theirs = first.min(*theirs);
            }
        }
        shape.add_groups((&mut groups, shape.times()), (&slots, &joined), state)?;
        over.retain(|row| joined.binary_search(row).is_err());
    }
    if over.is_empty() {
        return Ok(None);
    }
    let keys = table.key_columns(keys, &over)?;
    let over = UInt32Array::from(over);
    let rows = values.iter().map(|values| take(values, &over, None));
    let rows = rows.collect::<Result<Vec<_>, _>>().map_err(WindowError::Rows)?;
    let (times, state) = rows.split_at_checked(shape.times()).ok_or(WindowError::Columns)?;
    shape.finish(Parts { keys: &keys, times, state }).map(Some)
}

/// Which of some groups, whose last rows came at `lasts`, a pane goes on with: the slots of its groups, and the rows,
/// which are in order.
fn joined(
    shape: &Shape,
    (table, next): (&mut Table, i64),
    (keys, rows): (&Keys, &[u32]),
    lasts: &[i64],
) -> Result<(Vec<u32>, Vec<u32>)> {
    let hits = table.probe(keys, next..=next, rows)?;
    let Some(groups) = table.rows(next).filter(|_| !hits.is_empty()) else {
        return Ok((Vec::new(), Vec::new()));
    };
    let firsts = groups.column::<Int64Type>(FIRST)?;
    let near = hits.iter().filter(|hit| {
        let first = firsts.get(hit.slot as usize);
        let last = lasts.get(hit.row as usize);
        first.zip(last).is_some_and(|(first, last)| *first <= last.saturating_add(shape.gap()))
    });
    Ok(near.map(|hit| (hit.slot, hit.row)).unzip())
}

fn micros(times: &ArrayRef) -> Option<&[i64]> {
    Some(times.as_primitive_opt::<Int64Type>()?.values())
}

/// Which of two times is kept.
type Wanted = fn(i64, i64) -> i64;

/// The numbers of the columns of the first and of the last row's time.
const FIRST: usize = 0;
const LAST: usize = 1;
