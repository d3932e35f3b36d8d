//! Texts and names of partition fields.

use super::*;

#[test]
fn a_field_is_read_as_it_is_written() {
    let fields = [
        identity("a"),
        bucket(16, "transaction_id"),
        truncate(4, "a b"),
        year("t"),
        month("t"),
        day("event_timestamp"),
        hour("t"),
    ];
    for field in fields {
        assert_eq!(field.to_string().parse::<PartitionField>().unwrap(), field);
    }
    assert_eq!("bucket( 16,x )".parse::<PartitionField>().unwrap(), bucket(16, "x"));
    assert_eq!(" x ".parse::<PartitionField>().unwrap(), identity("x"));
}

#[test]
fn what_is_no_field_is_named() {
    for text in ["", "day", "day()", "days(x)", "day(x", "bucket(x)", "bucket(-1, x)", "day(a, b)"]
    {
        match text.parse::<PartitionField>() {
            Err(error) => assert!(error.to_string().contains(&format!("{text:?}")), "{error}"),
            // A lone word is a column.
            Ok(field) => assert_eq!(field, identity("day")),
        }
    }
}

#[test]
fn names_are_those_of_other_engines() {
    let names = [identity("a"), bucket(16, "a"), truncate(4, "a"), year("a"), day("a")];
    let names = names.map(|field| field.name());
    assert_eq!(names, ["a", "a_bucket_16", "a_trunc_4", "a_year", "a_day"]);
}
