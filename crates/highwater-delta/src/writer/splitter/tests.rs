//! Rows and their partitions.

use arrow::array::{Int64Array, StringArray};

use super::*;

fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("country", DataType::Utf8, true),
        Field::new("id", DataType::Int64, false),
    ]))
}

fn rows(countries: &[Option<&str>]) -> RecordBatch {
    let ids: Int64Array = (0..countries.len()).map(|id| i64::try_from(id).ok()).collect();
    let countries = StringArray::from(countries.to_vec());
    RecordBatch::try_new(schema(), vec![Arc::new(countries), Arc::new(ids)]).unwrap()
}

#[test]
fn rows_are_divided_and_lose_their_partition_columns() {
    let mut splitter = Splitter::new(&schema(), &["country".to_owned()]);
    assert_eq!(splitter.file_schema(&schema()).fields().len(), 1);
    let rows = rows(&[Some("nl"), Some("a/b"), None, Some(""), Some("nl")]);
    let groups = splitter.divide(&rows).unwrap();
    let seen: Vec<_> = groups
        .iter()
        .map(|group| {
            let ids = group.rows.column(0).as_any().downcast_ref::<Int64Array>().unwrap();
            assert_eq!(group.rows.num_columns(), 1);
            (group.partition.directory.as_str(), ids.values().to_vec())
        })
        .collect();
    let null = "country=__HIVE_DEFAULT_PARTITION__";
    let expected = [("country=nl", vec![0, 4]), ("country=a%2Fb", vec![1]), (null, vec![2, 3])];
    assert_eq!(seen, expected);
    assert_eq!(groups[1].partition.values, [Some("a/b".to_owned())]);
    assert_eq!(groups[2].partition.values, [None]);
}

#[test]
fn a_partition_column_that_the_rows_do_not_have_is_null() {
    let mut splitter = Splitter::new(&schema(), &["day".to_owned(), "country".to_owned()]);
    let groups = splitter.divide(&rows(&[Some("nl")])).unwrap();
    assert_eq!(groups[0].partition.values, [None, Some("nl".to_owned())]);
    let mut nowhere = Splitter::new(&schema(), &["day".to_owned()]);
    let groups = nowhere.divide(&rows(&[None, None])).unwrap();
    assert_eq!((groups.len(), groups[0].partition.values.clone()), (1, vec![None]));
    let without = Splitter::new(&schema(), &[]).divide(&rows(&[None, None])).unwrap();
    assert_eq!((without.len(), without[0].rows.num_columns()), (1, 2));
}
