//! Rows that are yet to be saved at the lowest level.

/// So many are listed at most, unless they are few beside all rows.
const MOST: usize = 1 << 16;
/// This part of all rows is few.
const FEW: usize = 16;

/// The rows that changed since the last save, each of which is marked in its head as well. Where they are many, to look
/// at all heads takes less than to list them.
#[derive(Debug, Default)]
pub(super) struct Touched {
    slots: Vec<u32>,
    count: usize,
}

impl Touched {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// Bytes of memory.
    pub(super) fn held(&self) -> usize {
        self.slots.capacity() * size_of::<u32>()
    }

    /// The rows, if they are listed.
    pub(super) fn slots(&self) -> Option<&[u32]> {
        (self.slots.len() == self.count).then_some(&*self.slots)
    }

    /// Adds one, which is not there yet, of so many rows.
    #[inline]
    pub(super) fn add(&mut self, slot: u32, rows: usize) {
        let listed = self.slots.len() == self.count;
        self.count += 1;
        if !listed {
            return;
        }
        if self.slots.len() >= MOST && self.slots.len() > rows / FEW {
            self.slots = Vec::new();
        } else {
            self.slots.push(slot);
        }
    }

    /// Takes all out. A little room stays for those of the next epoch.
    pub(super) fn clear(&mut self) {
        self.count = 0;
        self.slots.clear();
        self.slots.shrink_to(MOST);
    }
}

#[cfg(test)]
mod tests;
