//! docs/semantics/casts.md says what the decoder does.

use arrow::array::{Array, AsArray};
use arrow::datatypes::DataType;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use highwater_codec::{Column, Columns, RecordDecoder, Type};

use crate::rows::{decode, decoder};
use crate::spark;

const PAGE: &str = include_str!("../../../../docs/semantics/casts.md");

struct Case {
    line: usize,
    kind: String,
    input: String,
    strict: String,
    /// Empty when it is the same.
    spark: String,
}

/// The rows of all tables that begin with the columns type, input, strict and spark.
fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut in_table = false;
    for (at, line) in PAGE.lines().enumerate() {
        let Some(row) = line.strip_prefix('|') else {
            in_table = false;
            continue;
        };
        let cells: Vec<String> = row
            .replace("\\|", "\u{1}")
            .split('|')
            .map(|cell| cell.trim().replace('\u{1}', "|"))
            .collect();
        if cells[0] == "type" {
            assert_eq!(cells[1..4], ["input", "strict", "spark"], "line {}", at + 1);
            in_table = true;
        } else if in_table && !cells[0].starts_with("--") {
            assert_eq!(cells.len(), 5, "line {}: {line}", at + 1);
            let [kind, input, strict, spark] = [0, 1, 2, 3].map(|cell| cells[cell].clone());
            cases.push(Case { line: at + 1, kind, input, strict, spark });
        }
    }
    cases
}

fn unquoted(cell: &str) -> Option<&str> {
    cell.strip_prefix('`')?.strip_suffix('`')
}

/// The bytes an input stands for: `«EF BB»` are bytes, `«3 × ab»` is ababab.
fn expand(input: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = input;
    while let Some((plain, special)) = rest.split_once('«') {
        bytes.extend_from_slice(plain.as_bytes());
        let (special, tail) = special.split_once('»').expect("closed");
        if let Some((times, text)) = special.split_once(" × ") {
            bytes.extend(text.repeat(times.parse().expect("a number")).into_bytes());
        } else {
            bytes.extend(special.split(' ').map(|byte| u8::from_str_radix(byte, 16).unwrap()));
        }
        rest = tail;
    }
    bytes.extend_from_slice(rest.as_bytes());
    bytes
}

fn kind_of(name: &str) -> Type {
    match name {
        "text" => Type::Text,
        "int" => Type::Int,
        "long" | "record" => Type::Long,
        "double" => Type::Double,
        "boolean" => Type::Boolean,
        "decimal(18,2)" => Type::Decimal(18, 2),
        "decimal(38,0)" => Type::Decimal(38, 0),
        "decimal(38,38)" => Type::Decimal(38, 38),
        "timestamp" => Type::Timestamp,
        "struct" => Type::Struct(Columns::new().optional("n", Type::Long)),
        other => panic!("unknown type {other}"),
    }
}

fn value_of(case: &Case) -> Option<Vec<u8>> {
    let value = match case.input.as_str() {
        "(tombstone)" => return None,
        "(empty)" => Vec::new(),
        "missing" => b"{}".to_vec(),
        input => {
            let input = expand(unquoted(input).expect("an input in back ticks"));
            if case.kind == "record" {
                input
            } else {
                [br#"{"v":"#, input.as_slice(), b"}"].concat()
            }
        }
    };
    Some(value)
}

fn shown(array: &dyn Array) -> String {
    if array.is_null(0) {
        return "null".to_owned();
    }
    if array.data_type() == &DataType::Utf8 {
        return serde_json::to_string(array.as_string::<i32>().value(0)).unwrap();
    }
    let options = FormatOptions::default();
    ArrayFormatter::try_new(array, &options).unwrap().value(0).to_string()
}

fn columns_of(case: &Case) -> Columns {
    let column = match case.kind.strip_suffix(" required") {
        Some(name) => Column::required("v", kind_of(name)),
        None => Column::optional("v", kind_of(&case.kind)),
    };
    Columns::new().column(column)
}

/// What is wrong with an answer of the page.
fn wrong(case: &Case, decoder: &mut dyn RecordDecoder, answer: &str) -> Option<String> {
    let value = value_of(case);
    let (rows, outcomes) = decode(decoder, &[value.as_deref()]);
    let found = match &outcomes[0] {
        None => shown(rows.column(0)),
        Some(reason) => format!("rejected: {reason}"),
    };
    let right = match answer.strip_prefix("rejected: ") {
        Some(part) => outcomes[0].is_some() && found.contains(part),
        None => outcomes[0].is_none() && found == written(answer),
    };
    let Case { line, kind, input, .. } = case;
    (!right).then(|| format!("line {line}: {kind} {input}: {found}, not {answer}"))
}

/// The answer of a cell. A quoted text is compared as JSON, so that the page may write `\uffff`.
fn written(cell: &str) -> String {
    let answer = unquoted(cell).unwrap_or(cell);
    match serde_json::from_str::<String>(answer) {
        Ok(text) => serde_json::to_string(&text).unwrap(),
        Err(_) => answer.to_owned(),
    }
}

#[test]
fn every_row_of_the_page_is_what_the_decoder_answers() {
    let cases = cases();
    assert!(cases.len() > 150, "only {} rows were found", cases.len());
    let wrong = |case| wrong(case, decoder(columns_of(case)).as_mut(), &case.strict);
    let wrong: Vec<String> = cases.iter().filter_map(wrong).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_row_of_the_page_is_what_spark_answers() {
    let wrong = |case: &Case| {
        let answer = match case.spark.as_str() {
            "" => &case.strict,
            // Spark's answer is for people then.
            spark if spark.ends_with("(rejected)") => "rejected: ",
            spark => spark,
        };
        wrong(case, spark::decoder(columns_of(case)).as_mut(), answer)
    };
    let wrong: Vec<String> = cases().iter().filter_map(wrong).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
