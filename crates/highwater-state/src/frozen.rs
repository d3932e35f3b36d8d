//! Segments that are not in memory: of their rows only the index and the filter are.

use highwater_core::{Groups, KeyGroups, Level};

use crate::StateError;
use crate::keys::Keys;
use crate::memory::OWED;
use crate::section::{Block, SectionReader, place};

mod cache;

pub(crate) use cache::Cache;

/// At which levels the rows of a segment are yet to be saved, beside what each says of itself.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Owing {
    all: u8,
    /// No longer: a save of that level was written since.
    not: u8,
}

/// A section that is read where it lies.
#[derive(Debug)]
pub(crate) struct Frozen {
    pub(crate) section: SectionReader,
    /// What tells it from all others of a table.
    pub(crate) number: u64,
    /// Of which groups its rows count.
    pub(crate) groups: Groups,
    /// Which of its rows are yet to be saved at which levels.
    pub(crate) owing: Owing,
    /// The level of the save whose object it lies in; none when it is this table's own.
    pub(crate) level: Option<Level>,
    /// How often it was merged.
    pub(crate) tier: u32,
}

/// Rows that were found for rows of a batch.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) block: Block,
    /// Which rows of the block, and for which of the batch.
    pub(crate) pairs: Vec<(u32, u32)>,
}

impl Frozen {
    /// Whether any row is yet to be saved at a level.
    pub(crate) fn owes(&self, level: Level) -> bool {
        self.owing.of(self.section.index.owed) >> level.index() & 1 == 1
    }

    /// Rows, without those that say that one was removed.
    pub(crate) fn live(&self) -> u64 {
        self.section.index.rows - self.section.index.removed
    }

    pub(crate) fn held(&self) -> u64 {
        self.section.held()
    }

    /// Whether a row counts, as far as its group goes.
    pub(crate) fn counts(&self, hash: u64) -> bool {
        self.groups.contains(KeyGroups::group(hash))
    }

    /// The rows of the keys of some rows, removed ones included.
    pub(crate) fn find(
        &self,
        keys: &Keys,
        rows: &[u32],
        cache: &mut Cache,
    ) -> Result<Vec<Found>, StateError> {
        let mut found = Vec::new();
        let wanted = self.wanted(keys, rows);
        for of_block in wanted.chunk_by(|left, right| left.0 == right.0) {
            let Some((number, ..)) = of_block.first() else { continue };
            let block = cache.block(self, *number)?;
            let hashes = block.hashes();
            let mut pairs = Vec::new();
            for (_, at, row) in of_block {
                let first = hashes.partition_point(|hash| place(*hash) < *at);
                let same = hashes.iter().skip(first).take_while(|hash| place(**hash) == *at);
                pairs.extend((first..).zip(same).map(|(theirs, _)| (theirs, *row)));
            }
            if !pairs.is_empty() {
                found.extend(matching(&block, keys, &pairs)?);
            }
        }
        Ok(found)
    }

    /// In which blocks which rows may be found: number of the block, place, row.
    fn wanted(&self, keys: &Keys, rows: &[u32]) -> Vec<(usize, u64, u32)> {
        let index = &self.section.index;
        let mut wanted = Vec::new();
        for row in rows {
            let hash = keys.hashes().get(*row as usize).copied().unwrap_or_default();
            if !index.filter.may_have(hash) {
                continue;
            }
            let at = place(hash);
            let first = index.block_of(at);
            // Rows of one hash may go on in the next block.
            let others = index.blocks.iter().skip(first + 1).take_while(|next| next.place <= at);
            wanted.extend((first..=first + others.count()).map(|block| (block, at, *row)));
        }
        wanted.sort_unstable();
        wanted
    }
}

/// Of rows with equal hashes those with equal keys.
fn matching(
    block: &Block,
    keys: &Keys,
    pairs: &[(usize, u32)],
) -> Result<Option<Found>, StateError> {
    let block = block.take(pairs.iter().map(|(theirs, _)| *theirs))?;
    let theirs = block.keys()?;
    let same = (0..).zip(pairs).filter(|(at, (_, row))| theirs.at(*at).1 == keys.at(*row).1);
    let pairs: Vec<_> = same.map(|(at, (_, row))| (at, *row)).collect();
    Ok((!pairs.is_empty()).then_some(Found { block, pairs }))
}

impl Owing {
    /// The levels at which a row is yet to be saved that says `owed` of itself.
    pub(crate) fn of(self, owed: u8) -> u8 {
        (owed | self.all) & !self.not
    }

    /// What is owed of all rows of a saved section of some level: the levels above it.
    pub(crate) fn above(level: Level) -> Self {
        let below = level.index() + 1;
        let all = OWED.checked_shl(u32::try_from(below).unwrap_or(u32::MAX)).unwrap_or(0) & OWED;
        Self { all, not: 0 }
    }

    /// Takes note of a save.
    pub(crate) fn saved(&mut self, level: Level) {
        self.not |= u8::try_from((1_u16 << (level.index() + 1)) - 1).unwrap_or(u8::MAX);
    }
}
