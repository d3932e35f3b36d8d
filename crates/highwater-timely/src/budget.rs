//! The byte budget of a reader.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::task::Waker;

use highwater_core::Permit;

/// How many bytes of payloads may be on their way from one source of one worker.
pub(crate) struct Budget {
    limit: usize,
    used: AtomicUsize,
    /// The reader waits for room, and is to be woken when some comes back.
    waits: AtomicBool,
    reader: Waker,
}

impl Budget {
    pub(crate) fn new(limit: usize, reader: Waker) -> Arc<Self> {
        let (used, waits) = (AtomicUsize::new(0), AtomicBool::new(false));
        Arc::new(Self { limit, used, waits, reader })
    }

    /// Room for `bytes`, or for all there is if they are more. None while others hold too much; the
    /// reader is then woken when it may ask again. Only the reader asks.
    pub(crate) fn take(self: &Arc<Self>, bytes: usize) -> Option<Permit> {
        let bytes = bytes.clamp(1, self.limit);
        if !self.fits(bytes) {
            self.waits.store(true, SeqCst);
            // What came back before the flag was up woke nobody.
            if !self.fits(bytes) {
                return None;
            }
        }
        self.used.fetch_add(bytes, SeqCst);
        Some(Permit::new(Room { budget: Arc::clone(self), bytes }))
    }

    fn fits(&self, bytes: usize) -> bool {
        self.used.load(SeqCst) + bytes <= self.limit
    }
}

struct Room {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Drop for Room {
    fn drop(&mut self) {
        self.budget.used.fetch_sub(self.bytes, SeqCst);
        if self.budget.waits.swap(false, SeqCst) {
            self.budget.reader.wake_by_ref();
        }
    }
}

#[cfg(test)]
mod tests;
