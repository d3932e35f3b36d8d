//! Rows are divided as a row-by-row reference divides them.

use arrow::array::{Int64Array, StringArray, StructArray};
use arrow::datatypes::{Field, Fields, Schema};

use super::*;

fn field(id: i32) -> FieldId {
    FieldId { id, widened: None, children: Vec::new() }
}

fn by(name: &str, source: i32, transform: &str) -> PartitionTarget {
    PartitionTarget { name: name.to_owned(), source, transform: transform.to_owned() }
}

fn rows(ids: &[i64], notes: &[Option<&str>]) -> RecordBatch {
    let columns: [(&str, ArrayRef); 2] = [
        ("id", Arc::new(Int64Array::from(ids.to_vec()))),
        ("note", Arc::new(StringArray::from(notes.to_vec()))),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

fn divided(splitter: &mut Splitter, rows: RecordBatch) -> Vec<(Partition, Vec<i64>)> {
    let divided = splitter.divide(rows).unwrap();
    let ids = |rows: &RecordBatch| {
        rows.column(0).as_primitive::<arrow::datatypes::Int64Type>().values().to_vec()
    };
    let named =
        |group: &Group| (splitter.partition(&divided.columns, group.first), ids(&group.rows));
    divided.groups.iter().map(named).collect()
}

#[test]
fn rows_keep_their_order_within_a_partition() {
    let spec = [by("note", 2, "identity"), by("id_trunc_10", 1, "truncate[10]")];
    let mut splitter = Splitter::try_new(&[field(1), field(2)], &spec).unwrap();
    let notes = [Some("a"), None, Some("a"), Some(""), None, Some("a")];
    let found = divided(&mut splitter, rows(&[3, 1, 12, 2, 4, 5], &notes));
    let partition = |note: Option<&str>, ten: i64, directory: &str| Partition {
        values: vec![note.map(|note| Bound::Text(note.to_owned())), Some(Bound::Long(ten))],
        directory: directory.to_owned(),
    };
    let expected = [
        (partition(Some("a"), 0, "note=a/id_trunc_10=0"), vec![3, 5]),
        (partition(None, 0, "note=null/id_trunc_10=0"), vec![1, 4]),
        (partition(Some("a"), 10, "note=a/id_trunc_10=10"), vec![12]),
        (partition(Some(""), 0, "note=/id_trunc_10=0"), vec![2]),
    ];
    assert_eq!(found, expected);
}

#[test]
fn keys_do_not_depend_on_the_batch() {
    let spec = [by("note", 2, "identity")];
    let mut splitter = Splitter::try_new(&[field(1), field(2)], &spec).unwrap();
    let first = splitter.divide(rows(&[1, 2], &[Some("x"), None])).unwrap();
    let second = splitter.divide(rows(&[3, 4, 5], &[None, Some("y"), Some("x")])).unwrap();
    assert_eq!(first.groups[0].key, second.groups[2].key);
    assert_eq!(first.groups[1].key, second.groups[0].key);
    assert_ne!(first.groups[0].key, second.groups[1].key);
}

#[test]
fn a_table_without_partitions_has_one() {
    let mut splitter = Splitter::try_new(&[field(1), field(2)], &[]).unwrap();
    let found = divided(&mut splitter, rows(&[1, 2], &[Some("x"), None]));
    assert_eq!(found, [(Partition::default(), vec![1, 2])]);
}

#[test]
fn a_column_that_is_not_there_is_null() {
    let spec = [by("gone", 9, "bucket[4]")];
    let mut splitter = Splitter::try_new(&[field(1), field(2)], &spec).unwrap();
    let found = divided(&mut splitter, rows(&[1, 2], &[Some("x"), None]));
    let partition = Partition { values: vec![None], directory: "gone=null".to_owned() };
    assert_eq!(found, [(partition, vec![1, 2])]);
}

#[test]
fn parts_of_a_struct_are_null_where_it_is() {
    let part: ArrayRef = Arc::new(StringArray::from(vec![Some("x"), Some("y"), Some("x")]));
    let fields = Fields::from(vec![Field::new("part", DataType::Utf8, true)]);
    let nulls = NullBuffer::from(vec![true, true, false]);
    let whole: ArrayRef = Arc::new(StructArray::new(fields, vec![part], Some(nulls)));
    let id: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3]));
    let schema = Schema::new(vec![
        Field::new("id", DataType::Int64, false),
        Field::new("whole", whole.data_type().clone(), true),
    ]);
    let rows = RecordBatch::try_new(Arc::new(schema), vec![id, whole]).unwrap();
    let ids = [field(1), FieldId { id: 2, widened: None, children: vec![field(3)] }];
    let mut splitter = Splitter::try_new(&ids, &[by("part", 3, "identity")]).unwrap();
    let directories: Vec<_> = divided(&mut splitter, rows)
        .into_iter()
        .map(|(partition, ids)| (partition.directory, ids))
        .collect();
    let expected = [("part=x", vec![1]), ("part=y", vec![2]), ("part=null", vec![3])];
    assert_eq!(directories, expected.map(|(name, ids)| (name.to_owned(), ids)));
}

#[test]
fn unknown_transforms_are_refused() {
    assert!(Splitter::try_new(&[field(1)], &[by("x", 1, "zorder")]).is_none());
}
