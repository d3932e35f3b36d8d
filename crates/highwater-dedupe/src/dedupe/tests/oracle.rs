//! The step on any workers, with any batches and restarts, beside a loop that remembers everything.

use proptest::prelude::*;
use proptest::sample::Index;

use super::workers::{Out, Workers, batch_of};
use super::*;

/// One row: its partition, its key and its time.
#[derive(Clone, Debug)]
struct Case {
    partition: i32,
    id: Option<&'static str>,
    kind: Option<i32>,
    time: Option<i64>,
}

/// One epoch: its rows in the order of each partition, how far the watermark has come by its end,
/// and what must not show.
#[derive(Clone, Debug)]
struct Cut {
    rows: Vec<Case>,
    moves: i64,
    /// Where batches end, and in which order they come.
    splits: Vec<Index>,
    order: Vec<Index>,
    /// On how many workers it goes on.
    restart: Option<usize>,
}

fn rows() -> impl Strategy<Value = Case> {
    let ids =
        prop::sample::select(vec![None, Some(""), Some("a"), Some("b"), Some("c"), Some("d")]);
    let kinds = prop::sample::select(vec![None, Some(0), Some(1)]);
    (0..3, ids, kinds, prop::option::weighted(0.95, 0..200_i64))
        .prop_map(|(partition, id, kind, time)| Case { partition, id, kind, time })
}

fn cuts() -> impl Strategy<Value = Vec<Cut>> {
    let indexes = || prop::collection::vec(any::<Index>(), 0..4);
    let cut = (
        prop::collection::vec(rows(), 0..30),
        0..60_i64,
        indexes(),
        indexes(),
        prop::option::of(1..4_usize),
    )
        .prop_map(|(rows, moves, splits, order, restart)| Cut {
            rows,
            moves,
            splits,
            order,
            restart,
        });
    prop::collection::vec(cut, 1..8)
}

/// What the step is to do, by the words of its contract.
#[derive(Default)]
struct Reference {
    kept: Vec<(Option<&'static str>, Option<i32>, i64)>,
}

impl Reference {
    fn epoch(&mut self, rows: &[(i32, Case)], by_kind: bool, within: i64, late_before: i64) -> Out {
        let mut out = Out::default();
        for (number, row) in rows {
            let Some(time) = row.time else {
                out.rows.push(*number);
                continue;
            };
            let same =
                |(id, kind, _): &&(_, _, i64)| *id == row.id && (!by_kind || *kind == row.kind);
            if time <= late_before {
                out.late.push(time);
                out.late_counted += 1;
            } else if self.kept.iter().filter(same).any(|kept| (kept.2 - time).abs() < within) {
                out.duplicates += 1;
            } else {
                self.kept.push((row.id, row.kind, time));
                out.rows.push(*number);
            }
        }
        out
    }
}

/// The batches of an epoch, cut and shuffled.
fn batches(rows: &[(i32, Case)], cut: &Cut) -> Vec<Batch> {
    let mut batches = Vec::new();
    for partition in 0..3 {
        let own: Vec<_> = rows.iter().filter(|(_, row)| row.partition == partition).collect();
        let mut ends: Vec<_> = cut.splits.iter().map(|at| at.index(own.len() + 1)).collect();
        ends.push(own.len());
        ends.sort_unstable();
        let mut from = 0;
        for to in ends {
            let (offsets, rows): (Vec<_>, Vec<_>) =
                own[from..to].iter().map(|(n, row)| (*n, (row.id, row.time, row.kind))).unzip();
            batches.push(batch_of(partition, &offsets, &rows));
            from = to;
        }
    }
    for at in &cut.order {
        let place = at.index(batches.len());
        batches.rotate_left(place);
        batches.swap(0, place);
    }
    batches
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn any_workers_batches_and_restarts_make_what_a_loop_makes(
        cuts in cuts(),
        within in 1..70_i64,
        by_kind in any::<bool>(),
        workers in 1..4_usize,
    ) {
        let keys = if by_kind { vec!["id", "kind"] } else { vec!["id"] };
        let micros = Duration::from_micros(within.unsigned_abs());
        let step = Dedupe::by(keys).within(micros);
        let (mut step, mut reference) = (Workers::new(&step, workers), Reference::default());
        let (mut late_before, mut number) = (-1, 0);
        for cut in &cuts {
            let mut rows: Vec<_> = (number..).zip(cut.rows.iter().cloned()).collect();
            number += i32::try_from(rows.len()).unwrap();
            rows.sort_by_key(|(number, row)| (row.partition, *number));
            let watermark = late_before + cut.moves;
            let found = step.epoch(marks((late_before, watermark)), batches(&rows, cut));
            let wanted = reference.epoch(&rows, by_kind, within, late_before);
            prop_assert_eq!(found.sorted(), wanted.sorted());
            if let Some(workers) = cut.restart {
                step.restart(workers);
            }
            late_before = watermark;
        }
    }

    /// The rows of each key come from one partition, and none is late.
    #[test]
    fn where_epochs_end_does_not_show(
        rows in prop::collection::vec(rows(), 1..60),
        ends in prop::collection::vec(any::<Index>(), 0..5),
    ) {
        let partition = |row: &Case| row.id.map_or(0, |id| i32::try_from(id.len()).unwrap() + 1);
        let rows: Vec<_> = (0..).zip(rows.into_iter().map(|row| Case { partition: partition(&row), ..row })).collect();
        let whole = Cut { rows: Vec::new(), moves: 0, splits: Vec::new(), order: Vec::new(), restart: None };
        let mut ends: Vec<_> = ends.iter().map(|end| end.index(rows.len())).chain([rows.len()]).collect();
        ends.sort_unstable();
        let kept = |ends: &[usize]| {
            let (mut workers, mut from) = (Workers::new(&dedupe(), 1), 0);
            let mut kept = Vec::new();
            for to in ends {
                let out = workers.epoch(marks((-1, -1)), batches(&rows[from..*to], &whole));
                kept.extend(out.rows);
                from = *to;
            }
            kept.sort_unstable();
            kept
        };
        prop_assert_eq!(kept(&ends), kept(&[rows.len()]));
    }
}
