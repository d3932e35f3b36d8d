//! How rows are cut into batches never shows: neither in what is computed, nor in what is rejected.

use std::sync::Arc;

use highwater_core::arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use highwater_core::arrow::compute::concat_batches;
use highwater_core::{OperatorSpec as _, Resolved, StreamInfo};
use highwater_select::{Select, Where};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::step::run;

/// Of each kind some, and many that fail for some rows.
const EXPRESSIONS: &[&str] = &[
    "100 div n AS a",
    "n <> 0 AND 100 / n > 2 AS a",
    "n = 0 OR 100 / n > 2 AS a",
    "CASE WHEN n > 1 THEN 100 div (n - 2) ELSE n END AS a",
    "coalesce(TRY_CAST(s AS INT), n) AS a",
    "coalesce(n, CAST(s AS INT)) AS a",
    "nullif(CAST(s AS INT), n) AS a",
    "n IN (1, CAST(s AS BIGINT)) AS a",
    "CAST(s AS DECIMAL(4,2)) * 2 AS a",
    "n * 4611686018427387904 AS a",
    "upper(s) AS a",
    "substr(s, n) AS a",
    "if(s IS NULL, 'none', lpad(s, 3, '*')) AS a",
    "regexp_replace(s, '[0-9]', '#') AS a",
    "concat(s, n) AS a",
    "date_trunc('month', CAST(s AS TIMESTAMP)) AS a",
    "s LIKE '1%' AND CAST(s AS INT) > 1 AS a",
];

fn rows() -> impl Strategy<Value = RecordBatch> {
    let texts = ["", "1", "7", "-3", "1.25", "x", "é1", "99.99", "2024-02-29", "100000"];
    let text = prop::option::weighted(0.9, prop::sample::select(texts.to_vec()));
    let number = prop::option::weighted(0.9, -3..5_i64);
    prop::collection::vec((number, text), 1..40).prop_map(|rows| {
        let (numbers, texts): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
        let numbers: ArrayRef = Arc::new(Int64Array::from(numbers));
        let texts: ArrayRef = Arc::new(StringArray::from(texts));
        RecordBatch::try_from_iter_with_nullable([("n", numbers, true), ("s", texts, true)])
            .unwrap()
    })
}

fn cut(rows: &RecordBatch, ends: &[Index]) -> Vec<RecordBatch> {
    let mut ends: Vec<_> = ends.iter().map(|end| end.index(rows.num_rows())).collect();
    ends.push(rows.num_rows());
    ends.sort_unstable();
    let mut from = 0;
    let mut piece = |to: usize| {
        let piece = rows.slice(from, to - from);
        from = to;
        piece
    };
    ends.into_iter().map(&mut piece).collect()
}

/// The rows of each output, put together.
fn together(step: &Resolved, batches: &[RecordBatch]) -> [Option<RecordBatch>; 2] {
    let (main, rejected) = run(step, batches);
    [main, rejected].map(|rows| {
        let first = rows.first()?;
        Some(concat_batches(&first.schema(), &rows).unwrap())
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn batches_do_not_show(rows in rows(), ends in prop::collection::vec(any::<Index>(), 0..6)) {
        let info = [StreamInfo::new(rows.schema())];
        let alone: Vec<_> = (0..rows.num_rows()).map(|row| rows.slice(row, 1)).collect();
        for text in EXPRESSIONS {
            let step = Select::of(["n", text]).resolve(&info).unwrap();
            let expected = together(&step, &alone);
            prop_assert_eq!(&together(&step, &cut(&rows, &ends)), &expected, "{}", text);
            prop_assert_eq!(&together(&step, std::slice::from_ref(&rows)), &expected, "{}", text);
            let count = expected.iter().flatten().map(RecordBatch::num_rows).sum::<usize>();
            prop_assert_eq!(count, rows.num_rows());
        }
    }

    #[test]
    fn batches_do_not_show_in_what_is_kept(
        rows in rows(),
        ends in prop::collection::vec(any::<Index>(), 0..6),
    ) {
        let info = [StreamInfo::new(rows.schema())];
        let alone: Vec<_> = (0..rows.num_rows()).map(|row| rows.slice(row, 1)).collect();
        for condition in ["CAST(s AS INT) > n", "n <> 0 AND 100 / n > 20", "n IN (1, CAST(s AS INT))"] {
            let step = Where::holds(condition).resolve(&info).unwrap();
            let expected = together(&step, &alone);
            prop_assert_eq!(&together(&step, &cut(&rows, &ends)), &expected, "{}", condition);
            prop_assert_eq!(&together(&step, std::slice::from_ref(&rows)), &expected, "{}", condition);
        }
    }
}
