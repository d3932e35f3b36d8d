//! Windows that overlap, put together from panes: what a window has in common with the one before is kept.
//!
//! Of a window that moves on, panes leave in front and others come in behind. What comes is added to what there is. What
//! leaves cannot be taken from a least value, or from a sum that was rounded; so for each pane that was there when the
//! window was put together it is noted what its groups were without it, and without all panes before it. When the last
//! of these has left, the window is put together anew. So a group of a pane is added about three times, however many
//! windows it is in, and groups that did not change cost nothing.

use std::collections::VecDeque;
use std::ops::RangeInclusive;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array};
use arrow::datatypes::Int64Type;
use highwater_core::{Batch, Result};
use highwater_state::{Keys, Table, TableSpec};

use crate::groups::{Parts, Shape};

/// What one window after the other has of each group.
pub(crate) struct Sliding {
    /// Groups, with how many panes of the window have them; the same of the panes that came since it was put together.
    groups: Table,
    spec: TableSpec,
    /// The panes of the window.
    panes: RangeInclusive<i64>,
    /// Those that were there when it was put together, the next to leave first. Panes without groups are left out.
    front: VecDeque<Front>,
    /// Panes from here on came since.
    came: i64,
}

/// A pane that will leave.
struct Front {
    pane: i64,
    parts: Vec<Without>,
}

/// What groups are without a pane and all before it.
struct Without {
    slots: Vec<u32>,
    state: Vec<ArrayRef>,
}

/// Groups of a window that are yet to be handed out.
pub(crate) struct Rest {
    start: i64,
    slots: Vec<u32>,
    at: usize,
}

impl Sliding {
    pub(crate) fn try_new(spec: TableSpec) -> Result<Self> {
        let groups = Table::try_new(spec.clone())?;
        Ok(Self { groups, spec, panes: NO_PANES, front: VecDeque::new(), came: 0 })
    }

    /// Whether a pane is part of the window.
    pub(crate) fn has(&self, pane: i64) -> bool {
        self.panes.contains(&pane)
    }

    /// The groups: their bucket, and from which column on it is what aggregates keep.
    pub(crate) fn groups(&mut self) -> (&mut Table, i64, usize) {
        (&mut self.groups, BUCKET, STATE)
    }

    /// Moves on to the window of some panes.
    pub(crate) fn move_to(
        &mut self,
        shape: &Shape,
        from: &Table,
        panes: RangeInclusive<i64>,
    ) -> Result<()> {
        let had = std::mem::replace(&mut self.panes, panes.clone());
        if !had.contains(panes.start()) || panes.end() < had.end() {
            return self.put_together(shape, from);
        }
        while self.front.front().is_some_and(|front| front.pane < *panes.start()) {
            let Some(front) = self.front.pop_front() else { break };
            self.leave(shape, &front)?;
        }
        if *panes.start() >= self.came {
            return self.put_together(shape, from);
        }
        for pane in had.end().saturating_add(1)..=*panes.end() {
            let mut scan = from.scan(pane);
            while let Some((keys, values)) = scan.next(from)? {
                self.come(shape, &keys, values.get(shape.times()..).unwrap_or_default())?;
            }
        }
        Ok(())
    }

    /// The groups of the window, which begins at `start`.
    pub(crate) fn rest(&self, start: i64) -> Result<Rest> {
        let Some(groups) = self.groups.rows(BUCKET) else {
            return Ok(Rest { start, slots: Vec::new(), at: 0 });
        };
        let panes = (0..).zip(groups.column::<Int64Type>(PANES)?);
        let slots = panes.filter(|(_, panes)| **panes > 0).map(|(slot, _)| slot).collect();
        Ok(Rest { start, slots, at: 0 })
    }

    /// The next rows of the window; none when all are handed out.
    pub(crate) fn next(&self, shape: &Shape, rest: &mut Rest) -> Result<Option<Batch>> {
        let Some(groups) = self.groups.rows(BUCKET) else { return Ok(None) };
        let end = rest.at.saturating_add(groups.at_once()).min(rest.slots.len());
        let slots = rest.slots.get(rest.at..end).unwrap_or_default();
        rest.at = end;
        if slots.is_empty() {
            return Ok(None);
        }
        let keys = groups.key_columns(slots)?;
        let state = groups.values(slots, STATE..STATE + shape.width())?;
        let start: ArrayRef = Arc::new(Int64Array::from_value(rest.start, slots.len()));
        shape.finish(Parts { keys: &keys, times: &[start], state: &state }).map(Some)
    }

    /// Puts the window together from all of its panes, from the last to the first.
    fn put_together(&mut self, shape: &Shape, from: &Table) -> Result<()> {
        self.groups = Table::try_new(self.spec.clone())?;
        self.front.clear();
        self.came = self.panes.end().saturating_add(1);
        for pane in self.panes.clone().rev() {
            let (mut scan, mut parts) = (from.scan(pane), Vec::new());
            while let Some((keys, values)) = scan.next(from)? {
                let state = values.get(shape.times()..).unwrap_or_default();
                parts.push(self.go_before(shape, &keys, state)?);
            }
            if !parts.is_empty() {
                self.front.push_front(Front { pane, parts });
            }
        }
        Ok(())
    }

    /// Adds groups of a pane before all others, and notes what there was without them.
    fn go_before(&mut self, shape: &Shape, keys: &Keys, state: &[ArrayRef]) -> Result<Without> {
        let all: Vec<u32> = (0..).take(keys.len()).collect();
        let slots = self.groups.upsert(keys, BUCKET, &all)?.slots().to_vec();
        let mut groups = self.groups.update(BUCKET, &slots)?;
        let without = groups.rows().values(&slots, STATE..STATE + shape.width())?;
        add(groups.column::<Int64Type>(PANES)?, &slots, 1);
        shape.add_groups((&mut groups, STATE), (&slots, &all), state)?;
        Ok(Without { slots, state: without })
    }

    /// Adds groups of a pane behind all others.
    fn come(&mut self, shape: &Shape, keys: &Keys, state: &[ArrayRef]) -> Result<()> {
        let all: Vec<u32> = (0..).take(keys.len()).collect();
        let found = self.groups.upsert(keys, BUCKET, &all)?;
        let slots = found.slots();
        let mut groups = self.groups.update(BUCKET, slots)?;
        add(groups.column::<Int64Type>(PANES)?, slots, 1);
        add(groups.column::<Int64Type>(CAME)?, slots, 1);
        shape.add_groups((&mut groups, STATE), (slots, &all), state)?;
        shape.add_groups((&mut groups, STATE + shape.width()), (slots, &all), state)
    }

    /// Lets the first pane go: its groups are what they were without it, and what came since.
    fn leave(&mut self, shape: &Shape, front: &Front) -> Result<()> {
        let width = shape.width();
        for Without { slots, state } in &front.parts {
            let all: Vec<u32> = (0..).take(slots.len()).collect();
            let mut groups = self.groups.update(BUCKET, slots)?;
            add(groups.column::<Int64Type>(PANES)?, slots, -1);
            for (column, state) in (STATE..).zip(state) {
                groups.fill(column, slots, state, &all)?;
            }
            let came = groups.rows().column::<Int64Type>(CAME)?;
            let changed = slots.iter().filter(|slot| came.get(**slot as usize) > Some(&0));
            let changed: Vec<u32> = changed.copied().collect();
            if !changed.is_empty() {
                let since = groups.rows().values(&changed, STATE + width..STATE + 2 * width)?;
                let all = all.get(..changed.len()).unwrap_or_default();
                shape.add_groups((&mut groups, STATE), (&changed, all), &since)?;
            }
        }
        Ok(())
    }
}

fn add(counts: &mut [i64], slots: &[u32], more: i64) {
    for slot in slots {
        if let Some(count) = counts.get_mut(*slot as usize) {
            *count += more;
        }
    }
}

/// The window of no pane.
const NO_PANES: RangeInclusive<i64> = RangeInclusive::new(i64::MAX, i64::MIN);
/// The bucket that all groups are in.
const BUCKET: i64 = 0;
/// The numbers of the columns: how many panes have a group, how many of those that came since, and from which on it
/// is what aggregates keep.
const PANES: usize = 0;
const CAME: usize = 1;
const STATE: usize = 2;
