//! Which columns can be read as which.

use arrow::datatypes::{DataType, Field, TimeUnit};

use super::*;

#[test]
fn columns_are_read_by_name_in_any_layout_of_the_same_values() {
    let zone = |zone: &str| DataType::Timestamp(TimeUnit::Microsecond, Some(zone.into()));
    let window = |names: &[&str], of: &str| {
        let part = |name: &&str| Field::new(*name, zone(of), true);
        DataType::Struct(names.iter().map(part).collect())
    };
    let theirs = Schema::new(vec![
        Field::new("id", DataType::Int64, false),
        Field::new("name", DataType::Utf8, true),
        Field::new("at", zone("UTC"), true),
        Field::new("window", window(&["start", "end"], "UTC"), true),
        Field::new("tags", DataType::new_list(DataType::Utf8, true), true),
    ]);
    let ours = Schema::new(vec![
        Field::new("at", zone("+00:00"), true),
        Field::new("window", window(&["start", "end"], "+00:00"), false),
        Field::new("tags", DataType::new_large_list(DataType::LargeUtf8, false), true),
        Field::new("name", DataType::Utf8View, true),
    ]);
    assert_eq!(differences(&ours, &theirs), []);
    let ours = Schema::new(vec![
        Field::new("id", DataType::Int32, false),
        Field::new("at", zone("+01:00"), true),
        Field::new("age", DataType::Int32, true),
        Field::new("window", window(&["end", "start"], "UTC"), true),
    ]);
    let names = differences(&ours, &theirs).iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(names.len(), 4, "{names:?}");
    assert!(names[0].contains("id is Int64 in the table") && names[2].contains("age"), "{names:?}");
}
