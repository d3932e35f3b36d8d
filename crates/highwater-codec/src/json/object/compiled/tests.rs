//! The quick way answers as the long way does, whatever the records are.

mod documents;

use proptest::collection::vec;
use proptest::test_runner::{Config, TestRunner};

use crate::json::JsonDecoder;
use crate::json::attempts::Attempts;
use crate::json::group::{GROUP, Group};
use crate::json::object::Object;
use crate::{Column, Columns, RecordDecoder, Records, Span, Type};
use documents::{damage, damaged, document};

fn flat() -> Columns {
    Columns::new()
        .required("id", Type::Text)
        .column(Column::optional("amount_text", Type::Text).key("amount"))
        .optional("amount", Type::Decimal(18, 2))
        .optional("when", Type::Timestamp)
        .optional("int", Type::Int)
        .required("long", Type::Long)
        .optional("double", Type::Double)
        .optional("boolean", Type::Boolean)
        .column(Column::optional("named", Type::Text).key("é"))
}

fn nested() -> Columns {
    let name = Columns::new().required("first", Type::Text).optional("last", Type::Text);
    let image = Columns::new()
        .required("id", Type::Long)
        .optional("name", Type::Struct(name))
        .optional("amount", Type::Decimal(9, 4));
    Columns::new()
        .optional("before", Type::Struct(image.clone()))
        .required("after", Type::Struct(image))
        .required("op", Type::Text)
        .optional("ts", Type::Long)
}

fn decoder(columns: &Columns, attempts: fn() -> Attempts) -> JsonDecoder {
    let object = Object::new(columns, "", 1);
    let (schema, attempts, groups) = (columns.schema(), attempts(), attempts());
    JsonDecoder { schema, object, attempts, groups, scratch: String::new() }
}

/// Two decoders of the same columns, one of which never takes a quick way.
struct Both {
    quick: JsonDecoder,
    long: JsonDecoder,
}

impl Both {
    fn new(columns: &Columns) -> Self {
        let quick = decoder(columns, Attempts::always);
        Self { quick, long: decoder(columns, Attempts::never) }
    }

    /// Decodes by both ways, which must not differ, and counts the rows.
    fn decode(&mut self, values: &[Vec<u8>]) -> usize {
        let (data, spans) = laid_out(values);
        let records = Records { data: &data, values: &spans };
        let (mut quick_outcomes, mut outcomes) = (Vec::new(), Vec::new());
        let quick = self.quick.decode(&records, &mut quick_outcomes).unwrap();
        let rows = self.long.decode(&records, &mut outcomes).unwrap();
        for ((value, quick), long) in values.iter().zip(&quick_outcomes).zip(&outcomes) {
            assert_eq!(quick, long, "{}", String::from_utf8_lossy(value));
        }
        assert_eq!(quick, rows);
        rows.num_rows()
    }
}

/// Values one behind the other, and where each is.
fn laid_out(values: &[Vec<u8>]) -> (Vec<u8>, Vec<Option<Span>>) {
    let mut data = Vec::new();
    let mut spans = Vec::new();
    for value in values {
        let start = u32::try_from(data.len()).unwrap();
        data.extend_from_slice(value);
        spans.push(Some(Span { start, end: u32::try_from(data.len()).unwrap() }));
    }
    (data, spans)
}

/// Runs so many documents of `columns` through both ways, some in a batch, each with the damaged
/// ones made of it.
fn compare(columns: &Columns, documents: usize) {
    const GOOD: usize = 3;
    const DAMAGED: usize = 20;
    const AMONG: usize = 3;
    let cases = u32::try_from(documents / (GOOD * (1 + DAMAGED))).unwrap();
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let damages = vec(vec(damage(), 1..3), DAMAGED);
    TestRunner::new(config)
        .run(&vec((document(columns), damages), GOOD), |documents| {
            let mut both = Both::new(columns);
            for (document, damages) in documents {
                // Once more at the end, by which time the order of its keys was learned.
                let damaged = || damages.iter().map(|damages| damaged(&document, damages));
                let first = std::iter::once(document.clone());
                let all: Vec<_> = first.chain(damaged()).chain([document.clone()]).collect();
                both.decode(&all);
                // And among many of its kind.
                for (place, damaged) in damaged().enumerate().take(AMONG) {
                    let mut all = vec![document.clone(); 2 * GROUP];
                    all[place * 7 % GROUP] = damaged;
                    both.decode(&all);
                }
            }
            Ok(())
        })
        .unwrap();
}

#[test]
fn flat_records_are_read_the_same_by_both_ways() {
    compare(&flat(), 10_000);
}

#[test]
fn nested_records_are_read_the_same_by_both_ways() {
    compare(&nested(), 10_000);
}

/// `cargo test --workspace --lib -- --ignored ten_million`; the variable `DOCUMENTS` is another number.
#[test]
#[ignore = "takes many minutes: run it by name after a change of the quick way"]
fn ten_million_records_are_read_the_same_by_both_ways() {
    let documents = std::env::var("DOCUMENTS").map_or(10_000_000, |text| text.parse().unwrap());
    compare(&flat(), documents / 2);
    compare(&nested(), documents / 2);
}

fn takes_the_quick_way(columns: &Columns, value: &str) -> bool {
    let mut both = Both::new(columns);
    let rows = both.decode(&[value.as_bytes().to_vec()]);
    let quick = decoder(columns, Attempts::always).object.read_quickly(value.as_bytes());
    assert!(quick.is_none() || rows == 1);
    quick.is_some()
}

#[test]
fn usual_records_take_the_quick_way() {
    let columns = flat();
    for value in [
        r#"{"id":"a","amount":"12.50","when":"2025-01-16T12:30:00Z","int":7,"long":-1,"double":0.5,"boolean":true,"é":"ü"}"#,
        r#"{"long": 1e3, "id": 5, "amount": 12.5, "boolean": false, "double": -2E-2, "int": 3.0}"#,
        "\r\n\t { \"id\" : \"a\" , \"long\" : 0 } \n",
        r#"{"id":"","long":0,"other":{"id":[1,{"x":null}],"é":[]},"id2":"é"}"#,
        r#"{"id":"","long":9223372036854775807,"int":null,"amount":null,"when":null}"#,
    ] {
        assert!(takes_the_quick_way(&columns, value), "{value}");
    }
    for value in [
        r#"{"before":null,"after":{"id":1},"op":"c"}"#,
        r#"{"before":{"id":1,"name":{"first":"a"}},"after":{"amount":"1.5","id":1},"op":"u","ts":1}"#,
        r#"{"op":"u","source":{"after":{"id":[]}},"after":{"name":null,"id":1,"x":{}}}"#,
    ] {
        assert!(takes_the_quick_way(&nested(), value), "{value}");
    }
}

#[test]
fn all_others_are_left_to_the_long_way() {
    let good = r#"{"id":"a","long":1,"int":2}"#;
    assert!(takes_the_quick_way(&flat(), good));
    for (part, instead) in [
        ("\"a\"", "\"\\u0061\""),
        ("\"a\"", "\"\n\""),
        ("\"id\"", "\"\\u0069d\""),
        ("\"a\"", "null"),
        ("\"a\"", "{}"),
        ("\"a\"", "a"),
        ("\"id\"", "\"Id\""),
        ("1", "01"),
        ("1", "1.5"),
        ("1", "+1"),
        ("1", "\"1\""),
        ("1", "1,\"long\":1"),
        ("2", "2,\"other\":\"\\n\""),
        ("2", "2147483648"),
        ("2}", "2}}"),
        ("2}", "2,}"),
        ("2}", "2"),
        ("{", ""),
        ("{", "\u{b}{"),
        ("{", "\u{feff}{"),
        (":2", ":2 2"),
        (":2", "2"),
        (",", ",,"),
    ] {
        let value = good.replacen(part, instead, 1);
        assert_ne!(value, good);
        assert!(!takes_the_quick_way(&flat(), &value), "{value}");
    }
}

#[test]
fn limits_are_those_of_the_long_way() {
    let keys = |keys: usize| format!("{{{}\"id\":\"a\",\"long\":1}}", "\"x\":1,".repeat(keys - 2));
    assert!(takes_the_quick_way(&flat(), &keys(crate::json::MAX_KEYS)));
    assert!(!takes_the_quick_way(&flat(), &keys(crate::json::MAX_KEYS + 1)));
    let comma = keys(crate::json::MAX_KEYS).replace("1}", "1,}");
    assert!(!takes_the_quick_way(&flat(), &comma));
    let comma = format!("{{\"id\":\"a\",\"long\":1,\"{}\":1,}}", "x".repeat(100));
    assert!(!takes_the_quick_way(&flat(), &comma));
    let comma = format!("{{\"{}\":1,}}", "x".repeat(100));
    assert!(!takes_the_quick_way(&Columns::new().optional("a", Type::Int), &comma));
    let deep = |depth: usize| {
        let (open, close) = ("[".repeat(depth), "]".repeat(depth));
        format!("{{\"id\":\"a\",\"long\":1,\"x\":{open}{close}}}")
    };
    assert!(takes_the_quick_way(&flat(), &deep(crate::json::MAX_DEPTH - 1)));
    assert!(!takes_the_quick_way(&flat(), &deep(crate::json::MAX_DEPTH)));
    let large = |bytes: usize| {
        let (before, after) = ("{\"long\":1,\"id\":\"", "\"}");
        format!("{before}{}{after}", "x".repeat(bytes - before.len() - after.len()))
    };
    assert!(takes_the_quick_way(&flat(), &large(crate::json::MAX_BYTES)));
    assert!(!takes_the_quick_way(&flat(), &large(crate::json::MAX_BYTES + 1)));
}

#[test]
fn keys_are_expected_and_never_assumed() {
    let mut both = Both::new(&flat());
    let values = [
        r#"{"id":"a","long":1,"int":2}"#,
        r#"{"id":"b","int":2,"long":1}"#,
        r#"{"int":3,"long":2,"id":"c"}"#,
        r#"{"x":1,"id":"d","y":2,"long":3}"#,
        r#"{"x":1,"id":"e","long":3,"y":2}"#,
        r#"{"id":"f","long":1,"int":2}"#,
        r#"{"id":"g","long":1,"id":"g"}"#,
        r#"{"id":"h","log":1}"#,
        r#"{"id":"i","long" :1,"int":2}"#,
    ];
    let values: Vec<_> = values.iter().map(|value| value.as_bytes().to_vec()).collect();
    for _ in 0..3 {
        assert_eq!(both.decode(&values), 7);
    }
}

#[test]
fn usual_records_take_the_quick_way_from_the_first_on() {
    let compact = r#"{"id":"a","amount":"1.50","when":"2025-01-16T00:00:00.5","int":1,"long":2}"#;
    let spaced = compact.replace(':', ": ").replace("T00: 00: 00", "T00:00:00").replace(',', ", ");
    let reordered = r#"{ "long":2, "int" : 1, "id":"a" }"#;
    for record in [compact, &spaced, reordered] {
        let mut decoder = decoder(&flat(), Attempts::always);
        for other in [record, record, compact, &spaced, reordered, record] {
            assert_eq!(decoder.object.read_quickly(other.as_bytes()), Some(()), "{other}");
        }
    }
}

#[test]
fn times_are_read_whatever_length_the_one_before_had() {
    let columns = Columns::new().required("t", Type::Timestamp).optional("x", Type::Text);
    let mut both = Both::new(&columns);
    let (long, short) = ("2025-01-16T00:00:41.350123", "2025-01-16T00:00:41");
    let strings = [
        long,
        long,
        short,
        short,
        long,
        "2025-01-16T00:00:41.350123Z",
        "2025-01-16T02:00:41+02:00",
        "2025-01-17 00:00:41.350123",
        // As long as the last one that was good, and none.
        "2025-02-30T00:00:41.350123",
        "2025-01-16T00:00:41.35012\\\\",
        "2025-01-16T00:00:41.35012\\u0033",
        "2025-01-16T00:00:41.35\",\"x\":\"",
        "2025-01-16T00:00:41\",\"x\":\"1",
        "",
        long,
    ];
    let values = strings.map(|string| format!("{{\"t\":\"{string}\"}}").into_bytes());
    let cut = [&b"{\"t\":\""[..], long.as_bytes()].concat();
    let values: Vec<_> = values.into_iter().chain([cut, values_with_more(long)]).collect();
    let rows = both.decode(&values);
    assert_eq!(rows, 13);
}

fn values_with_more(time: &str) -> Vec<u8> {
    format!("{{\"t\": \"{time}\" , \"x\": null}}").into_bytes()
}

/// Reads records together, of which the first was read alone before, and counts those that went that way.
fn together(columns: &Columns, records: &[&str]) -> usize {
    let first = records[0].as_bytes().to_vec();
    let all: Vec<Vec<u8>> = (0..GROUP).map(|at| records[at % records.len()].into()).collect();
    let mut both = Both::new(columns);
    both.decode(&[first]);
    both.decode(&[&all[..], &all].concat());
    let mut decoder = both.quick;
    let (mut data, spans) = laid_out(&all);
    data.extend([b' '; 64]);
    let group = Group::new(&data, spans.as_slice().try_into().unwrap()).unwrap();
    let read = decoder.object.read_together(group).is_some();
    let rows = decoder.object.finish().map_or(0, |columns| columns[0].len());
    if read { rows } else { 0 }
}

#[test]
fn records_of_one_producer_are_read_together() {
    for records in [
        &[r#"{"id":"a","long":1}"#][..],
        &[r#"{"id":"a","long":1}"#, r#"{"id":"another","long":-12345678901}"#],
        &[r#"{"id": "a", "long": 1, "x": [1, {}]}"#, r#"{"id": "é", "long": 1e3, "x": null}"#],
        &[r#"{"id":"a","double":0.5,"long":1}"#, r#"{"id":7,"double":-12.25e1,"long":1}"#],
        &[r#"{"long":1,"id":"a","double":1.5}"#, r#"{"long":1,"id":"a","double":null}"#],
        &[
            r#"{"id":"a","long":1,"when":null}"#,
            r#"{"id":"a","long":1,"when":"2025-01-16 00:00:00Z"}"#,
        ],
        &[r#"{"id":"a","amount":"1.5","long":1}"#, r#"{"id":"a","amount":12,"long":1}"#],
        &[r#"{"a_key_that_nobody_reads_and_that_is_long":1,"id":"a","long":1}"#],
    ] {
        assert_eq!(together(&flat(), records), GROUP, "{records:?}");
    }
    let nested_ones = [
        r#"{"op":"u","after":{"id":1,"name":null}}"#,
        r#"{"op":"c","after":{"name":{"first":"b"},"id":2}}"#,
    ];
    assert_eq!(together(&nested(), &nested_ones), GROUP);
}

#[test]
fn all_other_records_are_not() {
    let usual = r#"{"id":"a","long":1}"#;
    for other in [
        r#"{"long":1,"id":"a"}"#,
        r#"{"id":"a", "long":1}"#,
        r#"{"id":"a","long":1,"int":1}"#,
        r#"{"id":"a","long":1,"id":"a"}"#,
        r#"{"id":"\u0061","long":1}"#,
        r#"{"id":null,"long":1}"#,
        r#"{"id":"a","long":1.5}"#,
        r#"{"id":"a","long":01}"#,
        r#"{"id":"a","long":9223372036854775808}"#,
        r#"{"id":"a","long":1} "#,
        r#"{"id":"a","long":1"#,
        r#"{"id":"a"#,
        r#"{"id":"a"}"#,
        "{}",
        "",
    ] {
        assert_eq!(together(&flat(), &[usual, other]), 0, "{other}");
        assert_eq!(together(&flat(), &[usual, usual, usual, other, usual]), 0, "{other}");
    }
    // What one record lacks, the next one has.
    assert_eq!(together(&flat(), &[usual, r#"{"id":"a","lo"#, r#"ng":1}"#]), 0);
}
