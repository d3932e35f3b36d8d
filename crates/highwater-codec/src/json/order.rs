//! The keys of an object in the order in which they came the last time.
//!
//! Producers keep the order of their keys, and the white space round them. So the next key is known
//! before it is read, and reading it is one comparison with what was written there the last time.

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
    lead: Lead,
    /// The key that came after it the last time.
    next: usize,
}

/// In place of the number of a key where there is none.
pub(super) const NO_KEY: usize = usize::MAX;

impl Order {
    /// The number of a key that feeds a member: as many as there are members before it.
    pub(super) fn add_member(&mut self, name: &str) {
        self.add(name.as_bytes());
        self.members = self.keys.len();
    }

    fn add(&mut self, name: &[u8]) -> usize {
        let number = self.keys.len();
        self.numbers.insert(name.into(), number);
        self.keys.push(Key { name: name.into(), lead: Lead::of(name), next: number + 1 });
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

    /// What follows key `number` and its colon, if `bytes` begins with these, written as the last
    /// time; and the key to expect after it.
    #[inline(always)]
    pub(super) fn strip<'a>(&self, number: usize, bytes: &'a [u8]) -> Option<(&'a [u8], usize)> {
        let key = self.keys.get(number)?;
        Some((key.lead.strip(bytes)?, key.next))
    }

    /// How a key was written the last time.
    #[inline]
    pub(super) fn lead(&self, number: usize) -> Option<&Lead> {
        self.keys.get(number).map(|key| &key.lead)
    }

    /// Remembers how a key was written: with its colon, and with the white space round it.
    pub(super) fn learn(&mut self, number: usize, written: &[u8]) {
        if let Some(key) = self.keys.get_mut(number) {
            key.lead.learn(written);
        }
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
    pub(super) fn follow(&mut self, previous: usize, number: usize) {
        match self.keys.get_mut(previous) {
            Some(previous) => previous.next = number,
            None => self.first = number,
        }
    }
}

/// How much of a lead is compared at once.
pub(super) const LEAD_BYTES: usize = 32;

/// What leads to a value: its key in quotes, a colon, and the white space between them.
#[derive(Debug)]
pub(super) struct Lead {
    bytes: Vec<u8>,
    /// How many bytes that are; more than there can be where nothing is recognised.
    length: usize,
    /// The same as numbers, and the masks of those bytes that count. All are there unless it is long.
    words: [u64; LEAD_BYTES / 8],
    masks: [u64; LEAD_BYTES / 8],
}

impl Lead {
    /// A key without white space.
    fn of(name: &[u8]) -> Self {
        let (words, masks) = ([0; 4], [0; 4]);
        let mut lead = Self { bytes: Vec::new(), length: usize::MAX, words, masks };
        // One that needs escapes is never written as it is.
        if name.iter().all(|byte| !matches!(byte, b'"' | b'\\' | ..b' ')) {
            lead.learn(&[b"\"", name, b"\":"].concat());
        }
        lead
    }

    fn learn(&mut self, bytes: &[u8]) {
        self.bytes.clear();
        self.bytes.extend_from_slice(bytes);
        self.length = bytes.len();
        (self.words, self.masks) = ([0; 4], [0; 4]);
        let words = self.words.iter_mut().zip(&mut self.masks);
        for ((word, mask), bytes) in words.zip(bytes.chunks(8)) {
            for (byte, shift) in bytes.iter().zip((0..).step_by(8)) {
                *word |= u64::from(*byte) << shift;
                *mask |= 0xff << shift;
            }
        }
    }

    /// What follows, if `bytes` begins with the lead and has no more white space behind it.
    #[inline(always)]
    fn strip<'a>(&self, bytes: &'a [u8]) -> Option<&'a [u8]> {
        let rest = self.strip_prefix(bytes)?;
        let space = matches!(rest.first(), Some(b' ' | b'\n' | b'\r' | b'\t'));
        (!space).then_some(rest)
    }

    #[inline(always)]
    fn strip_prefix<'a>(&self, bytes: &'a [u8]) -> Option<&'a [u8]> {
        match bytes.first_chunk() {
            Some(chunk) if self.length <= LEAD_BYTES => {
                if self.difference_in(chunk) == 0 {
                    bytes.get(self.length..)
                } else {
                    None
                }
            }
            _ => self.strip_whole(bytes),
        }
    }

    /// How many bytes it has; more than there can be where nothing is recognised.
    #[inline(always)]
    pub(super) fn length(&self) -> usize {
        self.length
    }

    /// Bits that differ between the lead and what `bytes` begins with, where that can be told.
    #[inline(always)]
    pub(super) fn difference(&self, bytes: &[u8]) -> Option<u64> {
        if self.length > LEAD_BYTES {
            return self.strip_whole(bytes).map(|_| 0);
        }
        bytes.first_chunk().map(|chunk| self.difference_in(chunk))
    }

    #[inline(always)]
    fn difference_in(&self, chunk: &[u8; LEAD_BYTES]) -> u64 {
        let words = chunk.as_chunks::<8>().0.iter().zip(&self.words);
        let differences = words.zip(&self.masks);
        differences
            .fold(0, |all, ((chunk, word), mask)| all | (u64::from_le_bytes(*chunk) ^ word) & mask)
    }

    /// The same near the end of a record, and for a long key.
    #[inline(never)]
    fn strip_whole<'a>(&self, bytes: &'a [u8]) -> Option<&'a [u8]> {
        let (lead, rest) = bytes.split_at_checked(self.length)?;
        (*lead == *self.bytes).then_some(rest)
    }
}

#[cfg(test)]
mod tests;
