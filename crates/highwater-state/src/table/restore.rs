//! Saved sections into a table.

use std::collections::BTreeMap;
use std::sync::Arc;

use highwater_core::{KeyGroups, SavedSection, StateReader, TableNote};

use super::Table;
use crate::StateError;
use crate::bucket::Bucket;
use crate::frozen::{Frozen, Owing};
use crate::section::{Held, Origin, SectionReader, VERSION};
use crate::spill::Local;

/// The longest section, in bytes, that goes into memory at once. Others are read where they lie.
const MOST_LOADED: u64 = 4 << 20;

impl Table {
    /// Takes up what was saved of this table, by any number of workers, in the place of what is
    /// there. Of large sections only the index is read; rows come when they are asked for.
    ///
    /// # Errors
    /// `Corrupt` when a byte of it has changed, `Refused` when it is of another version or has
    /// other columns.
    pub fn restore(&mut self, state: &StateReader) -> Result<(), StateError> {
        self.local = Local::new(state.room.clone());
        self.buckets.clear();
        (self.first, self.expired, self.expiring) = (i64::MIN, i64::MIN, None);
        if let Some(note) = state.notes.get(&self.layout.name) {
            self.check(note)?;
            (self.first, self.expired) = (note.first, note.expired);
        }
        let mine = |saved: &&SavedSection| {
            let there = saved.bucket >= self.first && !saved.groups.is_empty();
            saved.table == self.layout.name && there
        };
        let mine: Vec<_> = state.sections.iter().filter(mine).collect();
        // What is in memory counts as newer than what is not: only the last ones of a bucket go there.
        let large = |saved: &&&SavedSection| length(saved) > self.most_loaded();
        let large = mine.iter().enumerate().filter(|(_, saved)| large(saved));
        let frozen: BTreeMap<_, _> = large.map(|(at, saved)| (saved.bucket, at)).collect();
        for (at, saved) in mine.into_iter().enumerate() {
            match frozen.get(&saved.bucket) {
                Some(last) if at <= *last => self.freeze(saved)?,
                _ => self.load(saved)?,
            }
            self.make_room()?;
        }
        if let Some(edge) = self.buckets.get_mut(&self.first) {
            edge.memory.expire(self.expired);
        }
        Ok(())
    }

    /// The longest section, in bytes, that is loaded at once.
    fn most_loaded(&self) -> u64 {
        (self.local.room.bytes / 16).min(MOST_LOADED)
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

    /// Keeps a section where it is.
    fn freeze(&mut self, saved: &SavedSection) -> Result<(), StateError> {
        let (object, range) = (Arc::clone(&saved.object), saved.range.clone());
        let section =
            SectionReader::open(&self.layout, object, range, saved.bucket, Origin::Saved)?;
        section.check_rows(saved.rows)?;
        self.number = self.number.max(section.index.next_number);
        let frozen = Frozen {
            section,
            number: self.local.number(),
            groups: saved.groups,
            owing: Owing::above(saved.level),
            level: Some(saved.level),
            tier: 0,
        };
        let layout = &self.layout;
        let part = self.buckets.entry(saved.bucket);
        part.or_insert_with(|| Bucket::new(layout, saved.bucket)).frozen.push(frozen);
        Ok(())
    }

    /// Takes the rows of a section into memory.
    fn load(&mut self, saved: &SavedSection) -> Result<(), StateError> {
        let bucket = saved.bucket;
        let read = |source| StateError::Read { table: self.layout.name.clone(), bucket, source };
        let bytes = saved.object.read_at(saved.range.clone()).map_err(read)?;
        let range = 0..length(saved);
        let held = Arc::new(Held { bytes, location: saved.object.location() });
        let section = SectionReader::open(&self.layout, held, range, bucket, Origin::Saved)?;
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
            part.memory.load(&block, &rows, Owing::above(saved.level))?;
        }
        Ok(())
    }
}

/// The bytes of a section.
fn length(saved: &SavedSection) -> u64 {
    saved.range.end.saturating_sub(saved.range.start)
}
