//! Where the rows of keys are: half a hash and a slot, in one place of memory.
//!
//! The tables of hashbrown keep what they compare apart from what they hold, so that a key that is new costs two
//! misses in the cache, and one that is known as well. Rows are never taken out of an index: it needs no marks
//! for what was there.
//!
//! `Source:` linear probing, D. Knuth, The Art of Computer Programming, volume 3, section 6.4, algorithm L.

use super::NONE;

/// The fewest places.
const FEWEST: usize = 16;

/// An index of rows.
#[derive(Debug, Default)]
pub(super) struct Index {
    entries: Vec<Entry>,
    /// Entries that are there.
    count: usize,
}

/// The newest row of a key, with half of its hash: to look at the rows themselves would cost more.
#[derive(Clone, Copy, Debug)]
struct Entry {
    half: u32,
    /// `NONE` where there is no row.
    slot: u32,
}

const EMPTY: Entry = Entry { half: 0, slot: NONE };
/// So many searches begin before any goes on.
const AT_ONCE: usize = 32;

/// Where the entry of a key is, or where a new one belongs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spot(usize);

/// The half of a hash that rows of one bucket do not share.
#[inline]
fn half(hash: u64) -> u32 {
    u32::try_from(hash >> u32::BITS).unwrap_or_default()
}

impl Index {
    /// Makes room for so many entries in all.
    pub(super) fn reserve(&mut self, count: usize) {
        // Three in four places are taken at most: of more, many would be looked at for a key that is new.
        let places = count + count / 3 + 1;
        if places > self.entries.len() {
            self.grow(places.max(FEWEST));
        }
    }

    /// Bytes of memory.
    pub(super) fn held(&self) -> usize {
        self.entries.capacity() * size_of::<Entry>()
    }

    /// The first row that may be the one of a hash, as `is` has it.
    #[inline]
    pub(super) fn find(&self, hash: u64, is: impl FnMut(u32) -> bool) -> Option<u32> {
        self.spot(hash, is).1
    }

    /// A row for each hash that may be the one, if any.
    ///
    /// First the place where each search begins is read, then it is gone on from there: what a search meets
    /// decides how it goes on, and whoever waits for one miss in the cache before the next waits long.
    pub(super) fn find_each(&self, hashes: impl Iterator<Item = u64>, into: &mut Vec<Option<u32>>) {
        let mut begun = [(0, 0, EMPTY); AT_ONCE];
        let mut hashes = hashes.peekable();
        while hashes.peek().is_some() {
            let mut count = 0;
            for (search, hash) in begun.iter_mut().zip(&mut hashes) {
                let half = half(hash);
                let home = self.home(half);
                *search = (half, home, self.entries.get(home).copied().unwrap_or(EMPTY));
                count += 1;
            }
            into.extend(begun.iter().take(count).map(|(half, home, entry)| {
                let (mut at, mut entry) = (*home, *entry);
                while entry.slot != NONE && entry.half != *half {
                    at = self.behind(at);
                    entry = self.entries.get(at).copied().unwrap_or(EMPTY);
                }
                Some(entry.slot).filter(|slot| *slot != NONE)
            }));
        }
    }

    /// The row of a hash, as `is` has it, with the spot of its entry, or the spot for a new one: which there
    /// is once room was [made](Self::reserve).
    #[inline]
    pub(super) fn spot(&self, hash: u64, mut is: impl FnMut(u32) -> bool) -> (Spot, Option<u32>) {
        let half = half(hash);
        let mut at = self.home(half);
        while let Some(entry) = self.entries.get(at).filter(|entry| entry.slot != NONE) {
            if entry.half == half && is(entry.slot) {
                return (Spot(at), Some(entry.slot));
            }
            at = self.behind(at);
        }
        (Spot(at), None)
    }

    /// Enters a row at the spot of its hash, instead of the one that is there.
    #[inline]
    pub(super) fn put(&mut self, spot: Spot, hash: u64, slot: u32) {
        if let Some(entry) = self.entries.get_mut(spot.0) {
            self.count += usize::from(entry.slot == NONE);
            *entry = Entry { half: half(hash), slot };
        }
    }

    /// Makes room for one more.
    #[inline]
    pub(super) fn reserve_one(&mut self) {
        if self.count + self.count / 3 + 1 >= self.entries.len() {
            self.reserve(self.count + self.count / 2 + 1);
        }
    }

    fn grow(&mut self, places: usize) {
        let old = std::mem::replace(&mut self.entries, vec![EMPTY; places]);
        // From place to place, as they stand in the new one too: no miss for each.
        for entry in old.into_iter().filter(|entry| entry.slot != NONE) {
            let mut at = self.home(entry.half);
            while self.entries.get(at).is_some_and(|entry| entry.slot != NONE) {
                at = self.behind(at);
            }
            if let Some(place) = self.entries.get_mut(at) {
                *place = entry;
            }
        }
    }

    /// Where the search for a hash begins. Mixed, for rows may come in the order of their hashes.
    #[inline]
    fn home(&self, half: u32) -> usize {
        const GOLDEN: u32 = 0x9e37_79b1;
        (half.wrapping_mul(GOLDEN) as usize * self.entries.len()) >> u32::BITS
    }

    #[inline]
    fn behind(&self, at: usize) -> usize {
        if at + 1 < self.entries.len() { at + 1 } else { 0 }
    }
}

#[cfg(test)]
mod tests;
