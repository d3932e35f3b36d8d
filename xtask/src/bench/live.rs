//! `cargo xtask bench live`: a table that is kept up to date while records come at a steady rate.
//!
//! Measured are its freshness, what that costs, and how soon it goes on after the process was killed.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;

use super::{keep, setting, usage};
use crate::equipment::{Equipment, Need, Purpose};
use crate::step;

mod freshness;
mod report;
mod restart;
mod stream;

use freshness::Freshness;
use report::Report;
use restart::Restart;

#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    pace: Pace,
    /// Measure this binary instead of building one
    #[arg(long)]
    ledger: Option<PathBuf>,
}

/// What comes in, and what happens meanwhile.
#[derive(Args, Clone, Copy)]
pub(crate) struct Pace {
    /// How many records come in a second
    #[arg(long, default_value_t = 180_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) rate: u64,
    /// For how many seconds they come while freshness is measured
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) seconds: u64,
    /// How many of these seconds do not count: connections are opened then
    #[arg(long, default_value_t = 2)]
    pub(crate) warm_up: u64,
    /// How often the ledger is killed and started again
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) restarts: u32,
    /// How many threads it has
    #[arg(long, default_value_t = 1)]
    pub(crate) threads: u32,
}

const NEEDS: &[Need] = &[Need::Ledger, Need::Python, Need::Broker];

pub(crate) fn run(options: &Options) -> Result<()> {
    let equipment = Equipment::prepare(options.ledger.as_deref(), NEEDS, Purpose::Bench)?;
    let setting = setting::of(&equipment, &equipment.ledger, options.pace.threads)?;
    let load = usage::load()?;
    let (freshness, restarts) = measure(&equipment, &equipment.scratch, &options.pace)?;
    let report = Report { pace: options.pace, load, freshness, restarts };
    step::print(&report.table())?;
    keep("live", &report.json(&setting))?;
    equipment.clear()
}

/// Freshness while nothing happens, then restarts; both with topics and tables of their own. Files go
/// below `folder`.
pub(crate) fn measure(
    equipment: &Equipment,
    folder: &Path,
    pace: &Pace,
) -> Result<(Freshness, Vec<Restart>)> {
    let freshness = || Freshness::measure(equipment, &folder.join("freshness"), pace);
    let freshness = step::timed("bench: freshness", freshness)?;
    let restarts = || restart::measure(equipment, &folder.join("restarts"), pace);
    Ok((freshness, step::timed("bench: restarts", restarts)?))
}
