//! What a manifest names is the state: reading it gives what a naive replay of everything gives.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};

use highwater_checkpoint::{StateManifest, StepState, WorkerSave, Written};
use highwater_core::{Epoch, Groups, KeyGroups, Level, Name, TableNote};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

const KEYS: u8 = 24;
const LEVELS: usize = 4;

/// Keys are spread over the groups, and three of them share a bucket.
fn group(key: u8) -> u8 {
    key * 5
}

fn bucket(key: u8) -> i64 {
    i64::from(key / 3)
}

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

/// What happens to the state in one epoch.
#[derive(Clone, Debug)]
struct Change {
    /// Values that are set, or taken out.
    rows: Vec<(u8, Option<u32>)>,
    /// So many buckets go.
    expired: i64,
    /// The next life has so many workers.
    restart: Option<usize>,
}

fn changes(epochs: usize) -> impl Strategy<Value = Vec<Change>> {
    let row = (0..KEYS, prop::option::weighted(0.7, any::<u32>()));
    let change = (
        vec(row, 0..4),
        prop::option::weighted(0.02, 1_i64..3),
        prop::option::weighted(0.05, 1_usize..5),
    );
    let change = change.prop_map(|(rows, expired, restart)| Change {
        rows,
        expired: expired.unwrap_or_default(),
        restart,
    });
    vec(change, epochs)
}

type Object = BTreeMap<u8, Option<u32>>;

/// The state as it is, and as it was saved.
#[derive(Default)]
struct World {
    rows: BTreeMap<u8, u32>,
    first: i64,
    workers: usize,
    /// What changed since the last save of each level.
    changed: [BTreeSet<u8>; LEVELS],
    objects: BTreeMap<String, Object>,
    manifest: StateManifest,
}

impl World {
    fn epoch(&mut self, epoch: Epoch, change: &Change) {
        if let Some(workers) = change.restart {
            self.workers = workers;
            self.restore();
        }
        self.first += change.expired;
        for (key, value) in &change.rows {
            // Rows of a bucket that is gone would be late.
            if bucket(*key) >= self.first {
                match value {
                    Some(value) => self.rows.insert(*key, *value),
                    None => self.rows.remove(key),
                };
                for changed in &mut self.changed {
                    changed.insert(*key);
                }
            }
        }
        self.rows.retain(|key, _| bucket(*key) >= self.first);
        self.save(epoch);
        assert_eq!(self.read(), self.rows, "behind epoch {epoch}");
    }

    fn save(&mut self, epoch: Epoch) {
        let level = Level::of(epoch);
        let saves: Vec<_> =
            (0..self.workers).map(|worker| self.worker(epoch, level, worker)).collect();
        self.changed[..=level.index()].iter_mut().for_each(BTreeSet::clear);
        let note = TableNote { first: self.first, ..TableNote::default() };
        let tables = BTreeMap::from([(name("rows"), note)]);
        let step = StepState { description: "step".to_owned(), tables };
        let steps = BTreeMap::from([(name("step"), step)]);
        self.manifest = self.manifest.next(epoch, level, &saves, steps);
    }

    fn worker(&mut self, epoch: Epoch, level: Level, worker: usize) -> WorkerSave {
        let groups = Groups::of_worker(worker, self.workers);
        let mut object = Object::new();
        for key in (0..KEYS).filter(|key| KeyGroups::worker(group(*key), self.workers) == worker) {
            let value = self.rows.get(&key).copied();
            let there = bucket(key) >= self.first;
            if level == Level::WHOLE && value.is_some()
                || level < Level::WHOLE && there && self.changed[level.index()].contains(&key)
            {
                object.insert(key, value);
            }
        }
        let newest = object.keys().map(|key| bucket(*key)).max();
        let written = newest.map(|newest| {
            let path = format!("{epoch}-{worker}");
            self.objects.insert(path.clone(), object);
            let tables = BTreeMap::from([(name("rows"), newest)]);
            Written { path, bytes: 1, newest: BTreeMap::from([(name("step"), tables)]) }
        });
        WorkerSave { groups, written }
    }

    /// What the manifest names, read from the oldest to the newest.
    fn read(&self) -> BTreeMap<u8, u32> {
        let mut rows = BTreeMap::new();
        for object in &self.manifest.objects {
            for (key, value) in &self.objects[&object.path] {
                match value {
                    _ if !object.groups.contains(group(*key)) => None,
                    Some(value) => rows.insert(*key, *value),
                    None => rows.remove(key),
                };
            }
        }
        rows.retain(|key, _| bucket(*key) >= self.first);
        rows
    }

    /// What a life knows that was restored: which rows came from saves of lower levels.
    fn restore(&mut self) {
        self.rows = self.read();
        self.changed = Default::default();
        for object in &self.manifest.objects {
            let counts = |key: &&u8| object.groups.contains(group(**key));
            for key in self.objects[&object.path].keys().filter(counts) {
                for changed in self.changed.iter_mut().skip(object.level.index() + 1) {
                    changed.insert(*key);
                }
            }
        }
    }
}

fn replay(changes: &[Change]) {
    let mut world = World { workers: 2, ..World::default() };
    for (epoch, change) in (0..).zip(changes) {
        world.epoch(Epoch(epoch), change);
        let objects = world.manifest.objects.len();
        assert!(objects <= 46 * 5, "{objects} objects at {epoch}");
    }
}

#[test]
fn what_a_manifest_names_is_the_state() {
    let config = Config { failure_persistence: None, ..Config::with_cases(60) };
    let tried = TestRunner::new(config).run(&changes(300), |changes| {
        replay(&changes);
        Ok(())
    });
    tried.unwrap_or_else(|error| panic!("{error}"));
}

/// Far enough for a save of all there is.
#[test]
fn what_a_manifest_names_is_the_state_for_a_long_time() {
    let config = Config { failure_persistence: None, ..Config::with_cases(2) };
    let tried = TestRunner::new(config).run(&changes(5_000), |changes| {
        replay(&changes);
        Ok(())
    });
    tried.unwrap_or_else(|error| panic!("{error}"));
}
