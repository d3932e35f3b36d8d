//! The dictionary of a chunk, and the numbers that pages have instead of its values.

use crate::bits::{hybrid, width};
use crate::entries::Entries;

/// Values that repeat, by number.
#[derive(Debug)]
pub(super) struct Dictionary {
    /// Whether a chunk begins with one.
    repeats: bool,
    /// Whether it still takes values.
    open: bool,
    pub(super) entries: Entries,
    /// The values, as `PLAIN` has them.
    pub(super) values: Vec<u8>,
    /// Those of the page.
    pub(super) numbers: Vec<u32>,
}

impl Dictionary {
    pub(super) fn new(repeats: bool) -> Self {
        let (values, numbers) = (Vec::new(), Vec::new());
        Self { repeats, open: repeats, entries: Entries::new(), values, numbers }
    }

    pub(super) fn is_open(&self) -> bool {
        self.open
    }

    /// About the bytes of the page.
    pub(super) fn page_bytes(&self) -> usize {
        (self.numbers.len() * self.width() as usize).div_ceil(8)
    }

    pub(super) fn memory(&self) -> usize {
        let numbers = self.numbers.capacity() * size_of::<u32>();
        self.entries.memory() + self.values.capacity() + numbers
    }

    /// Appends the numbers of the page to `page` and begins the next one.
    pub(super) fn finish(&mut self, page: &mut Vec<u8>) {
        let width = self.width();
        page.extend_from_slice(width.to_le_bytes().get(..1).unwrap_or_default());
        hybrid(&self.numbers, width, page);
        self.numbers.clear();
    }

    /// Appends its values to `page`, tells how many they are, and takes no more of this chunk.
    pub(super) fn end(&mut self, page: &mut Vec<u8>) -> Option<usize> {
        if !std::mem::take(&mut self.open) {
            return None;
        }
        page.extend_from_slice(&self.values);
        let count = self.entries.len();
        self.entries.clear();
        self.values.clear();
        self.numbers.clear();
        Some(count)
    }

    /// Begins that of the next chunk.
    pub(super) fn begin(&mut self) {
        self.open = self.repeats;
    }

    fn width(&self) -> u32 {
        width(self.entries.len().saturating_sub(1) as u64)
    }
}

#[cfg(test)]
mod tests;
