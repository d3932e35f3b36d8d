//! What all suites of a run share, made once: the released binary, Python, Spark and the broker.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::broker::Broker;
use super::python::Python;
use super::spark;
use crate::{step, workspace};

/// What is made ready before anything that needs it begins. Spark is a part of the Python side.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    Ledger,
    Python,
    Spark,
    Broker,
}

/// Everything that was made ready. What nobody said that it needs is not there.
pub(super) struct Equipment {
    /// The released binary.
    pub(super) ledger: PathBuf,
    pub(super) python: Option<Python>,
    /// The jars by which Spark reads and writes Iceberg tables.
    pub(super) spark: Option<String>,
    pub(super) broker: Option<Broker>,
    /// A folder of this process.
    pub(super) scratch: PathBuf,
}

impl Equipment {
    /// Builds, installs and starts what is needed; `ledger` is tried instead of a binary built now.
    /// What comes of it is kept in `folder` of cargo's target folder.
    pub(super) fn prepare(ledger: Option<&Path>, needs: &[Need], folder: &str) -> Result<Self> {
        let target = workspace::target()?;
        let scratch = target.join(folder).join(std::process::id().to_string());
        fs::create_dir_all(&scratch).with_context(|| format!("cannot make {scratch:?}"))?;
        if needs.contains(&Need::Ledger) && ledger.is_none() {
            step::timed("build", || {
                let arguments = ["build", "--release", "--package", "ledger"];
                step::succeed(workspace::cargo()?.args(arguments))
            })?;
        }
        let ledger = ledger.map_or_else(|| target.join("release/ledger"), Path::to_owned);
        let mut made = Self { ledger, python: None, spark: None, broker: None, scratch };
        if needs.contains(&Need::Python) {
            made.python = Some(step::timed("python", Python::prepare)?);
        }
        if needs.contains(&Need::Spark) {
            made.spark = Some(step::timed("spark", spark::jars)?);
        }
        if needs.contains(&Need::Broker) {
            made.broker = Some(step::timed("broker", || Broker::start(&made.services()))?);
        }
        Ok(made)
    }

    /// Where services run: where the caller wants to clean up, or with everything else.
    pub(super) fn services(&self) -> PathBuf {
        let wanted = env::var_os("HIGHWATER_SERVICES_RUN");
        wanted.map_or_else(|| self.scratch.join("services"), PathBuf::from)
    }

    /// Removes everything the run left behind. Not called after a failure: the folders tell why.
    pub(super) fn clear(self) -> Result<()> {
        let Self { broker, scratch, .. } = self;
        // It is stopped by what it left in the folder.
        drop(broker);
        fs::remove_dir_all(&scratch).with_context(|| format!("cannot remove {scratch:?}"))
    }
}
