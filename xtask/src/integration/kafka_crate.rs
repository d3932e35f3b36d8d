//! Suite `kafka-crate`: the ignored tests named `real` against a real broker.

use anyhow::{Context, Result, bail};

use super::lab::Lab;
use crate::{step, workspace};

pub(super) fn run(lab: &Lab) -> Result<()> {
    let mut tests = workspace::cargo()?;
    // The same selection of packages as `cargo test --workspace`, so that nothing is built again.
    tests.args(["test", "--workspace", "--test", "it", "--", "--ignored", "real"]);
    tests.env("HIGHWATER_KAFKA_BOOTSTRAP", lab.broker()?.bootstrap());
    let output = step::captured(&mut tests)?;
    let told = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        bail!("{told}\n{}", String::from_utf8_lossy(&output.stderr));
    }
    match passed(&told).context("cargo test wrote no results")? {
        0 => bail!("no ignored test has `real` in its name: was the module renamed?"),
        count => lab.say(format!("{count} tests passed on a real broker")),
    }
    Ok(())
}

/// Sums `test result: ok. 3 passed; ...` over all binaries.
fn passed(told: &str) -> Option<u64> {
    let results = told.lines().filter_map(|line| line.strip_prefix("test result: ok. "));
    let counts = results.map(|rest| rest.split(' ').next()?.parse::<u64>().ok());
    counts.sum()
}
