//! Splitting by key against the plainest way to do it.

use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, AsArray as _, Int64Array, RecordBatch};
use arrow::datatypes::Int64Type;
use proptest::prelude::*;

use highwater_core::Offsets;

use super::*;

fn rows(numbers: Vec<Option<i64>>) -> RecordBatch {
    let places: ArrayRef = Arc::new(Int64Array::from_iter_values((0..).take(numbers.len())));
    let numbers: ArrayRef = Arc::new(Int64Array::from(numbers));
    RecordBatch::try_from_iter([("k", numbers), ("place", places)]).unwrap()
}

fn places(rows: &RecordBatch) -> Vec<i64> {
    rows.column(1).as_primitive::<Int64Type>().values().to_vec()
}

/// Pieces of rows whose offsets are their places, and 1,000 more.
fn pieces(rows: &RecordBatch, workers: usize) -> Vec<Batch> {
    let batch = Batch { offsets: Some(Offsets::From(1_000)), ..rows.clone().into() };
    split(&key(rows), &batch, workers).unwrap()
}

/// The offsets of a piece, as places.
fn offsets(piece: &Batch) -> Vec<i64> {
    let Some(offsets) = &piece.offsets else { return Vec::new() };
    (0..piece.len()).map(|row| offsets.at(row).unwrap() - 1_000).collect()
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
        let pieces = pieces(&rows, workers);
        let found: Vec<_> = pieces.iter().map(|piece| places(&piece.rows)).collect();
        prop_assert_eq!(&found, &expected);
        prop_assert_eq!(pieces.iter().map(offsets).collect::<Vec<_>>(), expected);
    }
}

#[test]
fn a_small_piece_keeps_nothing_of_the_others() {
    let rows = rows((0..8_192).map(Some).collect());
    for piece in pieces(&rows, 64) {
        let piece = piece.rows;
        let mine = piece.num_rows() * 2 * size_of::<i64>();
        let held = piece.get_array_memory_size();
        assert!(held < mine + 1_024, "{held} bytes are held for {mine}");
    }
}

#[test]
fn rows_of_one_worker_are_not_copied() {
    let rows = rows(vec![Some(7); 100]);
    let pieces = pieces(&rows, 3);
    let whole = pieces.iter().find(|piece| !piece.is_empty()).unwrap();
    assert_eq!(whole.len(), 100);
    assert!(whole.rows.column(0).to_data().ptr_eq(&rows.column(0).to_data()));
}

/// Takes whatever is pushed, and drops it.
struct Gone;

impl Push<Message<u64, Rows>> for Gone {
    fn push(&mut self, message: &mut Option<Message<u64, Rows>>) {
        message.take();
    }
}

/// A reader with room for one payload would wait for ever for the second.
#[test]
fn no_room_is_left_with_whoever_pushed() {
    let (rows, held) = (rows((0..64).map(Some).collect()), Arc::new(()));
    let permit = Some(highwater_core::Permit::new(Arc::clone(&held)));
    let mut by_key = ByKey { key: key(&rows), fault: Rc::new(Fault::default()) };
    let mut pushed = Rows::Batch(Batch { permit, ..rows.into() });
    by_key.partition(&mut pushed, &0, &mut [Gone, Gone]);
    assert!(matches!(pushed, Rows::Taken));
    assert_eq!(Arc::strong_count(&held), 1);
}
