//! Hashes of texts that come again and again, as names of kinds do.

use arrow::array::StringArray;
use highwater_core::KeyGroups;

/// The longest text that is remembered.
const LONGEST: usize = 8;
/// So many texts are remembered, one at each place.
const PLACES: usize = 16;
/// So many more texts may be new than known before nothing is looked up any more.
const PATIENCE: u32 = 64;

/// A text that was hashed.
#[derive(Clone, Copy)]
struct Known {
    /// Its bytes, zeros behind them.
    word: u64,
    length: usize,
    hash: u64,
}

/// The hashes of the texts of a column without nulls, as keys of that column only.
pub(super) fn hashes(texts: &StringArray) -> Vec<u64> {
    let hash = |text: &[u8]| KeyGroups::extend(0, Some(text));
    let data = texts.value_data();
    let none = Known { word: 0, length: LONGEST + 1, hash: 0 };
    let (mut known, mut patience) = ([none; PLACES], PATIENCE);
    let (begins, ends) = (texts.value_offsets(), texts.value_offsets().iter().skip(1));
    let hashes = begins.iter().zip(ends).map(|(begin, end)| {
        let (begin, end) = (begin.unsigned_abs() as usize, end.unsigned_abs() as usize);
        let text = data.get(begin..end).unwrap_or_default();
        if text.len() > LONGEST || patience == 0 {
            return hash(text);
        }
        let word = word(data.get(begin..).unwrap_or_default(), text);
        let Some(known) = known.get_mut(place(word, text.len())) else { return hash(text) };
        if (known.word, known.length) == (word, text.len()) {
            patience = PATIENCE.min(patience + 1);
        } else {
            patience -= 1;
            *known = Known { word, length: text.len(), hash: hash(text) };
        }
        known.hash
    });
    hashes.collect()
}

/// The bytes of a short text as a word, zeros behind them. `rest` begins with the text and may have more.
#[inline(always)]
fn word(rest: &[u8], text: &[u8]) -> u64 {
    match (rest.first_chunk(), text.len()) {
        (Some(word), LONGEST) => u64::from_le_bytes(*word),
        (Some(word), length) => u64::from_le_bytes(*word) & ((1 << (8 * length)) - 1),
        _ => text.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)),
    }
}

#[inline(always)]
fn place(word: u64, length: usize) -> usize {
    const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
    let mixed = (word ^ length as u64).wrapping_mul(GOLDEN) >> (u64::BITS - PLACES.ilog2());
    usize::try_from(mixed).unwrap_or_default()
}

#[cfg(test)]
mod tests;
