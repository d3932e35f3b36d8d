//! What is written as differences is read back.

use proptest::collection::vec;
use proptest::prelude::*;

use super::Deltas;
use crate::bits::tests::take_varint;

fn take_signed(bytes: &mut &[u8]) -> i64 {
    let folded = take_varint(bytes);
    (folded >> 1).cast_signed() ^ -((folded & 1).cast_signed())
}

fn read(mut bytes: &[u8]) -> Vec<i64> {
    assert_eq!((take_varint(&mut bytes), take_varint(&mut bytes)), (128, 4));
    let count = usize::try_from(take_varint(&mut bytes)).unwrap();
    let mut last = take_signed(&mut bytes);
    let mut values = vec![last];
    while values.len() < count {
        let least = take_signed(&mut bytes);
        let (widths, rest) = bytes.split_at(4);
        bytes = rest;
        for width in widths.iter().map(|width| usize::from(*width)) {
            if values.len() == count {
                assert_eq!(width, 0, "parts that are not there take nothing");
                continue;
            }
            let bit = |at: usize| u64::from(bytes[at / 8] >> (at % 8) & 1);
            for value in 0..32 {
                let above: u64 = (0..width).map(|at| bit(value * width + at) << at).sum();
                last = last.wrapping_add(least).wrapping_add(above.cast_signed());
                values.push(last);
            }
            bytes = &bytes[width * 4..];
            values.truncate(count.max(1));
        }
        last = *values.last().unwrap();
    }
    assert!(bytes.is_empty());
    values.truncate(count);
    values
}

proptest! {
    #[test]
    fn numbers_are_read_back(
        values in vec(prop_oneof![any::<i64>(), -1_000_i64..1_000, Just(i64::MIN), Just(i64::MAX)], 0..600),
        split in 1_usize..300,
    ) {
        let mut deltas = Deltas::default();
        for page in 0..2 {
            for (at, some) in values.chunks(split).enumerate() {
                match at % 2 {
                    0 => deltas.put(some),
                    _ => deltas.put_each(some.iter().copied()),
                }
            }
            let mut out = Vec::new();
            deltas.finish(&mut out);
            prop_assert_eq!(&read(&out), &values, "page {}", page);
        }
    }
}

#[test]
fn what_grows_evenly_takes_no_bits() {
    let mut deltas = Deltas::default();
    deltas.put_each((0..12_801).map(|step| 1_000_000 + step * 10));
    let mut out = Vec::new();
    deltas.finish(&mut out);
    assert_eq!(out.len(), 5 + 3 + 100 * 5);
}
