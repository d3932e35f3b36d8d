//! Rows of the same words by either index.

use super::*;

fn rows(words: &[i64]) -> Vec<Found> {
    (0..).zip(words).map(|(row, word)| Found { word: word.cast_unsigned(), row }).collect()
}

/// What an index of these words finds for `wanted`, and which rows came before others.
fn found(words: &[i64], wanted: &[i64], are_numbers: bool) -> (Index, Vec<u32>, Vec<u32>) {
    let rows = rows(words);
    let mut index = Index::for_rows(&rows, are_numbers);
    let before = rows.iter().map(|row| index.enter(*row, |_| true)).collect();
    let wanted: Vec<u64> = wanted.iter().map(|word| word.cast_unsigned()).collect();
    let found = index.find(&wanted, |_, _| true);
    (index, found, before)
}

#[test]
fn numbers_that_lie_close_together_are_found_like_any_others() {
    let words = [-2, 3, 0, -2, 5, 3, -2];
    let wanted = [-3, -2, -1, 0, 3, 5, 6, i64::MIN, i64::MAX];
    let (dense, found_dense, before_dense) = found(&words, &wanted, true);
    let (sparse, found_sparse, before_sparse) = found(&words, &wanted, false);
    assert!(matches!(dense, Index::Dense { .. }) && matches!(sparse, Index::Sparse(_)));
    assert_eq!(found_dense, [NONE, 6, NONE, 2, 5, 4, NONE, NONE, NONE]);
    assert_eq!(before_dense, [NONE, NONE, NONE, 0, NONE, 1, 3]);
    assert_eq!((found_sparse, before_sparse), (found_dense, before_dense));
}

#[test]
fn numbers_that_lie_far_apart_take_no_array() {
    for words in [&[0, 8][..], &[i64::MIN, i64::MAX], &[i64::MIN, 0], &[]] {
        assert!(matches!(Index::for_rows(&rows(words), true), Index::Sparse(_)), "{words:?}");
    }
    assert!(matches!(Index::for_rows(&rows(&[0, 7]), true), Index::Dense { .. }));
}

#[test]
fn keys_of_one_word_are_told_apart() {
    let rows = rows(&[1, 1]);
    let mut index = Index::for_rows(&rows, false);
    for row in &rows {
        assert_eq!(index.enter(*row, |other| other == row.row), NONE);
    }
    assert_eq!(index.find(&[1, 1, 1], |at, row| at == row as usize), [0, 1, NONE]);
}
