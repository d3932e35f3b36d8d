//! The index beside a map.

use std::collections::HashMap;

use super::*;

/// A hash that looks drawn by lot, another for each other number.
fn mixed(of: u64) -> u64 {
    let bits = of.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (bits ^ (bits >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9)
}

fn enter(index: &mut Index, hashes: &[u64], hash: u64, slot: u32) -> Option<u32> {
    index.reserve_one();
    let (spot, found) = index.spot(hash, |slot| hashes[slot as usize] == hash);
    index.put(spot, hash, slot);
    found
}

#[test]
fn finds_what_a_map_finds() {
    // Numbers come again, and every eighth hash has the half of another one.
    let numbers: Vec<u64> = (0..20_000).map(|at| mixed(at) % 15_000).collect();
    let hash = |number: u64| (mixed(number - number % 8) & !0xff) | (number % 8);
    let hashes: Vec<u64> = numbers.iter().map(|number| hash(*number)).collect();
    let (mut index, mut map) = (Index::default(), HashMap::new());
    assert_eq!(index.find(hash(7), |_| true), None);
    for (slot, hash) in (0..).zip(&hashes) {
        assert_eq!(enter(&mut index, &hashes, *hash, slot), map.insert(*hash, slot));
    }
    for number in 0..16_000 {
        let hash = hash(number);
        let found = index.find(hash, |slot| hashes[slot as usize] == hash);
        assert_eq!(found, map.get(&hash).copied(), "{number}");
    }
    assert_eq!(index.count, map.len());
    assert!(index.held() < 20 * map.len(), "{} bytes", index.held());
}

/// Saved rows come in the order of their hashes, and the room for them may not be known.
#[test]
fn hashes_in_their_order_do_not_crowd_together() {
    let mut hashes: Vec<u64> = (0..100_000).map(mixed).collect();
    hashes.sort_unstable();
    let mut index = Index::default();
    let mut looks = 0_usize;
    for (slot, hash) in (0..).zip(&hashes) {
        assert_eq!(enter(&mut index, &hashes, *hash, slot), None);
        let mut at = index.home(half(*hash));
        while !index.lines[at].slots.contains(&slot) {
            (at, looks) = (index.behind(at), looks + 1);
        }
    }
    assert!(looks < hashes.len(), "{looks}");
}

#[test]
fn room_that_was_made_is_enough() {
    let hashes: Vec<u64> = (0..1_000).map(mixed).collect();
    let mut index = Index::default();
    index.reserve(hashes.len());
    let held = index.held();
    for (slot, hash) in (0..).zip(&hashes) {
        enter(&mut index, &hashes, *hash, slot);
    }
    assert_eq!(index.held(), held);
}

#[test]
fn searches_for_many_are_those_for_each() {
    let hashes: Vec<u64> = (0..3_000).map(mixed).collect();
    let mut index = Index::default();
    for (slot, hash) in (0..).zip(&hashes).step_by(2) {
        enter(&mut index, &hashes, *hash, slot);
    }
    for count in [0, 1, 31, 32, 33, 3_000] {
        let mut found = vec![None];
        index.find_each(hashes.iter().take(count).copied(), &mut found);
        let each = hashes.iter().take(count).map(|hash| index.find(*hash, |_| true));
        assert_eq!(found[1..], each.collect::<Vec<_>>());
    }
}
