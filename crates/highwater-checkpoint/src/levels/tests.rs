//! What the first epoch of a life leaves, the second does.

use std::collections::BTreeMap;

use highwater_core::Groups;

use super::*;
use crate::{WorkerSave, Written};

/// The state behind `epoch`, which saves at a level.
fn save(state: &StateManifest, epoch: u64, levels: Levels) -> StateManifest {
    let rows = BTreeMap::from([("rows".parse().unwrap(), 0)]);
    let newest = BTreeMap::from([("step".parse().unwrap(), rows)]);
    let written = Written { path: epoch.to_string(), bytes: 1, newest };
    let saved = [WorkerSave { groups: Groups::ALL, written: Some(written) }];
    let epoch = Epoch(epoch);
    state.next(epoch, levels.of(epoch), &saved, BTreeMap::new())
}

#[test]
fn the_second_epoch_of_a_life_saves_what_the_first_one_left() {
    let mut state = StateManifest::default();
    let levels = Levels::new(Epoch(0), &state);
    for epoch in 0..15 {
        state = save(&state, epoch, levels);
    }
    let levels = Levels::new(Epoch(15), &state);
    let all: Vec<_> = (15..35).map(|epoch| levels.of(Epoch(epoch)).index()).collect();
    assert_eq!(all, [0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0]);
    state = save(&state, 15, levels);
    assert_eq!(state.objects.len(), 16);
    state = save(&state, 16, levels);
    assert_eq!(state.objects.len(), 1, "the second takes the place of all of them");
}

#[test]
fn an_epoch_that_is_not_the_first_one_leaves_nothing() {
    let levels = Levels::new(Epoch(14), &StateManifest::default());
    for epoch in 14..5_000 {
        assert_eq!(levels.of(Epoch(epoch)), Level::of(Epoch(epoch)), "{epoch}");
    }
}

#[test]
fn lives_of_one_epoch_each_leave_no_more_than_twice_as_many_saves() {
    let (mut state, mut most) = (StateManifest::default(), 0);
    for epoch in 0..3 * 4_096 {
        state = save(&state, epoch, Levels::new(Epoch(epoch), &state));
        most = most.max(state.objects.len());
    }
    assert!((46..=92).contains(&most), "{most}");
}
