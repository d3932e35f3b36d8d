//! Avro: framing, resolution, logical types and limits, each by the bytes of the specification.

use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Int64Type, TimeUnit, TimestampMicrosecondType,
};
use highwater_codec::{
    Avro, AvroSchema, Column, Columns, Format, KnownSchemas, RecordDecoder, SchemaId, Schemas,
    Type, Writer,
};
use highwater_core::{Error, ErrorKind, Result};

use crate::rows::decode;

pub(crate) fn schema(text: &str) -> AvroSchema {
    AvroSchema::try_new(text).unwrap()
}

/// A record schema `R` with these fields.
fn record(fields: &str) -> AvroSchema {
    schema(&format!(r#"{{"type":"record","name":"R","fields":[{fields}]}}"#))
}

fn one_field(kind: &str) -> AvroSchema {
    record(&format!(r#"{{"name":"a","type":{kind}}}"#))
}

/// A decoder of records that `writer` wrote as schema 1 and `reader` reads.
pub(crate) fn decoder(writer: &AvroSchema, reader: &AvroSchema) -> Box<dyn RecordDecoder> {
    let schemas = KnownSchemas::new().id(1, writer.clone()).fingerprinted(writer.clone());
    Avro::try_new(reader, Arc::new(schemas)).unwrap().decoder()
}

fn framed(body: &[u8]) -> Vec<u8> {
    [&[0, 0, 0, 0, 1], body].concat()
}

/// What becomes of one record of schema 1: its row, or the reason why there is none.
fn read(writer: &AvroSchema, reader: &AvroSchema, body: &[u8]) -> Result<RecordBatch, String> {
    let value = framed(body);
    let (rows, outcomes) = decode(decoder(writer, reader).as_mut(), &[Some(&value)]);
    outcomes[0].as_ref().map_or(Ok(rows), |reason| Err(reason.to_string()))
}

fn reason(writer: &AvroSchema, reader: &AvroSchema, body: &[u8]) -> String {
    read(writer, reader, body).expect_err("rejected")
}

fn columns_read(writer: &str, columns: Columns, body: &[u8]) -> Result<RecordBatch, String> {
    let schemas = KnownSchemas::new().id(1, record(writer));
    let avro = Avro::columns(&columns, Arc::new(schemas)).unwrap();
    let value = framed(body);
    let (rows, outcomes) = decode(avro.decoder().as_mut(), &[Some(&value)]);
    outcomes[0].as_ref().map_or(Ok(rows), |reason| Err(reason.to_string()))
}

#[test]
fn both_framings_name_their_schema() {
    let writer = one_field(r#""long""#);
    let single = [&[0xc3, 1], writer.fingerprint().to_le_bytes().as_slice(), &[4]].concat();
    let confluent = framed(&[2]);
    let (rows, outcomes) = decode(
        decoder(&writer, &writer).as_mut(),
        &[Some(&single), Some(&confluent), Some(&single)],
    );
    assert_eq!(outcomes, [None, None, None]);
    assert_eq!(rows.column(0).as_primitive::<Int64Type>().values(), &[2, 1, 2]);
}

#[test]
fn fingerprints_are_those_of_other_implementations() {
    // By fastavro 1.13, "CRC-64-AVRO".
    let plain = one_field(r#""long""#);
    assert_eq!(format!("{:016x}", plain.fingerprint().swap_bytes()), FINGERPRINTS[0]);
    let logical = schema(
        r#"{"type":"record","name":"a.B","doc":"d","fields":[
            {"name":"d","type":{"type":"fixed","name":"F","size":16,"logicalType":"uuid"},"default":"x"},
            {"name":"t","type":{"type":"long","logicalType":"timestamp-millis"}}]}"#,
    );
    assert_eq!(format!("{:016x}", logical.fingerprint().swap_bytes()), FINGERPRINTS[1]);
}

const FINGERPRINTS: [&str; 2] = ["9a89b5f44e448d92", "bc5d55b3d051ba97"];

#[test]
fn a_value_without_a_known_schema_is_rejected_alone() {
    let writer = one_field(r#""long""#);
    let good = framed(&[2]);
    let bad: [&[u8]; 7] = [
        &[],
        b"{}",
        &[0, 0, 0],
        &[0xc3, 1, 2],
        &[0xc3, 2],
        &[0, 0, 0, 0, 9, 2],
        &[0xc3, 1, 1, 2, 3, 4, 5, 6, 7, 8, 2],
    ];
    let mut values: Vec<Option<&[u8]>> = vec![Some(&good), None];
    for bad in bad {
        values.extend([Some(bad), Some(good.as_slice())]);
    }
    let (rows, outcomes) = decode(decoder(&writer, &writer).as_mut(), &values);
    assert_eq!(rows.num_rows(), 8);
    let reasons: Vec<_> = outcomes.iter().flatten().map(ToString::to_string).collect();
    assert_eq!(
        reasons,
        [
            "the record has no value",
            "the value is empty",
            "begins with 7b, not with 00 or c301 and a schema",
            "3 bytes are too few to name a schema",
            "3 bytes are too few to name a schema",
            "begins with c3, not with 00 or c301 and a schema",
            "there is no schema 9",
            "there is no schema 0807060504030201",
        ]
    );
}

#[test]
fn rows_of_many_schemas_keep_the_order_of_their_records() {
    let long = one_field(r#""long""#);
    let schemas = KnownSchemas::new()
        .id(1, long.clone())
        .id(2, record(r#"{"name":"b","type":"string"},{"name":"a","type":"int"}"#))
        .id(3, one_field(r#"["null","long"]"#));
    let mut decoder = Avro::try_new(&long, Arc::new(schemas)).unwrap().decoder();
    let values: [&[u8]; 6] = [
        &[0, 0, 0, 0, 2, 2, b'x', 2],
        &[0, 0, 0, 0, 1, 4],
        &[0, 0, 0, 0, 3, 0],
        &[0, 0, 0, 0, 3, 2, 6],
        &[0, 0, 0, 0, 2, 0, 8],
        &[0, 0, 0, 0, 1, 10],
    ];
    for _ in 0..2 {
        let (rows, outcomes) = decode(decoder.as_mut(), &values.map(Some));
        assert_eq!(rows.column(0).as_primitive::<Int64Type>().values(), &[1, 2, 3, 4, 5]);
        let null = outcomes[2].as_ref().unwrap().to_string();
        assert_eq!(null, "byte 6: column a: null, but the column is required");
    }
}

#[test]
fn what_is_wrong_with_a_record_is_named() {
    let wrong = |kind: &str, body: &[u8]| {
        let schema = one_field(kind);
        reason(&schema, &schema, body)
    };
    assert_eq!(
        wrong(r#""string""#, &[10, b'a']),
        "byte 6: column a: 5 bytes are needed, there are 1"
    );
    assert_eq!(wrong(r#""string""#, &[1]), "byte 6: column a: a length of -1");
    assert_eq!(wrong(r#""string""#, &[2, 0xff]), "byte 7: column a: a string is not UTF-8");
    assert_eq!(wrong(r#""long""#, &[]), "byte 5: column a: the record ends within a number");
    assert_eq!(wrong(r#""long""#, &[2, 2]), "byte 6: 1 bytes follow the record");
    assert_eq!(wrong(r#""boolean""#, &[2]), "byte 6: column a: a boolean is 0 or 1, not 2");
    assert_eq!(
        wrong(r#"["null","long"]"#, &[4]),
        "byte 6: column a: there is no branch 2 in a union of 2"
    );
    assert_eq!(
        wrong(r#"{"type":"enum","name":"E","symbols":["A"]}"#, &[2]),
        "byte 6: column a: there is no symbol 1 in an enum of 1"
    );
    assert_eq!(
        wrong(r#"{"type":"string","logicalType":"uuid"}"#, &[2, b'x']),
        r#"byte 7: column a: "x" is no UUID"#
    );
    let long = [0xff; 9];
    assert_eq!(
        wrong(r#""long""#, &[&long[..], &[2]].concat()),
        "byte 14: column a: a number of more than 64 bits"
    );
    assert_eq!(
        wrong(r#""int""#, &[0xfe, 0xff, 0xff, 0xff, 0x1f]),
        "byte 10: column a: 4294967295 is no int"
    );
    assert_eq!(
        wrong(r#"{"type":"bytes","logicalType":"decimal","precision":3,"scale":1}"#, &[4, 3, 0xe8]),
        "byte 8: column a: 1000 is out of range for decimal(3,1)"
    );
}

#[test]
fn a_bomb_ends_at_once() {
    let nulls = one_field(r#"{"type":"array","items":["null"]}"#);
    let reader = record(r#"{"name":"b","type":"int","default":1}"#);
    let many = [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f];
    let empty = r#"{"type":"array","items":{"type":"record","name":"E","fields":[]}}"#;
    for kind in [r#"{"type":"array","items":"null"}"#, empty] {
        let body = [&many[..], &[0]].concat();
        assert_eq!(
            reason(&one_field(kind), &reader, &body),
            "byte 14: column a: more than 10000 items without bytes"
        );
    }
    let body = [&many[..], &[0, 0, 0]].concat();
    assert_eq!(
        reason(&nulls, &reader, &body),
        "byte 17: column a: the record ends within a number"
    );
    let text = one_field(r#""string""#);
    assert!(reason(&text, &text, &many).ends_with("bytes are needed, there are 0"));
    // A block that lies about its length.
    let numbers = one_field(r#"{"type":"array","items":"int"}"#);
    assert_eq!(
        reason(&numbers, &numbers, &[1, 6, 2, 0]),
        "byte 7: column a: a block is longer than the record"
    );
    assert_eq!(
        reason(&numbers, &numbers, &[1, 4, 2, 0, 0]),
        "byte 8: column a: a block has another length than it says"
    );
    assert_eq!(read(&numbers, &numbers, &[1, 2, 2, 0]).unwrap().num_rows(), 1);
}

#[test]
fn a_schema_that_cannot_be_read_says_why() {
    let long = one_field(r#""long""#);
    assert_eq!(
        reason(&one_field(r#""string""#), &long, &[0]),
        "schema 1 cannot be read: column a: written as string, read as long"
    );
    assert_eq!(
        reason(&record(r#"{"name":"b","type":"long"}"#), &long, &[0]),
        "schema 1 cannot be read: column a: not written, and without a default"
    );
    let other = schema(r#"{"type":"record","name":"S","fields":[{"name":"a","type":"long"}]}"#);
    assert_eq!(
        reason(&other, &long, &[0]),
        "schema 1 cannot be read: written as record S, read as R"
    );
    let time = |unit: &str| one_field(&format!(r#"{{"type":"long","logicalType":"{unit}"}}"#));
    assert_eq!(
        reason(&time("timestamp-nanos"), &time("timestamp-micros"), &[0]),
        "schema 1 cannot be read: column a: written as timestamp-nanos, read as timestamp-micros"
    );
    assert_eq!(
        reason(&time("local-timestamp-micros"), &time("timestamp-micros"), &[0]),
        "schema 1 cannot be read: column a: written as local-timestamp-micros, read as timestamp-micros"
    );
}

#[test]
fn schemas_without_end_and_without_columns_are_refused() {
    let refused = |text: &str| AvroSchema::try_new(text).unwrap_err();
    let list =
        r#"{"type":"record","name":"n.List","fields":[{"name":"next","type":["null","List"]}]}"#;
    assert_eq!(refused(list).kind(), ErrorKind::Unsupported);
    assert_eq!(refused(list).to_string(), "codec: the Avro type n.List contains itself");
    // Each type holds the one before twice: 2 to the power of 20 in a few lines.
    let mut text = r#"{"type":"record","name":"R0","fields":[]}"#.to_owned();
    for level in 1..20 {
        let below = level - 1;
        text = format!(
            r#"{{"type":"record","name":"R{level}","fields":[{{"name":"a","type":{text}}},{{"name":"b","type":"R{below}"}}]}}"#
        );
    }
    assert_eq!(refused(&text).to_string(), "codec: the Avro schema has more than 10000 types");
    for text in [
        "",
        "{}",
        r#""string""#,
        r#"{"type":"record","name":"R","fields":[{"name":"a","type":"X"}]}"#,
    ] {
        assert_eq!(refused(text).kind(), ErrorKind::Invalid, "{text}");
    }
    for kind in [
        r#""null""#,
        r#"["int","string"]"#,
        r#"{"type":"bytes","logicalType":"decimal","precision":39}"#,
    ] {
        let error = Avro::try_new(&one_field(kind), Arc::new(KnownSchemas::new())).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.to_string().starts_with("codec: a can be no column"), "{error}");
    }
}

#[test]
fn logical_types_are_columns_of_their_own() {
    let fields = r#"
        {"name":"d","type":{"type":"bytes","logicalType":"decimal","precision":10,"scale":2}},
        {"name":"f","type":{"type":"fixed","name":"F","size":5,"logicalType":"decimal","precision":10,"scale":2}},
        {"name":"on","type":{"type":"int","logicalType":"date"}},
        {"name":"ms","type":{"type":"long","logicalType":"timestamp-millis"}},
        {"name":"us","type":{"type":"long","logicalType":"timestamp-micros"}},
        {"name":"at","type":{"type":"long","logicalType":"local-timestamp-millis"}},
        {"name":"id","type":{"type":"string","logicalType":"uuid"}}"#;
    let schema = record(fields);
    let uuid = b"0190c2a5-7e5b-7c3e-9d2a-0123456789ab";
    let mut body = vec![2, 0x85, 0xff, 0xff, 0xff, 0xff, 0x85, 3, 5, 7, 9, 72];
    body.extend(uuid);
    let rows = read(&schema, &schema, &body).unwrap();
    let utc = || DataType::Timestamp(TimeUnit::Microsecond, Some("+00:00".into()));
    let kinds: Vec<_> = rows.schema().fields().iter().map(|it| it.data_type().clone()).collect();
    let local = DataType::Timestamp(TimeUnit::Microsecond, None);
    let decimal = DataType::Decimal128(10, 2);
    assert_eq!(
        kinds,
        [decimal.clone(), decimal, DataType::Date32, utc(), utc(), local, DataType::Utf8]
    );
    let decimal = |at: usize| rows.column(at).as_primitive::<Decimal128Type>().value(0);
    let micros = |at: usize| rows.column(at).as_primitive::<TimestampMicrosecondType>().value(0);
    assert_eq!([decimal(0), decimal(1)], [-123, -123]);
    assert_eq!(rows.column(2).as_primitive::<Date32Type>().value(0), -2);
    assert_eq!([micros(3), micros(4), micros(5)], [-3_000, -4, -5_000]);
    assert_eq!(rows.column(6).as_string::<i32>().value(0).as_bytes(), uuid);
}

#[test]
fn milliseconds_become_microseconds_or_are_rejected() {
    let time =
        |unit: &str| one_field(&format!(r#"{{"type":"long","logicalType":"timestamp-{unit}"}}"#));
    let rows = read(&time("millis"), &time("micros"), &[2]).unwrap();
    assert_eq!(rows.column(0).as_primitive::<TimestampMicrosecondType>().value(0), -1_000 + 2_000);
    let far = [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1];
    assert_eq!(
        reason(&time("millis"), &time("micros"), &far),
        "byte 15: column a: 9223372036854775807 ms is out of range for timestamp"
    );
}

#[test]
fn names_of_other_namespaces_and_references_are_found() {
    let money = r#"{"type":"fixed","name":"Money","namespace":"base","size":2,"logicalType":"decimal","precision":3,"scale":1}"#;
    let line = r#"{"type":"record","name":"sales.Line","fields":[{"name":"price","type":"base.Money"},{"name":"base","type":{"type":"record","name":"Base","namespace":"","fields":[{"name":"n","type":"int"}]}}]}"#;
    let order = r#"{"type":"record","name":"Order","namespace":"sales","fields":[
        {"name":"first","type":"Line"},{"name":"more","type":{"type":"array","items":"Line"}}]}"#;
    let writer = AvroSchema::with_references(order, &[line.to_owned(), money.to_owned()]).unwrap();
    let body = [0, 0x0a, 2, 2, 0, 0x14, 4, 0];
    let rows = read(&writer, &writer, &body).unwrap();
    let price =
        |lines: &dyn Array| lines.as_struct().column(0).as_primitive::<Decimal128Type>().value(0);
    assert_eq!(price(rows.column(0)), 10);
    assert_eq!(price(rows.column(1).as_list::<i32>().values()), 20);
}

#[test]
fn a_union_of_several_types_is_read_as_those_that_fit() {
    let writer = one_field(r#"["null","string","int",{"type":"array","items":"int"}]"#);
    let reader = one_field(r#"["null","long"]"#);
    let values: Vec<_> = [&[0][..], &[4, 6], &[2, 2, b'x'], &[4, 8], &[6, 0]].map(framed).into();
    let views: Vec<_> = values.iter().map(|value| Some(value.as_slice())).collect();
    let (rows, outcomes) = decode(decoder(&writer, &reader).as_mut(), &views);
    let found: Vec<_> = rows.column(0).as_primitive::<Int64Type>().iter().collect();
    assert_eq!(found, [None, Some(3), Some(4)]);
    let reasons: Vec<_> = outcomes.iter().flatten().map(ToString::to_string).collect();
    assert_eq!(
        reasons,
        [
            "byte 6: column a: written as string, read as long",
            "byte 6: column a: written as array of int, read as long",
        ]
    );
}

#[test]
fn defaults_of_every_type_are_decoded() {
    let reader = record(
        r#"{"name":"a","type":"long"},
        {"name":"d","type":{"type":"bytes","logicalType":"decimal","precision":4,"scale":2},"default":"\u0001\u0000"},
        {"name":"e","type":{"type":"enum","name":"E","symbols":["X","Y"]},"default":"Y"},
        {"name":"m","type":{"type":"map","values":["null","long"]},"default":{"k":null}},
        {"name":"r","type":{"type":"record","name":"I","fields":[{"name":"x","type":"int","default":5},{"name":"y","type":"boolean"}]},"default":{"y":true}},
        {"name":"t","type":[{"type":"long","logicalType":"timestamp-millis"},"null"],"default":2}"#,
    );
    let rows = read(&one_field(r#""long""#), &reader, &[2]).unwrap();
    assert_eq!(rows.column(1).as_primitive::<Decimal128Type>().value(0), 256);
    assert_eq!(rows.column(2).as_string::<i32>().value(0), "Y");
    assert_eq!(rows.column(3).as_map().value_length(0), 1);
    let inner = rows.column(4).as_struct();
    assert_eq!(inner.column(0).as_primitive::<arrow::datatypes::Int32Type>().value(0), 5);
    assert!(inner.column(1).as_boolean().value(0));
    assert_eq!(rows.column(5).as_primitive::<TimestampMicrosecondType>().value(0), 2_000);
    let wrong =
        r#"{"type":"record","name":"R","fields":[{"name":"b","type":"long","default":"x"}]}"#;
    assert_eq!(AvroSchema::try_new(wrong).unwrap_err().kind(), ErrorKind::Invalid);
}

#[test]
fn declared_columns_are_fed_as_from_json() {
    let columns = Columns::new()
        .column(Column::required("amount_text", Type::Text).key("amount"))
        .required("amount", Type::Decimal(18, 2))
        .column(Column::required("at", Type::Timestamp).key("timestamp"))
        .optional("note", Type::Text)
        .optional("inner", Type::Struct(Columns::new().required("x", Type::Long)));
    let show = |rows: &RecordBatch| {
        let text = rows.column(0).as_string::<i32>().value(0).to_owned();
        let amount = rows.column(1).as_primitive::<Decimal128Type>().value(0);
        let at = rows.column(2).as_primitive::<TimestampMicrosecondType>().value(0);
        assert!(rows.column(3).is_null(0) && rows.column(4).is_null(0));
        (text, amount, at)
    };
    let texts = r#"{"name":"timestamp","type":"string"},{"name":"amount","type":"string"}"#;
    let body = [&[40], b"1970-01-01T00:00:01Z".as_slice(), &[8], b"12.5"].concat();
    let rows = columns_read(texts, columns.clone(), &body).unwrap();
    assert_eq!(show(&rows), ("12.5".to_owned(), 1_250, 1_000_000));
    let typed = r#"
        {"name":"amount","type":{"type":"bytes","logicalType":"decimal","precision":9,"scale":1}},
        {"name":"timestamp","type":{"type":"long","logicalType":"timestamp-millis"}}"#;
    let rows = columns_read(typed, columns.clone(), &[2, 125, 20]).unwrap();
    assert_eq!(show(&rows), ("12.5".to_owned(), 1_250, 10_000));
    let body = [&[40], b"1970-01-01T00:00:01Z".as_slice(), &[10], b"1.005"].concat();
    assert_eq!(
        columns_read(texts, columns.clone(), &body).unwrap_err(),
        "byte 32: column amount: 1.005 does not fit exactly in decimal(18,2)"
    );
    let nullable = typed
        .replace(r#"{"type":"bytes""#, r#"["null",{"type":"bytes""#)
        .replace(r#""scale":1}"#, r#""scale":1}]"#);
    assert_eq!(
        columns_read(&nullable, columns.clone(), &[0, 20]).unwrap_err(),
        "byte 6: column amount_text: null, but the column is required"
    );
    assert_eq!(
        columns_read(r#"{"name":"amount","type":"string"}"#, columns, &[2, b'1']).unwrap_err(),
        "schema 1 cannot be read: column at: not written, and without a default"
    );
}

#[test]
fn schemas_that_cannot_be_had_end_the_call_and_the_next_one_goes_on() {
    #[derive(Debug)]
    struct Away(std::sync::atomic::AtomicBool);
    impl Schemas for Away {
        fn writer(&self, id: SchemaId) -> Result<Writer> {
            if id == SchemaId::Registry(2)
                && !self.0.swap(true, std::sync::atomic::Ordering::Relaxed)
            {
                return Err(Error::new(ErrorKind::Transient, "test", "away"));
            }
            Ok(Writer::Schema(Arc::new(one_field(r#""long""#))))
        }
    }
    let avro = Avro::try_new(&one_field(r#""long""#), Arc::new(Away(false.into()))).unwrap();
    let mut decoder = avro.decoder();
    let data = [0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 4];
    let values = [(0, 6), (6, 12)].map(|(start, end)| Some(highwater_codec::Span { start, end }));
    let records = highwater_codec::Records { data: &data, values: &values };
    let mut outcomes = Vec::new();
    let error = decoder.decode(&records, &mut outcomes).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transient);
    let rows = decoder.decode(&records, &mut outcomes).unwrap();
    assert_eq!(rows.column(0).as_primitive::<Int64Type>().values(), &[1, 2]);
}
