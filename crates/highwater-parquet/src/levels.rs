//! Which rows of a page have a value.

use arrow::array::BooleanBufferBuilder;
use arrow::buffer::NullBuffer;

use crate::bits::{packed_bits, run};

/// Rows of a page of a column that may be null.
#[derive(Debug, Default)]
pub(crate) struct Levels {
    /// As long as all rows have a value or none has: how many they are, and which of both.
    same: (usize, bool),
    /// Afterwards: a bit for each row.
    bits: Option<BooleanBufferBuilder>,
}

impl Levels {
    /// Adds `rows` rows, of which those have a value that `nulls` does not exclude.
    pub(crate) fn put(&mut self, rows: usize, nulls: Option<&NullBuffer>) {
        let absent = nulls.map_or(0, NullBuffer::null_count);
        let (count, valid) = self.same;
        if self.bits.is_none() && (absent == 0 || absent == rows) {
            let now = absent == 0;
            if count == 0 || valid == now {
                self.same = (count + rows, now);
                return;
            }
        }
        let bits = self.bits.get_or_insert_with(|| {
            let mut bits = BooleanBufferBuilder::new(count + rows);
            bits.append_n(count, valid);
            bits
        });
        match nulls {
            Some(nulls) => bits.append_buffer(nulls.inner()),
            None => bits.append_n(rows, true),
        }
    }

    /// Appends the levels of the page to `out` and begins the next one.
    pub(crate) fn finish(&mut self, out: &mut Vec<u8>) {
        let begin = out.len();
        out.extend_from_slice(&[0; 4]);
        match self.bits.take() {
            Some(bits) => packed_bits(bits.as_slice(), out),
            None => run(self.same.0, u32::from(self.same.1), 1, out),
        }
        self.same = (0, false);
        let length = u32::try_from(out.len() - begin - 4).unwrap_or(u32::MAX).to_le_bytes();
        if let Some(slot) = out.get_mut(begin..begin + 4) {
            slot.copy_from_slice(&length);
        }
    }
}

#[cfg(test)]
mod tests;
