//! Which values of a chunk are one entry of its dictionary.

use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryArray};

use super::Texts;
use crate::entries::tests::of_one_key;
use crate::profile::TextEncoding;

/// The dictionary of a chunk with these values.
fn dictionary(texts: &mut Texts, values: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let array: ArrayRef = Arc::new(BinaryArray::from_iter_values(values));
    texts.put(&array);
    let mut page = Vec::new();
    texts.finish(&mut page);
    page.clear();
    let entries = texts.end_dictionary(&mut page).unwrap();
    texts.end(None);
    let (mut rest, mut found) = (page.as_slice(), Vec::new());
    while let Some((length, behind)) = rest.split_first_chunk() {
        let length = usize::try_from(u32::from_le_bytes(*length)).unwrap();
        let (value, behind) = behind.split_at(length);
        found.push(value.to_vec());
        rest = behind;
    }
    assert_eq!(found.len(), entries);
    found
}

#[test]
fn each_value_is_one_entry_of_every_chunk() {
    let of = |byte: u8| move |length: usize| vec![byte; length];
    let mut values: Vec<_> = (0..40).map(of(0)).chain((1..40).map(of(b'a'))).collect();
    let mut texts = Texts::new(TextEncoding::Lengths, true);
    for chunk in 0..3 {
        let twice = [&values[..], &values[..]].concat();
        assert_eq!(dictionary(&mut texts, &twice), values, "chunk {chunk}");
        values.reverse();
    }
}

#[test]
fn long_values_of_one_key_are_two_entries() {
    let mut texts = Texts::new(TextEncoding::Lengths, true);
    for chunk in 0..2 {
        let values = of_one_key(&texts.dictionary.entries).as_flattened().to_vec();
        let twice = [&values[..], &values[..]].concat();
        assert_eq!(dictionary(&mut texts, &twice), values, "chunk {chunk}");
    }
}
