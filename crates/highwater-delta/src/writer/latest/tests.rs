//! Which row of a key is the last, and what is held meanwhile.

use arrow::array::{AsArray, Int64Array, StringArray};
use arrow::datatypes::Int64Type;
use highwater_core::Offsets;

use super::*;

fn rows(keys: &[&str], values: impl IntoIterator<Item = i64>) -> RecordBatch {
    let keys: ArrayRef = Arc::new(StringArray::from(keys.to_vec()));
    let values: ArrayRef = Arc::new(Int64Array::from_iter_values(values));
    RecordBatch::try_from_iter([("k", keys), ("v", values)]).unwrap()
}

fn batch(partition: u32, offset: i64, rows: RecordBatch) -> Batch {
    let partition = format!("orders/{partition}").try_into().unwrap();
    let origin = Origin { source: "kafka".parse().unwrap(), partition };
    let offsets = Some(Offsets::From(offset));
    Batch { origin: Some(Arc::new(origin)), offsets, ..Batch::from(rows) }
}

fn latest(partition: &[&str]) -> Latest {
    let key = KeyColumns::try_new("t", &rows(&[], []).schema(), &["k".to_owned()]).unwrap();
    Latest::new(key, partition.iter().map(|it| (*it).to_owned()).collect())
}

fn values(latest: Latest) -> Vec<i64> {
    let of = |rows: Result<RecordBatch, ArrowError>| {
        rows.unwrap().column(1).as_primitive::<Int64Type>().values().to_vec()
    };
    let mut values: Vec<_> = latest.finish().flat_map(of).collect();
    values.sort_unstable();
    values
}

#[test]
fn the_last_row_is_that_of_the_last_record_in_whatever_order_they_come() {
    let batches = [
        batch(0, 10, rows(&["a", "b", "a"], [1, 2, 3])),
        batch(1, 0, rows(&["b", "c"], [4, 5])),
        batch(0, 13, rows(&["a", "d"], [6, 7])),
    ];
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
        let mut latest = latest(&[]);
        for at in order {
            latest.add(&batches[at]).unwrap();
        }
        assert_eq!(latest.replaced(), 3);
        assert_eq!(values(latest), [4, 5, 6, 7], "{order:?}");
    }
}

#[test]
fn rows_of_no_order_have_one_row_of_a_key() {
    let mut latest = latest(&[]);
    latest.add(&rows(&["a", "b"], [1, 2]).into()).unwrap();
    latest.add(&rows(&["c"], [3]).into()).unwrap();
    let twice = [
        Batch::from(rows(&["d", "b"], [4, 5])),
        batch(0, 1, rows(&["b"], [5])),
        Batch::from(rows(&["e", "e"], [4, 5])),
    ];
    for batch in twice {
        let Unfit::SameKey(key) = latest.add(&batch).unwrap_err() else { panic!() };
        assert!(["k=b", "k=e"].contains(&key.as_str()), "{key}");
    }
}

#[test]
fn two_rows_of_one_record_have_no_order() {
    let mut latest = latest(&[]);
    latest.add(&batch(0, 1, rows(&["a"], [1]))).unwrap();
    assert!(latest.add(&batch(0, 1, rows(&["a"], [2]))).is_err());
}

#[test]
fn empty_text_and_null_are_one_key_where_they_are_one_partition() {
    let keys = |keys: Vec<Option<&str>>| {
        let keys: ArrayRef = Arc::new(StringArray::from(keys));
        let values: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
        RecordBatch::try_from_iter_with_nullable([("k", keys, true), ("v", values, false)]).unwrap()
    };
    let batch = batch(0, 0, keys(vec![None, Some("")]));
    for (partition, expected) in [(vec![], vec![1, 2]), (vec!["k"], vec![2])] {
        let mut latest = latest(&partition);
        latest.add(&batch).unwrap();
        assert_eq!(values(latest), expected);
    }
}

#[test]
fn what_is_replaced_is_not_held() {
    let mut latest = latest(&[]);
    let names: Vec<_> = (0..LONG).map(|key| key.to_string()).collect();
    let keys: Vec<_> = names.iter().map(String::as_str).collect();
    let all = i64::try_from(LONG).unwrap();
    for round in 0..20 {
        let values = (0..all).map(|value| value + round * all);
        latest.add(&batch(0, round * all, rows(&keys, values))).unwrap();
    }
    let held: usize = latest.pieces.iter().map(|piece| piece.rows.num_rows()).sum();
    assert_eq!(held, LONG);
    // Half of them, and one more: then the piece is copied.
    latest.add(&batch(0, 30 * all, rows(&keys[..LONG / 2 + 1], 0..all / 2 + 1))).unwrap();
    let held: usize = latest.pieces.iter().map(|piece| piece.rows.num_rows()).sum();
    assert_eq!(held, LONG);
    let mut expected: Vec<_> = (0..=all / 2).collect();
    expected.extend((all / 2 + 1..all).map(|value| value + 19 * all));
    assert_eq!(values(latest), expected);
}
