//! Segments of a bucket taken together: all rows in their order, of each the newest only.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, UInt8Array};
use arrow::compute::interleave_record_batch;

use crate::StateError;
use crate::frozen::Frozen;
use crate::memory::{Memory, Placed};
use crate::section::{Block, place};
use crate::spec::Layout;

/// Some segments of a bucket, from the oldest to the newest; the memory is the newest of all.
#[derive(Debug)]
pub(crate) struct Merge {
    runs: Vec<Run>,
    /// The runs that have the row at hand, which they are to leave behind.
    first: Vec<usize>,
}

/// Where a merge is in one of its segments.
#[derive(Debug)]
struct Run {
    source: Source,
    /// The next block of the source.
    next: usize,
    at: Option<(Arc<Block>, u32)>,
}

#[derive(Debug)]
enum Source {
    /// The segment in this place of the bucket.
    Frozen(usize),
    /// These rows of the memory.
    Memory(Vec<Placed>),
}

/// What a merge reads.
#[derive(Clone, Copy)]
pub(crate) struct Segments<'a> {
    pub(crate) layout: &'a Arc<Layout>,
    pub(crate) frozen: &'a [Frozen],
    pub(crate) memory: &'a Memory,
}

/// A row as a merge comes by it.
pub(crate) struct Merged<'a> {
    pub(crate) block: &'a Block,
    pub(crate) row: u32,
    /// The levels at which it is yet to be saved.
    pub(crate) owed: u8,
}

impl Merge {
    /// A merge of the frozen segments in `frozen`, in their order, and some rows of the memory in
    /// that of saves.
    pub(crate) fn new(frozen: impl IntoIterator<Item = usize>, memory: Vec<Placed>) -> Self {
        let run = |source| Run { source, next: 0, at: None };
        let mut runs: Vec<_> = frozen.into_iter().map(|at| run(Source::Frozen(at))).collect();
        if !memory.is_empty() {
            runs.push(run(Source::Memory(memory)));
        }
        let first = (0..runs.len()).collect();
        Self { runs, first }
    }

    /// The most rows that there can be.
    pub(crate) fn most(&self, of: Segments<'_>) -> u64 {
        let rows = self.runs.iter().map(|run| match &run.source {
            Source::Frozen(at) => of.frozen.get(*at).map_or(0, |it| it.section.index.rows),
            Source::Memory(slots) => slots.len() as u64,
        });
        rows.sum()
    }

    /// The next rows that are wanted, at most so many, as they are saved; `owing` keeps the levels
    /// at which they are yet to be. None at the end.
    pub(crate) fn next(
        &mut self,
        of: Segments<'_>,
        most: usize,
        owing: bool,
        wanted: impl Fn(&Merged<'_>) -> bool,
    ) -> Result<Option<RecordBatch>, StateError> {
        let mut picked = Picked::default();
        while picked.rows.len() < most {
            for at in self.first.drain(..) {
                if let Some(run) = self.runs.get_mut(at) {
                    run.settle(of)?;
                }
            }
            let Some(newest) = self.find_first()? else { break };
            let Some(run) = self.runs.get(newest) else { break };
            if let Some((block, row)) = &run.at {
                let owed = run.owed(of, block, *row);
                if wanted(&Merged { block, row: *row, owed }) {
                    picked.push(block, *row, if owing { owed } else { 0 });
                }
            }
            for at in &self.first {
                if let Some((_, row)) = self.runs.get_mut(*at).and_then(|run| run.at.as_mut()) {
                    *row += 1;
                }
            }
        }
        match picked.rows.is_empty() {
            true => Ok(None),
            false => picked.batch(of.layout).map(Some),
        }
    }

    /// Finds the runs that have the row that comes next, and of these the newest.
    fn find_first(&mut self) -> Result<Option<usize>, StateError> {
        let mut newest: Option<&Run> = None;
        for (at, run) in self.runs.iter().enumerate() {
            if run.at.is_none() {
                continue;
            }
            let order = newest.map_or(Ok(Ordering::Less), |newest| run.compare(newest))?;
            if order == Ordering::Greater {
                continue;
            }
            if order == Ordering::Less {
                self.first.clear();
            }
            self.first.push(at);
            newest = Some(run);
        }
        Ok(self.first.last().copied())
    }
}

impl Run {
    /// Goes to the next row that counts, into the next block if need be.
    fn settle(&mut self, of: Segments<'_>) -> Result<(), StateError> {
        loop {
            if let Some((block, row)) = &mut self.at {
                let hashes = block.hashes().iter().skip(*row as usize);
                let skipped = match self.source {
                    Source::Frozen(at) => match of.frozen.get(at) {
                        Some(frozen) => hashes.take_while(|hash| !frozen.counts(**hash)).count(),
                        None => hashes.count(),
                    },
                    Source::Memory(_) => 0,
                };
                *row += u32::try_from(skipped).unwrap_or(u32::MAX);
                if (*row as usize) < block.hashes().len() {
                    return Ok(());
                }
                self.at = None;
            }
            let block = match &self.source {
                Source::Frozen(at) => {
                    let frozen = of.frozen.get(*at);
                    let frozen = frozen.filter(|it| self.next < it.section.index.blocks.len());
                    frozen.map(|frozen| frozen.section.block(self.next)).transpose()?
                }
                Source::Memory(slots) => {
                    let size = of.memory.block_rows();
                    let slots = slots.chunks(size).nth(self.next);
                    let block = slots.map(|slots| of.memory.block(slots, true)).transpose()?;
                    block.map(|batch| Block::new(Arc::clone(of.layout), batch))
                }
            };
            let Some(block) = block else { return Ok(()) };
            self.next += 1;
            self.at = Some((Arc::new(block), 0));
        }
    }

    fn owed(&self, of: Segments<'_>, block: &Block, row: u32) -> u8 {
        let owed = block.owed(row);
        match self.source {
            Source::Frozen(at) => of.frozen.get(at).map_or(owed, |frozen| frozen.owing.of(owed)),
            Source::Memory(_) => owed,
        }
    }

    fn compare(&self, other: &Self) -> Result<Ordering, StateError> {
        let (Some((block, row)), Some((theirs, at))) = (&self.at, &other.at) else {
            return Ok(Ordering::Equal);
        };
        let hash = |block: &Block, row: u32| {
            block.hashes().get(row as usize).map(|hash| place(*hash)).unwrap_or_default()
        };
        let order = hash(block, *row).cmp(&hash(theirs, *at));
        if order != Ordering::Equal {
            return Ok(order);
        }
        let keys = block.keys()?.at(*row).1.cmp(theirs.keys()?.at(*at).1);
        Ok(keys.then_with(|| block.number(*row).cmp(&theirs.number(*at))))
    }
}

/// Rows that were picked from some blocks.
#[derive(Default)]
struct Picked {
    blocks: Vec<Arc<Block>>,
    rows: Vec<(usize, usize)>,
    owed: Vec<u8>,
}

impl Picked {
    fn push(&mut self, block: &Arc<Block>, row: u32, owed: u8) {
        // Few blocks are open at a time, and those that were used last are at the end.
        let known = self.blocks.iter().rposition(|other| Arc::ptr_eq(other, block));
        let at = known.unwrap_or(self.blocks.len());
        if known.is_none() {
            self.blocks.push(Arc::clone(block));
        }
        self.rows.push((at, row as usize));
        self.owed.push(owed);
    }

    fn batch(self, layout: &Arc<Layout>) -> Result<RecordBatch, StateError> {
        let error = |source| StateError::Rows { table: layout.name.clone(), source };
        let blocks: Vec<_> = self.blocks.iter().map(|block| block.batch()).collect();
        let batch = interleave_record_batch(&blocks, &self.rows).map_err(error)?;
        let owed: ArrayRef = Arc::new(UInt8Array::from(self.owed));
        let columns = batch.columns().iter().enumerate();
        let columns = columns.map(|(at, column)| Arc::clone(if at == 1 { &owed } else { column }));
        RecordBatch::try_new(Arc::clone(&layout.saved), columns.collect()).map_err(error)
    }
}
