//! The keys of an object in the order in which they came the last time.
//!
//! Producers keep the order of their keys. So the next key is known before it is read, and reading
//! it is one comparison with what would be written there.

use std::collections::HashMap;

/// How many keys that feed no column are remembered, and how long such a key may be in bytes.
const MAX_PASSED: usize = 64;
const MAX_PASSED_BYTES: usize = 64;

/// The keys that are known: first those that feed members, by their numbers, then others.
#[derive(Debug, Default)]
pub(super) struct Order {
    keys: Vec<Key>,
    numbers: HashMap<Box<[u8]>, usize>,
    members: usize,
    first: usize,
}

#[derive(Debug)]
struct Key {
    name: Box<[u8]>,
    written: Written,
    /// The key that came after it the last time.
    next: usize,
}

impl Order {
    /// The number of a key that feeds a member: as many as there are members before it.
    pub(super) fn add_member(&mut self, name: &str) {
        self.add(name.as_bytes());
        self.members = self.keys.len();
    }

    fn add(&mut self, name: &[u8]) -> usize {
        let number = self.keys.len();
        self.numbers.insert(name.into(), number);
        self.keys.push(Key { name: name.into(), written: Written::new(name), next: number + 1 });
        number
    }

    /// The number of the member that a key feeds.
    pub(super) fn member(&self, number: usize) -> Option<usize> {
        (number < self.members).then_some(number)
    }

    /// The key to expect first.
    pub(super) fn first(&self) -> usize {
        self.first
    }

    /// The key to expect after another.
    #[inline]
    pub(super) fn after(&self, number: usize) -> usize {
        self.keys.get(number).map_or(0, |key| key.next)
    }

    /// What follows key `number` and its colon, if `bytes` begins with these.
    #[inline]
    pub(super) fn strip<'a>(&self, number: usize, bytes: &'a [u8]) -> Option<&'a [u8]> {
        self.keys.get(number)?.written.strip(bytes)
    }

    /// The key called `name`, which is probably `expected`.
    pub(super) fn find(&self, name: &[u8], expected: usize) -> Option<usize> {
        match self.keys.get(expected) {
            Some(key) if *key.name == *name => Some(expected),
            _ => self.numbers.get(name).copied(),
        }
    }

    /// The same; a key that is not known is from now on, if there is room for it.
    pub(super) fn find_or_learn(&mut self, name: &[u8], expected: usize) -> Option<usize> {
        let found = self.find(name, expected);
        let room = self.keys.len() - self.members < MAX_PASSED && name.len() <= MAX_PASSED_BYTES;
        if found.is_none() && room { Some(self.add(name)) } else { found }
    }

    /// Remembers that key `number` came after `previous`, or first.
    #[inline]
    pub(super) fn follow(&mut self, previous: Option<usize>, number: usize) {
        match previous.and_then(|previous| self.keys.get_mut(previous)) {
            Some(previous) => previous.next = number,
            None => self.first = number,
        }
    }
}

/// A key as it is written in front of its value: quoted and with its colon.
#[derive(Debug)]
struct Written {
    bytes: Box<[u8]>,
    /// The same in words of eight bytes, each with the mask of those bytes that count.
    words: Box<[(u64, u64)]>,
}

impl Written {
    fn new(name: &[u8]) -> Self {
        // A key that is never written without an escape is not recognised here.
        let plain = name.iter().all(|byte| !matches!(byte, b'"' | b'\\' | ..b' '));
        let bytes: Box<[u8]> =
            if plain { [b"\"", name, b"\":"].concat().into() } else { [].into() };
        let word = |chunk: &[u8]| {
            let (mut word, mut mask) = ([0; 8], [0; 8]);
            for ((word, mask), byte) in word.iter_mut().zip(&mut mask).zip(chunk) {
                (*word, *mask) = (*byte, u8::MAX);
            }
            (u64::from_le_bytes(word), u64::from_le_bytes(mask))
        };
        let words = bytes.chunks(8).map(word).collect();
        Self { bytes, words }
    }

    #[inline]
    fn strip<'a>(&self, bytes: &'a [u8]) -> Option<&'a [u8]> {
        let (chunks, _) = bytes.as_chunks::<8>();
        let Some(chunks) = chunks.get(..self.words.len()) else {
            return self.strip_near_end(bytes);
        };
        let mut difference = 0;
        for (chunk, (word, mask)) in chunks.iter().zip(&self.words) {
            difference |= (u64::from_le_bytes(*chunk) ^ word) & mask;
        }
        if difference != 0 || self.words.is_empty() {
            return None;
        }
        bytes.get(self.bytes.len()..)
    }

    fn strip_near_end<'a>(&self, bytes: &'a [u8]) -> Option<&'a [u8]> {
        bytes.strip_prefix(&*self.bytes)
    }
}

#[cfg(test)]
mod tests;
