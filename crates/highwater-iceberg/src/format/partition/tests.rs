//! Specs of new tables, and tuples of files.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema as ArrowSchema};

use super::*;
use crate::format::table_schema;
use crate::partition::{bucket, day, identity, truncate, year};

fn input() -> ArrowSchema {
    ArrowSchema::new(vec![
        Field::new("id", DataType::Int64, false),
        Field::new("price", DataType::Float64, true),
        Field::new("on", DataType::Date32, true),
        Field::new("on_day", DataType::Utf8, true),
        Field::new("a name", DataType::Utf8, true),
    ])
}

#[test]
fn a_spec_has_the_names_and_columns_of_its_fields() {
    let schema = table_schema("t", &input()).unwrap();
    let spec = partition_spec("t", &schema, &[year("on"), bucket(16, "id")]).unwrap();
    let spec = spec.bind(Arc::new(schema)).unwrap();
    let targets = partition_targets(&spec);
    let target = |name: &str, source, transform: &str| PartitionTarget {
        name: name.to_owned(),
        source,
        transform: transform.to_owned(),
    };
    assert_eq!(targets, [target("on_year", 3, "year"), target("id_bucket_16", 1, "bucket[16]")]);
    assert_eq!(obstacle(&spec), None);
}

#[test]
fn fields_that_no_table_can_have_are_named() {
    let schema = table_schema("t", &input()).unwrap();
    let error = |fields: &[PartitionField]| match partition_spec("t", &schema, fields) {
        Err(error @ IcebergError::PartitionField { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    };
    for (fields, named) in [
        (vec![day("absent")], "day(absent)"),
        (vec![identity("id"), day("id")], "day(id)"),
        (vec![bucket(4, "price")], "bucket(4, price)"),
        (vec![bucket(0, "id")], "bucket(0, id)"),
        (vec![truncate(u32::MAX, "id")], "truncate(4294967295, id)"),
        (vec![day("on")], "day(on)"),
        (vec![year("on"), year("on")], "year(on)"),
        (vec![identity("a name")], "identity(a name)"),
    ] {
        assert_eq!(error(&fields), format!("table t cannot be partitioned by {named}"));
    }
}

#[test]
fn a_tuple_has_values_of_the_types_of_its_spec() {
    let schema = table_schema("t", &input()).unwrap();
    let spec = partition_spec("t", &schema, &[year("on"), identity("id")]).unwrap();
    let spec = spec.bind(Arc::new(schema.clone())).unwrap();
    let values = [None, Some(Bound::Long(7))];
    let made = tuple(&values, &spec, &schema).unwrap();
    assert_eq!(made.fields(), [None, Some(Literal::long(7))]);
    // An identity of a column that was widened after the file was written.
    let values = [Some(Bound::Int(47)), Some(Bound::Int(7))];
    let made = tuple(&values, &spec, &schema).unwrap();
    assert_eq!(made.fields(), [Some(Literal::int(47)), Some(Literal::long(7))]);
    assert!(tuple(&values[..1], &spec, &schema).is_err());
    assert!(tuple(&[None, Some(Bound::Text("7".to_owned()))], &spec, &schema).is_err());
}
