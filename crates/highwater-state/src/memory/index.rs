//! Where the rows of keys are: half a hash and a slot, in lines of the cache.
//!
//! The tables of hashbrown keep what they compare apart from what they hold, so that a key that is new costs two
//! misses in the cache, and one that is known as well. Here it is one as a rule: a search goes on in the next line
//! only when the first one is full, and another entry like it went on. Rows are never taken out of an index: it
//! needs no marks for what was there.
//!
//! `Source:` linear probing with buckets, D. Knuth, The Art of Computer Programming, volume 3, section 6.4.

use std::hint::black_box;

/// The entries of a line.
const WIDTH: usize = 7;
/// The fewest lines.
const FEWEST: usize = 2;
/// So many searches begin before any goes on.
const AT_ONCE: usize = 64;

/// An index of rows.
#[derive(Debug, Default)]
pub(super) struct Index {
    lines: Vec<Line>,
    /// Entries that are there.
    count: usize,
}

/// The newest rows of some keys, each with half of its hash: to look at the rows themselves would cost more.
/// Entries stand at the front.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
struct Line {
    /// How many entries there are.
    count: u32,
    /// One of these bits for each half whose entry stands further on, as there was no room.
    passed: u32,
    halves: [u32; WIDTH],
    slots: [u32; WIDTH],
}

const EMPTY: Line = Line { count: 0, passed: 0, halves: [0; WIDTH], slots: [0; WIDTH] };

/// Where the entry of a key is, or where a new one belongs: a line, and a place in it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spot(usize, usize);

/// The half of a hash that rows of one bucket do not share.
#[inline]
fn half(hash: u64) -> u32 {
    u32::try_from(hash >> u32::BITS).unwrap_or_default()
}

/// Whether the entry of a half may stand further on.
#[inline]
fn is_passed(passed: u32, half: u32) -> bool {
    passed >> (half % u32::BITS) & 1 == 1
}

impl Line {
    /// The places of a half, as bits.
    #[inline]
    fn places(&self, half: u32) -> u32 {
        let bits = (0_u32..).zip(self.halves).map(|(place, it)| u32::from(it == half) << place);
        // What is not taken may look like any half.
        bits.fold(0, |all, bit| all | bit) & ((1 << self.count) - 1)
    }

    #[inline]
    fn is_full(&self) -> bool {
        self.len() == WIDTH
    }

    #[inline]
    fn len(&self) -> usize {
        self.count as usize
    }

    #[inline]
    fn slot(&self, place: u32) -> Option<u32> {
        self.slots.get(place as usize).copied()
    }

    /// Puts an entry in a place, or behind all.
    #[inline]
    fn put(&mut self, place: usize, half: u32, slot: u32) {
        if let Some((to_half, to_slot)) = self.halves.get_mut(place).zip(self.slots.get_mut(place))
        {
            (*to_half, *to_slot) = (half, slot);
            self.count += u32::from(place == self.len());
        }
    }
}

impl Index {
    /// Makes room for so many entries in all.
    pub(super) fn reserve(&mut self, count: usize) {
        let lines = room_for(count) / WIDTH + 1;
        if lines > self.lines.len() {
            self.grow(lines.max(FEWEST));
        }
    }

    /// Bytes of memory.
    pub(super) fn held(&self) -> usize {
        self.lines.capacity() * size_of::<Line>()
    }

    /// The first row that may be the one of a hash, as `is` has it.
    #[inline]
    pub(super) fn find(&self, hash: u64, is: impl FnMut(u32) -> bool) -> Option<u32> {
        self.spot(hash, is).1
    }

    /// A row for each hash that may be the one, if any.
    ///
    /// First the line where each search begins is read, then it is gone on from there: what a search meets
    /// decides how it goes on, and whoever waits for one miss in the cache before the next waits long.
    pub(super) fn find_each(&self, hashes: impl Iterator<Item = u64>, into: &mut Vec<Option<u32>>) {
        let (mut begun, mut passed) = ([(0, 0); AT_ONCE], [0; AT_ONCE]);
        let mut hashes = hashes;
        while let count @ 1.. = self.begin(&mut hashes, &mut begun) {
            for (passed, (_, home)) in passed.iter_mut().zip(&begun) {
                *passed = self.lines.get(*home).map_or(0, |line| line.passed);
            }
            let begun = begun.iter().zip(&passed).take(count);
            into.extend(begun.map(|((half, home), passed)| self.first(*half, *home, *passed)));
        }
    }

    /// Begins some searches: each with half of its hash, and the line where it begins. How many there are.
    fn begin(
        &self,
        hashes: &mut impl Iterator<Item = u64>,
        begun: &mut [(u32, usize); AT_ONCE],
    ) -> usize {
        let mut count = 0;
        for (search, hash) in begun.iter_mut().zip(hashes) {
            let half = half(hash);
            *search = (half, self.home(half));
            count += 1;
        }
        count
    }

    /// Reads the lines where new entries of these hashes may go, so that the waits for them overlap: those behind
    /// full ones. Their own lines were read just now.
    pub(super) fn approach(&self, hashes: impl Iterator<Item = u64>) {
        let mut begun = [(0, 0); AT_ONCE];
        let mut hashes = hashes;
        while let mut count @ 1.. = self.begin(&mut hashes, &mut begun) {
            // All of them one line further, again and again, until each is at a line with room.
            while count > 0 {
                let mut left = 0;
                for at in 0..count {
                    let Some((half, line)) = begun.get(at).copied() else { break };
                    let full = self.lines.get(line).is_some_and(Line::is_full);
                    if let Some(to) = begun.get_mut(left).filter(|_| full) {
                        *to = (half, self.behind(line));
                        left += 1;
                    }
                }
                count = left;
            }
            black_box(&begun);
        }
    }

    /// The first row of a half from a line on, of which it is known who passed it.
    #[inline]
    fn first(&self, half: u32, mut at: usize, mut passed: u32) -> Option<u32> {
        loop {
            let line = self.lines.get(at)?;
            let places = line.places(half);
            if places != 0 {
                return line.slot(places.trailing_zeros());
            }
            if !is_passed(passed, half) {
                return None;
            }
            at = self.behind(at);
            passed = self.lines.get(at)?.passed;
        }
    }

    /// The row of a hash, as `is` has it, with the spot of its entry, or the spot for a new one: which there
    /// is once room was [made](Self::reserve).
    #[inline]
    pub(super) fn spot(&self, hash: u64, mut is: impl FnMut(u32) -> bool) -> (Spot, Option<u32>) {
        let half = half(hash);
        let mut at = self.home(half);
        while let Some(line) = self.lines.get(at) {
            let mut places = line.places(half);
            while places != 0 {
                let place = places.trailing_zeros();
                let slot = line.slot(place).filter(|slot| is(*slot));
                if slot.is_some() {
                    return (Spot(at, place as usize), slot);
                }
                places &= places - 1;
            }
            if !is_passed(line.passed, half) {
                break;
            }
            at = self.behind(at);
        }
        (self.free(at), None)
    }

    /// The first place from a line on that is not taken.
    #[inline]
    fn free(&self, mut at: usize) -> Spot {
        while self.lines.get(at).is_some_and(Line::is_full) {
            at = self.behind(at);
        }
        Spot(at, self.lines.get(at).map_or(0, Line::len))
    }

    /// Enters a row at the spot of its hash, instead of the one that is there.
    #[inline]
    pub(super) fn put(&mut self, spot: Spot, hash: u64, slot: u32) {
        self.enter(spot, half(hash), slot);
    }

    #[inline]
    fn enter(&mut self, Spot(to, place): Spot, half: u32, slot: u32) {
        let mut at = self.home(half);
        while at != to {
            let next = self.behind(at);
            let Some(line) = self.lines.get_mut(at) else { return };
            line.passed |= 1 << (half % u32::BITS);
            at = next;
        }
        if let Some(line) = self.lines.get_mut(to) {
            self.count += usize::from(place == line.len());
            line.put(place, half, slot);
        }
    }

    /// Makes room for one more.
    #[inline]
    pub(super) fn reserve_one(&mut self) {
        if room_for(self.count) + 1 >= self.lines.len() * WIDTH {
            self.reserve(self.count + self.count / 3 + 1);
        }
    }

    fn grow(&mut self, lines: usize) {
        let old = std::mem::replace(&mut self.lines, vec![EMPTY; lines]);
        self.count = 0;
        // From line to line, as they stand in the new ones too: no miss for each.
        for line in old {
            for (half, slot) in line.halves.into_iter().zip(line.slots).take(line.len()) {
                self.enter(self.free(self.home(half)), half, slot);
            }
        }
    }

    /// The line where the search for a hash begins. Mixed, for rows may come in the order of their hashes.
    #[inline]
    fn home(&self, half: u32) -> usize {
        const GOLDEN: u32 = 0x9e37_79b1;
        (half.wrapping_mul(GOLDEN) as usize * self.lines.len()) >> u32::BITS
    }

    #[inline]
    fn behind(&self, at: usize) -> usize {
        if at + 1 < self.lines.len() { at + 1 } else { 0 }
    }
}

/// The places for so many entries. Five in six are taken at most: of more, too many lines would be full.
#[inline]
fn room_for(count: usize) -> usize {
    count + count / 5
}

#[cfg(test)]
mod tests;
