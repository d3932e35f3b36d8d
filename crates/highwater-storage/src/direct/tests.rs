//! What is written past the page cache is what was to be written.

use std::fs::{self, File, OpenOptions};
use std::path::Path;

use bytes::Bytes;

use super::{BLOCK, BUFFER, Buffers, write};

/// Pieces of these lengths, all bytes of which differ from those beside them.
fn pieces(lengths: &[usize]) -> Vec<Bytes> {
    let mut at = 0;
    let piece = |length: &usize| {
        let from = at;
        at += length;
        (from..at).map(|at| u8::try_from(at % 251).unwrap()).collect()
    };
    lengths.iter().map(piece).collect()
}

/// A new file, for writes of both kinds. Where there are no direct ones, the same must come of others.
fn opened(path: &Path) -> (File, File) {
    let plain = OpenOptions::new().write(true).create_new(true).open(path).unwrap();
    (super::open(path).unwrap_or_else(|| plain.try_clone().unwrap()), plain)
}

#[test]
fn pieces_of_any_length_stand_in_their_order() {
    let directory = tempfile::tempdir().unwrap();
    let buffers = Buffers::default();
    for (number, lengths) in [
        &[][..],
        &[0, 1, 0],
        &[BLOCK],
        &[BLOCK - 1, 2, BLOCK - 1],
        &[BUFFER],
        &[BUFFER - 1, 1, 1],
        &[3 * BUFFER + 5, 7, BUFFER],
    ]
    .into_iter()
    .enumerate()
    {
        let path = directory.path().join(number.to_string());
        let (direct, plain) = opened(&path);
        let pieces = pieces(lengths);
        write((&direct, &plain), 0, &pieces, &buffers).unwrap();
        assert!(fs::read(&path).unwrap() == pieces.concat(), "{lengths:?}");
    }
}

#[test]
fn parts_follow_each_other() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    let (direct, plain) = opened(&path);
    let (buffers, parts) = (Buffers::default(), pieces(&[2 * BUFFER, 2 * BUFFER, 9]));
    // They may end in any order.
    for part in [1, 2, 0] {
        let offset = parts.iter().take(part).map(|part| part.len() as u64).sum();
        write((&direct, &plain), offset, &parts[part..=part], &buffers).unwrap();
    }
    assert!(fs::read(&path).unwrap() == parts.concat());
}
