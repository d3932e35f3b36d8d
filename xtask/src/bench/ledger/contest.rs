//! The same rows for everybody, and the turns of the engines over them.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::Job;
use crate::bench::told::{self, RUN, number, told};
use crate::bench::usage::{Usage, load, measure};
use crate::equipment::Equipment;
use crate::equipment::life::{DONE, Home};
use crate::step;

/// Rows are a function of this and of their number.
const SEED: u32 = 1;
const TOPIC: &str = "bench-ledger";
const PARTITIONS: &str = "4";
/// Records of a file that a peer reads.
const PER_FILE: &str = "1000000";

/// Who takes turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Engine {
    Highwater,
    DuckDb,
    Spark,
}

impl Engine {
    /// As it is written in figures.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Highwater => "highwater",
            Self::DuckDb => "DuckDB",
            Self::Spark => "Spark",
        }
    }
}

/// One run of an engine over all rows.
pub(crate) struct Turn {
    pub(crate) engine: Engine,
    pub(crate) usage: Usage,
    pub(crate) output: Output,
    /// Commits of the table, for who makes any.
    pub(crate) commits: Option<u64>,
    /// Rows and time on processors after the first half, for who becomes faster by then.
    pub(crate) warm: Option<(u64, Duration)>,
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
        let topic = format!("kafka://{bootstrap}/{TOPIC}");
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
        let load = load()?;
        let run = match engine {
            Engine::Highwater => self.highwater(&home)?,
            Engine::DuckDb => self.duckdb(&home)?,
            Engine::Spark => self.spark(&home)?,
        };
        let output = self.output(run.kind, &run.place)?;
        if output.rows != self.rows {
            bail!("{} wrote {} of {} rows", engine.name(), output.rows, self.rows);
        }
        fs::remove_dir_all(home.path("")).context("cannot remove the folder of a turn")?;
        let Run { usage, commits, warm, .. } = run;
        Ok(Turn { engine, usage, output, commits, warm, load })
    }

    /// As a user runs it, until it has committed every row; then it is asked to end.
    fn highwater(&self, home: &Home) -> Result<Run> {
        let arguments = ["--from", &self.topic, "--threads", &self.threads, "--trigger", "1s"];
        let arguments = [&arguments[..], &["--progress", "json"]].concat();
        let usage = measure(home, RUN, &mut home.ledger(&arguments), || {
            Ok(told::records(&told::epochs(home)?)? >= self.rows)
        })?;
        let commits = Some(u64::try_from(told::epochs(home)?.len())?);
        Ok(Run { usage, kind: "iceberg", place: home.warehouse()?, commits, warm: None })
    }

    fn duckdb(&self, home: &Home) -> Result<Run> {
        let (records, place) = (self.home("records")?.text("files")?, home.text("ledger.parquet")?);
        let mut script = self.equipment.script("peer_duckdb.py")?;
        script.args([&records, &place, &self.threads]);
        let usage = measure(home, RUN, &mut script, || Ok(false))?;
        Ok(Run { usage, kind: "parquet", place, commits: None, warm: None })
    }

    /// What its own process tells of itself counts, not the Python that started it.
    fn spark(&self, home: &Home) -> Result<Run> {
        let (place, checkpoint) = (home.text("warehouse")?, home.text("checkpoint")?);
        let brokers = self.equipment.broker()?.bootstrap();
        let mut script = self.equipment.script("peer_spark.py")?;
        script.args([&brokers, TOPIC, &place, &checkpoint, &self.threads]);
        let Usage { wall, .. } = measure(home, RUN, &mut script, || Ok(false))?;
        let told = told(home)?.pop().context("peer_spark.py told nothing")?;
        let of = |key: &str| number(&told, key).with_context(|| format!("no {key} in {told}"));
        let usage =
            Usage { cpu: Duration::from_millis(of("cpuMillis")?), wall, peak: of("peakBytes")? };
        let warm = (of("warmRows")?, Duration::from_millis(of("warmCpuMillis")?));
        let warm = Some(warm).filter(|(rows, _)| *rows > 0);
        Ok(Run { usage, kind: "iceberg", place, commits: Some(of("batches")?), warm })
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

/// What came of one run, and where its output is.
struct Run {
    usage: Usage,
    kind: &'static str,
    place: String,
    commits: Option<u64>,
    warm: Option<(u64, Duration)>,
}

fn read_output(told: &str) -> Option<Output> {
    let told: Value = serde_json::from_str(told).ok()?;
    let text = |key: &str| told.get(key)?.as_str().map(str::to_owned);
    Some(Output {
        rows: number(&told, "rows")?,
        amount: text("amount")?,
        digest: text("digest")?,
        bytes: number(&told, "bytes")?,
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
