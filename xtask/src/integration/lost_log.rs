//! Suite `lost-log`: the checkpoint directory is deleted between lives.

use std::fs;
use std::io::ErrorKind;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::failpoints;
use super::lab::Lab;
use super::life::{DONE, Ended, Home};

/// Leaves the last epoch in the ledger and not in the rejected table.
const BETWEEN_TABLES: &str = "commit.sink";

pub(super) fn run(lab: &Lab) -> Result<()> {
    let lives = lab.times(40);
    let rows = u64::from(lives) * 15_000;
    let source = format!("generator:rows={rows},seed=13,rate=20000,bad=0.2");
    let home = lab.home("home")?;
    let points = failpoints::declared()?;
    let mut draw = lab.draw(0);
    let mut between = 0;
    for life in 0..lives {
        let (point, occurrence) = failpoints::draw(&points, &mut draw)?;
        let name = if life % 2 == 0 { BETWEEN_TABLES } else { &point.name };
        let killed = live(&home, &source, &format!("{name}:{occurrence}"))?;
        if killed && name == BETWEEN_TABLES {
            between += 1;
        }
        lose_log(&home)?;
    }
    lab.say(format!("{lives} lives, {between} of them ended between the two tables"));
    if between == 0 {
        bail!("no life ended at {BETWEEN_TABLES}: was the failpoint renamed?");
    }
    home.finish_and_verify(&source, &["--source-columns"])?;
    lab.say(lab.python("positions.py", &[&home.warehouse()?, &rows.to_string()])?);
    Ok(())
}

/// One life that is to die at `kill_at`; whether it did.
fn live(home: &Home, source: &str, kill_at: &str) -> Result<bool> {
    let arguments = ["--from", source, "--trigger", "100ms", "--source-columns"];
    let mut command = home.ledger(&arguments);
    let mut life = home.start("lives", command.env("HIGHWATER_KILL_AT", kill_at))?;
    match life.wait_at_most(Duration::from_secs(3))? {
        Some(Ended::Killed) => Ok(true),
        Some(Ended::Exited(DONE)) => Ok(false),
        Some(ended) => bail!("a life to be killed at {kill_at} {ended:?}: {}", life.tail()),
        None => life.kill().map(|_| false),
    }
}

fn lose_log(home: &Home) -> Result<()> {
    match fs::remove_dir_all(home.path("data/checkpoint")) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        result => result.context("cannot delete the checkpoint directory"),
    }
}
