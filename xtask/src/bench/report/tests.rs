//! Figures of made-up turns.

use std::time::Duration;

use super::*;
use crate::bench::turn::Output;
use crate::bench::usage::Usage;

fn turn(engine: Engine, cpu: u64, wall: u64) -> Turn {
    let (cpu, wall) = (Duration::from_millis(cpu), Duration::from_millis(wall));
    Turn {
        engine,
        usage: Usage { cpu, wall, peak: 64 << 20 },
        output: Output::of(1_000, 25_500),
        commits: None,
        warm: None,
        load: "0.10".to_owned(),
    }
}

#[test]
fn the_worst_pair_is_told() {
    let own = [500, 400, 450].map(|cpu| turn(Engine::Highwater, cpu, 1_000));
    let peer = [1_000, 800].map(|cpu| turn(Engine::DuckDb, cpu, 2_000));
    let turns: Vec<Turn> = own.into_iter().chain(peer).collect();
    let report = Report::of(&turns, 1_000);
    // 2,000 rows per CPU-second by 1,250.
    assert_eq!(report.worst_pairs(), [("DuckDB".to_owned(), 160)]);
    let table = report.table();
    assert!(table.contains("| highwater | 3 | 2,222 | 25 % | 1,000 | 64 MiB | 25.50 |"), "{table}");
    assert!(table.contains("| DuckDB | 2 | 1,000 | 25 % | 500 | 64 MiB | 25.50 |"), "{table}");
    assert!(table.ends_with("by fastest of DuckDB: 1.60\n"), "{table}");
}

#[test]
fn who_has_twice_the_threads_is_no_peer() {
    let turns = [turn(Engine::Highwater, 500, 500), turn(Engine::Doubled, 500, 250)];
    let report = Report::of(&turns, 1_000);
    assert_eq!((report.worst_pairs(), report.doubled()), (Vec::new(), Some(200)));
    assert!(report.table().ends_with("single one, wall: 2.00\n"), "{}", report.table());
}

#[test]
fn who_becomes_faster_is_compared_when_warm_too() {
    let spark =
        Turn { warm: Some((500, Duration::from_millis(250))), ..turn(Engine::Spark, 1_000, 1_000) };
    let turns = [turn(Engine::Highwater, 250, 1_000), spark];
    let report = Report::of(&turns, 1_000);
    let pairs = [("Spark".to_owned(), 400), ("Spark, warm".to_owned(), 200)];
    assert_eq!(report.worst_pairs(), pairs);
    assert!(report.table().contains("| Spark, warm | | 2,000 | 0 % | | | |"));
}

#[test]
fn rates_and_their_spread_are_whole_numbers() {
    assert_eq!(spread(&[100, 150]), 50);
    assert_eq!(per_second(3, Duration::from_millis(1_500)), 2);
}
