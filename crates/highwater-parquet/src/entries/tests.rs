//! Numbers of entries against a plain map.

use std::collections::HashMap;

use proptest::collection::vec;
use proptest::prelude::*;

use super::{AT_ONCE, Entries};

/// Two values of 16 bytes with one key, and two of 32, as only those can choose who know the seed.
pub(crate) fn of_one_key(entries: &Entries) -> [[Vec<u8>; 2]; 2] {
    // The first 8 bytes make one factor zero, and with it what becomes of the 8 behind them.
    let both = |first: u64, rest: &[u8]| {
        [0, 1].map(|byte| [&first.to_le_bytes()[..], &[byte; 8], rest].concat())
    };
    [both(entries.seed, &[]), both(32 ^ entries.seed, &[7; 16])]
}

proptest! {
    #[test]
    fn a_value_keeps_the_number_it_got_first(lots in vec(0_u64..2_000, 0..6_000), spread: u64) {
        let mut entries = Entries::new();
        for _ in 0..2 {
            let mut known = HashMap::new();
            for lot in &lots {
                let key = lot.wrapping_mul(spread | 1);
                let next = u32::try_from(known.len()).unwrap();
                let expected = known.get(&key).map_or((next, true), |number| (*number, false));
                known.insert(key, expected.0);
                prop_assert_eq!(entries.number(key, |_| true), expected);
            }
            prop_assert_eq!(entries.len(), known.len());
            entries.clear();
        }
    }
}

#[test]
fn what_is_known_at_once_is_what_is_found_one_by_one() {
    const VALUES: u32 = 6_400;
    let mut entries = Entries::new();
    assert_eq!(entries.known(&[0; AT_ONCE]), [None; AT_ONCE]);
    (0..VALUES).for_each(|value| assert_eq!(entries.number(value.into(), |_| true), (value, true)));
    let all: Vec<u64> = (0..2 * u64::from(VALUES)).collect();
    let known: Vec<_> =
        all.as_chunks().0.iter().flat_map(|lot| entries.known(lot)).zip(0_u32..).collect();
    assert!(known.iter().all(|(known, value)| known.is_none_or(|known| known == *value)));
    assert!(known.iter().all(|(known, value)| known.is_none() || *value < VALUES));
    let found = known.iter().filter(|(known, _)| known.is_some()).count();
    assert!(found > 4_000, "the first places tell of most: {found}");
}

#[test]
fn values_of_one_key_are_told_apart() {
    let mut entries = Entries::new();
    assert_eq!(entries.number(5, |_| true), (0, true));
    assert_eq!(entries.number(5, |number| number != 0), (1, true));
    assert_eq!(entries.number(5, |number| number == 1), (1, false));
    assert_eq!(entries.number(5, |_| true), (0, false));
}

/// The first 16 bytes of a value as a number.
fn head(value: &[u8]) -> u128 {
    value.iter().take(16).rev().fold(0, |head, byte| head << 8 | u128::from(*byte))
}

#[test]
fn whoever_knows_the_seed_finds_long_values_of_one_key() {
    let entries = Entries::new();
    let key = |value: &[u8]| entries.key_of_long(head(value), value);
    for [one, other] in of_one_key(&entries) {
        assert_ne!(one, other);
        assert_eq!(key(&one), key(&other));
    }
}

#[test]
fn keys_of_long_values_depend_on_every_byte_and_on_the_length() {
    let entries = Entries::new();
    let key = |value: &[u8]| entries.key_of_long(head(value), value);
    for length in [8, 12, 15, 16, 17, 40] {
        let value = vec![7; length];
        assert_eq!(key(&value), key(&value.clone()));
        for at in 0..length {
            let mut other = value.clone();
            other[at] += 1;
            assert_ne!(key(&value), key(&other), "{at} of {length}");
        }
        assert_eq!(key(&value) >> 56, 0xff, "no short value has this key");
    }
    let zeros: Vec<u64> = (8..40).map(|length| key(&vec![0; length])).collect();
    assert!(zeros.iter().enumerate().all(|(at, key)| !zeros[..at].contains(key)));
}
