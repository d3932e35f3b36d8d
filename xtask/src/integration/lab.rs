//! What every suite works with: the released binary, Python, the broker, an empty folder and a seed.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::broker::Broker;
use super::draw::Draw;
use super::life::Home;
use super::python::Python;
use super::{Need, Options, spark};
use crate::{step, workspace};

/// Everything a suite needs, made once a run.
pub(super) struct Lab {
    ledger: PathBuf,
    python: Option<Python>,
    spark: Option<String>,
    broker: Option<Broker>,
    scratch: PathBuf,
    suite: String,
    seed: u64,
    times: Option<u32>,
}

impl Lab {
    /// Builds, installs and starts what is needed.
    pub(super) fn prepare(options: &Options, needs: &[Need]) -> Result<Self> {
        let seed = options.seed.unwrap_or_else(Draw::fresh_seed);
        eprintln!("integration: --seed {seed}");
        let target = workspace::target()?;
        let scratch = target.join("integration").join(std::process::id().to_string());
        fs::create_dir_all(&scratch).with_context(|| format!("cannot make {scratch:?}"))?;
        if needs.contains(&Need::Ledger) && options.ledger.is_none() {
            step::timed("build", || {
                let arguments = ["build", "--release", "--package", "ledger"];
                step::succeed(workspace::cargo()?.args(arguments))
            })?;
        }
        let mut lab = Self {
            ledger: options.ledger.clone().unwrap_or_else(|| target.join("release/ledger")),
            python: None,
            spark: None,
            broker: None,
            scratch,
            suite: String::new(),
            seed,
            times: options.times,
        };
        if needs.contains(&Need::Python) {
            lab.python = Some(step::timed("python", Python::prepare)?);
        }
        if needs.contains(&Need::Spark) {
            lab.spark = Some(step::timed("spark", spark::jars)?);
        }
        if needs.contains(&Need::Broker) {
            let run = services(&lab.scratch);
            lab.broker = Some(step::timed("broker", || Broker::start(&run))?);
        }
        Ok(lab)
    }

    /// Makes the folder of a suite.
    pub(super) fn begin(&mut self, suite: &str) -> Result<()> {
        suite.clone_into(&mut self.suite);
        eprintln!("    in {}", self.folder().display());
        fs::create_dir_all(self.folder()).context("cannot make the folder of the suite")
    }

    /// Removes everything the run left behind. Not called after a failure: the folders tell why.
    pub(super) fn clear(self) -> Result<()> {
        let Self { broker, scratch, .. } = self;
        drop(broker);
        fs::remove_dir_all(&scratch).with_context(|| format!("cannot remove {scratch:?}"))
    }

    /// An empty place for a pipeline to live in.
    pub(super) fn home(&self, name: &str) -> Result<Home> {
        let folder = self.folder().join(name);
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {folder:?}"))?;
        Ok(Home::new(folder, self.ledger.clone()))
    }

    /// Runs a script of `xtask/python` and returns what it printed.
    pub(super) fn python(&self, script: &str, arguments: &[&str]) -> Result<String> {
        step::output(self.python_command(script)?.args(arguments))
    }

    /// A script of `xtask/python`, not started yet.
    pub(super) fn python_command(&self, script: &str) -> Result<Command> {
        let python = self.python.as_ref();
        let python = python.context("this suite did not say that it needs Python")?;
        let mut command = python.script(script);
        command.envs(self.spark.iter().map(|jars| (spark::VARIABLE, jars)));
        Ok(command)
    }

    /// The broker.
    pub(super) fn broker(&self) -> Result<&Broker> {
        self.broker.as_ref().context("this suite did not say that it needs the broker")
    }

    /// Where services run that a suite starts for itself.
    pub(super) fn services(&self) -> PathBuf {
        services(&self.scratch)
    }

    /// How often to repeat what is repeated `usual` times.
    pub(super) fn times(&self, usual: u32) -> u32 {
        self.times.unwrap_or(usual)
    }

    /// The random choices of one part of a suite.
    pub(super) fn draw(&self, salt: u64) -> Draw {
        Draw::new(self.seed, salt)
    }

    fn folder(&self) -> PathBuf {
        Path::new(&self.scratch).join(&self.suite)
    }
}

/// Where services run: where the caller wants to clean up, or with everything else.
fn services(scratch: &Path) -> PathBuf {
    env::var_os("HIGHWATER_SERVICES_RUN").map_or_else(|| scratch.join("services"), PathBuf::from)
}
