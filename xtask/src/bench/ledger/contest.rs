//! The same rows for everybody, and the turns of the engines over them.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::Job;
use crate::bench::told::{self, Own, RUN};
use crate::bench::turn::{Engine, Output, Turn};
use crate::bench::usage::{Usage, load, measure};
use crate::equipment::Equipment;
use crate::equipment::life::{DONE, Home};

/// Rows are a function of this and of their number.
const SEED: u32 = 1;
const TOPIC: &str = "bench-ledger";
const PARTITIONS: &str = "4";
/// Records of a file that a peer reads.
const PER_FILE: &str = "1000000";

/// Rows in a topic and in files, and a folder to write to.
pub(crate) struct Contest<'a> {
    equipment: &'a Equipment,
    folder: PathBuf,
    topic: String,
    rows: u64,
    threads: u32,
}

impl<'a> Contest<'a> {
    /// Writes the rows into a topic of the broker, and the same into files below `folder`.
    pub(crate) fn prepare(equipment: &'a Equipment, folder: &Path, job: &Job) -> Result<Self> {
        let bootstrap = equipment.broker()?.bootstrap();
        let topic = format!("kafka://{bootstrap}/{TOPIC}");
        let folder = folder.to_owned();
        let contest = Self { equipment, folder, topic, rows: job.rows, threads: job.threads };
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
        let (load, threads) = (load()?, engine.threads(self.threads));
        let run = match engine {
            Engine::Highwater | Engine::Doubled => self.highwater(&home, &threads)?,
            Engine::DuckDb => self.duckdb(&home, &threads)?,
            Engine::Spark => self.spark(&home, &threads)?,
        };
        let output = Output::read(self.equipment, "ledger", run.kind, Path::new(&run.place))?;
        if output.rows != self.rows {
            bail!("{} wrote {} of {} rows", engine.name(), output.rows, self.rows);
        }
        fs::remove_dir_all(home.path("")).context("cannot remove the folder of a turn")?;
        let Run { usage, commits, warm, .. } = run;
        Ok(Turn { engine, usage, output, commits, warm, load })
    }

    /// As a user runs it, until it has committed every row; then it is asked to end.
    fn highwater(&self, home: &Home, threads: &str) -> Result<Run> {
        let arguments = ["--from", &self.topic, "--threads", threads, "--trigger", "1s"];
        let arguments = [&arguments[..], &["--progress", "json"]].concat();
        let mut length = 0;
        let usage = measure(home, RUN, &mut home.ledger(&arguments), || {
            // To parse the same lines again and again takes time on the processors of what is measured.
            let told = told::length(home)?;
            let grew = std::mem::replace(&mut length, told) < told;
            Ok(grew && told::records(&told::epochs(home)?)? >= self.rows)
        })?;
        let commits = Some(u64::try_from(told::epochs(home)?.len())?);
        Ok(Run { usage, kind: "iceberg", place: home.warehouse()?, commits, warm: None })
    }

    fn duckdb(&self, home: &Home, threads: &str) -> Result<Run> {
        let (records, place) = (self.home("records")?.text("files")?, home.text("ledger.parquet")?);
        let mut script = self.equipment.script("peer_duckdb.py")?;
        script.args([&records, &place, threads]);
        let usage = measure(home, RUN, &mut script, || Ok(false))?;
        Ok(Run { usage, kind: "parquet", place, commits: None, warm: None })
    }

    /// What its own process tells of itself counts, not the Python that started it.
    fn spark(&self, home: &Home, threads: &str) -> Result<Run> {
        let (place, checkpoint) = (home.text("warehouse")?, home.text("checkpoint")?);
        let brokers = self.equipment.broker()?.bootstrap();
        let mut script = self.equipment.script("peer_spark.py")?;
        script.args([&brokers, TOPIC, &place, &checkpoint, threads]);
        let Usage { wall, .. } = measure(home, RUN, &mut script, || Ok(false))?;
        let Own { usage, batches, warm } = told::own(home, wall)?;
        Ok(Run { usage, kind: "iceberg", place, commits: Some(batches), warm })
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
