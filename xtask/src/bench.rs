//! `cargo xtask bench`: the released binary, measured as a user runs it, and counted.

use std::fs;

use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use serde_json::Value;

use crate::workspace;

mod figures;
pub(crate) mod instructions;
pub(crate) mod ledger;
pub(crate) mod live;
mod report;
mod setting;
mod told;
mod turn;
mod usage;
pub(crate) mod windows;

pub(crate) use turn::Engine;

#[derive(Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    benchmark: Benchmark,
}

#[derive(Subcommand)]
enum Benchmark {
    /// A topic into an Iceberg table, exactly once, beside DuckDB from files into Parquet
    Ledger(ledger::Options),
    /// Files of events into Delta tables: as they are, and by windows, beside DuckDB from the same files
    Windows(windows::Options),
    /// How fresh that table is while records come at a steady rate, and how soon it goes on after a kill
    Live(live::Options),
    /// The instructions and allocations of a row and of an epoch of it, which no other load changes
    Instructions(instructions::Options),
}

pub(crate) fn run(options: &Options) -> Result<()> {
    match &options.benchmark {
        Benchmark::Ledger(options) => ledger::run(options),
        Benchmark::Windows(options) => windows::run(options),
        Benchmark::Live(options) => live::run(options),
        Benchmark::Instructions(options) => instructions::run(options),
    }
}

/// Keeps everything that was measured as `bench/<name>.json` of the target folder, and says where.
fn keep(name: &str, measured: &Value) -> Result<()> {
    let place = workspace::target()?.join(format!("bench/{name}.json"));
    let text = serde_json::to_string_pretty(measured)?;
    fs::write(&place, text).with_context(|| format!("cannot write {place:?}"))?;
    eprintln!("each measurement by itself, and the setting: {}", place.display());
    Ok(())
}
