//! The same rows for everybody, and the turns of the engines over them.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::Job;
use super::usage::{Usage, measure};
use crate::equipment::Equipment;
use crate::equipment::life::{DONE, Home};
use crate::step;

/// Rows are a function of this and of their number.
const SEED: u32 = 1;
const PARTITIONS: &str = "4";
/// Records of a file that a peer reads.
const PER_FILE: &str = "1000000";

/// Who takes turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Engine {
    Highwater,
    DuckDb,
}

impl Engine {
    /// As it is written in figures.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Highwater => "highwater",
            Self::DuckDb => "DuckDB",
        }
    }
}

/// One run of an engine over all rows.
pub(crate) struct Turn {
    pub(crate) engine: Engine,
    pub(crate) usage: Usage,
    pub(crate) output: Output,
    /// Commits of the table, for who makes more than one.
    pub(crate) commits: Option<usize>,
    /// How many tasks wanted a processor in the minute before.
    pub(crate) load: String,
}

/// What an engine wrote.
pub(crate) struct Output {
    rows: u64,
    amount: String,
    digest: String,
    /// Of all files that hold rows.
    pub(crate) bytes: u64,
}

#[cfg(test)]
impl Output {
    /// Some rows in so many bytes.
    pub(super) fn of(rows: u64, bytes: u64) -> Self {
        Self { rows, amount: "1.00".to_owned(), digest: "1".to_owned(), bytes }
    }
}

/// Rows in a topic and in files, and a folder to write to.
pub(crate) struct Contest<'a> {
    equipment: &'a Equipment,
    folder: PathBuf,
    topic: String,
    rows: u64,
    threads: String,
}

impl<'a> Contest<'a> {
    /// Writes the rows into a topic of the broker, and the same into files below `folder`.
    pub(crate) fn prepare(equipment: &'a Equipment, folder: &Path, job: &Job) -> Result<Self> {
        let bootstrap = equipment.broker()?.bootstrap();
        let topic = format!("kafka://{bootstrap}/bench-ledger");
        let folder = folder.to_owned();
        let threads = job.threads.to_string();
        let contest = Self { equipment, folder, topic, rows: job.rows, threads };
        let home = contest.home("records")?;
        let from = format!("generator:rows={},seed={SEED}", job.rows);
        let generate = ["generate", "--from", &from, "--to"];
        let topic = [&generate[..], &[&contest.topic, "--partitions", PARTITIONS]].concat();
        home.expect("topic", &topic, DONE)?;
        let files = [&generate[..], &["files", "--per-file", PER_FILE]].concat();
        home.expect("files", &files, DONE)?;
        Ok(contest)
    }

    /// One run of `engine`, the `number`th of all.
    pub(crate) fn turn(&self, engine: Engine, number: usize) -> Result<Turn> {
        let home = self.home(&format!("{number}-{}", engine.name()))?;
        let load = fs::read_to_string("/proc/loadavg").context("cannot read the load")?;
        let load = load.split(' ').next().unwrap_or_default().to_owned();
        let (usage, output, commits) = match engine {
            Engine::Highwater => {
                let usage = self.highwater(&home)?;
                let commits = progress(&home)?.len();
                (usage, self.output("iceberg", &home.warehouse()?)?, Some(commits))
            }
            Engine::DuckDb => {
                let file = home.text("ledger.parquet")?;
                (self.duckdb(&home, &file)?, self.output("parquet", &file)?, None)
            }
        };
        if output.rows != self.rows {
            bail!("{} wrote {} of {} rows", engine.name(), output.rows, self.rows);
        }
        fs::remove_dir_all(home.path("")).context("cannot remove the folder of a turn")?;
        Ok(Turn { engine, usage, output, commits, load })
    }

    /// As a user runs it, until it has committed every row; then it is asked to end.
    fn highwater(&self, home: &Home) -> Result<Usage> {
        let arguments = ["--from", &self.topic, "--threads", &self.threads, "--trigger", "1s"];
        let arguments = [&arguments[..], &["--progress", "json"]].concat();
        measure(home, RUN, &mut home.ledger(&arguments), || {
            let committed: Option<u64> = progress(home)?.iter().map(records).sum();
            Ok(committed.context("progress counts no records")? >= self.rows)
        })
    }

    fn duckdb(&self, home: &Home, file: &str) -> Result<Usage> {
        let records = self.home("records")?.text("files")?;
        let mut script = self.equipment.script("peer_duckdb.py")?;
        script.args([&records, file, &self.threads]);
        measure(home, RUN, &mut script, || Ok(false))
    }

    fn output(&self, kind: &str, place: &str) -> Result<Output> {
        let mut script = self.equipment.script("outputs.py")?;
        let told = step::output(script.args([kind, place]))?;
        read_output(&told).with_context(|| format!("outputs.py told {told}"))
    }

    fn home(&self, name: &str) -> Result<Home> {
        self.equipment.home(&self.folder.join(name))
    }
}

/// The log of a run in its folder.
const RUN: &str = "run";

/// The epochs that a run has told of so far.
fn progress(home: &Home) -> Result<Vec<Value>> {
    let path = home.path(&format!("{RUN}.log"));
    let log = fs::read_to_string(&path).with_context(|| format!("cannot read {path:?}"))?;
    // The last line may not be whole yet, and others are for people.
    Ok(log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
}

fn records(progress: &Value) -> Option<u64> {
    progress.get("numInputRows")?.as_u64()
}

fn read_output(told: &str) -> Option<Output> {
    let told: Value = serde_json::from_str(told).ok()?;
    let text = |key: &str| told.get(key)?.as_str().map(str::to_owned);
    let number = |key: &str| told.get(key)?.as_u64();
    Some(Output {
        rows: number("rows")?,
        amount: text("amount")?,
        digest: text("digest")?,
        bytes: number("bytes")?,
    })
}

/// All wrote the same rows, in whatever order.
pub(crate) fn agree(turns: &[Turn]) -> Result<()> {
    let values = |turn: &Turn| (turn.output.amount.clone(), turn.output.digest.clone());
    let Some(first) = turns.first() else { return Ok(()) };
    match turns.iter().find(|turn| values(turn) != values(first)) {
        None => Ok(()),
        Some(other) => bail!(
            "the rows differ: amount and digest are {:?} by {}, {:?} by {}",
            values(first),
            first.engine.name(),
            values(other),
            other.engine.name(),
        ),
    }
}
