//! How many bytes an offset takes, as far as was seen.

use std::sync::atomic::{AtomicU64, Ordering};

/// A running estimate of the bytes that one offset takes on the wire.
#[derive(Debug)]
pub(crate) struct BytesPerOffset(AtomicU64);

impl Default for BytesPerOffset {
    /// Nothing is known yet: an estimate that is rather too high.
    fn default() -> Self {
        Self(AtomicU64::new(256))
    }
}

impl BytesPerOffset {
    /// The estimate as of now.
    pub(crate) fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Takes in what a read has seen.
    pub(crate) fn learn(&self, bytes: u64, offsets: u64) {
        if let Some(sample) = bytes.checked_div(offsets) {
            self.0.store((self.value() + sample).div_ceil(2).max(1), Ordering::Relaxed);
        }
    }
}
