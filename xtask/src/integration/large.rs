//! A part of the suite `file-events`: one large file is read by all workers, and each of its lines is a row, also where
//! its plan is run again by other workers than before.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::lab::Lab;
use super::life::{DONE, Ended, Home};

/// Some 38 MB, which are four ranges of a plan.
const EVENTS: u64 = 300_000;
/// The epoch is prepared, and no table has it.
const KILL_AT: &str = "commit.before-swap";

pub(super) fn run(lab: &Lab) -> Result<()> {
    let home = lab.home("large")?;
    let from = format!("generator:rows={EVENTS},seed={}", lab.draw(7).below(1 << 32));
    let all = EVENTS.to_string();
    let arguments = ["generate", "--from", &from, "--per-file", &all, "--delay", "0s"];
    home.expect_of("generate", &mut home.file_events(&arguments), DONE)?;
    killed(&home)?;
    lose_staged(&home)?;
    let arguments = ["--trigger", "available-now", "--threads", "2"];
    home.expect_of("finish", &mut home.file_events(&arguments), DONE)?;
    home.expect_of("verify", &mut home.file_events(&["verify"]), DONE)?;
    lab.say(lab.python("large.py", &[&home.text("data/input")?, &home.text("data/events")?])?);
    Ok(())
}

fn killed(home: &Home) -> Result<()> {
    let mut command = home.file_events(&["--trigger", "available-now", "--threads", "3"]);
    let mut life = home.start("killed", command.env("HIGHWATER_KILL_AT", KILL_AT))?;
    match life.wait(Duration::from_mins(1))? {
        Ended::Killed => Ok(()),
        ended => bail!("a life to be killed at {KILL_AT} {ended:?}: {}", life.tail()),
    }
}

/// Removes what was staged, so that the plan must be run again.
fn lose_staged(home: &Home) -> Result<()> {
    let folder = home.path("data/events");
    let entries = fs::read_dir(&folder).with_context(|| format!("cannot read {folder:?}"))?;
    let paths: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    let staged: Vec<_> =
        paths.iter().filter(|path| path.extension().is_some_and(|it| it == "parquet")).collect();
    if staged.len() < 2 {
        bail!(
            "{} files were staged in {folder:?}, by three workers that share one file",
            staged.len()
        );
    }
    staged.into_iter().try_for_each(|path| {
        fs::remove_file(path).with_context(|| format!("cannot remove {path:?}"))
    })
}
