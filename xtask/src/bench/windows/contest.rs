//! The same files of events for everybody, and the turns of the engines over them.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::Job;
use super::query::{Events, Query};
use crate::bench::told::{self, RUN};
use crate::bench::turn::{Engine, Output, Turn};
use crate::bench::usage::{load, measure};
use crate::equipment::Equipment;
use crate::equipment::life::{DONE, Home};

/// Where the files of events are, and the table of users.
const EVENTS: &str = "events";
const USERS: &str = "users";

/// Events in files, and a folder to write to.
pub(super) struct Contest<'a> {
    equipment: &'a Equipment,
    folder: &'a Path,
    job: &'a Job,
}

impl<'a> Contest<'a> {
    /// Writes events into files below `folder`, and their users.
    pub(super) fn prepare(
        equipment: &'a Equipment,
        folder: &'a Path,
        job: &'a Job,
        events: Events,
    ) -> Result<Self> {
        let contest = Self { equipment, folder, job };
        let from = format!("generator:rows={}{}", job.rows, events.generator());
        let per_file = job.rows.div_ceil(job.files).to_string();
        let generate = ["generate", "--from", &from, "--to", EVENTS, "--delay", "0s"];
        let generate = [&generate[..], &["--per-file", &per_file], events.options()].concat();
        let home = contest.home("")?;
        home.expect_of("generate", &mut home.file_events(&generate), DONE)?;
        Ok(contest)
    }

    /// Removes the events and users.
    pub(super) fn clear(&self) -> Result<()> {
        let home = self.home("")?;
        let places = [EVENTS, USERS].map(|name| home.path(name));
        let mut there = places.iter().filter(|place| place.exists());
        there.try_for_each(fs::remove_dir_all).context("cannot remove the events")
    }

    /// One run of `engine`.
    pub(super) fn turn(&self, name: &str, query: Query, engine: Engine) -> Result<Turn> {
        let (home, load) = (self.home(name)?, load()?);
        let threads = engine.threads(self.job.threads);
        let (kind, mut command) = match engine {
            Engine::Highwater | Engine::Doubled => {
                ("delta", self.highwater(&home, query, &threads)?)
            }
            Engine::DuckDb => ("parquet", self.duckdb(&home, query, &threads)?),
            Engine::Spark => ("delta", self.spark(&home, query, &threads)?),
        };
        let usage = measure(&home, RUN, &mut command, || Ok(false))?;
        let (usage, commits, warm) = match engine {
            Engine::Highwater | Engine::Doubled => {
                (usage, Some(told::epochs(&home)?.len().try_into()?), None)
            }
            Engine::DuckDb => (usage, None, None),
            Engine::Spark => {
                let own = told::own(&home, usage.wall)?;
                (own.usage, Some(own.batches), own.warm)
            }
        };
        let output = Output::read(self.equipment, query.name(), kind, &home.path("output"))?;
        fs::remove_dir_all(home.path("")).context("cannot remove the folder of a turn")?;
        Ok(Turn { engine, usage, output, commits, warm, load })
    }

    /// Every file and every window, those too that event time has not passed: DuckDB has them as well.
    fn highwater(&self, home: &Home, query: Query, threads: &str) -> Result<Command> {
        let (from, users) = (self.events()?, self.users()?);
        let files = self.files_at_once();
        let output = ["--table", "./output", "--drain", "--progress", "json"];
        let pace = ["--from", &from, "--threads", threads, "--max-files-per-epoch", &files];
        let joined: &[&str] = if query == Query::Enrich { &["--users", &users] } else { &[] };
        Ok(home.file_events(&[query.options(), &output, &pace, joined].concat()))
    }

    fn duckdb(&self, home: &Home, query: Query, threads: &str) -> Result<Command> {
        let mut script = self.equipment.script("peer_events.py")?;
        let output = home.text("output")?;
        script.args([query.name(), &self.events()?, &output, threads, &self.users()?]);
        Ok(script)
    }

    fn spark(&self, home: &Home, query: Query, threads: &str) -> Result<Command> {
        let mut script = self.equipment.script("peer_spark_events.py")?;
        let (output, checkpoint) = (home.text("output")?, home.text("checkpoint")?);
        script.args([query.name(), &self.events()?, &output, &checkpoint]);
        script.args([threads, &self.files_at_once(), &self.users()?]);
        Ok(script)
    }

    /// A tenth of all files in an epoch: so often a run that is behind would commit.
    fn files_at_once(&self) -> String {
        self.job.files.div_ceil(10).to_string()
    }

    fn events(&self) -> Result<String> {
        self.home("")?.text(EVENTS)
    }

    fn users(&self) -> Result<String> {
        self.home("")?.text(USERS)
    }

    fn home(&self, name: &str) -> Result<Home> {
        self.equipment.home(&self.folder.join(name))
    }
}
