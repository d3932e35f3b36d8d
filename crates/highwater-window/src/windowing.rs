//! One instance of the step: rows into panes, and windows out of them.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, RecordBatch};
use arrow::datatypes::Int64Type;
use highwater_core::{
    Batch, Context, Flow, Operator, Port, Result, StateReader, StateWriter, Timestamp,
};
use highwater_state::{Keys, Table, TableSpec};

use crate::aggregate::Place;
use crate::distinct::{Distinct, DistinctSpec, Values};
use crate::groups::{Shape, put};
use crate::panes::Panes;
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
    /// Groups by pane, and by window.
    pub(crate) groups: TableSpec,
    pub(crate) windows: TableSpec,
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
    ending: Ending,
}

/// What is yet to be emitted at the end of an epoch.
enum Ending {
    Nothing,
    /// Panes that are windows and begin before this.
    Expired(i64),
    /// Windows put together from panes.
    Windows(Box<Together>),
}

/// Windows that are put together, and the groups at hand.
struct Together {
    next: Next,
    window: Option<Table>,
}

impl Together {
    fn of(next: Next) -> Ending {
        Ending::Windows(Box::new(Self { next, window: None }))
    }
}

/// What is to be put together.
enum Next {
    /// All groups of windows.
    Whole(VecDeque<i64>),
    /// The groups of windows that are marked.
    Marked(Box<Table>),
}

impl Windowing {
    pub(crate) fn try_new(specs: Arc<Specs>) -> Result<Self> {
        Ok(Self {
            groups: Table::try_new(specs.groups.clone())?,
            changed: Table::try_new(specs.marks.0.clone())?,
            distinct: specs.distinct.iter().map(Distinct::try_new).collect::<Result<_>>()?,
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
                Together::of(Next::Whole(self.windows(open_before, Some(open))))
            }
            Emit::Complete => Together::of(Next::Whole(self.windows(i64::MIN, None))),
            Emit::Update => Together::of(Next::Marked(Box::new(self.marked(cx.late_before())?))),
        };
        self.more(cx)
    }

    fn more(&mut self, cx: &mut Context<'_>) -> Result<Flow> {
        while let Some(groups) = self.next_groups()? {
            if groups.num_rows() > 0 {
                let shape = &self.specs.shape;
                cx.emit(shape.finish(shape.parts(&groups)?)?);
                return Ok(Flow::More);
            }
        }
        self.end_epoch(cx.watermark())?;
        Ok(Flow::Done)
    }

    fn save(&mut self, state: &mut StateWriter) -> Result<()> {
        self.groups.save(state)?;
        self.distinct.iter_mut().try_for_each(|distinct| distinct.save(state))
    }

    fn restore(&mut self, state: &StateReader) -> Result<()> {
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
        let Self { specs, groups, changed, distinct, .. } = self;
        let at = (pane, specs.panes.start(pane));
        let found = specs.shape.update(groups, at, rows, place)?;
        for (distinct, values) in distinct.iter_mut().zip(values) {
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
    fn next_groups(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            match &mut self.ending {
                Ending::Nothing => return Ok(None),
                Ending::Expired(before) => return Ok(self.groups.expire(*before)?),
                Ending::Windows(together) => {
                    if let Some(window) = &mut together.window
                        && let Some(groups) = window.expire(i64::MAX)?
                    {
                        return Ok(Some(groups));
                    }
                }
            }
            let Ending::Windows(together) = &mut self.ending else { return Ok(None) };
            together.window = match &mut together.next {
                Next::Whole(windows) => match windows.pop_front() {
                    Some(next) => Some(whole(&self.specs, &self.groups, &self.distinct, next)?),
                    None => return Ok(None),
                },
                Next::Marked(marks) => match marks.expire(i64::MAX)? {
                    Some(marked) => {
                        let of = (&mut self.groups, self.distinct.as_slice());
                        Some(marked_ones(&self.specs, of, &marked)?)
                    }
                    None => return Ok(None),
                },
            };
        }
    }

    /// Lets go of panes all of whose windows are closed.
    fn end_epoch(&mut self, watermark: Timestamp) -> Result<()> {
        self.ending = Ending::Nothing;
        let Specs { panes, emit, .. } = &*self.specs;
        if *emit == Emit::Complete {
            return Ok(());
        }
        let before = panes.start(panes.first_pane(panes.first_open(watermark)));
        self.groups.forget(before)?;
        self.distinct.iter_mut().try_for_each(|distinct| distinct.forget(before))
    }
}

/// All groups of a window.
fn whole(specs: &Specs, groups: &Table, distinct: &[Distinct], window: i64) -> Result<Table> {
    let Specs { panes, shape, windows, .. } = specs;
    let mut whole = Table::try_new(windows.clone())?;
    let at = (window, panes.window_start(window));
    for pane in panes.panes(window) {
        let mut scan = groups.scan(pane);
        while let Some((keys, values)) = scan.next(groups)? {
            let all: Vec<u32> = (0..).take(keys.len()).collect();
            shape.merge(&mut whole, at, (&keys, &all), values.get(1..).unwrap_or_default())?;
        }
    }
    unite(specs, distinct, &mut whole, window)?;
    Ok(whole)
}

/// Counts the different values of groups of a window, whose panes cannot do so each on its own.
fn unite(specs: &Specs, distinct: &[Distinct], groups: &mut Table, window: i64) -> Result<()> {
    if specs.panes.are_windows() {
        return Ok(());
    }
    let mut distinct = distinct.iter();
    distinct.try_for_each(|it| it.unite(groups, window, specs.panes.panes(window)))
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
    unite(specs, distinct, &mut ones, window)?;
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
