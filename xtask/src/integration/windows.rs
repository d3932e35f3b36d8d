//! Suite `windows`: windows of random rows are those that DuckDB makes of them.

use anyhow::{Context, Result, bail};

use super::lab::Lab;
use crate::{step, workspace};

pub(super) fn run(lab: &Lab) -> Result<()> {
    let mut draw = lab.draw(0);
    let folders = lab.folder().join("windows");
    for _time in 0..lab.times(3) {
        let seed = draw.below(u32::MAX.into()).to_string();
        let folder = folders.join(&seed);
        let folder = folder.to_str().context("the folder of the suite is no text")?;
        lab.say(lab.python("windows.py", &[folder, &seed])?);
    }
    let mut tests = workspace::cargo()?;
    // The same selection of packages as `cargo test --workspace`, so that nothing is built again.
    tests.args(["test", "--workspace", "--test", "it", "--", "--ignored", "of_duckdb"]);
    let output = step::captured(tests.env("HIGHWATER_WINDOWS", &folders))?;
    let told = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        bail!("{told}\n{}", String::from_utf8_lossy(&output.stderr));
    }
    if !told.contains("1 passed") {
        bail!("no ignored test has `of_duckdb` in its name: was it renamed?");
    }
    Ok(())
}
