//! When a quick way is worth an attempt.

/// After so many records in a row that a quick way could not read, or groups of them, it is tried less often.
const PATIENCE: u32 = 4;
/// So many of them are then left out before the next attempt.
const PAUSE: u32 = 15;

/// Counts attempts in vain, so that records which all need another way cost little more than that.
#[derive(Debug)]
pub(super) struct Attempts {
    in_vain: u32,
    patience: u32,
    pause: u32,
}

impl Attempts {
    pub(super) fn new() -> Self {
        Self { in_vain: 0, patience: PATIENCE, pause: 0 }
    }

    /// Says whether to try the next one.
    #[inline]
    pub(super) fn due(&mut self) -> bool {
        if self.pause == 0 {
            return true;
        }
        self.pause -= 1;
        false
    }

    /// The attempt was a success.
    #[inline]
    pub(super) fn succeeded(&mut self) {
        self.in_vain = 0;
    }

    /// The attempt was in vain.
    pub(super) fn failed(&mut self) {
        self.in_vain = self.in_vain.saturating_add(1);
        if self.in_vain >= self.patience {
            self.pause = PAUSE;
        }
    }
}

#[cfg(test)]
impl Attempts {
    /// Tries each, whatever came before.
    pub(super) fn always() -> Self {
        Self { patience: u32::MAX, ..Self::new() }
    }

    /// Tries none.
    pub(super) fn never() -> Self {
        Self { pause: u32::MAX, ..Self::new() }
    }
}

#[cfg(test)]
mod tests;
