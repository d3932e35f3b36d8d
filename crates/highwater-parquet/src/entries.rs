//! The entries of a dictionary: which number a value has.

use std::hash::{BuildHasher, RandomState};

/// Numbers values in the order in which they come.
///
/// A value is known by a key of 8 bytes. Where that cannot hold the whole value, entries with the same
/// key are told apart by the caller. Both tables are small, as all else that is done for a batch of rows
/// pushes them out of the nearest caches.
#[derive(Debug)]
pub(crate) struct Entries {
    /// A power of two of places, each with a part of the hash above the number of an entry plus one.
    /// Half the size is worth more than a longer part of the hash.
    places: Vec<u32>,
    keys: Vec<u64>,
    /// Drawn anew for each dictionary, so that nobody can choose values that collide.
    seed: u64,
}

/// The bits of a number in a place; those above are of the hash. A dictionary ends long before it has so
/// many entries. One that had would have later values more than once, which is no error in Parquet.
const NUMBER: u32 = (1 << 20) - 1;
const SALT: u64 = 0x9e37_79b9_7f4a_7c15;
const FIRST_PLACES: usize = 256;

/// So many values are looked up at once.
pub(crate) const AT_ONCE: usize = 32;

impl Entries {
    pub(crate) fn new() -> Self {
        let seed = RandomState::new().hash_one(0_u8);
        Self { places: vec![0; FIRST_PLACES], keys: Vec::new(), seed }
    }

    /// Begins anew, with the same buffers.
    pub(crate) fn clear(&mut self) {
        self.places.fill(0);
        self.keys.clear();
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    /// The number of the value that has `key` and is `same` as the entry, and whether it is a new one.
    pub(crate) fn number(&mut self, key: u64, same: impl Fn(u32) -> bool) -> (u32, bool) {
        let hash = self.hash(key);
        let mask = self.places.len() - 1;
        let mut at = place(hash, mask);
        while let Some(found) = self.places.get(at).copied().filter(|found| *found != 0) {
            if (found ^ part(hash)) & !NUMBER == 0 {
                let number = (found & NUMBER).saturating_sub(1);
                if self.keys.get(number as usize) == Some(&key) && same(number) {
                    return (number, false);
                }
            }
            at = (at + 1) & mask;
        }
        let number = u32::try_from(self.keys.len()).unwrap_or(u32::MAX);
        if let Some(place) = self.places.get_mut(at).filter(|_| number < NUMBER) {
            *place = (part(hash) & !NUMBER) | (number + 1);
        }
        self.keys.push(key);
        if self.keys.len() * 4 > self.places.len() * 3 {
            self.grow();
        }
        (number, true)
    }

    /// The numbers of the entries that have `keys`, as far as the first two places of each one tell. All
    /// places are read before any entry is, so that one wait for memory serves them all.
    pub(crate) fn known(&self, keys: &[u64; AT_ONCE]) -> [Option<u32>; AT_ONCE] {
        let mask = self.places.len() - 1;
        let found = keys.map(|key| {
            let hash = self.hash(key);
            let at = place(hash, mask);
            let taken = |at: usize| self.places.get(at).copied().unwrap_or(0);
            // Another part of the hash leaves bits above those of a number.
            let (first, second) = (taken(at), taken(at + 1));
            let same = part(hash) & !NUMBER;
            if first ^ same <= NUMBER { first ^ same } else { second ^ same }
        });
        let mut numbers = [None; AT_ONCE];
        for ((number, found), key) in numbers.iter_mut().zip(found).zip(keys) {
            let entry = found.wrapping_sub(1);
            *number = (self.keys.get(entry as usize) == Some(key)).then_some(entry);
        }
        numbers
    }

    /// A key for a value of 8 bytes or more: entries that have it are still to be compared. `head` is its
    /// first 16 bytes, zeros behind them.
    #[inline]
    pub(crate) fn key_of_long(&self, head: u128, value: &[u8]) -> u64 {
        let key = match value.len() {
            length @ 0..=16 => mix(low(head) ^ self.seed, high(head) ^ length as u64 ^ SALT),
            _ => self.mixed(value),
        };
        // The key of a short value has its length here.
        key | 0xff << 56
    }

    fn mixed(&self, value: &[u8]) -> u64 {
        let mut hash = (value.len() as u64 ^ self.seed, self.seed.rotate_left(32) ^ SALT);
        let (chunks, rest) = value.as_chunks::<16>();
        let mut last = [0; 16];
        for (slot, byte) in last.iter_mut().zip(rest) {
            *slot = *byte;
        }
        for chunk in chunks.iter().chain([&last]) {
            let both = u128::from_le_bytes(*chunk);
            let mixed = mix(low(both) ^ hash.0, high(both) ^ hash.1);
            hash = (mixed, hash.0.rotate_left(29) ^ hash.1);
        }
        hash.0 ^ hash.1
    }

    /// The bytes it takes.
    pub(crate) fn memory(&self) -> usize {
        self.places.capacity() * size_of::<u32>() + self.keys.capacity() * size_of::<u64>()
    }

    fn hash(&self, key: u64) -> u64 {
        mix(key ^ self.seed, SALT)
    }

    fn grow(&mut self) {
        let mut places = vec![0; self.places.len() * 2];
        let mask = places.len() - 1;
        for (key, number) in self.keys.iter().zip(1..=NUMBER) {
            let hash = self.hash(*key);
            let mut at = place(hash, mask);
            while places.get(at).is_some_and(|taken| *taken != 0) {
                at = (at + 1) & mask;
            }
            if let Some(free) = places.get_mut(at) {
                *free = (part(hash) & !NUMBER) | number;
            }
        }
        self.places = places;
    }
}

fn place(hash: u64, mask: usize) -> usize {
    usize::try_from(hash >> 32).unwrap_or(usize::MAX) & mask
}

/// The part of a hash that its place does not tell.
fn part(hash: u64) -> u32 {
    u32::try_from(hash & u64::from(u32::MAX)).unwrap_or(0)
}

fn mix(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    low(product) ^ high(product)
}

pub(crate) fn low(of: u128) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = of.to_le_bytes();
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}

fn high(of: u128) -> u64 {
    low(of >> 64)
}

#[cfg(test)]
pub(crate) mod tests;
