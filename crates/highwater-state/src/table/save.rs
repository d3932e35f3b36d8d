//! Saves: what has changed since the last one of a level, as sections.

use bytes::Bytes;
use highwater_core::{Section, StateWriter};

use super::Table;
use crate::StateError;
use crate::memory::Memory;
use crate::section::SectionBuilder;
use crate::spec::Layout;
use std::sync::Arc;

impl Table {
    /// Writes what has changed since the last save of the level that is asked for, and what holds
    /// for the table.
    ///
    /// # Errors
    /// `Internal` when an expiry is not at its end.
    pub fn save(&mut self, state: &mut StateWriter) -> Result<(), StateError> {
        self.not_expiring()?;
        let level = state.level();
        let note = self.note();
        for (&bucket, part) in &mut self.buckets {
            let slots = part.memory.owed(level);
            if !slots.is_empty() {
                let bytes = section(&self.layout, &part.memory, &slots)?;
                let (table, rows) = (self.layout.name.clone(), slots.len() as u64);
                state.put(Section { table, bucket, rows, bytes });
            }
            part.memory.saved(level);
            if let Some(kept) = part.memory.without_idle(true) {
                part.memory = kept;
            }
        }
        state.note(self.layout.name.clone(), note);
        self.removed = 0;
        Ok(())
    }
}

fn section(layout: &Arc<Layout>, memory: &Memory, slots: &[u32]) -> Result<Bytes, StateError> {
    let error = |source| StateError::Rows { table: layout.name.clone(), source };
    let mut builder = SectionBuilder::try_new(Vec::new(), layout, slots.len()).map_err(error)?;
    for slots in slots.chunks(memory.block_rows()) {
        builder.push(&memory.block(slots, false)?).map_err(error)?;
    }
    Ok(Bytes::from(builder.finish().map_err(error)?))
}
