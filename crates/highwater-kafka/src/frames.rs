//! The memory of answers, used again once nobody holds any part of an answer.

use bytes::{Bytes, BytesMut};

/// Answers under way from one broker: one is being decoded, one waits, one comes in.
const KEPT: usize = 3;
/// Less memory than this is had for little.
const FEWEST_BYTES: usize = 64 << 10;
/// A larger answer is an exception, and its memory is let go.
const MOST_BYTES: usize = 8 << 20;

/// Memory that was lent. New memory costs a fault for each of its pages, more than it takes to fill them.
#[derive(Debug, Default)]
pub(crate) struct Frames(Vec<BytesMut>);

impl Frames {
    /// Empty memory for `size` bytes.
    pub(crate) fn take(&mut self, size: usize) -> BytesMut {
        if !keeps(size) {
            return BytesMut::with_capacity(size);
        }
        match self.0.iter_mut().position(|frame| frame.try_reclaim(size)) {
            Some(at) => self.0.swap_remove(at),
            // Answers differ a little in size, and what is not touched costs nothing.
            None => BytesMut::with_capacity(size.next_power_of_two()),
        }
    }

    /// What `frame` is filled with. Its memory comes back when that is dropped.
    pub(crate) fn lend(&mut self, mut frame: BytesMut) -> Bytes {
        let lent = frame.split();
        if keeps(lent.len()) {
            if self.0.len() == KEPT {
                self.0.remove(0);
            }
            self.0.push(frame);
        }
        lent.freeze()
    }
}

fn keeps(size: usize) -> bool {
    (FEWEST_BYTES..=MOST_BYTES).contains(&size)
}

#[cfg(test)]
mod tests;
