//! The commit rule holds in every interleaving, and every broken rule is found out.

use highwater_testkit::model::{Bounds, CommitModel, Design, Logs};
use stateright::{Checker, HasDiscoveries, Model};

const SMALL: Bounds =
    Bounds { epochs: 2, attempts: 2, crashes: 1, foreign: 0, expiries: 0, rollbacks: 0 };

fn holds(model: CommitModel) {
    let name = format!("{model:?}");
    let checker = model.checker().threads(2).spawn_bfs().join();
    eprintln!("{} unique states: {name}", checker.unique_state_count());
    checker.assert_properties();
}

fn sound(logs: Logs, writers: usize, bounds: Bounds) -> CommitModel {
    CommitModel { design: Design::Sound, logs, bounds, writers }
}

fn breaks(design: Design, writers: usize, bounds: Bounds, property: &'static str) {
    let model = CommitModel { design, logs: Logs::Own, bounds, writers };
    let checker = model
        .checker()
        .finish_when(HasDiscoveries::AnyOf([property].into_iter().collect()))
        .spawn_bfs()
        .join();
    eprintln!("{} unique states: {design:?}", checker.unique_state_count());
    let found = checker.discovery(property);
    assert!(found.is_some(), "{design:?} was not found out: {property}");
}

#[test]
fn one_instance_holds() {
    holds(sound(Logs::Own, 1, Bounds { foreign: 1, expiries: 1, rollbacks: 1, ..SMALL }));
}

#[test]
fn two_instances_of_one_log_hold() {
    holds(sound(Logs::Shared, 2, SMALL));
}

#[test]
fn two_instances_with_logs_of_their_own_hold() {
    holds(sound(Logs::Own, 2, SMALL));
}

#[test]
fn two_instances_and_somebody_who_sets_the_table_back_hold() {
    let bounds = Bounds { crashes: 0, rollbacks: 1, foreign: 1, expiries: 1, ..SMALL };
    holds(sound(Logs::Own, 2, bounds));
}

#[test]
#[ignore = "large bounds: cargo test --release -- --ignored"]
fn two_instances_of_one_log_hold_for_long() {
    holds(sound(
        Logs::Shared,
        2,
        Bounds { epochs: 3, attempts: 3, crashes: 2, foreign: 1, ..SMALL },
    ));
}

#[test]
#[ignore = "large bounds: cargo test --release -- --ignored"]
fn two_instances_with_logs_of_their_own_hold_for_long() {
    holds(sound(Logs::Own, 2, Bounds { epochs: 3, attempts: 3, crashes: 2, foreign: 1, ..SMALL }));
}

#[test]
#[ignore = "large bounds: cargo test --release -- --ignored"]
fn everything_at_once_holds_for_long() {
    let bounds = Bounds { foreign: 1, expiries: 1, rollbacks: 1, ..SMALL };
    holds(sound(Logs::Own, 2, bounds));
    holds(sound(Logs::Shared, 2, bounds));
}

#[test]
fn rebasing_blindly_doubles_an_epoch() {
    breaks(Design::RebaseBlindly, 1, SMALL, "no epoch twice");
}

#[test]
fn asking_only_when_unknown_doubles_an_epoch() {
    breaks(Design::AskWhenUnknown, 1, SMALL, "no epoch twice");
}

#[test]
fn a_marker_in_the_summary_alone_is_lost_by_expiry() {
    let bounds = Bounds { foreign: 1, expiries: 1, ..SMALL };
    breaks(Design::SummaryOnly, 1, bounds, "no epoch twice");
}

#[test]
fn checking_before_loading_doubles_an_epoch() {
    breaks(Design::CheckThenLoad, 2, SMALL, "no epoch twice");
}

#[test]
fn judging_only_what_stands_doubles_an_epoch() {
    let bounds = Bounds { crashes: 0, foreign: 1, expiries: 1, rollbacks: 1, ..SMALL };
    breaks(Design::StandingOnly, 2, bounds, "no epoch twice");
}
