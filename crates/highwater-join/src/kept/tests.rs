//! Values of rows, whether they are kept once or for each row.

use arrow::array::{BinaryArray, Int64Array, StringArray, StringViewArray};

use super::*;

/// Takes some rows of a column, one of them null.
fn taken(column: &ArrayRef) -> (Column, ArrayRef) {
    let column = Column::new(Arc::clone(column)).unwrap();
    let taken = column.take(&UInt32Array::from(vec![Some(39), None, Some(1), Some(0)])).unwrap();
    (column, taken)
}

#[test]
fn values_that_rows_share_are_kept_once() {
    let texts = || (0..40).map(|row| [Some("a"), None, Some("")].get(row % 3).copied().flatten());
    let wanted = [Some("a"), None, None, Some("a")];
    let columns: [(ArrayRef, ArrayRef); 3] = [
        (Arc::new(texts().collect::<StringArray>()), Arc::new(StringArray::from_iter(wanted))),
        (
            Arc::new(texts().collect::<StringViewArray>()),
            Arc::new(StringViewArray::from_iter(wanted)),
        ),
        (
            Arc::new(texts().map(|it| it.map(str::as_bytes)).collect::<BinaryArray>()),
            Arc::new(BinaryArray::from_iter(wanted.map(|it| it.map(str::as_bytes)))),
        ),
    ];
    for (column, wanted) in columns {
        let (kept, taken) = taken(&column);
        assert!(matches!(kept, Column::Few { .. }), "{:?}", column.data_type());
        assert_eq!(&taken, &wanted);
        assert_eq!(kept.nulls(2).data_type(), column.data_type());
    }
}

#[test]
fn other_values_are_kept_for_each_row() {
    let different: ArrayRef =
        Arc::new((0..40).map(|row| Some(format!("{}", row / 2))).collect::<StringArray>());
    let too_many: ArrayRef =
        Arc::new((0..600_000).map(|row| Some(format!("{}", row / 9))).collect::<StringArray>());
    let numbers: ArrayRef = Arc::new((0..40).map(|_| Some(7)).collect::<Int64Array>());
    for (column, wanted) in [(different, "19"), (too_many, "4")] {
        let (kept, taken) = taken(&column);
        assert!(matches!(kept, Column::Each(_)));
        assert_eq!(
            taken.as_string::<i32>().iter().flatten().collect::<Vec<_>>(),
            [wanted, "0", "0"]
        );
    }
    assert!(matches!(taken(&numbers).0, Column::Each(_)));
}
