//! Splitting by key against the plainest way to do it.

use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, AsArray as _, Int64Array};
use arrow::datatypes::Int64Type;
use proptest::prelude::*;

use super::*;

fn rows(numbers: Vec<Option<i64>>) -> RecordBatch {
    let places: ArrayRef = Arc::new(Int64Array::from_iter_values((0..).take(numbers.len())));
    let numbers: ArrayRef = Arc::new(Int64Array::from(numbers));
    RecordBatch::try_from_iter([("k", numbers), ("place", places)]).unwrap()
}

fn places(rows: &RecordBatch) -> Vec<i64> {
    rows.column(1).as_primitive::<Int64Type>().values().to_vec()
}

fn key(rows: &RecordBatch) -> KeyGroups {
    KeyGroups::try_new(&rows.schema(), &["k".to_owned()]).unwrap()
}

proptest! {
    #[test]
    fn every_row_goes_to_the_worker_of_its_group_and_keeps_its_place(
        numbers in prop::collection::vec(prop::option::of(-40_i64..40), 0..300),
        workers in 1..200_usize,
    ) {
        let rows = rows(numbers);
        let mut expected = vec![Vec::new(); workers];
        for (place, group) in (0_i64..).zip(key(&rows).of(&rows).unwrap()) {
            expected[KeyGroups::worker(group, workers)].push(place);
        }
        let pieces = split(&key(&rows), &rows, workers).unwrap();
        prop_assert_eq!(pieces.iter().map(places).collect::<Vec<_>>(), expected);
    }
}

#[test]
fn a_small_piece_keeps_nothing_of_the_others() {
    let rows = rows((0..8_192).map(Some).collect());
    let pieces = split(&key(&rows), &rows, 64).unwrap();
    for piece in pieces {
        let mine = piece.num_rows() * 2 * size_of::<i64>();
        let held = piece.get_array_memory_size();
        assert!(held < mine + 1_024, "{held} bytes are held for {mine}");
    }
}

#[test]
fn rows_of_one_worker_are_not_copied() {
    let rows = rows(vec![Some(7); 100]);
    let pieces = split(&key(&rows), &rows, 3).unwrap();
    let whole = pieces.iter().find(|piece| piece.num_rows() > 0).unwrap();
    assert_eq!(whole.num_rows(), 100);
    assert!(whole.column(0).to_data().ptr_eq(&rows.column(0).to_data()));
}
