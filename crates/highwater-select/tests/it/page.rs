//! The answers that `docs/semantics/select.md` gives, row by row. `xtask/python/expressions.py` asks Spark for its own.

use std::sync::Arc;

use highwater_core::arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int32Array,
    Int64Array, RecordBatch, StringArray, StructArray, TimestampMicrosecondArray,
};
use highwater_core::arrow::datatypes::{DataType, Field, Float64Type, TimeUnit};
use highwater_core::arrow::util::display::array_value_to_string;
use highwater_core::{OperatorSpec as _, StreamInfo};
use highwater_select::Select;

use crate::step::run;

const PAGE: &str = include_str!("../../../../docs/semantics/select.md");

/// The row that the page tells of.
fn row() -> RecordBatch {
    let int = |value| Arc::new(Int32Array::from(vec![value])) as ArrayRef;
    let text = |value: &str| Arc::new(StringArray::from(vec![value])) as ArrayRef;
    let decimal = Decimal128Array::from(vec![1_250]).with_precision_and_scale(10, 2).unwrap();
    let time = TimestampMicrosecondArray::from(vec![1_709_210_096_789_012]).with_timezone("+00:00");
    let user: ArrayRef = Arc::new(Int64Array::from(vec![5]));
    let part = StructArray::from(vec![
        (Arc::new(Field::new("user_id", DataType::Int64, false)), user),
        (Arc::new(Field::new("Country", DataType::Utf8, false)), text("de")),
    ]);
    RecordBatch::try_from_iter_with_nullable([
        ("i", int(Some(7)), false),
        ("l", Arc::new(Int64Array::from(vec![-3])) as ArrayRef, false),
        ("z", int(Some(0)), false),
        ("n", int(None), true),
        ("d", Arc::new(decimal), false),
        ("f", Arc::new(Float64Array::from(vec![0.1])), false),
        ("s", text(" Ab "), false),
        ("w", text("abc"), false),
        ("day", Arc::new(Date32Array::from(vec![19_782])), false),
        ("t", Arc::new(time), false),
        ("b", Arc::new(BooleanArray::from(vec![true])), false),
        ("p", Arc::new(part), false),
    ])
    .unwrap()
}

/// A value with its type, in the words of Spark.
fn shown(column: &ArrayRef) -> String {
    if column.is_null(0) {
        return "null".to_owned();
    }
    let plain = array_value_to_string(column, 0).unwrap();
    let name = match column.data_type() {
        DataType::Boolean => "boolean",
        DataType::Int8 => "tinyint",
        DataType::Int16 => "smallint",
        DataType::Int32 => "int",
        DataType::Int64 => "bigint",
        DataType::Float64 => {
            return format!("double {:?}", column.as_primitive::<Float64Type>().value(0));
        }
        DataType::Decimal128(precision, scale) => {
            return format!("decimal({precision},{scale}) {plain}");
        }
        DataType::Utf8 => return format!("string \"{plain}\""),
        DataType::Binary => "binary",
        DataType::Date32 => "date",
        DataType::Timestamp(TimeUnit::Microsecond, Some(zone)) if &**zone == "+00:00" => {
            let text = plain.trim_end_matches('Z').replace('T', " ");
            let short = if text.contains('.') { text.trim_end_matches('0') } else { &text };
            return format!("timestamp {}", short.trim_end_matches('.'));
        }
        other => return format!("{other} {plain}"),
    };
    format!("{name} {plain}")
}

fn answer(expression: &str) -> String {
    let rows = row();
    let step = Select::of([format!("{expression} AS x")]);
    let step = match step.resolve(&[StreamInfo::new(rows.schema())]) {
        Ok(step) => step,
        Err(error) => return format!("refused: {error}"),
    };
    let (main, rejected) = run(&step, &[rows]);
    match (&*main, &*rejected) {
        ([made], []) => {
            assert_eq!(made.column(0).data_type(), step.output().schema.field(0).data_type());
            shown(made.column(0))
        }
        ([], [rejected]) => {
            let reason = rejected.column_by_name("reason").unwrap();
            format!("rejected: {}", reason.as_string::<i32>().value(0))
        }
        other => panic!("{expression}: {other:?}"),
    }
}

#[test]
fn expressions_mean_what_the_page_says() {
    let (mut count, mut wrong) = (0, Vec::new());
    for line in PAGE.lines().filter(|line| line.starts_with("| `")) {
        let line = line.replace("\\|", "\0");
        let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [expression, expected, _spark] = *cells else { panic!("{line}") };
        let (expression, expected) =
            (expression.trim_matches('`').replace('\0', "|"), expected.trim_matches('`'));
        let found = answer(&expression);
        let fits = match expected.split_once(": ") {
            Some((kind @ ("refused" | "rejected"), part)) => {
                found.starts_with(kind) && found.contains(part)
            }
            _ => found == expected,
        };
        count += 1;
        if !fits {
            wrong.push(format!("| `{expression}` | `{found}` | (page: {expected})"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    assert!(count > 150, "{count}");
}
