//! Random operations on a fleet and on a map; after a crash both go on from the last save.

use std::collections::{BTreeMap, BTreeSet};

use highwater_core::{Epoch, Level};
use proptest::prelude::*;

use crate::fleet::{Fleet, Key, Kind, Row, WIDTH, key};

const KEYS: u8 = 30;

#[derive(Clone, Debug)]
enum Step {
    Put(Vec<(u8, i64, Option<i64>)>),
    Update(Vec<u8>, Option<i64>),
    Remove(Vec<u8>),
    Find(Vec<u8>),
    Expire(i64),
    Forget(i64),
    Save(u8),
    Crash(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let keys = || prop::collection::vec(0..KEYS, 0..6);
    let row = (0..KEYS, 0..4 * WIDTH, prop::option::of(0..9_i64));
    prop_oneof![
        6 => prop::collection::vec(row, 0..20).prop_map(Step::Put),
        2 => (keys(), prop::option::of(0..9_i64)).prop_map(|(keys, to)| Step::Update(keys, to)),
        2 => keys().prop_map(Step::Remove),
        2 => keys().prop_map(Step::Find),
        2 => (0..2 * WIDTH).prop_map(Step::Expire),
        1 => (0..2 * WIDTH).prop_map(Step::Forget),
        4 => prop_oneof![3 => Just(0_u8), 2 => Just(1), 1 => Just(2), 1 => Just(3)].prop_map(Step::Save),
        2 => (1..5_usize).prop_map(Step::Crash),
    ]
}

/// What the rows should be.
#[derive(Clone, Debug, Default)]
struct Model {
    rows: BTreeMap<(i64, Key), Vec<Row>>,
    expired: i64,
}

impl Model {
    fn all(&self) -> Vec<(i64, Key, Row)> {
        let each = |((bucket, key), rows): (&(i64, Key), &Vec<Row>)| {
            let row = |row: &Row| (*bucket, key.clone(), row.clone());
            rows.iter().map(row).collect::<Vec<_>>()
        };
        self.rows.iter().flat_map(each).collect()
    }

    fn take_before(&mut self, before: i64) -> Vec<(Key, Row)> {
        let mut taken = Vec::new();
        for ((_, key), rows) in &mut self.rows {
            let gone = rows.extract_if(.., |row| row.time < before);
            taken.extend(gone.map(|row| (key.clone(), row)));
        }
        self.rows.retain(|_, rows| !rows.is_empty());
        taken
    }
}

struct Trial {
    kind: Kind,
    fleet: Fleet,
    model: Model,
    saved: Model,
    exact: bool,
}

impl Trial {
    fn take(&mut self, step: &Step) {
        let (fleet, model) = (&mut self.fleet, &mut self.model);
        let keys = |of: &[u8]| distinct(of.iter().copied());
        match step {
            Step::Put(rows) => {
                let rows: Vec<_> = rows
                    .iter()
                    .map(|(number, ahead, count)| {
                        let text = count.map(|count| "t".repeat(usize::try_from(count).unwrap()));
                        (key(*number), Row { time: model.expired + ahead, count: *count, text })
                    })
                    .collect();
                let new = fleet.put(&rows);
                for ((key, row), new) in rows.into_iter().zip(new) {
                    let bucket = if self.kind.timed { row.time.div_euclid(WIDTH) } else { 0 };
                    let there = model.rows.entry((bucket, key)).or_default();
                    if !self.kind.several {
                        assert_eq!(new, there.is_empty());
                        there.clear();
                    }
                    there.push(row);
                }
            }
            Step::Update(of, to) => {
                let keys = keys(of);
                fleet.update(&keys, *to);
                let mine = model.rows.iter_mut().filter(|((_, key), _)| keys.contains(key));
                mine.flat_map(|(_, rows)| rows).for_each(|row| row.count = *to);
            }
            Step::Remove(of) => {
                let keys = keys(of);
                fleet.remove(&keys);
                model.rows.retain(|(_, key), _| !keys.contains(key));
            }
            Step::Find(of) => {
                let keys = keys(of);
                let mut expected = model.all();
                expected.retain(|(_, key, _)| keys.contains(key));
                same(fleet.find(&keys), expected);
            }
            Step::Expire(by) => {
                let before = model.expired + by;
                let rows = fleet.expire(before);
                if self.kind.timed {
                    same(rows, model.take_before(before));
                    model.expired = before;
                } else {
                    assert!(rows.is_empty());
                }
            }
            Step::Forget(by) => {
                fleet.forget(model.expired + by);
                if self.kind.timed {
                    model.expired += by;
                    model.take_before(model.expired);
                }
            }
            Step::Save(level) => {
                fleet.save(level_of(*level));
                self.saved = model.clone();
            }
            Step::Crash(workers) => {
                fleet.start(*workers);
                self.model = self.saved.clone();
            }
        }
    }

    fn check(&mut self) {
        let keys = distinct(0..KEYS);
        same(self.fleet.find(&keys), self.model.all());
        let counted: u64 = self.fleet.notes().map(|note| note.rows).sum();
        let rows = self.model.all().len() as u64;
        assert!(counted == rows || counted > rows && !self.exact, "{counted} of {rows}");
    }
}

/// Some numbers have the same key.
fn distinct(numbers: impl Iterator<Item = u8>) -> Vec<Key> {
    numbers.map(key).collect::<BTreeSet<_>>().into_iter().collect()
}

/// Several rows of a key are compared in their order, the keys in any.
fn same<T: Ord + std::fmt::Debug>(mut found: Vec<T>, mut expected: Vec<T>) {
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
}

fn level_of(number: u8) -> Level {
    let epoch = 16_u64.pow(u32::from(number)) - 1;
    Level::of(Epoch(epoch))
}

fn run(kind: Kind, bytes: Option<u64>, steps: &[Step]) {
    let fleet = Fleet::new(kind, 2, bytes);
    let (model, saved) = (Model::default(), Model::default());
    let mut trial = Trial { kind, fleet, model, saved, exact: bytes.is_none() };
    for step in steps {
        trial.take(step);
        // What is found by looking is thawed, and so it must not be looked at after every step.
        if matches!(step, Step::Crash(_)) && steps.len().is_multiple_of(2) {
            trial.check();
        }
    }
    trial.check();
}

fn kind() -> impl Strategy<Value = Kind> {
    (any::<bool>(), any::<bool>(), any::<bool>()).prop_map(|(timed, several, grouped)| Kind {
        timed,
        several,
        grouped,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn a_table_is_a_map_over_crashes_and_workers(
        kind in kind(),
        steps in prop::collection::vec(step(), 1..60),
    ) {
        run(kind, None, &steps);
    }

    #[test]
    fn a_table_without_memory_is_the_same_map(
        kind in kind(),
        steps in prop::collection::vec(step(), 1..60),
    ) {
        run(kind, Some(1), &steps);
    }

    #[test]
    fn a_table_of_little_memory_is_the_same_map(
        kind in kind(),
        steps in prop::collection::vec(step(), 1..60),
    ) {
        run(kind, Some(16 << 10), &steps);
    }
}
