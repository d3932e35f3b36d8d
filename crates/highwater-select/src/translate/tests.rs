//! What is said of expressions that do not fit, and where.

use std::sync::Arc;

use arrow::datatypes::{Field, Schema};
use highwater_core::{Error, OperatorSpec as _, StreamInfo};

use super::*;
use crate::{Select, Where};

fn input() -> StreamInfo {
    let part = Field::new("Country", DataType::Utf8, true);
    let columns = vec![
        Field::new("event_id", DataType::Utf8, false),
        Field::new("event_type", DataType::Utf8, true),
        Field::new("value", DataType::Int32, true),
        Field::new("user", DataType::Struct(vec![part].into()), true),
        Field::new("Twice", DataType::Int32, true),
        Field::new("twice", DataType::Int32, true),
    ];
    StreamInfo::new(Arc::new(Schema::new(columns)))
}

fn said(error: &Error) -> String {
    format!("{error}; {}", error.next_step())
}

fn select(texts: &[&str]) -> String {
    said(&Select::of(texts.iter().copied()).resolve(&[input()]).unwrap_err())
}

fn filter(text: &str) -> String {
    said(&Where::holds(text).resolve(&[input()]).unwrap_err())
}

#[test]
fn an_unknown_column_is_named_with_the_nearest() {
    assert_eq!(
        select(&["event_id", "CAST(vlaue AS DECIMAL(18,2)) AS value"]),
        "select: there is no column vlaue\n    CAST(vlaue AS DECIMAL(18,2)) AS value\n         ^^^^^; \
         did you mean value? There are value, event_type, Twice, twice, event_id, user"
    );
    assert!(filter("user.county = 'de'").starts_with(
        "select: there is no column county\n    user.county = 'de'\n         ^^^^^^; did you mean Country?"
    ));
}

/// As Spark has it; where two columns differ in nothing else, the case decides.
#[test]
fn columns_are_found_in_any_case_if_there_is_one() {
    let columns = |text: &str| {
        let step = Select::of([text]).resolve(&[input()]).unwrap();
        step.output().schema.field(0).name().clone()
    };
    assert_eq!(columns("EVENT_ID"), "event_id");
    assert_eq!(columns("Twice"), "Twice");
    assert_eq!(columns("twice"), "twice");
    assert_eq!(columns("user.COUNTRY"), "COUNTRY");
    assert!(select(&["TWICE"]).starts_with("select: there is no column TWICE"));
}

#[test]
fn an_unknown_function_is_named_with_the_nearest() {
    assert_eq!(
        select(&["uper(event_type) AS type"]),
        "select: there is no function uper\n    uper(event_type) AS type\n    ^^^^; did you mean upper, or quarter?"
    );
}

#[test]
fn what_changes_each_time_is_refused() {
    for call in ["random()", "UUID()", "rand(7)"] {
        let said = select(&[&format!("value + {call} AS v")]);
        assert!(said.contains("gives something else each time"), "{said}");
        assert!(said.contains("\n            ^^^^"), "{said}");
    }
}

#[test]
fn types_that_do_not_go_together_are_shown_where_they_meet() {
    assert!(
        select(&["value * 2 + (event_id * 3) AS v"])
            .starts_with("select: Cannot coerce arithmetic expression Utf8 * Int32 to valid types"),
        "{}",
        select(&["value * 2 + (event_id * 3) AS v"])
    );
    let said = select(&["value * 2 + (user * 3) AS v"]);
    assert!(said.contains("\n                 ^^^^"), "{said}");
    let said = select(&["CASE WHEN value > 1 THEN value ELSE user END AS v"]);
    assert!(
        said.starts_with("select: the branches have no type in common: Int32, Struct"),
        "{said}"
    );
    assert_eq!(
        filter("value + 1"),
        "select: a condition is true or false, and this is Int32\n    value + 1\n    ^^^^^^^^^; compare it with something"
    );
    assert!(filter("event_id AND value > 1").contains("this is Utf8\n    event_id AND"));
}

#[test]
fn a_column_that_is_computed_needs_a_name_of_its_own() {
    assert_eq!(
        select(&["event_id", "value + 1"]),
        "select: a column that is computed needs a name\n    value + 1\n    ^^^^^^^^^; write it as .. AS name"
    );
    assert!(select(&["*", "value + 1 AS value"]).starts_with(
        "select: there are two columns value\n    value + 1 AS value\n    ^^^^^^^^^^^^^^^^^^; give one"
    ));
    assert!(select(&[]).starts_with("select: there is no expression"));
}

#[test]
fn what_is_no_computation_over_a_row_is_refused() {
    for (text, what) in [
        ("sum(value) AS v", "an aggregate adds rows up"),
        ("lower(event_id) OVER () AS v", "a step sees one row at a time, so calls"),
        ("(SELECT 1) AS v", "a step sees one row at a time"),
        ("value IN (SELECT 1) AS v", "a step sees one row at a time"),
        ("\"event_id\" AS v", "in double quotes Spark has text, and others have names"),
        ("date_format(event_id, 'yyyy') AS v", "Spark and DataFusion know different functions"),
        ("CAST(value AS GEOMETRY) AS v", "there is no such type"),
        ("CAST(value AS DECIMAL(39,0)) AS v", "there is no such type"),
        ("CAST(value AS TIMESTAMP) AS v", "what number a time is"),
        ("repeat(event_id, value) AS v", "how long the text becomes has to be known"),
        ("substr(event_id, -2) AS v", "what a place before the first character means"),
        ("transform(event_id, x -> x) AS v", "there is no function transform"),
        ("NULL AS v", "null alone has no type"),
        ("* REPLACE (1 AS value)", "expected the end"),
    ] {
        let said = select(&[text]);
        assert!(said.starts_with(&format!("select: {what}")), "{text}: {said}");
        assert!(said.contains('^'), "{text}: {said}");
    }
}

#[test]
fn a_constant_that_cannot_be_computed_is_found_before_any_row() {
    assert!(
        select(&["CAST('abc' AS INT) AS v"]).contains("Cannot cast string 'abc' to value of Int32")
    );
    assert!(select(&["1 div 0 AS v"]).contains("Divide by zero"));
}

#[test]
fn a_tree_as_deep_as_it_may_be_is_computed() {
    let row = format!("abs({}) AS v", vec!["value"; 60].join(" + "));
    assert!(Select::of([row]).resolve(&[input()]).is_ok());
    let nested = format!("{}value{} AS v", "abs(".repeat(20), ")".repeat(20));
    assert!(Select::of([nested]).resolve(&[input()]).is_ok());
}
