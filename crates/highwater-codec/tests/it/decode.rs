//! From declared columns to batches.

use arrow::array::{Array, AsArray};
use arrow::datatypes::{Decimal128Type, Int32Type, Int64Type, TimestampMicrosecondType};
use highwater_codec::{Column, Columns, Fault, Format, Json, Records, Span, Type};
use highwater_core::ErrorKind;

use crate::rows::{decode, decoder, reason};

fn transactions() -> Columns {
    Columns::new()
        .required("transaction_id", Type::Text)
        .optional("account_from", Type::Text)
        .column(Column::required("amount_text", Type::Text).key("amount"))
        .required("amount", Type::Decimal(18, 2))
        .column(Column::required("event_timestamp", Type::Timestamp).key("timestamp"))
}

#[test]
fn one_key_feeds_several_columns() {
    let values = [
        br#"{"transaction_id":"a","amount":"12.5","timestamp":"1970-01-01T00:00:01"}"#.as_slice(),
        br#"{"timestamp":"1970-01-01 00:00:02Z","amount":12.50,"transaction_id":"b","account_from":"x"}"#,
    ];
    let values = values.map(Some);
    let (rows, outcomes) = decode(decoder(transactions()).as_mut(), &values);
    assert_eq!(outcomes, [None, None]);
    assert_eq!(rows.schema(), transactions().schema());
    let text = |column: usize| rows.column(column).as_string::<i32>().iter().collect::<Vec<_>>();
    assert_eq!(text(0), [Some("a"), Some("b")]);
    assert_eq!(text(1), [None, Some("x")]);
    assert_eq!(text(2), [Some("12.5"), Some("12.50")]);
    assert_eq!(rows.column(3).as_primitive::<Decimal128Type>().values()[..], [1250, 1250]);
    let times = rows.column(4).as_primitive::<TimestampMicrosecondType>();
    assert_eq!(times.values()[..], [1_000_000, 2_000_000]);
}

#[test]
fn a_required_column_of_a_shared_key_is_named() {
    let columns = Columns::new()
        .column(Column::optional("a", Type::Text).key("k"))
        .column(Column::required("b", Type::Int).key("k"));
    assert_eq!(
        reason(columns.clone(), "{}").unwrap(),
        "byte 1: column b: the key \"k\" is missing"
    );
    assert_eq!(
        reason(columns.clone(), r#"{"k":null}"#).unwrap(),
        "byte 5: column b: null, but the column is required"
    );
    assert_eq!(
        reason(columns, "{\n \"k\": \"x\"}").unwrap(),
        "byte 8: column b: \"x\" is not of type int"
    );
}

#[test]
fn structs_hold_columns_of_their_own() {
    let image = Columns::new().required("id", Type::Int).optional("name", Type::Text);
    let columns = Columns::new()
        .optional("before", Type::Struct(image.clone()))
        .optional("after", Type::Struct(image))
        .required("ts", Type::Long);
    let values = [
        r#"{"before":null,"after":{"id":1,"name":"n"},"ts":10}"#,
        r#"{"after":{"id":2},"before":{"name":"o"},"ts":11}"#,
        r#"{"after":{"id":3},"before":{"name":"p","id":4},"ts":12}"#,
        r#"{"ts":13}"#,
        r#"{"after":{"id":5,"name":7},"ts":"14"}"#,
    ];
    let values = values.map(|value| Some(value.as_bytes()));
    let (rows, outcomes) = decode(decoder(columns).as_mut(), &values);
    let reasons: Vec<String> = outcomes.iter().flatten().map(ToString::to_string).collect();
    assert_eq!(
        reasons,
        [
            "byte 38: column before.id: the key \"id\" is missing",
            "byte 32: column ts: \"14\" is not of type long"
        ]
    );
    let (before, after) = (rows.column(0).as_struct(), rows.column(1).as_struct());
    assert_eq!(before.nulls().unwrap().iter().collect::<Vec<_>>(), [false, true, false]);
    assert_eq!(after.nulls().unwrap().iter().collect::<Vec<_>>(), [true, true, false]);
    assert_eq!(after.column(0).as_primitive::<Int32Type>().values()[..], [1, 3, 0]);
    assert_eq!(before.column(1).as_string::<i32>().value(1), "p");
    assert_eq!(rows.column(2).as_primitive::<Int64Type>().values()[..], [10, 12, 13]);
}

#[test]
fn a_decoder_keeps_nothing_between_calls() {
    let mut decoder = decoder(Columns::new().optional("a", Type::Text).optional("b", Type::Int));
    for round in 0..3 {
        let good = format!(r#"{{"b":{round},"a":"r{round}"}}"#);
        let values = [Some(good.as_bytes()), Some(b"{\"a\":\"x\",\"b\":0.5}"), Some(b"{}"), None];
        let (rows, outcomes) = decode(decoder.as_mut(), &values);
        assert_eq!(
            outcomes.iter().map(Option::is_none).collect::<Vec<_>>(),
            [true, false, true, false]
        );
        assert_eq!(rows.column(0).as_string::<i32>().value(0), format!("r{round}"));
        assert_eq!(rows.column(1).as_primitive::<Int32Type>().value(0), round);
        assert_eq!((rows.column(0).null_count(), rows.column(1).null_count()), (1, 1));
    }
    let (rows, _) = decode(decoder.as_mut(), &[]);
    assert_eq!(rows.num_rows(), 0);
}

#[test]
fn a_span_outside_the_data_is_a_bug_of_the_caller() {
    let json = Json::try_new(Columns::new().optional("a", Type::Int)).unwrap();
    let mut decoder = json.decoder();
    for span in [Span { start: 0, end: 3 }, Span { start: 2, end: 1 }] {
        let records = Records { data: b"{}", values: &[Some(span)] };
        let error = decoder.decode(&records, &mut Vec::new()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Internal);
    }
    assert_eq!(decode(decoder.as_mut(), &[Some(b"{}")]).0.num_rows(), 1);
}

#[test]
fn a_reason_says_what_and_where() {
    let columns = Columns::new().required("amount", Type::Decimal(18, 2));
    let (_, outcomes) = decode(decoder(columns).as_mut(), &[Some(b"{\"amount\":\"1.234\"}")]);
    let reason = outcomes[0].as_ref().unwrap();
    assert_eq!(reason.position(), Some(10));
    let Fault::Value { column, found, .. } = reason.fault() else { panic!("{reason:?}") };
    assert_eq!((&**column, &**found), ("amount", "\"1.234\""));
}

#[test]
fn a_long_value_is_cut_in_its_reason() {
    let value = format!("{{\"a\":\"{}\"}}", "é".repeat(1_000));
    let reason = reason(Columns::new().optional("a", Type::Int), &value).unwrap();
    assert_eq!(reason, format!("byte 5: column a: \"{}… is not of type int", "é".repeat(39)));
}
