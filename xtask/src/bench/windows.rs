//! `cargo xtask bench windows`: files of events into Delta tables, beside DuckDB over the same files in turn.
//!
//! What is measured is each query of file-events: events as they are, windows of few keys, and windows of
//! many keys that overlap.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use clap::Args;
use serde_json::{Map, Value};

use super::report::Report;
use super::told::{self, RUN};
use super::turn::{Engine, Output, Turn, agree, order};
use super::usage::{load, measure};
use super::{keep, setting};
use crate::equipment::life::{DONE, Home};
use crate::equipment::{Equipment, Need, Purpose};
use crate::step;

/// Rows are a function of this and of their number.
const SEED: u32 = 1;
const QUERIES: [&str; 3] = ["passthrough", "tumbling", "sliding"];
/// Where the files of events are, for all turns.
const EVENTS: &str = "events";

#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    job: Job,
}

/// How much there is to do.
#[derive(Args, Clone, Copy)]
pub(crate) struct Job {
    /// How many events
    #[arg(long, default_value_t = 20_000_000)]
    pub(crate) rows: u64,
    /// In how many files
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) files: u64,
    /// How often DuckDB runs each query; highwater runs once more
    #[arg(long, default_value_t = 1)]
    pub(crate) rounds: u32,
    /// How many threads each has
    #[arg(long, default_value_t = 1)]
    pub(crate) threads: u32,
}

const NEEDS: &[Need] = &[Need::FileEvents, Need::Python];

pub(crate) fn run(options: &Options) -> Result<()> {
    let job = &options.job;
    let equipment = Equipment::prepare(None, NEEDS, Purpose::Bench)?;
    let setting = setting::of(&equipment, &equipment.file_events, job.threads)?;
    let mut measured = Map::new();
    for (query, turns) in queries(&equipment, &equipment.scratch, job)? {
        let report = Report::of(&turns, job.rows);
        step::print(&format!("\n{query}\n\n{}", report.table()))?;
        measured.insert(query.to_owned(), report.json(&setting));
    }
    keep("windows", &Value::Object(measured))?;
    equipment.clear()
}

/// The turns of each query, whose outputs are the same; files go below `folder`.
pub(crate) fn queries(
    equipment: &Equipment,
    folder: &Path,
    job: &Job,
) -> Result<Vec<(&'static str, Vec<Turn>)>> {
    let contest = step::timed("bench: events", || Contest::prepare(equipment, folder, job))?;
    let turns = |query| Ok((query, contest.turns(query)?));
    QUERIES.into_iter().map(turns).collect()
}

/// Events in files, and a folder to write to.
struct Contest<'a> {
    equipment: &'a Equipment,
    folder: &'a Path,
    job: &'a Job,
}

impl<'a> Contest<'a> {
    /// Writes the events into files below `folder`.
    fn prepare(equipment: &'a Equipment, folder: &'a Path, job: &'a Job) -> Result<Self> {
        let contest = Self { equipment, folder, job };
        let from = format!("generator:rows={},seed={SEED}", job.rows);
        let per_file = job.rows.div_ceil(job.files).to_string();
        let generate = ["generate", "--from", &from, "--to", EVENTS, "--delay", "0s"];
        let generate = [&generate[..], &["--per-file", &per_file]].concat();
        let home = contest.home("")?;
        home.expect_of("generate", &mut home.file_events(&generate), DONE)?;
        Ok(contest)
    }

    fn turns(&self, query: &str) -> Result<Vec<Turn>> {
        let mut turns = Vec::new();
        for engine in order(&[Engine::DuckDb], self.job.rounds) {
            let name = format!("{query}-{}-{}", turns.len() + 1, engine.name());
            turns.push(step::timed(&format!("bench: {name}"), || self.turn(&name, query, engine))?);
            agree(&turns)?;
        }
        Ok(turns)
    }

    fn turn(&self, name: &str, query: &str, engine: Engine) -> Result<Turn> {
        let (home, load) = (self.home(name)?, load()?);
        let threads = self.job.threads.to_string();
        let (kind, mut command) = match engine {
            Engine::Highwater => ("delta", self.highwater(&home, query, &threads)?),
            _ => ("parquet", self.duckdb(&home, query, &threads)?),
        };
        let usage = measure(&home, RUN, &mut command, || Ok(false))?;
        let output = Output::read(self.equipment, query, kind, &home.path("output"))?;
        let epochs = u64::try_from(told::epochs(&home)?.len())?;
        let commits = Some(epochs).filter(|_| engine == Engine::Highwater);
        fs::remove_dir_all(home.path("")).context("cannot remove the folder of a turn")?;
        Ok(Turn { engine, usage, output, commits, warm: None, load })
    }

    /// Every file and every window, those too that event time has not passed: DuckDB has them as well.
    fn highwater(&self, home: &Home, query: &str, threads: &str) -> Result<Command> {
        let from = self.events()?;
        // A tenth of all files in an epoch: so often a run that is behind would commit.
        let files = self.job.files.div_ceil(10).to_string();
        let arguments = ["--query", query, "--mode", "append", "--from", &from];
        let output = ["--table", "./output", "--drain", "--progress", "json"];
        let pace = ["--threads", threads, "--max-files-per-epoch", &files];
        Ok(home.file_events(&[&arguments[..], &output, &pace].concat()))
    }

    fn duckdb(&self, home: &Home, query: &str, threads: &str) -> Result<Command> {
        let mut script = self.equipment.script("peer_events.py")?;
        script.args([query, &self.events()?, &home.text("output")?, threads]);
        Ok(script)
    }

    fn events(&self) -> Result<String> {
        self.home("")?.text(EVENTS)
    }

    fn home(&self, name: &str) -> Result<Home> {
        self.equipment.home(&self.folder.join(name))
    }
}
