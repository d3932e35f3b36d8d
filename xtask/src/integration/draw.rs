//! Random choices that a seed repeats: splitmix64.

use std::hash::BuildHasher;
use std::time::Duration;

/// A sequence of random choices.
pub(super) struct Draw(u64);

impl Draw {
    /// The sequence of `seed` for the purpose `salt`.
    pub(super) fn new(seed: u64, salt: u64) -> Self {
        let mut draw = Self(seed ^ salt.wrapping_mul(0xd134_2543_de82_ef95));
        draw.next();
        draw
    }

    /// A seed that no one chose.
    pub(super) fn fresh_seed() -> u64 {
        std::hash::RandomState::new().hash_one(0_u8) >> 32
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    /// A time between nothing and `most`.
    pub(super) fn time(&mut self, most: Duration) -> Duration {
        let micros = u64::try_from(most.as_micros()).unwrap_or(u64::MAX);
        Duration::from_micros(self.below(micros))
    }

    /// One of `items`.
    pub(super) fn one<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        let bound = u64::try_from(items.len()).ok()?;
        items.get(usize::try_from(self.below(bound)).ok()?)
    }
}
