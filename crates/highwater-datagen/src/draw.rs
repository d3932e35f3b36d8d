//! Numbers that look random and depend on nothing but a seed and a row.

/// The numbers drawn for one row. The same seed and row give the same numbers for ever: records that
/// were read once are read again after a crash.
///
/// Source: SplitMix64 (Steele, Lea and Flood, 2014).
#[derive(Clone, Debug)]
pub struct Draw {
    state: u64,
}

impl Draw {
    /// The numbers of `row` under `seed`.
    pub fn new(seed: u64, row: u64) -> Self {
        Self { state: mixed(seed ^ mixed(row)) }
    }

    /// The next number, any of 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(GOLDEN);
        mixed(self.state)
    }

    /// The next number from 0 up to, not including, `limit`; 0 when there is none.
    pub fn below(&mut self, limit: u64) -> u64 {
        let scaled = u128::from(self.bits()) * u128::from(limit);
        u64::try_from(scaled >> 64).unwrap_or(0)
    }

    /// One of `choices`, each as likely as the others.
    pub fn choose<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        let count = u64::try_from(choices.len()).unwrap_or(u64::MAX);
        let place = usize::try_from(self.below(count)).unwrap_or(0);
        choices.get(place).copied().unwrap_or_default()
    }
}

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

fn mixed(state: u64) -> u64 {
    let mut bits = state.wrapping_add(GOLDEN);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}
