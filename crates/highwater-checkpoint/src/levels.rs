//! At which levels the epochs of a life save.

use std::collections::BTreeSet;

use highwater_core::{Epoch, Level};

use crate::StateManifest;

/// The levels of the epochs of a life, which begins with state that was saved before.
///
/// A save of a higher level reads and writes all that the saves hold whose place it takes. The first epoch of a life
/// leaves that to the second, as whoever starts again waits for its commit; unless so many saves have gathered that
/// lives of one epoch each would never write fewer.
#[derive(Clone, Copy, Debug, Default)]
pub struct Levels {
    first: Epoch,
    /// The level that the first epoch leaves to the second, if it does.
    left: Level,
}

impl Levels {
    /// Those of a life that begins with `first`, behind which `state` was left.
    pub fn new(first: Epoch, state: &StateManifest) -> Self {
        let level = Level::of(first);
        let below = state.objects.iter().filter(|object| object.level < level);
        let saves = below.map(|object| object.epoch).collect::<BTreeSet<_>>().len();
        // As many as there are of each level below at most, and half as many of one of them again.
        let most = Level::FAN * level.index() + Level::FAN / 2;
        Self { first, left: if saves <= most { level } else { Level::EPOCH } }
    }

    /// That of an epoch.
    pub fn of(self, epoch: Epoch) -> Level {
        let level = Level::of(epoch);
        if epoch == self.first && self.left > Level::EPOCH {
            Level::EPOCH
        } else if epoch == self.first.next() {
            level.max(self.left)
        } else {
            level
        }
    }
}

#[cfg(test)]
mod tests;
