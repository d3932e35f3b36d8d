//! Suite `bench`: the benchmarks over few rows. Their figures say nothing; that they run, that every engine
//! writes the same rows, and that a live table holds each record once, does.

use anyhow::Result;

use super::lab::Lab;
use crate::bench::Engine;
use crate::bench::ledger::{self, Job};
use crate::bench::live::{self, Pace};
use crate::bench::windows;

const JOB: Job = Job { rows: 20_000, rounds: 1, threads: 1 };
const EVENTS: windows::Job = windows::Job { rows: 20_000, files: 20, rounds: 1, threads: 1 };
const PACE: Pace = Pace { rate: 4_000, seconds: 3, warm_up: 0, restarts: 1, threads: 1 };

pub(super) fn run(lab: &Lab) -> Result<()> {
    let turns =
        ledger::turns(lab.equipment(), &lab.folder(), &JOB, &[Engine::DuckDb, Engine::Doubled])?;
    lab.say(format!("{} turns wrote the same {} rows", turns.len(), JOB.rows));
    let queries = windows::turns(
        lab.equipment(),
        &lab.folder().join("windows"),
        &EVENTS,
        &windows::Query::ALL,
        &[Engine::DuckDb],
    )?;
    lab.say(format!(
        "{} queries of {} events have the same rows in each turn",
        queries.len(),
        EVENTS.rows
    ));
    let (_, restarts) = live::measure(lab.equipment(), &lab.folder(), &PACE)?;
    lab.say(format!("a live table holds each record once, also after {} kill", restarts.len()));
    Ok(())
}
