//! Suite `kill`: many lives on changing numbers of threads, each ended by SIGKILL, and in the end
//! every record once, in partitioned tables of both catalogs, also when the next epoch is always read while
//! one is committed; and every id once, of a ledger that keeps state.

use std::time::Duration;

use anyhow::Result;

use super::broker::Broker;
use super::failpoints::{self, Failpoint};
use super::lab::Lab;
use super::life::DONE;
use super::lives::Lives;
use crate::step::side_by_side;

/// Where the records of all lives come from.
struct Trial {
    name: &'static str,
    source: String,
    rows: u64,
    pace: Pace,
    options: &'static [&'static str],
    catalog: &'static [&'static str],
    /// How ids are kept apart; by no state if this is empty.
    dedupe: &'static [&'static str],
}

/// How fast a life goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pace {
    /// An epoch every 100 ms.
    Steady,
    /// One epoch after the other.
    Hasty,
}

impl Pace {
    fn trigger(self) -> &'static str {
        match self {
            Self::Steady => "100ms",
            Self::Hasty => "available-now",
        }
    }

    /// The longest life that ends at a random moment, and the longest that does not reach its failpoint.
    fn longest(self) -> (Duration, Duration) {
        match self {
            Self::Steady => (Duration::from_secs(2), Duration::from_secs(5)),
            Self::Hasty => (Duration::from_millis(400), Duration::from_secs(1)),
        }
    }
}

const PARTITIONED: [&str; 2] = ["--partition-by", "day(event_timestamp),bucket(4,transaction_id)"];

pub(super) fn run(lab: &Lab) -> Result<()> {
    let points = failpoints::declared()?;
    let lives = lab.times(200);
    let broker = Broker::start_second(&lab.services())?;
    let (kafka, ahead) = (kafka(lab, &broker, lives)?, ahead(lab, &broker, lives)?);
    let trials = [(generator(lives), 1), (kafka, 2), (deduped(lives), 3), (ahead, 4)];
    // Lives mostly wait, so all trials share the machine.
    side_by_side(&trials, |(trial, salt)| attempt(lab, trial, lives, *salt, &points))
}

/// More rows than all lives can take at this rate, so that none ends by itself.
fn generator(lives: u32) -> Trial {
    let rows = u64::from(lives) * 20_000;
    let source = format!("generator:rows={rows},seed=11,rate=20000,bad=0.001");
    let catalog = &["--catalog", "sqlite:data/catalog.db"];
    let (name, pace) = ("generator", Pace::Steady);
    Trial { name, source, rows, pace, options: &[], catalog, dedupe: &[] }
}

/// Records that come again, often in another life than the first of them.
fn deduped(lives: u32) -> Trial {
    let rows = u64::from(lives) * 20_000;
    let source = format!("generator:rows={rows},seed=13,rate=20000,bad=0.001,duplicates=0.7");
    let options = &["--max-records-per-epoch", "5000"];
    let (name, pace, dedupe) = ("deduped", Pace::Steady, &["--dedupe", "1h"]);
    Trial { name, source, rows, pace, options, catalog: &[], dedupe }
}

fn kafka(lab: &Lab, broker: &Broker, lives: u32) -> Result<Trial> {
    let rows = u64::from(lives) * 10_000;
    let source = topic(lab, broker, "kafka", &format!("rows={rows},seed=12,bad=0.001"))?;
    let (name, pace, options) = ("kafka", Pace::Steady, &["--max-records-per-epoch", "1000"]);
    Ok(Trial { name, source, rows, pace, options, catalog: &[], dedupe: &[] })
}

/// So many records that each life is behind, and reads the next epoch while it commits one.
fn ahead(lab: &Lab, broker: &Broker, lives: u32) -> Result<Trial> {
    let rows = u64::from(lives) * 20_000;
    let source = topic(lab, broker, "ahead", &format!("rows={rows},seed=14,bad=0.001"))?;
    let (name, pace, options) = ("ahead", Pace::Hasty, &["--max-records-per-epoch", "300"]);
    Ok(Trial { name, source, rows, pace, options, catalog: &[], dedupe: &[] })
}

/// A topic of what the generator makes.
fn topic(lab: &Lab, broker: &Broker, name: &str, records: &str) -> Result<String> {
    let source = format!("kafka://{}/{name}", broker.bootstrap());
    let from = format!("generator:{records}");
    let arguments = ["generate", "--from", &from, "--to", &source, "--partitions", "4"];
    lab.home(&format!("{name}-producer"))?.expect("generate", &arguments, DONE)?;
    Ok(source)
}

fn attempt(lab: &Lab, trial: &Trial, lives: u32, salt: u64, points: &[Failpoint]) -> Result<()> {
    let home = lab.home(trial.name)?;
    // What keeps nothing never comes to where state is saved.
    let keeps = |point: &&Failpoint| !trial.dedupe.is_empty() || point.phase != "state";
    let points: Vec<Failpoint> = points.iter().filter(keeps).cloned().collect();
    let trigger = trial.pace.trigger();
    let mut arguments = vec!["--from", &trial.source, "--trigger", trigger, "--source-columns"];
    for more in [trial.options, trial.catalog, &PARTITIONED, trial.dedupe] {
        arguments.extend_from_slice(more);
    }
    let command = |threads: &str| home.ledger(&[&arguments[..], &["--threads", threads]].concat());
    let (longest, unreached) = trial.pace.longest();
    let tally = Lives { home: &home, command: &command, longest, unreached }.live(
        lives,
        &points,
        &mut lab.draw(salt),
    )?;
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
