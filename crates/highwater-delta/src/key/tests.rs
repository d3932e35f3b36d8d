//! Keys of equal values in unlike arrays, and columns that make none.

use arrow::array::{
    Int64Array, LargeStringArray, StringArray, StringViewArray, TimestampMicrosecondArray,
};

use super::*;

fn key(columns: &[(&str, ArrayRef)]) -> KeyColumns {
    let rows = RecordBatch::try_from_iter(columns.iter().cloned()).unwrap();
    let names: Vec<_> = columns.iter().map(|(name, _)| (*name).to_owned()).collect();
    KeyColumns::try_new("t", &rows.schema(), &names).unwrap()
}

fn bytes(key: &KeyColumns, columns: &[(&str, ArrayRef)]) -> Vec<Vec<u8>> {
    let rows = RecordBatch::try_from_iter_with_nullable(
        columns.iter().map(|(name, column)| (*name, Arc::clone(column), true)),
    );
    let columns = key.columns(&rows.unwrap()).unwrap();
    key.bytes(&columns).unwrap().iter().map(|row| row.data().to_vec()).collect()
}

fn window(starts: Vec<i64>, zone: &str, names: [&str; 2]) -> ArrayRef {
    let end: ArrayRef =
        Arc::new(StringArray::from(starts.iter().map(ToString::to_string).collect::<Vec<_>>()));
    let start: ArrayRef = Arc::new(TimestampMicrosecondArray::from(starts).with_timezone(zone));
    let fields = vec![
        Field::new(names[0], start.data_type().clone(), false),
        Field::new(names[1], end.data_type().clone(), false),
    ];
    Arc::new(StructArray::new(fields.into(), vec![start, end], None))
}

#[test]
fn equal_values_make_equal_keys_whatever_holds_them() {
    let texts = vec![Some("a"), None, Some("a")];
    let plain: ArrayRef = Arc::new(StringArray::from(texts.clone()));
    let key =
        key(&[("w", window(vec![1, 1, 2], "UTC", ["start", "end"])), ("t", Arc::clone(&plain))]);
    let of = |zone, text: ArrayRef| {
        bytes(&key, &[("t", text), ("w", window(vec![1, 1, 2], zone, ["start", "end"]))])
    };
    let expected = of("UTC", plain);
    assert_eq!(expected, of("+00:00", Arc::new(LargeStringArray::from(texts.clone()))));
    assert_eq!(expected, of("+00:00", Arc::new(StringViewArray::from(texts))));
    assert_ne!(expected[0], expected[1]);
    assert_ne!(expected[0], expected[2]);
    assert_eq!(key.names().collect::<Vec<_>>(), ["w", "t"]);
}

#[test]
fn fields_of_a_struct_are_found_by_their_names() {
    let key = key(&[("w", window(vec![5], "UTC", ["start", "end"]))]);
    let rows = |column| RecordBatch::try_from_iter([("w", column)]).unwrap();
    let error = key.columns(&rows(window(vec![5], "UTC", ["begin", "end"]))).unwrap_err();
    assert!(error.to_string().contains("no column start"), "{error}");
    let columns = key.columns(&rows(window(vec![5], "UTC", ["start", "end"]))).unwrap();
    assert!(key.show(&columns, 0).starts_with("w={start: 1970-01-01T00:00:00.000005Z"));
}

#[test]
fn what_makes_no_key_is_told() {
    let schema = Schema::new(vec![
        Field::new("id", DataType::Int64, false),
        Field::new("price", DataType::Float64, false),
        Field::new(
            "deep",
            DataType::Struct(vec![Field::new("price", DataType::Float32, true)].into()),
            true,
        ),
    ]);
    let error = |columns: &[&str]| {
        let columns: Vec<_> = columns.iter().map(|name| (*name).to_owned()).collect();
        KeyColumns::try_new("t", &schema, &columns).unwrap_err().to_string()
    };
    assert_eq!(
        error(&["price"]),
        "rows of table t have no key price: its values are not always comparable"
    );
    assert!(error(&["deep"]).contains("not always comparable"));
    assert!(error(&["gone"]).contains("no such column"));
    assert!(error(&["id", "id"]).contains("stands twice"));
    assert!(error(&[]).contains("needs a column"));
}

#[test]
fn what_stands_for_a_key_tells_it_from_others() {
    let hasher = KeyHasher::default();
    assert_eq!(hasher.id(b"a"), hasher.clone().id(b"a"));
    assert_ne!(hasher.id(b"a"), hasher.id(b"b"));
    // Another process, other bits.
    assert_ne!(hasher.id(b"a"), KeyHasher::default().id(b"a"));
    let empty: ArrayRef = Arc::new(Int64Array::from(Vec::<i64>::new()));
    assert!(bytes(&key(&[("n", Arc::clone(&empty))]), &[("n", empty)]).is_empty());
}
