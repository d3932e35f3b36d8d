//! Types that are read as others, and rows that are not what was declared.

use std::sync::Arc;

use arrow::array::{AsArray as _, Int64Array, StringViewArray};
use arrow::datatypes::{Field, Schema};

use super::*;

fn zone(zone: &str) -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some(zone.into()))
}

#[test]
fn the_same_values_are_read_in_any_layout_and_others_are_not() {
    let window = |names: [&str; 2], of: &str| {
        let part = |name: &str| Field::new(name, zone(of), true);
        DataType::Struct(names.map(part).to_vec().into())
    };
    assert!(reads_as(&zone("UTC"), &zone("+00:00")));
    assert!(reads_as(&DataType::Utf8, &DataType::Utf8View));
    let texts = |kind| DataType::new_list(kind, true);
    assert!(reads_as(
        &texts(DataType::Utf8),
        &DataType::new_large_list(DataType::LargeUtf8, false)
    ));
    assert!(reads_as(&window(["start", "end"], "UTC"), &window(["start", "end"], "+00:00")));
    assert!(!reads_as(&window(["start", "end"], "UTC"), &window(["end", "start"], "UTC")));
    assert!(!reads_as(&zone("UTC"), &zone("+01:00")));
    assert!(!reads_as(&DataType::Int64, &DataType::Int32));
    assert!(!reads_as(&DataType::Binary, &DataType::Utf8));
}

#[test]
fn rows_come_in_the_declared_columns_and_small_pieces() {
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(0..10_000));
    let names: ArrayRef = Arc::new((0..10_000).map(|_| Some("Ada")).collect::<StringViewArray>());
    let rows = RecordBatch::try_from_iter([("name", names), ("id", ids)]).unwrap();
    let columns = Arc::new(Schema::new(vec![
        Field::new("id", DataType::Int64, true),
        Field::new("name", DataType::Utf8, false),
    ]));
    let mut decoder =
        DeclaredRows::new("delta", "version 3 of table t".to_owned(), Arc::clone(&columns));
    let mut decoded = Decoded::default();
    for _ in 0..2 {
        decoder.decode(rows.clone().into(), &mut decoded).unwrap();
    }
    decoder.finish(&mut decoded).unwrap();
    assert_eq!((decoded.records, decoded.rows.len()), (20_000, 4));
    assert!(matches!(decoded.offsets[..], [_, _, Offsets::From(10_000), Offsets::From(18_192)]));
    assert!(decoded.rows.iter().all(|piece| piece.schema() == columns));
    assert_eq!(decoded.rows[0].column(1).as_string::<i32>().value(0), "Ada");

    let wrong = RecordBatch::try_from_iter([("id", Arc::clone(rows.column(1)))]).unwrap();
    let error = decoder.decode(wrong.into(), &mut decoded).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    let shown = error.to_string();
    assert!(shown.starts_with("delta: version 3 of table t has other rows than were"), "{shown}");
    assert!(shown.ends_with("there is no column name"), "{shown}");
}
