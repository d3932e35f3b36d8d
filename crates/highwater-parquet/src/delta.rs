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
    pub(crate) fn put(&mut self, values: &[i64]) {
        let mut rest = values;
        if self.count == 0 {
            let Some((first, others)) = rest.split_first() else { return };
            (self.first, self.last, self.count) = (*first, *first, 1);
            rest = others;
        }
        self.count += rest.len() as u64;
        while let Some(first) = rest.first() {
            let room = BLOCK.saturating_sub(self.pending.len()).clamp(1, rest.len());
            let (now, later) = rest.split_at_checked(room).unwrap_or((rest, &[]));
            self.pending.push(first.wrapping_sub(self.last));
            let pairs = now.iter().zip(now.get(1..).unwrap_or_default());
            self.pending.extend(pairs.map(|(one, next)| next.wrapping_sub(*one)));
            self.last = now.last().copied().unwrap_or(self.last);
            rest = later;
            if self.pending.len() >= BLOCK {
                self.end_block();
            }
        }
    }

    /// Adds numbers that lie nowhere yet.
    pub(crate) fn put_each(&mut self, mut values: impl Iterator<Item = i64>) {
        let mut lot = [0; PART];
        loop {
            let slots = lot.iter_mut().zip(values.by_ref());
            let count = slots.map(|(slot, value)| *slot = value).count();
            self.put(lot.get(..count).unwrap_or_default());
            if count < PART {
                return;
            }
        }
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
        // Behind the last difference are zeros: whatever fills up its part, and parts without a bit.
        let mut above = [0; BLOCK];
        for (slot, difference) in above.iter_mut().zip(&self.pending) {
            *slot = difference.wrapping_sub(least).cast_unsigned();
        }
        let parts = above.as_chunks::<PART>().0;
        let mut widths = [0_u32; BLOCK / PART];
        for (bits, part) in widths.iter_mut().zip(parts) {
            *bits = width(part.iter().fold(0, |all, one| all | one));
        }
        self.blocks.extend(widths.iter().map(|bits| bits.to_le_bytes()).map(|[low, ..]| low));
        for (bits, part) in widths.iter().zip(parts).filter(|(bits, _)| **bits > 0) {
            pack(part, *bits, &mut self.blocks);
        }
        self.pending.clear();
    }
}

#[cfg(test)]
mod tests;
