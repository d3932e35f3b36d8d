//! Lives of a pipeline on changing numbers of threads, each ended by SIGKILL: at a random moment, or at a random
//! failpoint.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::draw::Draw;
use super::failpoints::{self, Failpoint};
use super::life::{DONE, Ended, Home};

/// Each life draws its number of threads up to this.
const MOST_THREADS: u64 = 3;

/// How the lives of a pipeline begin, and how long they are at most.
pub(super) struct Lives<'a> {
    pub(super) home: &'a Home,
    /// A life on so many threads.
    pub(super) command: &'a dyn Fn(&str) -> Command,
    /// A random moment comes before this.
    pub(super) longest: Duration,
    /// A life that is to die at a failpoint it never reaches is ended after this.
    pub(super) unreached: Duration,
}

impl Lives<'_> {
    /// So many lives, one after the other. Says how they ended.
    pub(super) fn live(&self, lives: u32, points: &[Failpoint], draw: &mut Draw) -> Result<Tally> {
        let mut tally = Tally::new(points);
        for life in 0..lives {
            let threads = (1 + draw.below(MOST_THREADS)).to_string();
            let mut command = (self.command)(&threads);
            if life % 2 == 0 {
                self.by_time(&mut command, draw.time(self.longest), &mut tally)?;
            } else {
                let at = failpoints::draw(points, draw)?;
                self.by_failpoint(&mut command, &at, &mut tally)?;
            }
        }
        Ok(tally)
    }

    fn by_time(&self, command: &mut Command, moment: Duration, tally: &mut Tally) -> Result<()> {
        let mut life = self.home.start("lives", command)?;
        match life.wait_at_most(moment)? {
            None => {
                let _: Ended = life.kill()?;
                tally.by_time += 1;
            }
            Some(Ended::Exited(DONE)) => tally.ended += 1,
            Some(ended) => bail!("a life that nobody killed {ended:?}: {}", life.tail()),
        }
        Ok(())
    }

    fn by_failpoint(
        &self,
        command: &mut Command,
        (point, occurrence): &(Failpoint, u64),
        tally: &mut Tally,
    ) -> Result<()> {
        let kill_at = format!("{}:{occurrence}", point.name);
        let mut life = self.home.start("lives", command.env("HIGHWATER_KILL_AT", &kill_at))?;
        match life.wait_at_most(self.unreached)? {
            Some(Ended::Killed) => {
                let phase = tally.phases.get_mut(&point.phase).context("a phase not declared")?;
                *phase += 1;
            }
            Some(Ended::Exited(DONE)) => tally.ended += 1,
            Some(ended) => bail!("a life to be killed at {kill_at} {ended:?}: {}", life.tail()),
            None => {
                let _: Ended = life.kill()?;
                tally.unreached.push(kill_at);
            }
        }
        Ok(())
    }
}

/// How the lives ended.
pub(super) struct Tally {
    phases: BTreeMap<String, u32>,
    by_time: u32,
    ended: u32,
    unreached: Vec<String>,
}

impl Tally {
    fn new(points: &[Failpoint]) -> Self {
        let phases = failpoints::phases(points).into_iter().map(|phase| (phase, 0)).collect();
        Self { phases, by_time: 0, ended: 0, unreached: Vec::new() }
    }

    /// Of 200 lives at least 5 must have died in each phase, and none have come to its end.
    pub(super) fn check(&self, lives: u32) -> Result<()> {
        let least = lives / 40;
        match self.phases.iter().find(|(_, kills)| **kills < least) {
            Some((phase, kills)) => {
                bail!("only {kills} lives ended in phase {phase}, at least {least} must: {self}")
            }
            None if self.ended > 0 => bail!("there were too few rows for all lives: {self}"),
            None => Ok(()),
        }
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "kills by phase {:?}, by time {}", self.phases, self.by_time)?;
        write!(f, ", ended by themselves {}, not reached {:?}", self.ended, self.unreached)
    }
}
