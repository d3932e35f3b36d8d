//! What suites and benchmarks run with, made once: the released binary, Python, Spark and a broker.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::{step, workspace};

pub(crate) mod broker;
pub(crate) mod life;
mod python;
mod spark;

use broker::Broker;
use life::Home;
use python::Python;

/// What is made ready before anything that needs it begins. Spark is a part of the Python side; for
/// Iceberg, Delta and Kafka it takes jars of their own.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    Ledger,
    FileEvents,
    Python,
    Spark,
    SparkDelta,
    SparkKafka,
    Broker,
}

/// What it is made ready for: that decides how the binary is built, and where everything is kept.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Suites take the program that a first build makes.
    Integration,
    /// What is measured is the program that is shipped.
    Bench,
}

impl Purpose {
    fn profile(self) -> &'static str {
        match self {
            Self::Integration => "release",
            Self::Bench => "dist",
        }
    }

    fn folder(self) -> &'static str {
        match self {
            Self::Integration => "integration",
            Self::Bench => "bench",
        }
    }
}

/// Everything that was made ready. What nobody said that it needs is not there.
pub(crate) struct Equipment {
    /// The released binaries.
    pub(crate) ledger: PathBuf,
    pub(crate) file_events: PathBuf,
    python: Option<Python>,
    /// What Spark needs besides its package.
    jars: Vec<PathBuf>,
    broker: Option<Broker>,
    /// A folder of this process.
    pub(crate) scratch: PathBuf,
}

/// What Spark needs besides its package, by what it is for.
const SPARK: [(Need, &[&str]); 3] = [
    (Need::Spark, spark::ICEBERG),
    (Need::SparkDelta, spark::DELTA),
    (Need::SparkKafka, spark::KAFKA),
];

impl Equipment {
    /// Builds, installs and starts what is needed; `ledger` is tried instead of a binary built now.
    /// What comes of it is kept in a folder of cargo's target folder.
    pub(crate) fn prepare(ledger: Option<&Path>, needs: &[Need], purpose: Purpose) -> Result<Self> {
        let target = workspace::target()?;
        let profile = purpose.profile();
        let scratch = target.join(purpose.folder()).join(std::process::id().to_string());
        fs::create_dir_all(&scratch).with_context(|| format!("cannot make {scratch:?}"))?;
        let mut packages = Vec::new();
        if needs.contains(&Need::Ledger) && ledger.is_none() {
            packages.extend(["--package", "ledger"]);
        }
        if needs.contains(&Need::FileEvents) {
            packages.extend(["--package", "file-events"]);
        }
        if !packages.is_empty() {
            step::timed("build", || {
                let mut build = workspace::cargo()?;
                step::succeed(build.args(["build", "--profile", profile]).args(packages))
            })?;
        }
        let built = |name: &str| target.join(profile).join(name);
        // It is started from folders of its own.
        let given = |path: &Path| path.canonicalize().with_context(|| format!("no {path:?}"));
        let ledger = ledger.map_or_else(|| Ok(built("ledger")), given)?;
        let mut made = Self {
            ledger,
            file_events: built("file-events"),
            python: None,
            jars: Vec::new(),
            broker: None,
            scratch,
        };
        if needs.contains(&Need::Python) {
            made.python = Some(step::timed("python", Python::prepare)?);
        }
        for (need, artifacts) in SPARK {
            if needs.contains(&need) {
                let jars = || artifacts.iter().map(|artifact| spark::jar(artifact)).collect();
                made.jars.extend(step::timed::<Vec<PathBuf>>("spark", jars)?);
            }
        }
        if needs.contains(&Need::Broker) {
            made.broker = Some(step::timed("broker", || Broker::start(&made.services()))?);
        }
        Ok(made)
    }

    /// An empty place for a pipeline to live in.
    pub(crate) fn home(&self, folder: &Path) -> Result<Home> {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {folder:?}"))?;
        Ok(Home::new(folder.to_owned(), self.ledger.clone(), self.file_events.clone()))
    }

    /// A script of `xtask/python`, not started yet.
    pub(crate) fn script(&self, name: &str) -> Result<Command> {
        let python = self.python.as_ref().context("nobody said that Python is needed")?;
        let mut command = python.script(name);
        let jars: Vec<_> = self.jars.iter().map(|jar| jar.to_string_lossy()).collect();
        command.env(spark::VARIABLE, jars.join(","));
        Ok(command)
    }

    /// The broker.
    pub(crate) fn broker(&self) -> Result<&Broker> {
        self.broker.as_ref().context("nobody said that the broker is needed")
    }

    /// Where services run: where the caller wants to clean up, or with everything else.
    pub(crate) fn services(&self) -> PathBuf {
        let wanted = env::var_os("HIGHWATER_SERVICES_RUN");
        wanted.map_or_else(|| self.scratch.join("services"), PathBuf::from)
    }

    /// Removes everything the run left behind. Not called after a failure: the folders tell why.
    pub(crate) fn clear(self) -> Result<()> {
        let Self { broker, scratch, .. } = self;
        // It is stopped by what it left in the folder.
        drop(broker);
        fs::remove_dir_all(&scratch).with_context(|| format!("cannot remove {scratch:?}"))
    }
}
