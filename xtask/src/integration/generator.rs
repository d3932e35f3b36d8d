//! Suite `generator`: what lands in the tables is what Python computes from the same records.

use std::fs::File;

use anyhow::{Context, Result, bail};

use super::lab::Lab;
use super::life::DONE;
use crate::step;

const SOURCE: &str = "generator:rows=300000,seed=7,bad=0.001";

pub(super) fn run(lab: &Lab) -> Result<()> {
    let home = lab.home("home")?;
    let arguments = ["--from", SOURCE, "--trigger", "available-now"];
    home.expect("first", &arguments, DONE)?;

    let tables = ["transactions_ledger", "transactions_ledger_rejected"];
    let versions = || tables.map(|table| home.version(table));
    let before = versions();
    if before.contains(&None) {
        bail!("a table is missing after the first run: versions {before:?} of {tables:?}");
    }
    home.expect("second", &arguments, DONE)?;
    if versions() != before {
        bail!("the second run committed: versions {before:?} became {:?}", versions());
    }

    let records = home.text("records.jsonl")?;
    let file = File::create(&records).with_context(|| format!("cannot write {records}"))?;
    step::succeed(home.ledger(&["generate", "--from", SOURCE, "--to", "-"]).stdout(file))?;
    let expected = [records.as_str(), &home.warehouse()?, "pyiceberg", "duckdb"];
    lab.say(lab.python("expect.py", &expected)?);
    Ok(())
}
