//! One instance of the step: rows into panes, and windows out of them.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, RecordBatch};
use arrow::datatypes::Int64Type;
use highwater_core::{
    Batch, Context, Flow, Operator, Port, Result, StateReader, StateWriter, Timestamp,
};
use highwater_state::{Keys, Scan, Table, TableSpec};

use crate::aggregate::Place;
use crate::distinct::{Distinct, DistinctSpec, Values};
use crate::groups::{Parts, Shape, put};
use crate::panes::Panes;
use crate::sliding::{Rest, Sliding};
use crate::split::split;
use crate::time::TimeColumn;
use crate::{Emit, WindowError};

/// What all instances of a step have in common.
#[derive(Debug)]
pub(crate) struct Specs {
    pub(crate) panes: Panes,
    pub(crate) time: TimeColumn,
    pub(crate) shape: Shape,
    pub(crate) emit: Emit,
    /// Groups by pane, by window, and of one window after the other.
    pub(crate) groups: TableSpec,
    pub(crate) windows: TableSpec,
    pub(crate) sliding: TableSpec,
    /// Which groups there are, by pane and by window.
    pub(crate) marks: (TableSpec, TableSpec),
    /// Counts of different values.
    pub(crate) distinct: Vec<DistinctSpec>,
}

/// An instance.
pub(crate) struct Windowing {
    specs: Arc<Specs>,
    /// Groups by pane.
    groups: Table,
    /// The groups that this epoch has changed, where those are emitted.
    changed: Table,
    distinct: Vec<Distinct>,
    /// The last window that was put together, while none of its panes has changed.
    sliding: Option<Sliding>,
    ending: Ending,
}

/// What is yet to be emitted at the end of an epoch.
enum Ending {
    Nothing,
    /// Panes that are windows and begin before this.
    Expired(i64),
    /// All panes, which are windows, and the one at hand.
    Panes(VecDeque<i64>, Option<Scan>),
    /// All groups of windows, and those of the one at hand.
    Whole(VecDeque<i64>, Option<Rest>),
    /// The groups of windows that are marked, and those of the one at hand.
    Marked(Box<Marked>),
}

struct Marked {
    marks: Table,
    window: Option<Table>,
}

impl Windowing {
    pub(crate) fn try_new(specs: Arc<Specs>) -> Result<Self> {
        Ok(Self {
            groups: Table::try_new(specs.groups.clone())?,
            changed: Table::try_new(specs.marks.0.clone())?,
            distinct: specs.distinct.iter().map(Distinct::try_new).collect::<Result<_>>()?,
            sliding: None,
            ending: Ending::Nothing,
            specs,
        })
    }
}

impl Operator for Windowing {
    fn on_batch(&mut self, _port: Port, batch: Batch, cx: &mut Context<'_>) -> Result<Flow> {
        let Specs { panes, time, emit, .. } = &*self.specs;
        let floor = match emit {
            Emit::Complete => i64::MIN,
            _ => panes.start(panes.first_pane(panes.first_open(cx.late_before()))),
        };
        let times = time.of(&batch)?;
        let (split, late) = split(&times, panes, floor);
        emit_late(&batch, late, cx)?;
        let columns = self.specs.shape.columns(&batch)?;
        let keys = self.groups.keys(&columns)?;
        let values = self.distinct.iter_mut().map(|distinct| distinct.of(&columns, &batch));
        let values = values.collect::<Result<Vec<_>>>()?;
        let place = Place { times: times.values(), batch: Some(&batch) };
        for (pane, rows) in split.parts() {
            self.add(pane, (&keys, rows), &values, place)?;
        }
        Ok(Flow::Done)
    }

    fn on_epoch_end(&mut self, cx: &mut Context<'_>) -> Result<Flow> {
        let Specs { panes, emit, .. } = &*self.specs;
        let open = panes.first_open(cx.watermark());
        self.ending = match emit {
            Emit::Append if panes.are_windows() => {
                Ending::Expired(panes.start(panes.first_pane(open)))
            }
            Emit::Append => {
                let open_before = panes.first_open(cx.late_before());
                Ending::Whole(self.windows(open_before, Some(open)), None)
            }
            Emit::Complete if panes.are_windows() => {
                Ending::Panes(self.groups.buckets().collect(), None)
            }
            Emit::Complete => Ending::Whole(self.windows(i64::MIN, None), None),
            Emit::Update => {
                let marks = self.marked(cx.late_before())?;
                Ending::Marked(Box::new(Marked { marks, window: None }))
            }
        };
        self.more(cx)
    }

    fn more(&mut self, cx: &mut Context<'_>) -> Result<Flow> {
        if let Some(groups) = self.next_groups()? {
            cx.emit(groups);
            return Ok(Flow::More);
        }
        self.end_epoch(cx.watermark())?;
        Ok(Flow::Done)
    }

    fn save(&mut self, state: &mut StateWriter) -> Result<()> {
        self.groups.save(state)?;
        self.distinct.iter_mut().try_for_each(|distinct| distinct.save(state))
    }

    fn restore(&mut self, state: &StateReader) -> Result<()> {
        self.sliding = None;
        self.groups.restore(state)?;
        self.distinct.iter_mut().try_for_each(|distinct| distinct.restore(state))
    }
}

impl Windowing {
    /// Adds rows of a batch to their groups of a pane.
    fn add(
        &mut self,
        pane: i64,
        rows: (&Keys, &[u32]),
        values: &[Values],
        place: Place<'_>,
    ) -> Result<()> {
        if self.sliding.as_ref().is_some_and(|sliding| sliding.has(pane)) {
            self.sliding = None;
        }
        let Self { specs, groups, changed, distinct, .. } = self;
        let at = (pane, specs.panes.start(pane));
        let found = specs.shape.update(groups, at, rows, place)?;
        for (distinct, values) in distinct.iter_mut().zip(values) {
            let groups = (&mut *groups, specs.shape.times());
            distinct.add(groups, at, (found.slots(), rows.1), values)?;
        }
        if specs.emit == Emit::Update {
            put(changed, at, rows.0, rows.1)?;
        }
        Ok(())
    }

    /// The windows from `first` on and before `end` of which there are panes.
    fn windows(&self, first: i64, end: Option<i64>) -> VecDeque<i64> {
        let panes = self.groups.buckets();
        let windows = panes.flat_map(|pane| self.specs.panes.windows(pane));
        let wanted = windows.filter(|it| *it >= first && end.is_none_or(|end| *it < end));
        wanted.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// The groups of windows that the groups of panes have changed with.
    fn marked(&mut self, late_before: Timestamp) -> Result<Table> {
        let Specs { panes, shape, marks, .. } = &*self.specs;
        let mut changed = std::mem::replace(&mut self.changed, Table::try_new(marks.0.clone())?);
        if panes.are_windows() {
            return Ok(changed);
        }
        let (mut marked, open) = (Table::try_new(marks.1.clone())?, panes.first_open(late_before));
        while let Some(groups) = changed.expire(i64::MAX)? {
            let groups = shape.parts(&groups)?;
            let keys = marked.keys(groups.keys)?;
            let all: Vec<u32> = (0..).take(keys.len()).collect();
            for window in panes.windows(panes.of(first_of(groups.times)?)).filter(|it| *it >= open)
            {
                put(&mut marked, (window, panes.window_start(window)), &keys, &all)?;
            }
        }
        Ok(marked)
    }

    /// The next groups that are to be emitted; none when all are.
    fn next_groups(&mut self) -> Result<Option<Batch>> {
        let Self { specs, groups, distinct, sliding, ending, .. } = self;
        let shape = &specs.shape;
        let finish = |groups: RecordBatch| -> Result<Option<Batch>> {
            shape.finish(shape.parts(&groups)?).map(Some)
        };
        loop {
            match ending {
                Ending::Nothing => return Ok(None),
                Ending::Expired(before) => {
                    return groups.expire(*before)?.map_or(Ok(None), finish);
                }
                Ending::Panes(panes, scan) => {
                    if let Some(scan) = scan
                        && let Some((keys, values)) = scan.next(groups)?
                    {
                        return all_of(shape, groups, (&keys, &values)).map(Some);
                    }
                    let Some(pane) = panes.pop_front() else { return Ok(None) };
                    *scan = Some(groups.scan(pane));
                }
                Ending::Whole(windows, rest) => {
                    if let (Some(sliding), Some(rest)) = (&*sliding, rest.as_mut())
                        && let Some(groups) = sliding.next(shape, rest)?
                    {
                        return Ok(Some(groups));
                    }
                    let Some(window) = windows.pop_front() else { return Ok(None) };
                    *rest = Some(move_to(specs, (&*groups, &*distinct), sliding, window)?);
                }
                Ending::Marked(marked) => {
                    if let Some(window) = &mut marked.window
                        && let Some(groups) = window.expire(i64::MAX)?
                    {
                        return finish(groups);
                    }
                    let Some(marks) = marked.marks.expire(i64::MAX)? else { return Ok(None) };
                    let of = (&mut *groups, distinct.as_slice());
                    marked.window = Some(marked_ones(specs, of, &marks)?);
                }
            }
        }
    }

    /// Lets go of panes all of whose windows are closed.
    fn end_epoch(&mut self, watermark: Timestamp) -> Result<()> {
        self.ending = Ending::Nothing;
        let Specs { panes, emit, .. } = &*self.specs;
        if *emit == Emit::Complete {
            self.sliding = None;
            return Ok(());
        }
        let before = panes.start(panes.first_pane(panes.first_open(watermark)));
        self.groups.forget(before)?;
        if self.groups.buckets().next().is_none() {
            self.sliding = None;
        }
        self.distinct.iter_mut().try_for_each(|distinct| distinct.forget(before))
    }
}

/// Rows of a pane that is a window.
fn all_of(shape: &Shape, groups: &Table, (keys, values): (&Keys, &[ArrayRef])) -> Result<Batch> {
    let all: Vec<u32> = (0..).take(keys.len()).collect();
    let keys = groups.key_columns(keys, &all)?;
    let (times, state) = values.split_at_checked(shape.times()).ok_or(WindowError::Columns)?;
    shape.finish(Parts { keys: &keys, times, state })
}

/// Moves on to a window, and gives its groups.
fn move_to(
    specs: &Specs,
    (groups, distinct): (&Table, &[Distinct]),
    sliding: &mut Option<Sliding>,
    window: i64,
) -> Result<Rest> {
    let Specs { panes, shape, .. } = specs;
    let sliding = match sliding {
        Some(sliding) => sliding,
        None => sliding.insert(Sliding::try_new(specs.sliding.clone())?),
    };
    sliding.move_to(shape, groups, panes.panes(window))?;
    let rest = sliding.rest(panes.window_start(window))?;
    unite(specs, distinct, sliding.groups(), window)?;
    Ok(rest)
}

/// Counts the different values of groups of a window, whose panes cannot do so each on its own.
fn unite(
    specs: &Specs,
    distinct: &[Distinct],
    (groups, bucket, first): (&mut Table, i64, usize),
    window: i64,
) -> Result<()> {
    if specs.panes.are_windows() {
        return Ok(());
    }
    let panes = specs.panes.panes(window);
    let mut distinct = distinct.iter();
    distinct.try_for_each(|it| it.unite((&mut *groups, bucket, first), panes.clone()))
}

/// Some groups of one window.
fn marked_ones(
    specs: &Specs,
    (groups, distinct): (&mut Table, &[Distinct]),
    marked: &RecordBatch,
) -> Result<Table> {
    let Specs { panes, shape, windows, .. } = specs;
    let mut ones = Table::try_new(windows.clone())?;
    let marked = shape.parts(marked)?;
    let begin = first_of(marked.times)?;
    let window = ones.bucket(begin);
    let keys = groups.keys(marked.keys)?;
    let all: Vec<u32> = (0..).take(keys.len()).collect();
    let hits = groups.probe(&keys, panes.panes(window), &all)?;
    for hits in hits.chunk_by(|one, next| one.bucket == next.bucket) {
        let rows = hits.first().and_then(|hit| groups.rows(hit.bucket));
        let Some(rows) = rows else { continue };
        let slots: Vec<u32> = hits.iter().map(|hit| hit.slot).collect();
        let of: Vec<u32> = hits.iter().map(|hit| hit.row).collect();
        let rows = rows.take(&slots)?;
        shape.merge(&mut ones, (window, begin), (&keys, &of), shape.parts(&rows)?.state)?;
    }
    unite(specs, distinct, (&mut ones, window, shape.times()), window)?;
    Ok(ones)
}

/// Where groups begin, all of which begin at the same time.
fn first_of(times: &[ArrayRef]) -> Result<i64, WindowError> {
    let begins = times.first().and_then(|begins| begins.as_primitive_opt::<Int64Type>());
    begins.and_then(|begins| begins.values().first().copied()).ok_or(WindowError::Columns)
}

/// Hands late rows on, and counts them.
pub(crate) fn emit_late(
    batch: &Batch,
    late: Option<BooleanArray>,
    cx: &mut Context<'_>,
) -> Result<()> {
    let Some(late) = late else { return Ok(()) };
    let late = batch.filter(&late).map_err(WindowError::Rows)?;
    cx.counts().late += late.len() as u64;
    cx.emit_side(LATE, late)
}

/// The number of the side output of late rows.
const LATE: usize = 0;
