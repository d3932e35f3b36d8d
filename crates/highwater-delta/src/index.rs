//! Where the row of each key is: a cache of the committer, in no plan and in no record.
//!
//! # Memory
//! A key costs 24 bytes and a byte for finding it, in a table that is between 7/16 and 7/8 full: 29
//! to 57 bytes, whatever the key is. A file costs its deletion vector in memory as well, two bytes or
//! fewer for each row that is deleted.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasherDefault, Hasher};

use crate::files::{ActiveFiles, DataFile, DeletionVector};
use crate::kernel::DeletedRows;
use crate::key::{KeyHasher, KeyId};

/// A row of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// The number of the file in this index.
    file: u32,
    row: u32,
}

/// What is known of a file.
#[derive(Clone, Debug)]
pub(crate) struct IndexedFile {
    number: u32,
    vector: Option<DeletionVector>,
    /// How many rows are in it, deleted ones too.
    pub(crate) rows: u32,
    pub(crate) deleted: DeletedRows,
}

/// Which rows of which files have which key.
#[derive(Debug, Default)]
pub(crate) struct KeyIndex {
    pub(crate) hasher: KeyHasher,
    places: HashMap<KeyId, Place, BuildHasherDefault<Taken>>,
    /// Further rows of keys that have several, as only others make them.
    more: HashMap<KeyId, Vec<Place>, BuildHasherDefault<Taken>>,
    files: BTreeMap<String, IndexedFile>,
    /// The paths of files by their numbers. A number that is not there is that of a file that is
    /// gone, and what has it counts no more.
    paths: HashMap<u32, String>,
    next: u32,
}

/// What a commit of this sink did to the files.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    /// Files that were taken out.
    pub(crate) gone: Vec<String>,
    /// Files of which rows were deleted.
    pub(crate) shrunk: Vec<(String, DeletionVector, DeletedRows)>,
    /// Files that hold rows that stood in a file that is gone.
    pub(crate) moved: Vec<(String, Vec<KeyId>)>,
    /// Files whose rows took the place of all others of their keys.
    pub(crate) fresh: Vec<(String, Vec<KeyId>)>,
}

/// A file as it was read: the keys of its rows, none for those that are deleted.
#[derive(Debug)]
pub(crate) struct Scanned {
    pub(crate) keys: Vec<Option<KeyId>>,
    pub(crate) deleted: DeletedRows,
}

impl KeyIndex {
    /// Forgets the files that are not in the table as they were, and gives those that have to be
    /// read: what others have changed.
    pub(crate) fn follow(&mut self, active: &ActiveFiles) -> Vec<DataFile> {
        let same = |path: &str, indexed: &IndexedFile| {
            active.get(path).is_some_and(|file| {
                DeletionVector::same(file.deletion_vector.as_ref(), indexed.vector.as_ref())
            })
        };
        let before = self.files.len();
        self.files.retain(|path, indexed| same(path, indexed));
        if self.files.len() < before {
            let files = self.files.iter();
            self.paths = files.map(|(path, indexed)| (indexed.number, path.clone())).collect();
            let paths = &self.paths;
            self.places.retain(|_, place| paths.contains_key(&place.file));
            self.more.retain(|_, places| {
                places.retain(|place| paths.contains_key(&place.file));
                !places.is_empty()
            });
        }
        active.iter().filter(|file| !self.files.contains_key(&file.path)).cloned().collect()
    }

    /// Takes up a file that was read. None when it has more rows than can be numbered.
    pub(crate) fn take_up(&mut self, file: &DataFile, scanned: Scanned) -> Option<()> {
        let Scanned { keys, deleted } = scanned;
        let vector = file.deletion_vector.clone();
        let number = self.number(&file.path, vector, keys.len(), deleted)?;
        for (key, row) in keys.into_iter().zip(0..) {
            if let Some(key) = key {
                self.insert(key, Place { file: number, row });
            }
        }
        Some(())
    }

    fn number(
        &mut self,
        path: &str,
        vector: Option<DeletionVector>,
        rows: usize,
        deleted: DeletedRows,
    ) -> Option<u32> {
        let (number, rows) = (self.next, u32::try_from(rows).ok()?);
        self.next = number.checked_add(1)?;
        self.paths.insert(number, path.to_owned());
        self.files.insert(path.to_owned(), IndexedFile { number, vector, rows, deleted });
        Some(number)
    }

    fn insert(&mut self, key: KeyId, place: Place) {
        match self.places.get_mut(&key) {
            Some(other) if self.paths.contains_key(&other.file) => {
                self.more.entry(key).or_default().push(place);
            }
            Some(gone) => *gone = place,
            None => {
                self.places.insert(key, place);
            }
        }
    }

    /// The rows that have one of `keys`, by the paths of their files.
    pub(crate) fn rows_of<'a>(
        &self,
        keys: impl IntoIterator<Item = &'a KeyId>,
    ) -> BTreeMap<String, Vec<u64>> {
        let mut rows: BTreeMap<u32, Vec<u64>> = BTreeMap::new();
        for key in keys {
            let first = self.places.get(key).into_iter();
            for place in first.chain(self.more.get(key).into_iter().flatten()) {
                rows.entry(place.file).or_default().push(place.row.into());
            }
        }
        let there = rows.into_iter();
        there.filter_map(|(file, rows)| Some((self.paths.get(&file)?.clone(), rows))).collect()
    }

    pub(crate) fn file(&self, path: &str) -> Option<&IndexedFile> {
        self.files.get(path)
    }

    /// Goes on to the version that a commit of this sink made. None as of
    /// [`take_up`](Self::take_up): then the index is of no use any more.
    pub(crate) fn apply(&mut self, effects: Effects) -> Option<()> {
        for path in effects.gone {
            if let Some(file) = self.files.remove(&path) {
                self.paths.remove(&file.number);
            }
        }
        for (path, vector, deleted) in effects.shrunk {
            if let Some(file) = self.files.get_mut(&path) {
                (file.vector, file.deleted) = (Some(vector), deleted);
            }
        }
        for (path, keys) in effects.moved {
            let number = self.number(&path, None, keys.len(), DeletedRows::default())?;
            for (key, row) in keys.into_iter().zip(0..) {
                self.insert(key, Place { file: number, row });
            }
        }
        for (path, keys) in effects.fresh {
            let file = self.number(&path, None, keys.len(), DeletedRows::default())?;
            for (key, row) in keys.into_iter().zip(0..) {
                self.places.insert(key, Place { file, row });
                self.more.remove(&key);
            }
        }
        Some(())
    }

    /// How many keys there are.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }
}

/// Takes a part of a key for its hash, which it is already.
#[derive(Debug, Default)]
pub(crate) struct Taken(u64);

impl Hasher for Taken {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

#[cfg(test)]
mod tests;
