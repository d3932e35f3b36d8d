//! Numbers of entries against a plain map.

use std::collections::HashMap;

use proptest::collection::vec;
use proptest::prelude::*;

use super::{AT_ONCE, Entries};

/// Two values with one key, as only those can choose who know the seed.
pub(crate) fn of_one_key(entries: &Entries) -> [Vec<u8>; 2] {
    // The first 8 bytes make one factor zero, and with it what becomes of the 8 behind them.
    let first = (32 ^ entries.seed).to_le_bytes();
    [0, 1].map(|byte| [first, [byte; 8], [7; 8], [7; 8]].concat())
}

proptest! {
    #[test]
    fn a_value_keeps_the_number_it_got_first(lots in vec(0_u128..2_000, 0..6_000), spread: u128) {
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
    let all: Vec<u128> = (0..2 * u128::from(VALUES)).collect();
    let known: Vec<_> =
        all.as_chunks().0.iter().flat_map(|lot| entries.known(lot)).zip(0_u32..).collect();
    assert!(known.iter().all(|(known, value)| known.is_none_or(|known| known == *value)));
    assert!(known.iter().all(|(known, value)| known.is_none() || *value < VALUES));
    let found = known.iter().filter(|(known, _)| known.is_some()).count();
    assert!(found > 4_000, "the first place tells of most: {found}");
}

#[test]
fn values_of_one_key_are_told_apart() {
    let mut entries = Entries::new();
    assert_eq!(entries.number(5, |_| true), (0, true));
    assert_eq!(entries.number(5, |number| number != 0), (1, true));
    assert_eq!(entries.number(5, |number| number == 1), (1, false));
    assert_eq!(entries.number(5, |_| true), (0, false));
}

#[test]
fn whoever_knows_the_seed_finds_long_values_of_one_key() {
    let entries = Entries::new();
    let [one, other] = of_one_key(&entries);
    assert_ne!(one, other);
    assert_eq!(entries.key_of_long(&one), entries.key_of_long(&other));
}

#[test]
fn keys_of_long_values_depend_on_every_byte_and_on_the_length() {
    let entries = Entries::new();
    let value = [7; 40];
    let key = entries.key_of_long(&value);
    assert_eq!(key, entries.key_of_long(&value.clone()));
    for at in 0..value.len() {
        let mut other = value;
        other[at] += 1;
        assert_ne!(key, entries.key_of_long(&other), "{at}");
    }
    assert_ne!(entries.key_of_long(&[0; 16]), entries.key_of_long(&[0; 17]));
    assert_eq!(key >> 120, 0xff, "no short value has this key");
}
