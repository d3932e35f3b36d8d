//! Saves: what has changed since the last one of a level, as sections.

use std::sync::Arc;

use highwater_core::{Level, Section, SectionBytes, StateWriter};

use super::Table;
use crate::StateError;
use crate::bucket::{Bucket, is_saved};
use crate::merge::Merged;
use crate::section::MOST_ROWS;
use crate::spec::Layout;
use crate::spill::{Local, write_held};

impl Table {
    /// Writes what has changed since the last save of the level that is asked for, and what holds
    /// for the table. From then on the table reads no object whose sections this save takes the place of.
    ///
    /// What does not fit into memory is put together in a file, if there is a place for files.
    ///
    /// # Errors
    /// `Internal` when an expiry is not at its end; else as reading saved state.
    pub fn save(&mut self, state: &mut StateWriter) -> Result<(), StateError> {
        self.not_expiring()?;
        let level = state.level();
        let note = self.note();
        for (&bucket, part) in &mut self.buckets {
            part.localize(level, &mut self.local, self.expired)?;
            let saved = section(&self.layout, (bucket, part), level, self.expired, &mut self.local);
            if let Some((rows, bytes)) = saved? {
                let table = self.layout.name.clone();
                state.put(Section { table, bucket, rows, bytes });
            }
            part.saved(level);
        }
        state.note(self.layout.name.clone(), note);
        self.removed = 0;
        Ok(())
    }
}

/// The section of a bucket, and how many rows it has.
fn section(
    layout: &Arc<Layout>,
    (bucket, part): (i64, &Bucket),
    level: Level,
    horizon: i64,
    local: &mut Local,
) -> Result<Option<(u64, SectionBytes)>, StateError> {
    let Some(mut merge) = part.owed(level) else {
        // All of it is in memory, and so is a copy.
        let slots = part.memory.owed(level);
        return write_held(layout, slots.len() as u64, |section| {
            let mut chunks = slots.chunks(part.memory.block_rows());
            chunks.try_for_each(|slots| section.push(&part.memory.block(slots, false)?))
        });
    };
    let segments = part.segments();
    local.write(layout, bucket, merge.most(segments), |section| {
        let wanted = |row: &Merged<'_>| is_saved(row, level, horizon);
        while let Some(rows) = merge.next(segments, MOST_ROWS, false, wanted)? {
            section.push(&rows)?;
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests;
