//! `cargo xtask bench ledger`: the released binary and its peers in turn, over the same rows, in one run.
//!
//! Who comes first or runs while the machine is busy would win by that: so highwater begins, ends, and
//! runs between its peers, and figures are told only once all have written the same rows.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;

use super::report::Report;
use super::turn::{Engine, Peer, Turn, agree, order};
use super::{keep, setting};
use crate::equipment::{Equipment, Need, Purpose};
use crate::step;

mod contest;

use contest::Contest;

#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    job: Job,
    /// Who takes turns besides DuckDB and highwater with twice the threads: structured streaming, from the same topic into an Iceberg table
    #[arg(long)]
    peer: Option<Peer>,
    /// Measure this binary instead of building one
    #[arg(long)]
    ledger: Option<PathBuf>,
}

/// How much there is to do.
#[derive(Args, Clone, Copy)]
pub(crate) struct Job {
    /// How many rows
    #[arg(long, default_value_t = 20_000_000)]
    pub(crate) rows: u64,
    /// How often each peer runs; highwater runs once more
    #[arg(long, default_value_t = 2)]
    pub(crate) rounds: u32,
    /// How many threads each has
    #[arg(long, default_value_t = 1)]
    pub(crate) threads: u32,
}

const NEEDS: &[Need] = &[Need::Ledger, Need::Python, Need::Broker];

pub(crate) fn run(options: &Options) -> Result<()> {
    let (needs, others) = match options.peer {
        None => (NEEDS.to_vec(), vec![Engine::DuckDb, Engine::Doubled]),
        Some(Peer::Spark) => {
            let needs = [NEEDS, &[Need::Spark, Need::SparkKafka]].concat();
            (needs, vec![Engine::DuckDb, Engine::Spark, Engine::Doubled])
        }
    };
    let equipment = Equipment::prepare(options.ledger.as_deref(), &needs, Purpose::Bench)?;
    let setting = setting::of(&equipment, &equipment.ledger, options.job.threads)?;
    let turns = turns(&equipment, &equipment.scratch, &options.job, &others)?;
    let report = Report::of(&turns, options.job.rows);
    step::print(&report.table())?;
    keep("ledger", &report.json(&setting))?;
    equipment.clear()
}

/// The turns of highwater and of `others`, whose outputs are the same; files go below `folder`.
pub(crate) fn turns(
    equipment: &Equipment,
    folder: &Path,
    job: &Job,
    others: &[Engine],
) -> Result<Vec<Turn>> {
    let contest = step::timed("bench: rows", || Contest::prepare(equipment, folder, job))?;
    let mut turns: Vec<Turn> = Vec::new();
    for engine in order(others, job.rounds) {
        let number = turns.len() + 1;
        let turn = || contest.turn(engine, number);
        turns.push(step::timed(&format!("bench: turn {number}, {}", engine.name()), turn)?);
        agree(&turns)?;
    }
    Ok(turns)
}
