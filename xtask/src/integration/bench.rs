//! Suite `bench`: the benchmark of the ledger over few rows. Its figures say nothing; that it runs, and that
//! every engine writes the same rows, does.

use anyhow::Result;

use super::lab::Lab;
use crate::bench::{self, Engine, Job};

const JOB: Job = Job { rows: 20_000, rounds: 1, threads: 1 };

pub(super) fn run(lab: &Lab) -> Result<()> {
    let turns = bench::turns(lab.equipment(), &lab.folder(), &JOB, &[Engine::DuckDb])?;
    lab.say(format!("{} turns wrote the same {} rows", turns.len(), JOB.rows));
    Ok(())
}
