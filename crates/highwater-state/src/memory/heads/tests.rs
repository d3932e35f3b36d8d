//! Heads of keys of one length and of others.

use super::*;

fn head(key: u32, len: u32) -> Head {
    Head { key, bits: len << KEY_SHIFT }
}

/// Heads of keys of these lengths, each behind the one before, with what they should be.
fn heads(lens: &[u32]) -> (Heads, Vec<Head>) {
    let (mut heads, mut all, mut at) = (Heads::default(), Vec::new(), 0);
    for len in lens {
        all.push(head(at, *len));
        heads.push(head(at, *len));
        at += len;
    }
    (heads, all)
}

fn read(heads: &Heads) -> Vec<(u32, u32)> {
    (0..).map_while(|slot| heads.get(slot)).map(|head| (head.key, head.bits)).collect()
}

#[test]
fn heads_are_what_was_pushed() {
    for lens in [&[][..], &[0, 0, 0], &[14; 100], &[14, 14, 13, 14], &[3], &[0, 1]] {
        let (heads, all) = heads(lens);
        let is_even = lens.iter().all(|len| *len == lens[0]);
        assert_eq!(matches!(heads, Heads::Even { .. }), is_even, "{lens:?}");
        assert_eq!(heads.len(), all.len());
        assert_eq!(read(&heads), all.iter().map(|it| (it.key, it.bits)).collect::<Vec<_>>());
    }
}

#[test]
fn a_key_that_stands_elsewhere_is_found_there() {
    let (mut heads, _) = heads(&[4, 4, 4]);
    // The key of another row, as in a chain.
    heads.push(head(4, 4));
    assert_eq!(read(&heads)[3], (4, 4 << KEY_SHIFT));
    assert_eq!(heads.len(), 4);
}

#[test]
fn marks_stay_when_lengths_become_different() {
    let (mut heads, _) = heads(&[2, 2]);
    *heads.bits_mut(1).unwrap() |= 1;
    heads.push(head(4, 5));
    assert_eq!(read(&heads), [(0, 2 << KEY_SHIFT), (2, 2 << KEY_SHIFT | 1), (4, 5 << KEY_SHIFT)]);
    assert!(heads.bits_mut(3).is_none());
}
