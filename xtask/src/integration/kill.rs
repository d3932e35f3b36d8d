//! Suite `kill`: many lives on changing numbers of threads, each ended by SIGKILL, and in the end
//! every record once, in partitioned tables of both catalogs; and every id once, of a ledger that keeps
//! state.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::draw::Draw;
use super::failpoints::{self, Failpoint};
use super::lab::Lab;
use super::life::{DONE, Ended, Home};
use crate::step::side_by_side;

/// A life that is to die at a failpoint it never reaches is ended after this.
const UNREACHED: Duration = Duration::from_secs(5);

/// Each life draws its number of threads up to this.
const MOST_THREADS: u64 = 3;

/// Where the records of all lives come from.
struct Trial {
    name: &'static str,
    source: String,
    rows: u64,
    options: &'static [&'static str],
    catalog: &'static [&'static str],
    /// How ids are kept apart; by no state if this is empty.
    dedupe: &'static [&'static str],
}

const PARTITIONED: [&str; 2] = ["--partition-by", "day(event_timestamp),bucket(4,transaction_id)"];

pub(super) fn run(lab: &Lab) -> Result<()> {
    let points = failpoints::declared()?;
    let lives = lab.times(200);
    let trials = [(generator(lives), 1), (kafka(lab, lives)?, 2), (deduped(lives), 3)];
    // Lives mostly wait, so all trials share the machine.
    side_by_side(&trials, |(trial, salt)| attempt(lab, trial, lives, *salt, &points))
}

/// More rows than all lives can take at this rate, so that none ends by itself.
fn generator(lives: u32) -> Trial {
    let rows = u64::from(lives) * 20_000;
    let source = format!("generator:rows={rows},seed=11,rate=20000,bad=0.001");
    let catalog = &["--catalog", "sqlite:data/catalog.db"];
    Trial { name: "generator", source, rows, options: &[], catalog, dedupe: &[] }
}

/// Records that come again, often in another life than the first of them.
fn deduped(lives: u32) -> Trial {
    let rows = u64::from(lives) * 20_000;
    let source = format!("generator:rows={rows},seed=13,rate=20000,bad=0.001,duplicates=0.7");
    let options = &["--max-records-per-epoch", "5000"];
    Trial { name: "deduped", source, rows, options, catalog: &[], dedupe: &["--dedupe", "1h"] }
}

fn kafka(lab: &Lab, lives: u32) -> Result<Trial> {
    let rows = u64::from(lives) * 10_000;
    let source = format!("kafka://{}/kill", lab.broker()?.bootstrap());
    let from = format!("generator:rows={rows},seed=12,bad=0.001");
    let arguments = ["generate", "--from", &from, "--to", &source, "--partitions", "4"];
    lab.home("producer")?.expect("generate", &arguments, DONE)?;
    let options = &["--max-records-per-epoch", "1000"];
    Ok(Trial { name: "kafka", source, rows, options, catalog: &[], dedupe: &[] })
}

fn attempt(lab: &Lab, trial: &Trial, lives: u32, salt: u64, points: &[Failpoint]) -> Result<()> {
    let home = lab.home(trial.name)?;
    let mut draw = lab.draw(salt);
    // What keeps nothing never comes to where state is saved.
    let keeps = |point: &&Failpoint| !trial.dedupe.is_empty() || point.phase != "state";
    let points: Vec<Failpoint> = points.iter().filter(keeps).cloned().collect();
    let mut tally = Tally::new(&points);
    let mut arguments = vec!["--from", &trial.source, "--trigger", "100ms", "--source-columns"];
    for more in [trial.options, trial.catalog, &PARTITIONED, trial.dedupe] {
        arguments.extend_from_slice(more);
    }
    for life in 0..lives {
        let threads = (1 + draw.below(MOST_THREADS)).to_string();
        let arguments = [&arguments[..], &["--threads", &threads]].concat();
        if life % 2 == 0 {
            by_time(&home, &arguments, &mut draw, &mut tally)?;
        } else {
            let (point, occurrence) = failpoints::draw(&points, &mut draw)?;
            by_failpoint(&home, &arguments, &point, occurrence, &mut tally)?;
        }
    }
    lab.say(format!("{}: {tally}", trial.name));
    tally.check(lives)?;
    let options = [&["--source-columns"][..], &PARTITIONED, trial.catalog, trial.dedupe].concat();
    home.finish(&trial.source, &options)?;
    home.verify_with(&trial.source, &[trial.catalog, trial.dedupe].concat())?;
    let rows = trial.rows.to_string();
    let script = if trial.dedupe.is_empty() { "positions.py" } else { "first.py" };
    let found = lab.python(script, &[&home.warehouse()?, &rows])?;
    lab.say(format!("{}: {found}", trial.name));
    Ok(())
}

fn by_time(home: &Home, arguments: &[&str], draw: &mut Draw, tally: &mut Tally) -> Result<()> {
    let mut life = home.start("lives", &mut home.ledger(arguments))?;
    match life.wait_at_most(draw.time(Duration::from_secs(2)))? {
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
    home: &Home,
    arguments: &[&str],
    point: &Failpoint,
    occurrence: u64,
    tally: &mut Tally,
) -> Result<()> {
    let kill_at = format!("{}:{occurrence}", point.name);
    let mut command = home.ledger(arguments);
    let mut life = home.start("lives", command.env("HIGHWATER_KILL_AT", &kill_at))?;
    match life.wait_at_most(UNREACHED)? {
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

/// How the lives ended.
struct Tally {
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
    fn check(&self, lives: u32) -> Result<()> {
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
