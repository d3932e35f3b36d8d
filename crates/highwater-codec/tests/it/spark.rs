//! What Spark answered to records, and what the decoder answers by its rules.

use arrow::array::{Array, AsArray, StructArray};
use arrow::datatypes::{
    DataType, Decimal128Type, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType,
};
use highwater_codec::{Column, Columns, Format, Json, RecordDecoder, Semantics, Type};
use serde_json::{Map, Value, json};

use crate::rows::decode;

/// Written by `xtask/python/spark.py`, which tells how.
const FIXTURE: &str = include_str!("../data/spark.jsonl");

pub(crate) fn decoder(columns: Columns) -> Box<dyn RecordDecoder> {
    Json::try_new(columns).unwrap().semantics(Semantics::Spark).decoder()
}

/// Columns as the fixture declares them.
fn columns_of(declared: &Map<String, Value>) -> Columns {
    let kind_of = |kind: &Value| match kind {
        Value::Object(fields) => Type::Struct(columns_of(fields)),
        kind => match kind.as_str().unwrap() {
            "text" => Type::Text,
            "int" => Type::Int,
            "long" => Type::Long,
            "double" => Type::Double,
            "boolean" => Type::Boolean,
            "timestamp" => Type::Timestamp,
            decimal => {
                let digits = decimal.strip_prefix("decimal(").unwrap().strip_suffix(')').unwrap();
                let (precision, scale) = digits.split_once(',').unwrap();
                Type::Decimal(precision.parse().unwrap(), scale.parse().unwrap())
            }
        },
    };
    let column = |(name, kind): (&String, &Value)| Column::required(name, kind_of(kind));
    declared.iter().map(column).fold(Columns::new(), Columns::column)
}

fn bytes_of(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.as_bytes().to_vec()),
        value => {
            let hex = value["hex"].as_str().unwrap().as_bytes();
            let byte =
                |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
            Some(hex.chunks(2).map(byte).collect())
        }
    }
}

/// A value as the fixture has it, but for doubles, which are compared as they are.
fn shown(array: &dyn Array, row: usize) -> Value {
    if array.is_null(row) {
        return Value::Null;
    }
    match array.data_type() {
        DataType::Utf8 => json!(array.as_string::<i32>().value(row)),
        DataType::Int32 => json!(array.as_primitive::<Int32Type>().value(row)),
        DataType::Int64 => json!(array.as_primitive::<Int64Type>().value(row)),
        DataType::Float64 => json!(array.as_primitive::<Float64Type>().value(row).to_bits()),
        DataType::Boolean => json!(array.as_boolean().value(row)),
        DataType::Decimal128(..) => {
            json!(array.as_primitive::<Decimal128Type>().value_as_string(row))
        }
        DataType::Timestamp(..) => {
            json!(array.as_primitive::<TimestampMicrosecondType>().value(row))
        }
        DataType::Struct(fields) => {
            let inner = array.as_struct().columns().iter();
            let inner = fields.iter().zip(inner);
            inner.map(|(field, array)| (field.name().clone(), shown(array.as_ref(), row))).collect()
        }
        other => panic!("{other}"),
    }
}

/// The answer of the fixture in the form of `shown`.
fn expected(answer: &Value, declared: &Value) -> Value {
    match (answer, declared) {
        (Value::Object(answer), Value::Object(declared)) => {
            let field = |(name, answer): (&String, &Value)| {
                (name.clone(), expected(answer, &declared[name]))
            };
            answer.iter().map(field).collect()
        }
        (Value::String(double), Value::String(kind)) if kind == "double" => {
            json!(double.parse::<f64>().unwrap().to_bits())
        }
        (Value::String(decimal), Value::String(kind)) if kind.starts_with("decimal") => {
            // Spark writes small numbers with an exponent.
            json!(plain(decimal, kind))
        }
        (answer, _) => answer.clone(),
    }
}

fn plain(decimal: &str, kind: &str) -> String {
    let Some((mantissa, exponent)) = decimal.split_once("E-") else { return decimal.to_owned() };
    let scale: usize = kind.trim_end_matches(')').split_once(',').unwrap().1.parse().unwrap();
    let (sign, mantissa) =
        mantissa.split_at(mantissa.len() - mantissa.trim_start_matches('-').len());
    let digits: String = mantissa.chars().filter(|char| *char != '.').collect();
    let zeros = exponent.parse::<usize>().unwrap() - 1;
    let fraction = format!("{}{digits}", "0".repeat(zeros));
    format!("{sign}0.{fraction:0<scale$}")
}

struct Case {
    line: usize,
    value: Option<Vec<u8>>,
    answer: Value,
}

fn groups() -> Vec<(Value, Vec<Case>)> {
    let mut groups = Vec::new();
    for (at, line) in FIXTURE.lines().enumerate() {
        match serde_json::from_str(line).unwrap() {
            Value::Array(line) if line.len() == 1 && line[0].is_string() => {}
            Value::Array(line) if line.len() == 1 => groups.push((line[0].clone(), Vec::new())),
            Value::Array(pair) => {
                let case =
                    Case { line: at + 1, value: bytes_of(&pair[0]), answer: pair[1].clone() };
                groups.last_mut().unwrap().1.push(case);
            }
            other => panic!("{other}"),
        }
    }
    groups
}

/// What is rejected although Spark has an answer, as docs/semantics/casts.md has it: how often each
/// part of a record is the reason.
const REJECTED: [(&str, usize); 6] = [
    ("Europe/Paris\"", 5),
    ("America/New_York\"", 2),
    ("Etc/GMT+5\"", 2),
    ("PST\"", 2),
    ("CET\"", 2),
    ("[[[[[[[[", 1),
];

#[test]
fn every_record_becomes_the_row_of_spark() {
    let (mut wrong, mut rejected, mut seen) = (Vec::new(), Vec::new(), 0);
    for (declared, cases) in groups() {
        let mut decoder = decoder(columns_of(declared.as_object().unwrap()));
        let values: Vec<Option<&[u8]>> = cases.iter().map(|case| case.value.as_deref()).collect();
        let (rows, outcomes) = decode(decoder.as_mut(), &values);
        let rows = StructArray::from(rows);
        let mut row = 0;
        for (case, outcome) in cases.iter().zip(outcomes) {
            seen += 1;
            let input = String::from_utf8_lossy(case.value.as_deref().unwrap_or(b"(none)"));
            if outcome.is_some() {
                rejected.push(input.into_owned());
                continue;
            }
            let found = shown(&rows, row);
            if found != expected(&case.answer, &declared) {
                let Case { line, answer, .. } = case;
                wrong.push(format!("line {line}: {input}\n  spark {answer}\n  found {found}"));
            }
            row += 1;
        }
    }
    assert!(wrong.is_empty(), "{} of {seen} differ:\n{}", wrong.len(), wrong.join("\n"));
    assert!(seen > 4_000, "only {seen} records were found");
    let counted = REJECTED
        .map(|(part, _)| (part, rejected.iter().filter(|input| input.contains(part)).count()));
    assert_eq!(counted, REJECTED);
    assert_eq!(rejected.len(), REJECTED.iter().map(|(_, count)| count).sum::<usize>());
}

#[test]
fn what_depends_on_the_day_is_rejected() {
    for time in ["12:30", "T12:30:00", "1:2", "T7", "12:30:00Z", "12:30:00 GMT+3"] {
        let value = format!("{{\"time\":\"{time}\"}}");
        let columns = Columns::new().optional("time", Type::Timestamp);
        let (_, outcomes) = decode(decoder(columns).as_mut(), &[Some(value.as_bytes())]);
        let reason = outcomes[0].as_ref().unwrap().to_string();
        assert!(reason.starts_with("a time without a date"), "{time}: {reason}");
    }
}

#[test]
fn a_key_feeds_columns_of_several_types() {
    let columns = Columns::new()
        .column(Column::required("text", Type::Text).key("k"))
        .column(Column::required("int", Type::Int).key("k"))
        .column(Column::required("amount", Type::Decimal(18, 2)).key("k"));
    let values = ["{\"k\":5}", "{\"k\":\"5.005\"}", "{\"k\":{\"k\":1},\"k\":7}", "[]"];
    let values = values.map(|value| Some(value.as_bytes()));
    let (rows, _) = decode(decoder(columns).as_mut(), &values);
    let rows = StructArray::from(rows);
    let rows: Vec<Value> = (0..4).map(|row| shown(&rows, row)).collect();
    assert_eq!(rows[0], json!({"text": "5", "int": 5, "amount": "5.00"}));
    assert_eq!(rows[1], json!({"text": "5.005", "int": null, "amount": "5.01"}));
    assert_eq!(rows[2], json!({"text": "7", "int": 7, "amount": "7.00"}));
    assert_eq!(rows[3], json!({"text": null, "int": null, "amount": null}));
}
