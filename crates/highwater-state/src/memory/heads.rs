//! What is known of rows besides their values: where their keys are, and marks.

use std::ops::Range;

use super::{Head, KEY_SHIFT, NO_HEAD};
use crate::columns::reserve;

/// The heads of rows.
#[derive(Debug)]
pub(super) enum Heads {
    /// As long as each key has as many bytes and stands behind the one before, its place follows from its number.
    Even { width: u32, bits: Vec<u32> },
    /// Of any keys.
    Each(Vec<Head>),
}

impl Default for Heads {
    fn default() -> Self {
        Self::Even { width: 0, bits: Vec::new() }
    }
}

impl Heads {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Even { bits, .. } => bits.len(),
            Self::Each(heads) => heads.len(),
        }
    }

    /// Bytes of memory.
    pub(super) fn held(&self) -> usize {
        match self {
            Self::Even { bits, .. } => bits.capacity() * size_of::<u32>(),
            Self::Each(heads) => heads.capacity() * size_of::<Head>(),
        }
    }

    /// Makes room for so many, which are to come.
    pub(super) fn expect(&mut self, rows: usize) {
        match self {
            Self::Even { bits, .. } => bits.reserve_exact(rows),
            Self::Each(heads) => heads.reserve_exact(rows),
        }
    }

    #[inline]
    pub(super) fn get(&self, slot: u32) -> Option<Head> {
        match self {
            Self::Even { width, bits } => {
                bits.get(slot as usize).map(|bits| even(*width, slot, *bits))
            }
            Self::Each(heads) => heads.get(slot as usize).copied(),
        }
    }

    /// Where the key of a row lies among the bytes of all keys.
    #[inline]
    pub(super) fn key(&self, slot: u32) -> Range<usize> {
        let head = match self {
            // The marks lie elsewhere, and are not needed.
            Self::Even { width, .. } => even(*width, slot, width << KEY_SHIFT),
            Self::Each(heads) => heads.get(slot as usize).copied().unwrap_or(NO_HEAD),
        };
        let from = head.key as usize;
        from..from + (head.bits >> KEY_SHIFT) as usize
    }

    /// The marks of a row.
    #[inline]
    pub(super) fn bits_mut(&mut self, slot: u32) -> Option<&mut u32> {
        match self {
            Self::Even { bits, .. } => bits.get_mut(slot as usize),
            Self::Each(heads) => heads.get_mut(slot as usize).map(|head| &mut head.bits),
        }
    }

    /// Adds a row.
    #[inline]
    pub(super) fn push(&mut self, head: Head) {
        match self {
            Self::Even { width, bits } => {
                let room = bits.capacity();
                if bits.is_empty() {
                    *width = head.bits >> KEY_SHIFT;
                }
                let next = u32::try_from(bits.len()).ok();
                let even = next.and_then(|next| next.checked_mul(*width)) == Some(head.key);
                if even && head.bits >> KEY_SHIFT == *width {
                    reserve(bits, 1);
                    bits.push(head.bits);
                } else {
                    self.push_uneven(head, room);
                }
            }
            Self::Each(heads) => {
                reserve(heads, 1);
                heads.push(head);
            }
        }
    }

    #[cold]
    fn push_uneven(&mut self, head: Head, room: usize) {
        let mut heads = Vec::with_capacity(room.max(self.len() + 1));
        heads.extend((0..).map_while(|slot| self.get(slot)));
        heads.push(head);
        *self = Self::Each(heads);
    }
}

/// The head of a row among those whose keys have as many bytes each.
#[inline]
fn even(width: u32, slot: u32, bits: u32) -> Head {
    // `push` took no row of which this would not be true.
    Head { key: slot.wrapping_mul(width), bits }
}

#[cfg(test)]
mod tests;
