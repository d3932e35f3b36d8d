//! Suite `partitioned`: other readers find every row of a partitioned ledger, and open only the files
//! that they need.

use std::fs::File;

use anyhow::{Context, Result};

use super::lab::Lab;
use super::life::DONE;
use crate::step;

/// A little more than an hour of event time.
const SOURCE: &str = "generator:rows=400000,seed=11,bad=0.001";

pub(super) fn run(lab: &Lab) -> Result<()> {
    let home = lab.home("records")?;
    let records = home.text("records.jsonl")?;
    let file = File::create(&records).with_context(|| format!("cannot write {records}"))?;
    step::succeed(home.ledger(&["generate", "--from", SOURCE, "--to", "-"]).stdout(file))?;
    let (day, hour) = (write(lab, "day")?, write(lab, "hour")?);
    // One process answers for both: Spark takes longer to start than to answer.
    lab.say(lab.python("partitioned.py", &[&records, &day, &hour])?);
    Ok(())
}

/// A ledger by a unit of time; gives its warehouse.
fn write(lab: &Lab, unit: &str) -> Result<String> {
    let home = lab.home(unit)?;
    let fields = format!("{unit}(event_timestamp),bucket(4,transaction_id)");
    let by = ["--partition-by", &fields, "--max-records-per-epoch", "100000"];
    home.finish_and_verify(SOURCE, &by)?;
    home.expect("again", &["--from", SOURCE, "--trigger", "available-now"], DONE)?;
    home.warehouse()
}
