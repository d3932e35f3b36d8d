//! Offsets stay with their rows.

use arrow::array::{ArrayRef, AsArray, Int64Array};
use arrow::datatypes::Int64Type;

use super::*;

fn batch(offsets: Vec<i64>) -> Batch {
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(0..4));
    let rows = RecordBatch::try_from_iter([("id", ids)]).unwrap();
    Batch { offsets: Some(Offsets::new(offsets)), ..rows.into() }
}

fn pairs(batch: &Batch) -> Vec<(i64, i64)> {
    let ids = batch.rows.column(0).as_primitive::<Int64Type>().values().to_vec();
    let offset = |row| batch.offsets.as_ref().unwrap().at(row).unwrap();
    ids.into_iter().enumerate().map(|(row, id)| (id, offset(row))).collect()
}

#[test]
fn offsets_without_a_gap_are_kept_as_one() {
    assert_eq!(Offsets::new(7..11), Offsets::From(7));
    assert_eq!(Offsets::new([7, 9]).at(1), Some(9));
    assert_eq!(Offsets::new([7, 9]).at(2), None);
}

#[test]
fn rows_that_are_chosen_keep_their_offsets() {
    for offsets in [vec![7, 8, 9, 10], vec![7, 9, 20, 30]] {
        let batch = batch(offsets.clone());
        let kept = batch.filter(&BooleanArray::from(vec![true, false, false, true])).unwrap();
        assert_eq!(pairs(&kept), [(0, offsets[0]), (3, offsets[3])]);
        let taken = batch.take(&UInt32Array::from(vec![2, 3])).unwrap();
        assert_eq!(pairs(&taken), [(2, offsets[2]), (3, offsets[3])]);
        assert_eq!(pairs(&batch.with_columns(batch.rows.clone())), pairs(&batch));
        assert!(batch.with_rows(batch.rows.clone()).offsets.is_none());
    }
}

#[test]
fn an_origin_is_a_key_of_json() {
    let partition = Partition::new("a/b", 3);
    let origin = Origin { source: "orders".parse().unwrap(), partition };
    let json = serde_json::to_string(&origin).unwrap();
    assert_eq!(json, "\"orders/a/b/3\"");
    assert_eq!(serde_json::from_str::<Origin>(&json).unwrap(), origin);
    assert!(serde_json::from_str::<Origin>("\"orders\"").is_err());
}
