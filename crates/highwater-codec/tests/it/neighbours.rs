//! Whatever is in a record, those next to it become the rows they would be alone.

use std::fmt::Write;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{
    Decimal128Type, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType,
};
use highwater_codec::{Column, Columns, Type};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::subsequence;
use proptest::test_runner::Config;

use crate::rows::{decode, decoder};
use crate::spark;

/// A row, as the producer has it.
#[derive(Clone, Debug, PartialEq)]
struct Sent {
    text: Option<String>,
    int: Option<i32>,
    long: Option<i64>,
    double: Option<f64>,
    boolean: Option<bool>,
    cents: Option<i64>,
    micros: Option<i64>,
    inner: Option<Option<String>>,
}

fn columns() -> Columns {
    Columns::new()
        .optional("text", Type::Text)
        .column(Column::optional("copy", Type::Text).key("text"))
        .optional("int", Type::Int)
        .optional("long", Type::Long)
        .optional("double", Type::Double)
        .optional("boolean", Type::Boolean)
        .column(Column::optional("amount", Type::Decimal(18, 2)).key("cents"))
        .optional("time", Type::Timestamp)
        .optional("inner", Type::Struct(Columns::new().optional("name", Type::Text)))
}

prop_compose! {
    fn sent()(
        text in option::of(any::<String>()),
        int in option::of(any::<i32>()),
        long in option::of(any::<i64>()),
        double in option::of(any::<f64>().prop_filter("finite", |double| double.is_finite())),
        boolean in option::of(any::<bool>()),
        cents in option::of(-999_999_999_999_999_999_i64..=999_999_999_999_999_999),
        micros in option::of(0_i64..86_400_000_000),
        inner in option::of(option::of("[a-z\"\\\\\u{1F600}]{0,4}")),
    ) -> Sent {
        Sent { text, int, long, double, boolean, cents, micros, inner }
    }
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

/// The members of the object, as texts, nulls included.
fn members(sent: &Sent) -> Vec<String> {
    fn member(key: &str, value: Option<String>) -> String {
        format!("{}:{}", quoted(key), value.unwrap_or_else(|| "null".to_owned()))
    }
    let cents = |cents: i64| {
        let sign = if cents < 0 { "-" } else { "" };
        let cents = cents.unsigned_abs();
        format!("\"{sign}{}.{:02}\"", cents / 100, cents % 100)
    };
    let time = |micros: i64| {
        let (seconds, micros) = (micros / 1_000_000, micros % 1_000_000);
        let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
        format!("\"1970-01-01T{hours:02}:{minutes:02}:{seconds:02}.{micros:06}\"")
    };
    vec![
        member("text", sent.text.as_deref().map(quoted)),
        member("int", sent.int.map(|int| int.to_string())),
        member("long", sent.long.map(|long| long.to_string())),
        member("double", sent.double.map(|double| serde_json::to_string(&double).unwrap())),
        member("boolean", sent.boolean.map(|boolean| boolean.to_string())),
        member("cents", sent.cents.map(cents)),
        member("time", sent.micros.map(time)),
        member(
            "inner",
            sent.inner.as_ref().map(|name| match name {
                Some(name) => format!("{{\"name\":{}}}", quoted(name)),
                None => "{}".to_owned(),
            }),
        ),
        member("ignored", Some("[{\"text\":1}]".to_owned())),
    ]
}

fn encoded(members: &[String]) -> String {
    let mut object = String::from("{");
    for (at, member) in members.iter().enumerate() {
        let comma = if at == 0 { "" } else { " , " };
        write!(object, "{comma}{member}").unwrap();
    }
    object + "}"
}

fn received(rows: &RecordBatch, row: usize) -> Sent {
    fn value<T>(array: &dyn Array, row: usize, of: impl Fn() -> T) -> Option<T> {
        array.is_valid(row).then(of)
    }
    let column = |at: usize| rows.column(at).as_ref();
    let text =
        |array: &dyn Array| value(array, row, || array.as_string::<i32>().value(row).to_owned());
    assert_eq!(text(column(0)), text(column(1)));
    Sent {
        text: text(column(0)),
        int: value(column(2), row, || column(2).as_primitive::<Int32Type>().value(row)),
        long: value(column(3), row, || column(3).as_primitive::<Int64Type>().value(row)),
        double: value(column(4), row, || column(4).as_primitive::<Float64Type>().value(row)),
        boolean: value(column(5), row, || column(5).as_boolean().value(row)),
        cents: value(column(6), row, || {
            i64::try_from(column(6).as_primitive::<Decimal128Type>().value(row)).unwrap()
        }),
        micros: value(column(7), row, || {
            column(7).as_primitive::<TimestampMicrosecondType>().value(row)
        }),
        inner: value(column(8), row, || text(column(8).as_struct().column(0).as_ref())),
    }
}

/// Something else than a good record: bytes, near misses, and good records that were cut.
fn rubbish() -> impl Strategy<Value = Vec<u8>> {
    let near = prop::sample::select(vec![
        "",
        " ",
        "null",
        "{",
        "{}{}",
        "{}x",
        "[]",
        "{\"int\":1.5}",
        "{\"int\":1,\"int\":1}",
        "{\"text\":\"\\ud800\"}",
        "{\"inner\":5}",
        "{\"inner\":{\"name\":{}}}",
        "{\"x\":\"\\ud800\"}",
        "{\"cents\":\"0.001\"}",
        "{\"time\":0}",
        "{\"text\":\"abc\",\"double\":1e999}",
        "\u{feff}{}",
        "{\"text\":\"long enough to be taken back\",\"inner\":{\"name\":\"too\"},\"long\":true}",
    ]);
    let alphabet = prop::sample::select(b"{}[]\":,\\u0123456789e.-+ntfa \xff\xed".to_vec());
    prop_oneof![
        vec(any::<u8>(), 0..40),
        vec(alphabet, 0..40),
        near.prop_map(|text| text.as_bytes().to_vec()),
        (sent(), any::<prop::sample::Index>()).prop_map(|(sent, at)| {
            let mut bytes = encoded(&members(&sent)).into_bytes();
            bytes.truncate(at.index(bytes.len()));
            bytes
        }),
    ]
}

proptest! {
    #![proptest_config(Config::with_cases(150))]

    #[test]
    fn rows_arrive_as_they_were_sent_in_any_order_of_keys(
        sent in vec((sent(), Just((0..9).collect::<Vec<usize>>()).prop_shuffle(), subsequence((0..9).collect::<Vec<usize>>(), 0..=9)), 1..20)
    ) {
        let values: Vec<String> = sent.iter().map(|(sent, order, dropped)| {
            // A member that is null may as well be missing.
            let members = members(sent);
            let kept = order.iter().filter(|at| !(dropped.contains(at) && members[**at].ends_with(":null")));
            encoded(&kept.map(|at| members[*at].clone()).collect::<Vec<_>>())
        }).collect();
        let views: Vec<Option<&[u8]>> = values.iter().map(|value| Some(value.as_bytes())).collect();
        // Where a record has an answer by strict rules, that is Spark's answer too.
        for mut decoder in [decoder(columns()), spark::decoder(columns())] {
            let (rows, outcomes) = decode(decoder.as_mut(), &views);
            prop_assert!(outcomes.iter().all(Option::is_none), "{:?}", outcomes);
            for (row, (sent, _, _)) in sent.iter().enumerate() {
                prop_assert_eq!(&received(&rows, row), sent);
            }
        }
    }

    #[test]
    fn neighbours_of_rubbish_always_land(
        records in vec(prop_oneof![
            sent().prop_map(|sent| (encoded(&members(&sent)).into_bytes(), Some(sent))),
            rubbish().prop_map(|bytes| (bytes, None)),
        ], 0..30),
    ) {
        let views: Vec<Option<&[u8]>> = records.iter().map(|(bytes, _)| Some(bytes.as_slice())).collect();
        let mut decoder = decoder(columns());
        let (rows, outcomes) = decode(decoder.as_mut(), &views);
        let mut row = 0;
        for ((bytes, sent), outcome) in records.iter().zip(&outcomes) {
            if let Some(sent) = sent {
                prop_assert!(outcome.is_none());
                prop_assert_eq!(&received(&rows, row), sent);
            }
            // What is decided about a record does not depend on where it stands.
            let (alone, alone_outcome) = decode(decoder.as_mut(), &[Some(bytes)]);
            prop_assert_eq!(&alone_outcome[0], outcome);
            if outcome.is_none() {
                prop_assert_eq!(received(&alone, 0), received(&rows, row));
                prop_assert!(serde_json::from_slice::<serde::de::IgnoredAny>(bytes).is_ok());
                row += 1;
            }
        }
    }

    #[test]
    fn each_record_gets_its_row_by_the_rules_of_spark(
        records in vec(prop_oneof![
            sent().prop_map(|sent| encoded(&members(&sent)).into_bytes()),
            rubbish(),
        ], 0..30),
    ) {
        let views: Vec<Option<&[u8]>> = records.iter().map(|bytes| Some(bytes.as_slice())).collect();
        let mut decoder = spark::decoder(columns());
        let (rows, outcomes) = decode(decoder.as_mut(), &views);
        let mut row = 0;
        for (bytes, outcome) in records.iter().zip(&outcomes) {
            let (alone, alone_outcome) = decode(decoder.as_mut(), &[Some(bytes)]);
            prop_assert_eq!(&alone_outcome[0], outcome);
            if outcome.is_none() {
                prop_assert_eq!(format!("{:?}", received(&alone, 0)), format!("{:?}", received(&rows, row)));
                row += 1;
            }
        }
    }
}
