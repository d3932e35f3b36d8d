//! Which record stands at which offset.

use std::num::NonZeroU64;

use highwater_codec::Format;

use crate::{Draw, GeneratorSource};

/// What a record looks like. A pure function of the row's number and its [`Draw`].
pub trait Records: Send + Sync {
    /// Appends the record of a row to `out`.
    fn write(&self, row: u64, draw: &mut Draw, out: &mut Vec<u8>);

    /// Appends a record in its place that cannot become a row.
    fn write_bad(&self, row: u64, draw: &mut Draw, out: &mut Vec<u8>);

    /// What these records are, and a number that is raised whenever they are made differently.
    fn describe(&self) -> String;
}

/// Records made up from a seed: the record at an offset depends on nothing but the seed, the shares
/// and that offset.
///
/// # Defaults
/// * `rows`: without end
/// * `seed`: 1
/// * `rate`: as fast as they are asked for
/// * `bad`, `duplicates`: none
#[derive(Clone, Debug)]
pub struct Generator<R> {
    records: R,
    pub(crate) rows: Option<u64>,
    seed: u64,
    pub(crate) rate: Option<NonZeroU64>,
    bad: f64,
    duplicates: f64,
}

impl<R: Records> Generator<R> {
    /// A generator of `records`.
    pub fn new(records: R) -> Self {
        Self { records, rows: None, seed: 1, rate: None, bad: 0.0, duplicates: 0.0 }
    }

    /// How many records there are, bad ones and duplicates included.
    #[must_use]
    pub fn rows(mut self, rows: u64) -> Self {
        self.rows = Some(rows);
        self
    }

    /// Another seed gives other records.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// How many records come into being in a second. A run that takes what is there and stops does
    /// not wait for them.
    #[must_use]
    pub fn rate(mut self, per_second: NonZeroU64) -> Self {
        self.rate = Some(per_second);
        self
    }

    /// The share of records that cannot become rows, in steps of a billionth. Below 0 counts as 0,
    /// above 1 as 1.
    #[must_use]
    pub fn bad(mut self, share: f64) -> Self {
        self.bad = share;
        self
    }

    /// The share of records that are sent twice: each the same, byte by byte, as the one before it.
    /// In steps and bounds as [`bad`](Self::bad).
    #[must_use]
    pub fn duplicates(mut self, share: f64) -> Self {
        self.duplicates = share;
        self
    }

    /// A source of these records, decoded by `format`.
    pub fn decode<F: Format>(self, format: F) -> GeneratorSource<R, F> {
        GeneratorSource::new(self, format)
    }

    /// Appends the record at `offset`.
    pub fn write(&self, offset: u64, out: &mut Vec<u8>) {
        let row = self.row(offset);
        let mut draw = Draw::new(self.seed, row);
        if draw.below(BILLION) < billionths(self.bad) {
            self.records.write_bad(row, &mut draw, out);
        } else {
            self.records.write(row, &mut draw, out);
        }
    }

    /// Everything that decides about the records; rows and rate only decide how many and when.
    pub fn describe(&self) -> String {
        let Self { records, seed, bad, duplicates, .. } = self;
        format!("{} seed={seed},bad={bad},duplicates={duplicates}", records.describe())
    }

    /// The row at `offset`: the offset of the first of equal records.
    fn row(&self, offset: u64) -> u64 {
        let share = billionths(self.duplicates);
        if share == 0 {
            return offset;
        }
        let mut row = offset;
        // With a share of 1 every record would be one and the same; the limit keeps this short.
        for _ in 0..MOST_ALIKE {
            let repeats = Draw::new(!self.seed, row).below(BILLION) < share;
            match row.checked_sub(1) {
                Some(before) if repeats => row = before,
                _ => return row,
            }
        }
        row
    }
}

const BILLION: u64 = 1_000_000_000;
/// How far back a record may repeat another.
const MOST_ALIKE: u32 = 1_000;

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a whole number from 0 to a billion, and NaN becomes 0"
)]
fn billionths(share: f64) -> u64 {
    (share.clamp(0.0, 1.0) * BILLION as f64).round() as u64
}

#[cfg(test)]
mod tests;
