//! What is packed is read back bit by bit.

use proptest::collection::vec;
use proptest::prelude::*;

use super::{hybrid, pack, packed_bits, varint, width, zigzag};

pub(crate) fn take_varint(bytes: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..).step_by(7) {
        let byte = u64::from(bytes[0]);
        *bytes = &bytes[1..];
        value |= (byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            break;
        }
    }
    value
}

fn bits_at(bytes: &[u8], at: usize, width: u32) -> u64 {
    (0..width as usize)
        .map(|bit| u64::from(bytes[(at + bit) / 8] >> ((at + bit) % 8) & 1) << bit)
        .sum()
}

fn read_hybrid(mut bytes: &[u8], width: u32, count: usize) -> Vec<u32> {
    let mut values = Vec::new();
    while values.len() < count {
        let header = take_varint(&mut bytes);
        let length = usize::try_from(header >> 1).unwrap();
        if header & 1 == 0 {
            let taken = width.div_ceil(8) as usize;
            let value = bits_at(bytes, 0, width);
            values.extend(std::iter::repeat_n(u32::try_from(value).unwrap(), length));
            bytes = &bytes[taken..];
        } else {
            let one = |at: usize| u32::try_from(bits_at(bytes, at * width as usize, width));
            values.extend((0..length * 8).map(|at| one(at).unwrap()));
            bytes = &bytes[length * width as usize..];
        }
    }
    assert!(bytes.is_empty());
    values.truncate(count);
    values
}

proptest! {
    #[test]
    fn packed_numbers_are_read_back(bits in 0_u32..=64, lots in vec(any::<u64>(), 0..100)) {
        let values: Vec<u64> =
            lots.iter().map(|lot| lot.checked_shr(64 - bits).unwrap_or(0)).collect();
        let mut out = Vec::new();
        pack(&values, bits, &mut out);
        prop_assert_eq!(out.len(), (values.len() * bits as usize).div_ceil(8));
        for (at, value) in values.iter().enumerate() {
            prop_assert_eq!(bits_at(&out, at * bits as usize, bits), *value);
        }
    }

    #[test]
    fn runs_and_groups_are_read_back(
        bits in 0_u32..=32,
        runs in vec((any::<u32>(), prop_oneof![Just(1_usize), 1_usize..40, Just(1_000)]), 0..60),
    ) {
        let values: Vec<u32> = runs
            .iter()
            .flat_map(|(lot, count)| {
                std::iter::repeat_n(lot.checked_shr(32 - bits).unwrap_or(0), *count)
            })
            .collect();
        let mut out = Vec::new();
        hybrid(&values, bits, &mut out);
        prop_assert_eq!(read_hybrid(&out, bits, values.len()), values);
    }

    #[test]
    fn bits_are_read_back(bytes in vec(any::<u8>(), 1..200)) {
        let mut out = Vec::new();
        packed_bits(&bytes, &mut out);
        let bits: Vec<u32> = (0..bytes.len() * 8).map(|at| u32::from(bytes[at / 8] >> (at % 8) & 1)).collect();
        prop_assert_eq!(read_hybrid(&out, 1, bits.len()), bits);
    }

    #[test]
    fn numbers_of_any_length_are_read_back(value: u64, signed: i64) {
        let mut out = Vec::new();
        varint(value, &mut out);
        prop_assert_eq!(take_varint(&mut out.as_slice()), value);
        out.clear();
        zigzag(signed, &mut out);
        let folded = take_varint(&mut out.as_slice());
        let back = (folded >> 1).cast_signed() ^ -((folded & 1).cast_signed());
        prop_assert_eq!(back, signed);
    }
}

#[test]
fn equal_values_are_a_run_and_others_are_packed() {
    let mut out = Vec::new();
    hybrid(&[7; 20_000], 14, &mut out);
    assert_eq!(out.len(), 5, "a header of three bytes and the value");
    out.clear();
    hybrid(&[1, 0, 2, 1, 0, 2, 1, 0], 2, &mut out);
    assert_eq!(out, [3, 0b01_10_00_01, 0b00_01_10_00]);
}

#[test]
fn a_width_is_that_of_the_greatest_value() {
    assert_eq!([0, 1, 2, 3, 4, u64::MAX].map(width), [0, 1, 2, 2, 3, 64]);
}
