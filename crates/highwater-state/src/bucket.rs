//! A bucket of a table: a segment in memory, and any number of frozen ones beneath it.

use std::ops::Range;
use std::sync::Arc;

use highwater_core::Level;

use crate::StateError;
use crate::frozen::Frozen;
use crate::keys::Keys;
use crate::memory::{Memory, Room};
use crate::merge::{Merge, Merged, Segments};
use crate::section::MOST_ROWS;
use crate::spec::Layout;
use crate::spill::Local;

/// So many segments of one tier are merged into one of the next.
const FAN: usize = 4;

/// The rows of one bucket. What is in memory is newer than what is frozen, and of that the last is
/// the newest; the newest row of a key counts. Whatever is owed of an older row is owed of a newer one too.
#[derive(Debug)]
pub(crate) struct Bucket {
    layout: Arc<Layout>,
    bucket: i64,
    pub(crate) memory: Memory,
    pub(crate) frozen: Vec<Frozen>,
    /// Rows of frozen segments that are known to have a newer one.
    hidden: u64,
    /// Rows that changed since the last save and are no longer in memory.
    updated: u64,
}

impl Bucket {
    pub(crate) fn new(layout: &Arc<Layout>, bucket: i64) -> Self {
        Self::with_room(layout, bucket, Room::default())
    }

    /// An empty one with room in memory.
    pub(crate) fn with_room(layout: &Arc<Layout>, bucket: i64, room: Room) -> Self {
        Self {
            layout: Arc::clone(layout),
            bucket,
            memory: Memory::with_room(Arc::clone(layout), bucket, room),
            frozen: Vec::new(),
            hidden: 0,
            updated: 0,
        }
    }

    /// Rows that are there, as far as is known: of frozen ones some may have a newer one.
    pub(crate) fn live(&self) -> u64 {
        let frozen: u64 = self.frozen.iter().map(Frozen::live).sum();
        (self.memory.live() + frozen).saturating_sub(self.hidden)
    }

    /// Bytes of memory.
    pub(crate) fn held(&self) -> u64 {
        self.memory.held() as u64 + self.frozen.iter().map(Frozen::held).sum::<u64>()
    }

    /// Rows that were added or changed since the last save.
    pub(crate) fn updated(&self) -> u64 {
        self.updated + self.memory.touched() as u64
    }

    /// How many rows take so many bytes, more or less.
    pub(crate) fn rows_within(&self, bytes: u64) -> usize {
        let sections = self.frozen.iter().map(|frozen| &frozen.section);
        let (mut held, mut rows) = (self.memory.held() as u64, self.memory.rows() as u64);
        sections.for_each(|section| {
            held += section.length();
            rows += section.index.rows;
        });
        usize::try_from(bytes / (held / rows.max(1)).max(1)).unwrap_or(usize::MAX)
    }

    pub(crate) fn segments(&self) -> Segments<'_> {
        Segments { layout: &self.layout, frozen: &self.frozen, memory: &self.memory }
    }

    /// Brings frozen rows of some keys into memory. Those before `horizon` come as removed ones.
    pub(crate) fn thaw(
        &mut self,
        keys: &Keys,
        rows: &[u32],
        local: &mut Local,
        horizon: i64,
    ) -> Result<(), StateError> {
        if self.frozen.is_empty() {
            return Ok(());
        }
        let mut pending = rows.to_vec();
        if !self.layout.several {
            let mut found = Vec::new();
            self.memory.find(keys, rows, &mut found);
            let mut found = found.iter();
            pending.retain(|_| found.next().is_some_and(Option::is_none));
        }
        for frozen in self.frozen.iter().rev() {
            let mut done = Vec::new();
            for found in frozen.find(keys, &pending, &mut local.cache)? {
                self.hidden += self.memory.thaw(&found, frozen.owing, horizon)?;
                done.extend(found.pairs.iter().map(|(_, row)| *row));
            }
            if !self.layout.several && !done.is_empty() {
                done.sort_unstable();
                pending.retain(|row| done.binary_search(row).is_err());
            }
        }
        Ok(())
    }

    /// Freezes what is in memory.
    pub(crate) fn spill(&mut self, local: &mut Local) -> Result<(), StateError> {
        let slots = self.memory.all();
        let (memory, layout) = (&self.memory, &self.layout);
        let frozen = local.segment(layout, self.bucket, slots.len() as u64, |section| {
            let mut chunks = slots.chunks(memory.block_rows());
            chunks.try_for_each(|slots| section.push(&memory.block(slots, true)?))
        })?;
        self.updated += self.memory.touched() as u64;
        self.memory = Memory::new(Arc::clone(&self.layout), self.bucket);
        self.frozen.extend(frozen);
        self.merge_tiers(local)
    }

    /// Merges the newest segments as long as there are too many of one tier.
    fn merge_tiers(&mut self, local: &mut Local) -> Result<(), StateError> {
        while let Some(tier) = self.frozen.last().map(|frozen| frozen.tier) {
            let same = |frozen: &&Frozen| frozen.level.is_none() && frozen.tier == tier;
            let count = self.frozen.iter().rev().take_while(same).count();
            if count < FAN {
                break;
            }
            let end = self.frozen.len();
            self.merge(end - count..end, local, i64::MIN)?;
        }
        Ok(())
    }

    /// Makes one local segment of some neighbours. Rows before `horizon` are left out when nothing
    /// older is beneath them.
    fn merge(
        &mut self,
        range: Range<usize>,
        local: &mut Local,
        horizon: i64,
    ) -> Result<(), StateError> {
        let merged = self.frozen.get(range.clone()).unwrap_or_default();
        let most = merged.iter().map(|frozen| frozen.section.index.rows).sum();
        let live = merged.iter().map(Frozen::live).sum::<u64>();
        let tier = merged.iter().map(|frozen| frozen.tier).max().map_or(0, |tier| tier + 1);
        let oldest = range.start == 0;
        let wanted = |row: &Merged<'_>| {
            let idle = row.block.is_removed(row.row) && row.owed == 0;
            !(oldest && (idle || is_before(row, horizon)))
        };
        let mut merge = Merge::new(range.clone(), Vec::new());
        let segments = self.segments();
        let frozen = local.segment(&self.layout, self.bucket, most, |section| {
            while let Some(rows) = merge.next(segments, MOST_ROWS, true, wanted)? {
                section.push(&rows)?;
            }
            Ok(())
        })?;
        let frozen = frozen.map(|frozen| Frozen { tier, ..frozen });
        let left = frozen.as_ref().map_or(0, Frozen::live);
        self.hidden = self.hidden.saturating_sub(live.saturating_sub(left));
        self.frozen.splice(range, frozen);
        Ok(())
    }

    /// Makes copies of what lies in objects that a save of this level takes the place of.
    pub(crate) fn localize(
        &mut self,
        level: Level,
        local: &mut Local,
        horizon: i64,
    ) -> Result<(), StateError> {
        let theirs =
            |frozen: &Frozen| frozen.level.is_some_and(|of| of < level || level == Level::WHOLE);
        let Some(begin) = self.frozen.iter().position(theirs) else { return Ok(()) };
        let end = self.frozen.iter().rposition(theirs).map_or(begin, |last| last + 1);
        self.merge(begin..end, local, horizon)
    }

    /// The rows that a save of a level writes, where some of them are frozen.
    pub(crate) fn owed(&self, level: Level) -> Option<Merge> {
        let owes = |frozen: &Frozen| level == Level::WHOLE || frozen.owes(level);
        if !self.frozen.iter().any(owes) {
            return None;
        }
        let frozen = self.frozen.iter().enumerate().filter(|(_, frozen)| owes(frozen));
        let frozen: Vec<_> = frozen.map(|(at, _)| at).collect();
        // Of a whole save removed rows are part as well, lest older ones beneath them show.
        let memory = match level {
            Level::WHOLE => self.memory.all(),
            _ => self.memory.owed(level),
        };
        Some(Merge::new(frozen, memory))
    }

    /// Takes note that a save of a level was written.
    pub(crate) fn saved(&mut self, level: Level) {
        self.updated = 0;
        self.memory.saved(level);
        self.frozen.iter_mut().for_each(|frozen| frozen.owing.saved(level));
        if let Some(kept) = self.memory.without_idle(self.frozen.is_empty()) {
            self.memory = kept;
        }
    }
}

/// Whether the time of a row is before some other.
pub(crate) fn is_before(row: &Merged<'_>, time: i64) -> bool {
    let times = row.block.times().unwrap_or_default();
    times.get(row.row as usize).is_some_and(|at| *at < time)
}

/// Which rows a save of a level takes from a merge.
pub(crate) fn is_saved(row: &Merged<'_>, level: Level, horizon: i64) -> bool {
    match level {
        Level::WHOLE => !row.block.is_removed(row.row) && !is_before(row, horizon),
        _ => row.owed >> level.index() & 1 == 1,
    }
}
