//! Suite `windows`: windows of random rows are those that DuckDB makes of them, and those of files are what Spark
//! makes of the same files.

use anyhow::{Context, Result, bail};

use super::lab::Lab;
use super::life::DONE;
use crate::{step, workspace};

/// So many files of so many events each: 200 s of event time, so that windows of the first close while the last come.
const FILES: u64 = 12;
const EVENTS: u64 = 4_000;

/// Queries with their modes, as `windows_files.py` knows them.
const TRIALS: [(&str, &str); 3] =
    [("tumbling", "append"), ("tumbling", "complete"), ("sliding", "append")];

pub(super) fn run(lab: &Lab) -> Result<()> {
    of_duckdb(lab)?;
    of_spark(lab)
}

fn of_duckdb(lab: &Lab) -> Result<()> {
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

/// One file an epoch, and one a batch.
fn of_spark(lab: &Lab) -> Result<()> {
    let mut draw = lab.draw(1);
    let mut seed = || draw.below(u32::MAX.into()).to_string();
    let from = format!("generator:rows={},seed={},bad=0.002", FILES * EVENTS, seed());
    let (home, per_file) = (lab.home("files")?, EVENTS.to_string());
    let to = ["--to", "input", "--per-file", &per_file, "--delay", "0s"];
    let arguments = [&["generate", "--from", &from], &to[..]].concat();
    home.expect_of("generate", &mut home.file_events(&arguments), DONE)?;
    let input = home.text("input")?;
    lab.say(lab.python("windows_files.py", &["scatter", &input, &seed()])?);
    for (query, mode) in TRIALS {
        let home = lab.home(&format!("{query}-{mode}"))?;
        let what = ["--from", &input, "--query", query, "--mode", mode, "--late"];
        let how = ["--watermark", "global", "--semantics", "spark", "--progress", "json"];
        let all = [&what[..], &how, &["--trigger", "available-now"]].concat();
        home.expect_of("run", &mut home.file_events(&all), DONE)?;
    }
    let folder = lab.folder();
    let folder = folder.to_str().context("the folder of the suite is no text")?;
    lab.say(lab.python("windows_files.py", &["compare", &input, folder])?);
    Ok(())
}
