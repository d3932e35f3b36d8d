//! An index of rows by the word of their key.

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use crate::table::NONE;

/// The last row of a key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found {
    pub(crate) word: u64,
    pub(crate) row: u32,
}

/// The last row of each key.
#[derive(Debug)]
pub(crate) enum Index {
    /// Of numbers that lie close together, as those do that a database gives out: for each number from the first
    /// one on its row, or none. One short array is read, where a hash table is read twice.
    ///
    /// `Source:` the perfect hash join of DuckDB, for keys whose smallest and largest value lie close together.
    Dense { first: u64, rows: Vec<u32> },
    /// Of any words.
    Sparse(HashTable<Found>),
}

/// So many numbers for each row are close together: an array of them is no larger than a hash table.
const DENSE: usize = 4;

impl Index {
    /// An index without rows, for these. Words that are not numbers say nothing of each other.
    pub(crate) fn for_rows(rows: &[Found], are_numbers: bool) -> Self {
        let dense = if are_numbers { Self::dense(rows) } else { None };
        dense.unwrap_or_else(|| Self::Sparse(HashTable::with_capacity(rows.len())))
    }

    fn dense(rows: &[Found]) -> Option<Self> {
        let numbers = || rows.iter().map(|found| found.word.cast_signed());
        let (first, last) = numbers().min().zip(numbers().max())?;
        let count = usize::try_from(last.abs_diff(first)).ok()?.checked_add(1)?;
        let first = first.cast_unsigned();
        (count <= rows.len().saturating_mul(DENSE))
            .then(|| Self::Dense { first, rows: vec![NONE; count] })
    }

    /// Enters a row as the last one of its key; the one that was, or none. `same` tells whether a row has the
    /// same key as this one, where words are the same.
    pub(crate) fn enter(&mut self, new: Found, same: impl Fn(u32) -> bool) -> u32 {
        match self {
            Self::Dense { first, rows } => {
                let place = place(*first, new.word).and_then(|place| rows.get_mut(place));
                place.map_or(NONE, |place| std::mem::replace(place, new.row))
            }
            Self::Sparse(table) => {
                let same = |found: &Found| found.word == new.word && same(found.row);
                match table.entry(spread(new.word), same, |found| spread(found.word)) {
                    Entry::Vacant(free) => {
                        free.insert(new);
                        NONE
                    }
                    Entry::Occupied(mut taken) => {
                        std::mem::replace(&mut taken.get_mut().row, new.row)
                    }
                }
            }
        }
    }

    /// The last row of each key, or none, as `same` has it for a key and a row of the same word.
    pub(crate) fn find(&self, words: &[u64], same: impl Fn(usize, u32) -> bool) -> Vec<u32> {
        match self {
            Self::Dense { first, rows } => {
                let find = |word: &u64| place(*first, *word).and_then(|place| rows.get(place));
                words.iter().map(|word| find(word).copied().unwrap_or(NONE)).collect()
            }
            Self::Sparse(table) => {
                let find = |(at, word): (usize, &u64)| {
                    let same = |found: &Found| found.word == *word && same(at, found.row);
                    table.find(spread(*word), same).map_or(NONE, |found| found.row)
                };
                words.iter().enumerate().map(find).collect()
            }
        }
    }
}

/// Where a number stands behind the first one, which is the smallest by sign: of a smaller one nowhere.
#[inline]
fn place(first: u64, word: u64) -> Option<usize> {
    usize::try_from(word.wrapping_sub(first)).ok()
}

/// The index goes by the lowest bits and the highest, which may be the same in all words of a worker.
#[inline]
fn spread(word: u64) -> u64 {
    (word ^ (word >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(32)
}

#[cfg(test)]
mod tests;
