//! Several records on the way at once.

use super::MAX_BYTES;
use super::order::{LEAD_BYTES, Lead};
use super::scanner::Scanner;
use crate::Span;

/// So many records are read at once.
pub(super) const GROUP: usize = 16;

/// Records in one buffer, and how far each of them is read.
///
/// No record is read beyond its end without notice: places only go up, and [`is_at_end`](Self::is_at_end)
/// compares them with the ends.
#[derive(Debug)]
pub(super) struct Group<'a> {
    data: &'a [u8],
    places: [usize; GROUP],
    ends: [usize; GROUP],
}

impl<'a> Group<'a> {
    /// Nothing where a record has no value, or more than one may have, or where too few bytes follow it.
    pub(super) fn new(data: &'a [u8], spans: &[Option<Span>; GROUP]) -> Option<Self> {
        let mut group = Self { data, places: [0; GROUP], ends: [0; GROUP] };
        let (mut longest, mut last) = (0, 0);
        for ((span, place), end) in spans.iter().zip(&mut group.places).zip(&mut group.ends) {
            let Span { start, end: behind } = (*span)?;
            (*place, *end) = (start as usize, behind as usize);
            longest = longest.max(behind.saturating_sub(start));
            last = last.max(*end);
        }
        let near = longest as usize <= MAX_BYTES && last + LEAD_BYTES <= data.len();
        near.then_some(group)
    }

    /// The next byte of the first record, which is not passed.
    #[inline]
    pub(super) fn peek(&self) -> Option<u8> {
        let [first, ..] = self.places;
        self.data.get(first).copied()
    }

    /// Passes the next byte, which is `byte` in each record.
    #[inline]
    pub(super) fn expect(&mut self, byte: u8) -> Option<()> {
        let mut difference = 0;
        for place in &mut self.places {
            difference |= self.data.get(*place)? ^ byte;
            *place += 1;
        }
        (difference == 0).then_some(())
    }

    /// Passes `byte`, a key and its colon, which come next in each record.
    #[inline]
    pub(super) fn pass(&mut self, byte: u8, lead: &Lead) -> Option<()> {
        let (mut difference, mut others) = (0, 0);
        for place in &mut self.places {
            let [first, rest @ ..] = self.data.get(*place..)? else { return None };
            others |= first ^ byte;
            difference |= lead.difference(rest)?;
            *place += 1 + lead.length();
        }
        (difference == 0 && others == 0).then_some(())
    }

    /// Reads a value of one record after the other, until one is not of the kind that `read` knows: which gets
    /// what is there, and tells how many bytes it read. How many records that are.
    #[inline(always)]
    pub(super) fn each_while(&mut self, mut read: impl FnMut(&'a [u8]) -> Option<usize>) -> usize {
        for (count, place) in self.places.iter_mut().enumerate() {
            let Some(length) = self.data.get(*place..).and_then(&mut read) else { return count };
            *place += length;
        }
        GROUP
    }

    /// Reads a value of each record but the first ones.
    #[inline]
    pub(super) fn each_from(
        &mut self,
        first: usize,
        mut read: impl FnMut(Scanner<'a>) -> Option<Scanner<'a>>,
    ) -> Option<()> {
        for (place, end) in self.places.iter_mut().zip(&self.ends).skip(first) {
            *place = end - read(Scanner(self.data.get(*place..*end)?))?.0.len();
        }
        Some(())
    }

    /// Whether each record was read up to its end.
    pub(super) fn is_at_end(&self) -> bool {
        self.places == self.ends
    }
}
