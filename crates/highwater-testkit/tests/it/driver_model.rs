//! The driver keeps two tables whole in every interleaving.

use highwater_testkit::model::{DriverModel, Logs, Order};
use stateright::{Checker, HasDiscoveries, Model};

const SMALL: DriverModel = DriverModel {
    order: Order::PrimaryFirst,
    logs: Logs::Own,
    instances: 2,
    input: 2,
    crashes: 1,
    timeouts: 1,
    losses: 0,
    vanishings: 0,
};

fn holds(model: DriverModel) {
    let name = format!("{model:?}");
    let checker = model.checker().threads(2).spawn_bfs().join();
    eprintln!("{} unique states: {name}", checker.unique_state_count());
    checker.assert_properties();
}

#[test]
fn one_instance_whose_log_and_files_are_lost_holds() {
    holds(DriverModel { instances: 1, input: 3, crashes: 2, losses: 1, vanishings: 1, ..SMALL });
}

#[test]
fn one_instance_that_trims_its_log_holds() {
    holds(DriverModel { instances: 1, input: 6, crashes: 1, ..SMALL });
}

#[test]
fn two_instances_with_logs_of_their_own_hold() {
    holds(DriverModel { logs: Logs::Own, ..SMALL });
}

#[test]
fn two_instances_of_one_log_hold() {
    holds(DriverModel { logs: Logs::Shared, ..SMALL });
}

#[test]
#[ignore = "large bounds: cargo test --release -- --ignored"]
fn two_instances_with_logs_of_their_own_hold_for_long() {
    holds(DriverModel { logs: Logs::Own, input: 4, losses: 1, ..SMALL });
}

#[test]
#[ignore = "large bounds: cargo test --release -- --ignored"]
fn two_instances_of_one_log_hold_for_long() {
    holds(DriverModel { logs: Logs::Shared, input: 3, losses: 1, vanishings: 1, ..SMALL });
}

#[test]
#[ignore = "large bounds: cargo test --release -- --ignored"]
fn two_instances_of_one_log_that_is_trimmed_hold_for_long() {
    holds(DriverModel { logs: Logs::Shared, input: 6, timeouts: 0, ..SMALL });
}

#[test]
fn side_tables_first_tears_the_tables_apart() {
    let model = DriverModel { order: Order::SideFirst, input: 4, crashes: 0, timeouts: 0, ..SMALL };
    let property = "the tables agree on every epoch";
    let finish = HasDiscoveries::AnyOf([property].into_iter().collect());
    let checker = model.checker().finish_when(finish).spawn_bfs().join();
    eprintln!("{} unique states: side first", checker.unique_state_count());
    assert!(checker.discovery(property).is_some(), "side tables first was not found out");
}
