//! Growing rows of bits.

use super::reserve;

const WIDTH: usize = 64;

/// A bit for each row.
#[derive(Debug, Default)]
pub(crate) struct Bits {
    words: Vec<u64>,
    len: usize,
}

impl Bits {
    /// Adds rows whose bit is not set.
    pub(crate) fn grow(&mut self, rows: usize) {
        self.len += rows;
        let words = self.len.div_ceil(WIDTH);
        let more = words.saturating_sub(self.words.len());
        reserve(&mut self.words, more);
        self.words.resize(words, 0);
    }

    pub(crate) fn at(&self, row: usize) -> bool {
        self.words.get(row / WIDTH).is_some_and(|word| word >> (row % WIDTH) & 1 == 1)
    }

    pub(crate) fn set(&mut self, row: usize, bit: bool) {
        if let Some(word) = self.words.get_mut(row / WIDTH) {
            *word = *word & !(1 << (row % WIDTH)) | u64::from(bit) << (row % WIDTH);
        }
    }

    pub(crate) fn held(&self) -> usize {
        self.words.capacity() * size_of::<u64>()
    }
}
