//! The step on any workers, with keys of any type and any batches, beside two nested loops.

use std::collections::BTreeMap;

use arrow::array::{BinaryArray, BooleanArray, Date32Array, Float64Array, UInt8Array, UInt64Array};
use highwater_core::KeyGroups;
use proptest::prelude::*;
use proptest::sample::Index;

use super::*;

/// A key of two parts, and the number of the row.
type Row = (Option<u8>, Option<u8>, i64);

/// What the first part of a key is made of: values that are easily taken for one another.
#[derive(Clone, Copy, Debug)]
enum As {
    Long,
    Unsigned,
    Small,
    Day,
    Float,
    Text,
    Bytes,
    Truth,
}

const ALL: [As; 8] =
    [As::Long, As::Unsigned, As::Small, As::Day, As::Float, As::Text, As::Bytes, As::Truth];

fn column(of: As, values: &[Option<u8>]) -> ArrayRef {
    let each = || values.iter().copied();
    let text = |value: u8| ["", "a", "a\0", "\0a", "ab"][usize::from(value) % 5];
    match of {
        As::Long => Arc::new(
            each()
                .map(|it| it.map(|it| i64::MIN + i64::from(it) * (1 << 40)))
                .collect::<Int64Array>(),
        ),
        As::Unsigned => Arc::new(
            each().map(|it| it.map(|it| u64::MAX - u64::from(it))).collect::<UInt64Array>(),
        ),
        As::Small => Arc::new(each().collect::<UInt8Array>()),
        As::Day => {
            Arc::new(each().map(|it| it.map(|it| i32::from(it) - 2)).collect::<Date32Array>())
        }
        As::Float => Arc::new(each().map(|it| it.map(float)).collect::<Float64Array>()),
        As::Text => Arc::new(each().map(|it| it.map(text)).collect::<StringArray>()),
        As::Bytes => {
            Arc::new(each().map(|it| it.map(|it| text(it).as_bytes())).collect::<BinaryArray>())
        }
        As::Truth => Arc::new(each().map(|it| it.map(|it| it % 2 == 0)).collect::<BooleanArray>()),
    }
}

/// Two zeros and two NaNs, which are one each.
fn float(value: u8) -> f64 {
    [0.0, -0.0, f64::NAN, -f64::NAN, 1.5][usize::from(value) % 5]
}

/// What two keys have in common exactly when they are equal.
fn sameness(of: As, value: u8) -> u8 {
    match of {
        As::Float => [0, 0, 1, 1, 2][usize::from(value) % 5],
        As::Text | As::Bytes => value % 5,
        As::Truth => value % 2,
        _ => value,
    }
}

fn batch_of(of: As, rows: &[Row], number: &'static str) -> RecordBatch {
    let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.2)));
    let first = column(of, &rows.iter().map(|row| row.0).collect::<Vec<_>>());
    let second: ArrayRef =
        Arc::new(rows.iter().map(|row| row.1.map(i32::from)).collect::<Int32Array>());
    let columns = [(number, numbers, false), ("a", first, true), ("b", second, true)];
    RecordBatch::try_from_iter_with_nullable(columns).unwrap()
}

fn rows() -> impl Strategy<Value = Vec<(Option<u8>, Option<u8>)>> {
    let part = || prop::option::weighted(0.9, 0_u8..5);
    prop::collection::vec((part(), part()), 0..40)
}

/// The numbers of a row of the stream and of one of the table, or none.
type Pair = (i64, Option<i64>);

fn naive(join: &StaticJoin, of: As, stream: &[Row], table: &[Row]) -> Vec<Pair> {
    let two = join.keys.len() == 2;
    let key = |row: &Row| Some((sameness(of, row.0?), if two { row.1? } else { 0 }));
    let mut pairs = Vec::new();
    for row in stream {
        let met: Vec<_> = table
            .iter()
            .filter(|other| key(row).is_some() && key(row) == key(other))
            .map(|other| (row.2, Some(other.2)))
            .collect();
        match join.kind {
            Kind::Inner => pairs.extend(met),
            Kind::Left if met.is_empty() => pairs.push((row.2, None)),
            Kind::Left => pairs.extend(met),
            Kind::Semi if !met.is_empty() => pairs.push((row.2, None)),
            Kind::Anti if met.is_empty() => pairs.push((row.2, None)),
            Kind::Semi | Kind::Anti => {}
        }
    }
    pairs.sort_unstable();
    pairs
}

/// Cuts rows at some places.
fn cut(rows: &RecordBatch, at: &[Index]) -> Vec<RecordBatch> {
    let mut ends: Vec<_> = at.iter().map(|at| at.index(rows.num_rows() + 1)).collect();
    ends.push(rows.num_rows());
    ends.sort_unstable();
    let mut from = 0;
    let piece = |to: usize| {
        let piece = rows.slice(from, to - from);
        from = to;
        piece
    };
    ends.into_iter().map(piece).collect()
}

/// The rows of one worker among several.
fn share(rows: &RecordBatch, keys: &[String], worker: usize, workers: usize) -> RecordBatch {
    let groups = KeyGroups::try_new(&rows.schema(), keys).unwrap().of(rows).unwrap();
    let own: BooleanArray =
        groups.iter().map(|group| Some(KeyGroups::worker(*group, workers) == worker)).collect();
    arrow::compute::filter_record_batch(rows, &own).unwrap()
}

fn pairs(batches: &[Batch]) -> Vec<Pair> {
    let mut pairs = Vec::new();
    for batch in batches {
        let number = |name: &str, row: usize| {
            let column = batch.rows.column_by_name(name)?;
            let column: &Int64Array = column.as_any().downcast_ref().unwrap();
            column.is_valid(row).then(|| column.value(row))
        };
        pairs.extend((0..batch.len()).map(|row| (number("n", row).unwrap(), number("m", row))));
    }
    pairs.sort_unstable();
    pairs
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_workers_and_batches_join_what_nested_loops_join(
        (of, kind) in (prop::sample::select(ALL.to_vec()), 0..4_usize),
        keys in prop::sample::select(vec![vec!["a"], vec!["a", "b"], vec!["b", "a"]]),
        tables in prop::collection::vec((rows(), rows()), 1..4),
        cuts in prop::collection::vec(any::<Index>(), 0..5),
        workers in 1..4_usize,
    ) {
        let join = match kind {
            0 => StaticJoin::inner(keys),
            1 => StaticJoin::left(keys),
            2 => StaticJoin::semi(keys),
            _ => StaticJoin::anti(keys),
        };
        let join = join.suffix("_2");
        let numbered = |rows: &[(Option<u8>, Option<u8>)]| -> Vec<Row> {
            (0..).zip(rows).map(|(n, (a, b))| (*a, *b, n)).collect()
        };
        let none = [batch_of(of, &[], "n"), batch_of(of, &[], "m")];
        let inputs = none.map(|rows| StreamInfo::new(rows.schema()));
        let resolved = join.resolve(&inputs).unwrap();
        let mut running: BTreeMap<usize, Running> = (0..workers)
            .map(|worker| (worker, Running { operator: resolved.build().unwrap(), epoch: 0 }))
            .collect();
        for (table, stream) in &tables {
            let (table, stream) = (numbered(table), numbered(stream));
            let mut out = Vec::new();
            // The epoch after the first has the same table and does not get it again.
            for renewed in [true, false] {
                for (worker, running) in &mut running {
                    let own = |rows: &RecordBatch| share(rows, &join.keys, *worker, workers);
                    let parts = cut(&own(&batch_of(of, &table, "m")), &cuts);
                    let batches = cut(&own(&batch_of(of, &stream, "n")), &cuts);
                    let batches = batches.into_iter().map(Batch::from).collect();
                    out.extend(running.epoch(renewed.then_some(&parts[..]), batches));
                }
                prop_assert_eq!(pairs(&out), naive(&join, of, &stream, &table));
                let schema = &resolved.output().schema;
                prop_assert!(out.iter().all(|batch| batch.rows.schema() == *schema));
                out.clear();
            }
        }
    }
}
