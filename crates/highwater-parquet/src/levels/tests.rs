//! Levels, byte by byte.

use arrow::buffer::NullBuffer;

use super::Levels;

fn levels(pieces: &[(usize, Option<NullBuffer>)]) -> Vec<u8> {
    let mut levels = Levels::default();
    let mut pages = [Vec::new(), Vec::new()];
    for page in &mut pages {
        pieces.iter().for_each(|(rows, nulls)| levels.put(*rows, nulls.as_ref()));
        levels.finish(page);
    }
    let [first, second] = pages;
    assert_eq!(first, second, "a page knows nothing of the one before");
    first
}

#[test]
fn rows_that_are_alike_are_one_run() {
    assert_eq!(levels(&[(100, None), (28, None)]), [3, 0, 0, 0, 0x80, 0x02, 1]);
    assert_eq!(levels(&[(3, Some(NullBuffer::new_null(3)))]), [2, 0, 0, 0, 6, 0]);
}

#[test]
fn other_rows_have_a_bit_each() {
    let some = NullBuffer::from(vec![true, false, true]);
    let sliced = NullBuffer::from(vec![false, false, true, true]).slice(2, 2);
    let pieces = [(2, None), (3, Some(some)), (2, Some(sliced)), (4, None)];
    assert_eq!(levels(&pieces), [3, 0, 0, 0, 2 << 1 | 1, 0b1111_0111, 0b0000_0111]);
    let first_null = [(1, Some(NullBuffer::new_null(1))), (2, None)];
    assert_eq!(levels(&first_null), [2, 0, 0, 0, 3, 0b110]);
}
