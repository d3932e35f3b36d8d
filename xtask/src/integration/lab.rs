//! What one suite works with: its folder, its random choices, and the equipment of the run.

use std::fmt::Display;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context, Result};

use super::broker::Broker;
use super::draw::Draw;
use super::life::Home;
use crate::equipment::Equipment;
use crate::step;

/// A suite's own part of the run.
pub(super) struct Lab {
    equipment: Arc<Equipment>,
    suite: &'static str,
    seed: u64,
    times: Option<u32>,
}

impl Lab {
    /// Makes the folder of a suite. `seed` is that of the run, `times` what was asked for.
    pub(super) fn begin(
        equipment: Arc<Equipment>,
        suite: &'static str,
        seed: u64,
        times: Option<u32>,
    ) -> Result<Self> {
        let lab = Self { equipment, suite, seed, times };
        fs::create_dir_all(lab.folder()).context("cannot make the folder of the suite")?;
        lab.say(format!("in {}", lab.folder().display()));
        Ok(lab)
    }

    /// Tells people something. Another suite may be talking, so each line says of which it is.
    pub(super) fn say(&self, text: impl Display) {
        for line in text.to_string().lines() {
            eprintln!("{}: {line}", self.suite);
        }
    }

    /// An empty place for a pipeline to live in.
    pub(super) fn home(&self, name: &str) -> Result<Home> {
        self.equipment.home(&self.folder().join(name))
    }

    /// Runs a script of `xtask/python` and returns what it printed.
    pub(super) fn python(&self, script: &str, arguments: &[&str]) -> Result<String> {
        step::output(self.python_command(script)?.args(arguments))
    }

    /// A script of `xtask/python`, not started yet.
    pub(super) fn python_command(&self, script: &str) -> Result<Command> {
        self.equipment.script(script)
    }

    /// The broker.
    pub(super) fn broker(&self) -> Result<&Broker> {
        self.equipment.broker()
    }

    /// What all suites of the run share.
    pub(super) fn equipment(&self) -> &Equipment {
        &self.equipment
    }

    /// Its folder.
    pub(super) fn folder(&self) -> PathBuf {
        self.equipment.scratch.join(self.suite)
    }

    /// Where services run that a suite starts for itself.
    pub(super) fn services(&self) -> PathBuf {
        self.equipment.services()
    }

    /// How often to repeat what is repeated `usual` times.
    pub(super) fn times(&self, usual: u32) -> u32 {
        self.times.unwrap_or(usual)
    }

    /// The random choices of one part of a suite.
    pub(super) fn draw(&self, salt: u64) -> Draw {
        Draw::new(self.seed, salt)
    }
}
