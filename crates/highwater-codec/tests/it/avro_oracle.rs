//! Avro against another implementation: whatever the bytes, a record becomes the row that apache-avro
//! reads, or none where it reads none; and those next to it become what they would be alone.

use std::fmt::Write as _;
use std::sync::LazyLock;

use apache_avro::types::Value;
use apache_avro::{Schema, from_avro_datum, to_avro_datum};
use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int32Type, Int64Type,
    TimestampMicrosecondType,
};
use highwater_codec::RecordDecoder;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::test_runner::Config;

use crate::avro::{decoder, schema};
use crate::rows::decode;

/// Its last field is a number: apache-avro takes the end of a record for an empty text, or for the null of
/// a union, and so goes on to the next field.
const WRITER: &str = r#"{"type":"record","name":"Row","namespace":"demo","fields":[
    {"name":"many","type":["null","long","string"]},
    {"name":"id","type":"long"},
    {"name":"text","type":"string"},
    {"name":"maybe","type":["null","int"]},
    {"name":"flag","type":"boolean"},
    {"name":"ratio","type":"double"},
    {"name":"single","type":"float"},
    {"name":"raw","type":["bytes","null"]},
    {"name":"at","type":{"type":"long","logicalType":"timestamp-micros"}},
    {"name":"on","type":{"type":"int","logicalType":"date"}},
    {"name":"price","type":{"type":"bytes","logicalType":"decimal","precision":20,"scale":2}},
    {"name":"code","type":{"type":"fixed","name":"Code","size":3}},
    {"name":"kind","type":{"type":"enum","name":"Kind","symbols":["A","B","C"]}},
    {"name":"kinds","type":{"type":"array","items":["null","Kind"]}},
    {"name":"tags","type":{"type":"array","items":"string"}},
    {"name":"counts","type":{"type":"map","values":"long"}},
    {"name":"inner","type":["null",{"type":"record","name":"Inner","fields":[
        {"name":"skipped","type":"string"},
        {"name":"a","type":"int"},
        {"name":"b","type":["null","string"]}]}]},
    {"name":"end","type":"long"}]}"#;

/// Reads most of it: in another order, promoted, renamed, and with fields that are not written.
const READER: &str = r#"{"type":"record","name":"Row","namespace":"demo","fields":[
    {"name":"extra","type":"string","default":"none"},
    {"name":"id","type":"long"},
    {"name":"maybe","type":["null","long"]},
    {"name":"words","type":"string","aliases":["text"]},
    {"name":"flag","type":"boolean"},
    {"name":"ratio","type":"double"},
    {"name":"single","type":"double"},
    {"name":"raw","type":["null","bytes"],"default":null},
    {"name":"at","type":{"type":"long","logicalType":"timestamp-micros"}},
    {"name":"on","type":{"type":"int","logicalType":"date"}},
    {"name":"price","type":{"type":"bytes","logicalType":"decimal","precision":20,"scale":2}},
    {"name":"code","type":{"type":"fixed","name":"Code","size":3}},
    {"name":"kind","type":{"type":"enum","name":"Kind","symbols":["A","B"],"default":"B"}},
    {"name":"tags","type":{"type":"array","items":"string"}},
    {"name":"counts","type":{"type":"map","values":"double"}},
    {"name":"inner","type":["null",{"type":"record","name":"Inner","fields":[
        {"name":"b","type":["null","string"]},
        {"name":"c","type":"int","default":7},
        {"name":"a","type":"long"}]}]},
    {"name":"none","type":["null","string"],"default":null},
    {"name":"list","type":{"type":"array","items":"int"},"default":[1,2]}]}"#;

/// The same for apache-avro, which does not know aliases of fields, and decimals only of full length.
static SCHEMAS: LazyLock<(Schema, Schema)> = LazyLock::new(|| {
    apache_avro::util::max_allocation_bytes(1 << 20);
    let parse = |text: &str| {
        let text = text
            .replace(r#""logicalType":"decimal","#, "")
            .replace(r#""words","type":"string","aliases":["text"]"#, r#""text","type":"string""#);
        Schema::parse_str(&text).unwrap()
    };
    (parse(WRITER), parse(READER))
});

/// One row as text, by either implementation.
fn by_arrow(array: &ArrayRef, row: usize) -> String {
    if array.is_null(row) {
        return "null".to_owned();
    }
    let list = |values: &ArrayRef| {
        let values: Vec<_> = (0..values.len()).map(|row| by_arrow(values, row)).collect();
        format!("[{}]", values.join(","))
    };
    match array.data_type() {
        DataType::Boolean => array.as_boolean().value(row).to_string(),
        DataType::Int32 => array.as_primitive::<Int32Type>().value(row).to_string(),
        DataType::Int64 => array.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::Date32 => array.as_primitive::<Date32Type>().value(row).to_string(),
        DataType::Timestamp(..) => {
            array.as_primitive::<TimestampMicrosecondType>().value(row).to_string()
        }
        DataType::Float32 => array.as_primitive::<Float32Type>().value(row).to_bits().to_string(),
        DataType::Float64 => array.as_primitive::<Float64Type>().value(row).to_bits().to_string(),
        DataType::Decimal128(..) => array.as_primitive::<Decimal128Type>().value(row).to_string(),
        DataType::Utf8 => format!("{:?}", array.as_string::<i32>().value(row)),
        DataType::Binary => format!("{:?}", array.as_binary::<i32>().value(row)),
        DataType::FixedSizeBinary(_) => format!("{:?}", array.as_fixed_size_binary().value(row)),
        DataType::List(_) => list(&array.as_list::<i32>().value(row)),
        DataType::Map(..) => {
            let entries = array.as_map().value(row);
            let mut pairs: Vec<_> = (0..entries.len())
                .map(|at| (by_arrow(entries.column(0), at), by_arrow(entries.column(1), at)))
                .collect();
            // Of a key that comes twice apache-avro keeps the last.
            pairs.reverse();
            pairs.sort_by(|one, other| one.0.cmp(&other.0));
            pairs.dedup_by(|one, other| one.0 == other.0);
            format!("{pairs:?}")
        }
        DataType::Struct(_) => record(array.as_struct().columns(), row),
        other => panic!("{other}"),
    }
}

fn record(columns: &[ArrayRef], row: usize) -> String {
    let mut text = String::new();
    for column in columns {
        write!(text, "{};", by_arrow(column, row)).unwrap();
    }
    text
}

fn by_apache(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Boolean(value) => value.to_string(),
        Value::Int(value) | Value::Date(value) => value.to_string(),
        Value::Long(value) | Value::TimestampMicros(value) => value.to_string(),
        Value::Float(value) => value.to_bits().to_string(),
        Value::Double(value) => value.to_bits().to_string(),
        Value::Bytes(value) => format!("{value:?}"),
        Value::String(value) | Value::Enum(_, value) => format!("{value:?}"),
        Value::Fixed(_, value) => format!("{value:?}"),
        Value::Union(_, value) => by_apache(value),
        Value::Array(values) => {
            format!("[{}]", values.iter().map(by_apache).collect::<Vec<_>>().join(","))
        }
        Value::Map(values) => {
            let mut pairs: Vec<_> =
                values.iter().map(|(key, value)| (format!("{key:?}"), by_apache(value))).collect();
            pairs.sort();
            format!("{pairs:?}")
        }
        Value::Record(fields) => fields.iter().fold(String::new(), |text, field| {
            let value = match field {
                (name, Value::Bytes(value)) if name == "price" => decimal(value),
                (_, value) => by_apache(value),
            };
            text + &value + ";"
        }),
        other => panic!("{other:?}"),
    }
}

fn decimal(bytes: &[u8]) -> String {
    let negative = bytes.first().is_some_and(|byte| *byte > 127);
    let start = if negative { -1_i128 } else { 0 };
    bytes.iter().fold(start, |value, byte| (value << 8) | i128::from(*byte)).to_string()
}

/// What apache-avro reads; nothing when it does not, or when bytes are left over.
fn expected(body: &[u8]) -> Option<String> {
    let (writer, reader) = &*SCHEMAS;
    let mut rest = body;
    let value = from_avro_datum(writer, &mut rest, Some(reader)).ok()?;
    rest.is_empty().then(|| by_apache(&value))
}

fn nullable(value: Option<Value>, null: u32, other: u32) -> Value {
    match value {
        None => Value::Union(null, Box::new(Value::Null)),
        Some(value) => Value::Union(other, Box::new(value)),
    }
}

fn kind(index: u32) -> Value {
    Value::Enum(index, ["A", "B", "C"][usize::try_from(index).unwrap()].to_owned())
}

prop_compose! {
    fn numbers()(
        id in any::<i64>(), maybe in option::of(any::<i32>()), flag in any::<bool>(), ratio in any::<f64>(),
        single in -1e30_f32..1e30, at in any::<i64>(), on in any::<i32>(),
        cents in -99_999_999_999_999_999_999_i128..=99_999_999_999_999_999_999, code in any::<[u8; 3]>(),
    ) -> Vec<(String, Value)> {
        let price = Value::Bytes(cents.to_be_bytes().to_vec());
        [
            ("id", Value::Long(id)), ("maybe", nullable(maybe.map(Value::Int), 0, 1)), ("flag", Value::Boolean(flag)),
            ("ratio", Value::Double(ratio)), ("single", Value::Float(single)), ("at", Value::TimestampMicros(at)),
            ("on", Value::Date(on)), ("price", price), ("code", Value::Fixed(3, code.to_vec())),
        ].map(|(name, value)| (name.to_owned(), value)).to_vec()
    }
}

prop_compose! {
    fn texts()(
        text in any::<String>(), raw in option::of(vec(any::<u8>(), 0..5)), kinds in vec(option::of(0_u32..3), 0..4),
        last in 0_u32..3, tags in vec(any::<String>(), 0..4), counts in vec(("[a-c]", any::<i32>()), 0..4),
        inner in option::of((any::<String>(), any::<i32>(), option::of(any::<String>()))),
        many in option::of(any::<String>()), long in any::<bool>(),
    ) -> Vec<(String, Value)> {
        let many = if long { Value::Union(1, Box::new(Value::Long(5))) } else { nullable(many.map(Value::String), 0, 2) };
        let inner = inner.map(|(skipped, a, b)| Value::Record(vec![
            ("skipped".to_owned(), Value::String(skipped)), ("a".to_owned(), Value::Int(a)),
            ("b".to_owned(), nullable(b.map(Value::String), 0, 1)),
        ]));
        let counts = counts.into_iter().map(|(key, count)| (key, Value::Long(count.into()))).collect();
        [
            ("text", Value::String(text)), ("raw", nullable(raw.map(Value::Bytes), 1, 0)), ("kind", kind(last)),
            ("kinds", Value::Array(kinds.into_iter().map(|it| nullable(it.map(kind), 0, 1)).collect())),
            ("tags", Value::Array(tags.into_iter().map(Value::String).collect())), ("counts", Value::Map(counts)),
            ("inner", nullable(inner, 0, 1)), ("many", many), ("end", Value::Long(1)),
        ].map(|(name, value)| (name.to_owned(), value)).to_vec()
    }
}

/// The encoding of a record.
fn sent() -> impl Strategy<Value = Vec<u8>> {
    (numbers(), texts()).prop_map(|(numbers, texts)| {
        to_avro_datum(&SCHEMAS.0, Value::Record([numbers, texts].concat())).unwrap()
    })
}

/// A record that was damaged: cut, with another byte somewhere, or with one more.
fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let place = any::<prop::sample::Index>();
    let byte = prop_oneof![any::<u8>(), 0_u8..6, Just(0xff), Just(0x80)];
    (sent(), vec((0..4, place, byte), 1..3)).prop_map(|(mut body, damages)| {
        for (damage, place, byte) in damages {
            let at = place.index(body.len() + 1);
            match damage {
                0 => body.truncate(at),
                1 => body.insert(at, byte),
                2 if at < body.len() => body[at] = byte,
                3 if at < body.len() => drop(body.remove(at)),
                _ => {}
            }
        }
        body
    })
}

fn framed(body: &[u8]) -> Vec<u8> {
    [&[0, 0, 0, 0, 1], body].concat()
}

fn decode_all(
    decoder: &mut dyn RecordDecoder,
    bodies: &[Vec<u8>],
) -> (RecordBatch, Vec<Option<String>>) {
    let values: Vec<_> = bodies.iter().map(|body| framed(body)).collect();
    let values: Vec<_> = values.iter().map(|value| Some(value.as_slice())).collect();
    let (rows, outcomes) = decode(decoder, &values);
    (rows, outcomes.into_iter().map(|outcome| outcome.map(|reason| reason.to_string())).collect())
}

/// What this crate asks for and apache-avro does not: it passes over the length of a block, wraps
/// numbers of more than 64 bits, and holds more digits than a column does.
fn stricter(reason: &str) -> bool {
    let stricter =
        ["a block ", "of more than 64 bits", "out of range for decimal", "items without bytes"];
    stricter.iter().any(|it| reason.contains(it))
}

fn check(bodies: &[Vec<u8>]) {
    let mut decoder = decoder(&schema(WRITER), &schema(READER));
    let (rows, outcomes) = decode_all(decoder.as_mut(), bodies);
    let mut row = 0;
    for (body, outcome) in bodies.iter().zip(outcomes) {
        match (outcome, expected(body)) {
            (None, expected) => {
                assert_eq!(Some(record(rows.columns(), row)), expected, "{body:?}");
                row += 1;
            }
            (Some(_), None) => {}
            (Some(reason), Some(expected)) => {
                assert!(stricter(&reason), "{reason}, but it is {expected}: {body:?}");
            }
        }
    }
}

proptest! {
    #![proptest_config(Config::with_cases(200))]

    #[test]
    fn good_records_arrive_as_apache_avro_reads_them(bodies in vec(sent(), 1..12)) {
        let mut decoder = decoder(&schema(WRITER), &schema(READER));
        let (_, outcomes) = decode_all(decoder.as_mut(), &bodies);
        prop_assert_eq!(outcomes, vec![None; bodies.len()]);
        check(&bodies);
    }

    #[test]
    fn neighbours_of_damaged_records_always_land(
        bodies in vec(prop_oneof![sent(), damaged(), vec(any::<u8>(), 0..60)], 1..16)
    ) {
        check(&bodies);
        let mut decoder = decoder(&schema(WRITER), &schema(READER));
        let (rows, outcomes) = decode_all(decoder.as_mut(), &bodies);
        let mut row = 0;
        for (body, outcome) in bodies.iter().zip(outcomes) {
            // What is decided about a record does not depend on where it stands.
            let (alone, alone_outcome) = decode_all(decoder.as_mut(), std::slice::from_ref(body));
            prop_assert_eq!(&alone_outcome[0], &outcome);
            if outcome.is_none() {
                prop_assert_eq!(record(alone.columns(), 0), record(rows.columns(), row));
                row += 1;
            }
        }
    }
}
