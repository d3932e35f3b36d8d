//! Saved sections into a table.

use std::sync::Arc;

use highwater_core::{KeyGroups, Level, SavedSection, StateReader, TableNote};

use super::Table;
use crate::StateError;
use crate::bucket::Bucket;
use crate::memory::OWED;
use crate::section::{Held, SectionReader, VERSION};

impl Table {
    /// Takes up what was saved of this table, by any number of workers, in the place of what is
    /// there.
    ///
    /// # Errors
    /// `Corrupt` when a byte of it has changed, `Refused` when it is of another version or has
    /// other columns.
    pub fn restore(&mut self, state: &StateReader) -> Result<(), StateError> {
        self.room = state.room.clone();
        self.buckets.clear();
        (self.first, self.expired, self.expiring) = (i64::MIN, i64::MIN, None);
        if let Some(note) = state.notes.get(&self.layout.name) {
            self.check(note)?;
            (self.first, self.expired) = (note.first, note.expired);
        }
        for section in &state.sections {
            let mine = section.table == self.layout.name && section.bucket >= self.first;
            if mine && !section.groups.is_empty() {
                self.load(section)?;
            }
        }
        if let Some(edge) = self.buckets.get_mut(&self.first) {
            let slots = edge.memory.expired(self.expired);
            edge.memory.drop_rows(&slots);
        }
        Ok(())
    }

    fn check(&self, note: &TableNote) -> Result<(), StateError> {
        let (table, location) = (self.layout.name.clone(), "the checkpoint".to_owned());
        if note.version != VERSION {
            let (found, known) = (note.version, VERSION);
            return Err(StateError::Version { location, table, found, known });
        }
        if note.columns != self.layout.words {
            let (found, declared) = (note.columns.clone(), self.layout.words.clone());
            return Err(StateError::Columns { location, table, found, declared });
        }
        Ok(())
    }

    fn load(&mut self, saved: &SavedSection) -> Result<(), StateError> {
        let bucket = saved.bucket;
        let read = |source| StateError::Read { table: self.layout.name.clone(), bucket, source };
        let bytes = saved.object.read_at(saved.range.clone()).map_err(read)?;
        let range = 0..saved.range.end.saturating_sub(saved.range.start);
        let held = Arc::new(Held { bytes, location: saved.object.location() });
        let section = SectionReader::open(&self.layout, held, range, bucket)?;
        section.check_rows(saved.rows)?;
        self.number = self.number.max(section.index.next_number);
        let layout = &self.layout;
        let part = self.buckets.entry(bucket).or_insert_with(|| Bucket::new(layout, bucket));
        let mut rows = Vec::new();
        for number in 0..section.index.blocks.len() {
            let block = section.block(number)?;
            rows.clear();
            let hashes = block.hashes().iter().zip(0..);
            let wanted = hashes.filter(|(hash, _)| saved.groups.contains(KeyGroups::group(**hash)));
            rows.extend(wanted.map(|(_, row)| row));
            part.memory.load(&block, &rows, owed_above(saved.level))?;
        }
        Ok(())
    }
}

/// The levels at which rows of a save of this level are yet to be saved.
pub(crate) fn owed_above(level: Level) -> u8 {
    let below = level.index() + 1;
    if below > OWED.count_ones() as usize { 0 } else { OWED & !((1 << below) - 1) }
}
