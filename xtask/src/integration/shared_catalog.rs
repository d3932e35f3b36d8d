//! Suite `shared-catalog`: pyiceberg, then Spark write into the ledger of an SQL catalog while the
//! pipeline does.

use anyhow::{Context, Result, bail};

use super::lab::Lab;
use super::life::{DONE, Ended, Home, Life};
use crate::step;

/// Without an end that anybody would wait for.
const SOURCE: &str = "generator:rows=1000000000,seed=23,rate=10000,bad=0.02";
const CATALOG: [&str; 2] = ["--catalog", "sqlite:data/catalog.db"];
const TABLE: &str = "transactions_ledger";

pub(super) fn run(lab: &Lab) -> Result<()> {
    let home = lab.home("home")?;
    let (database, warehouse) = (home.text("data/catalog.db")?, home.warehouse()?);
    let script = |verb: &str, more: &[&str]| {
        let arguments = [&[verb, &database, &warehouse][..], more].concat();
        lab.python("shared.py", &arguments)
    };
    for (name, verb) in [("beside-pyiceberg", "write"), ("beside-java", "java")] {
        let before = home.version(TABLE).unwrap_or(0);
        let mut life = start(&home, name)?;
        home.await_version(TABLE, before, &mut life)?;
        // The other writer ends by itself, once both have met often enough.
        let written = script(verb, &[]).with_context(|| life.tail())?;
        finish(life)?;
        lab.say(script("settle", &[written.trim()])?);
    }

    // The marker is found again behind everything that the others have done.
    let before = home.version(TABLE).unwrap_or(0);
    let mut life = start(&home, "afterwards")?;
    home.await_version(TABLE, before, &mut life)?;
    finish(life)?;
    let verify = [&["verify", "--against", SOURCE][..], &CATALOG].concat();
    let told = step::output(&mut home.ledger(&verify))?;
    let told: serde_json::Value = serde_json::from_str(&told).context("verify wrote no JSON")?;
    let rows = told.get("rows").context("verify counted no rows")?;
    lab.say(format!("and {rows} rows of the pipeline, each once"));
    Ok(())
}

fn start(home: &Home, name: &str) -> Result<Life> {
    // A commit of pyiceberg takes longer than one of ours: it must have time to win now and then.
    let paced = ["--trigger", "1s", "--max-records-per-epoch", "2000"];
    let arguments = [&["--from", SOURCE][..], &paced, &CATALOG].concat();
    home.start(name, &mut home.ledger(&arguments))
}

fn finish(mut life: Life) -> Result<()> {
    match life.terminate()? {
        Ended::Exited(DONE) => Ok(()),
        ended => bail!("after SIGTERM the pipeline {ended:?}: {}", life.tail()),
    }
}
