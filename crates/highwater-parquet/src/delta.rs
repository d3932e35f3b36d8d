//! Numbers as differences.

use crate::bits::{pack, varint, width, zigzag};

/// Differences of a block, and of each of its parts.
const BLOCK: usize = 128;
const PART: usize = 32;

/// Numbers of a page, each as its difference to the one before.
///
/// Source: <https://parquet.apache.org/docs/file-format/data-pages/encodings/#delta-encoding-delta_binary_packed--5>
#[derive(Debug, Default)]
pub(crate) struct Deltas {
    count: u64,
    first: i64,
    last: i64,
    /// Differences that do not make a block yet.
    pending: Vec<i64>,
    blocks: Vec<u8>,
}

impl Deltas {
    /// Adds numbers.
    pub(crate) fn put(&mut self, values: impl IntoIterator<Item = i64>) {
        let mut values = values.into_iter();
        if self.count == 0 {
            let Some(first) = values.next() else { return };
            (self.first, self.last, self.count) = (first, first, 1);
        }
        let mut last = self.last;
        loop {
            let before = self.pending.len();
            let room = BLOCK.saturating_sub(before);
            let differences = values.by_ref().take(room).map(|value| {
                let difference = value.wrapping_sub(last);
                last = value;
                difference
            });
            self.pending.extend(differences);
            self.count += (self.pending.len() - before) as u64;
            if self.pending.len() < BLOCK {
                break;
            }
            self.end_block();
        }
        self.last = last;
    }

    /// About the bytes so far.
    pub(crate) fn bytes(&self) -> usize {
        self.blocks.len() + self.pending.len() * size_of::<i64>()
    }

    /// Appends the page to `out` and begins the next one.
    pub(crate) fn finish(&mut self, out: &mut Vec<u8>) {
        if !self.pending.is_empty() {
            self.end_block();
        }
        varint(BLOCK as u64, out);
        varint((BLOCK / PART) as u64, out);
        varint(self.count, out);
        zigzag(self.first, out);
        out.extend_from_slice(&self.blocks);
        self.blocks.clear();
        (self.count, self.first, self.last) = (0, 0, 0);
    }

    fn end_block(&mut self) {
        let least = self.pending.iter().copied().min().unwrap_or(0);
        zigzag(least, &mut self.blocks);
        let above = |difference: &i64| difference.wrapping_sub(least).cast_unsigned();
        let mut widths = [0_u32; BLOCK / PART];
        for (bits, part) in widths.iter_mut().zip(self.pending.chunks(PART)) {
            *bits = width(part.iter().map(above).fold(0, |all, one| all | one));
        }
        self.blocks.extend(widths.iter().map(|bits| bits.to_le_bytes()).map(|[low, ..]| low));
        for (bits, part) in widths.iter().zip(self.pending.chunks(PART)) {
            let mut whole = [0; PART];
            for (slot, difference) in whole.iter_mut().zip(part) {
                *slot = above(difference);
            }
            pack(&whole, *bits, &mut self.blocks);
        }
        self.pending.clear();
    }
}

#[cfg(test)]
mod tests;
