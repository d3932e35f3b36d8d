//! Suite `delta`: a ledger that is a Delta table, with a kill, a compaction, a lost log and a restore on its
//! way; then one that deltalake and Spark write into while the pipeline does.

use std::fs::{self, File};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::lab::Lab;
use super::life::{DONE, Ended, Home, Life, REFUSED};
use crate::step;

const SOURCE: &str = "generator:rows=60000,seed=23,bad=0.001";
const TABLE: &str = "lake/ledger";
const EPOCHS: &[&str] =
    &["--table", TABLE, "--partition-by", "currency", "--max-records-per-epoch", "10000"];
/// A later one of six epochs stands in the table, and nobody was told.
const KILL_AT: &str = "commit.after-swap:4";

/// Without an end that anybody would wait for.
const ENDLESS: &str = "generator:rows=1000000000,seed=23,rate=10000,bad=0.02";

pub(super) fn run(lab: &Lab) -> Result<()> {
    let home = lab.home("home")?;
    let records = home.text("records.jsonl")?;
    let file = File::create(&records).with_context(|| format!("cannot write {records}"))?;
    step::succeed(home.ledger(&["generate", "--from", SOURCE, "--to", "-"]).stdout(file))?;
    disturbed(lab, &home, &records)?;
    accompanied(lab, &home, &records)?;
    rolled_back(lab, &home)
}

/// A ledger that others disturb while the pipeline does not run.
fn disturbed(lab: &Lab, home: &Home, records: &str) -> Result<()> {
    killed(home)?;
    let ledger = home.text(TABLE)?;
    lab.say(lab.python("delta.py", &["compact", &ledger])?);
    fs::remove_dir_all(home.path("data/checkpoint")).context("no checkpoint to lose")?;
    home.finish(SOURCE, EPOCHS)?;
    home.verify_with(SOURCE, &["--table", TABLE])?;
    lab.say(lab.python("delta.py", &["expect", &ledger, records])?);
    Ok(())
}

/// A life that dies in the middle.
fn killed(home: &Home) -> Result<()> {
    let arguments = [&["--from", SOURCE, "--trigger", "available-now"], EPOCHS].concat();
    let mut command = home.ledger(&arguments);
    let mut life = home.start("killed", command.env("HIGHWATER_KILL_AT", KILL_AT))?;
    match life.wait(Duration::from_secs(60))? {
        Ended::Killed => Ok(()),
        ended => bail!("a life to be killed at {KILL_AT} {ended:?}: {}", life.tail()),
    }
}

/// A ledger that others write into while the pipeline runs. The other one is read by Spark meanwhile, which
/// takes longer to start than to answer.
fn accompanied(lab: &Lab, home: &Home, records: &str) -> Result<()> {
    let live = lab.home("live")?;
    let (path, ledger) = (live.text(TABLE)?, home.text(TABLE)?);
    let mut life = start(&live, "beside")?;
    // The others end by themselves, once all have met often enough.
    let written = lab.python("delta.py", &["beside", &path, &ledger, records]);
    let written = written.with_context(|| life.tail())?;
    finish(life)?;
    // Spark has words of its own for what it does.
    let written = written.lines().last().context("delta.py told nothing")?;
    lab.say(lab.python("delta.py", &["settle", &path, written])?);

    // The marker is found again behind everything that the others have done.
    let before = commits(&live);
    life = start(&live, "afterwards")?;
    while commits(&live) <= before {
        if let Some(ended) = life.wait_at_most(Duration::from_millis(50))? {
            bail!("a life {ended:?} before it committed: {}", life.tail());
        }
    }
    finish(life)?;
    let told = live.verify_with(ENDLESS, &["--table", TABLE])?;
    let told: serde_json::Value = serde_json::from_str(&told).context("verify wrote no JSON")?;
    let rows = told.get("rows").context("verify counted no rows")?;
    lab.say(format!("and {rows} rows of the pipeline, each once"));
    Ok(())
}

fn start(home: &Home, name: &str) -> Result<Life> {
    let paced = ["--trigger", "1s", "--max-records-per-epoch", "500", "--table", TABLE];
    home.start(name, &mut home.ledger(&[&["--from", ENDLESS][..], &paced].concat()))
}

fn finish(mut life: Life) -> Result<()> {
    match life.terminate()? {
        Ended::Exited(DONE) => Ok(()),
        ended => bail!("after SIGTERM the pipeline {ended:?}: {}", life.tail()),
    }
}

/// How many commits the log of the ledger has.
fn commits(home: &Home) -> usize {
    let Ok(entries) = fs::read_dir(home.path(TABLE).join("_delta_log")) else { return 0 };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    paths.filter(|path| path.extension().is_some_and(|it| it == "json")).count()
}

/// A ledger that somebody set back.
fn rolled_back(lab: &Lab, home: &Home) -> Result<()> {
    lab.say(lab.python("delta.py", &["restore", &home.text(TABLE)?])?);
    let again = [&["--from", SOURCE, "--trigger", "available-now"], EPOCHS].concat();
    home.expect("refused", &again, REFUSED)?;
    home.expect("accepting", &[&again[..], &["--on-rollback", "accept"]].concat(), DONE)
}
