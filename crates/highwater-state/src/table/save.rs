//! Saves: what has changed since the last one of a level, as sections.

use std::sync::Arc;

use arrow::error::ArrowError;
use bytes::Bytes;
use highwater_core::{Level, Section, StateWriter};

use super::Table;
use crate::StateError;
use crate::bucket::{Bucket, is_saved};
use crate::merge::Merged;
use crate::section::{MOST_ROWS, SectionBuilder};
use crate::spec::Layout;

impl Table {
    /// Writes what has changed since the last save of the level that is asked for, and what holds
    /// for the table. From then on the table reads no object whose sections this save takes the place of.
    ///
    /// # Errors
    /// `Internal` when an expiry is not at its end; else as reading saved state.
    pub fn save(&mut self, state: &mut StateWriter) -> Result<(), StateError> {
        self.not_expiring()?;
        let level = state.level();
        let note = self.note();
        for (&bucket, part) in &mut self.buckets {
            part.localize(level, &mut self.local, self.expired)?;
            if let Some((rows, bytes)) = section(&self.layout, part, level, self.expired)? {
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
    part: &Bucket,
    level: Level,
    horizon: i64,
) -> Result<Option<(u64, Bytes)>, StateError> {
    let error = |source: ArrowError| StateError::Rows { table: layout.name.clone(), source };
    let builder = |most| SectionBuilder::try_new(Vec::new(), layout, most).map_err(error);
    let builder = match part.owed(level) {
        Some(mut merge) => {
            let mut builder = builder(merge.most(part.segments()))?;
            let wanted = |row: &Merged<'_>| is_saved(row, level, horizon);
            while let Some(rows) = merge.next(part.segments(), MOST_ROWS, false, wanted)? {
                builder.push(&rows).map_err(error)?;
            }
            builder
        }
        None => {
            let slots = part.memory.owed(level);
            let mut builder = builder(slots.len())?;
            for slots in slots.chunks(part.memory.block_rows()) {
                builder.push(&part.memory.block(slots, false)?).map_err(error)?;
            }
            builder
        }
    };
    match builder.rows() {
        0 => Ok(None),
        rows => Ok(Some((rows, Bytes::from(builder.finish().map_err(error)?)))),
    }
}
