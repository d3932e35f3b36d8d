//! `cargo xtask bench instructions`: what a row and an epoch cost, counted, so that a loss shows whatever else
//! the machine does.
//!
//! The released binary reads a topic under callgrind. What a run does once drops out of differences: between
//! runs over more rows in one epoch, a row is left; between runs over the same rows in more epochs, an epoch.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::{Value, json};

use super::told;
use crate::equipment::life::{DONE, Ended};
use crate::equipment::{Equipment, Need, Purpose};
use crate::{step, workspace};

mod figures;
mod profile;
mod setting;
mod stage;

use figures::Counts;
pub(crate) use figures::Figures;
use profile::Profile;

#[derive(Args)]
pub(crate) struct Options {
    /// Keep these figures, as those that later ones are compared with
    #[arg(long)]
    record: bool,
    /// Count in this binary instead of building one
    #[arg(long)]
    ledger: Option<PathBuf>,
}

/// What must be there.
pub(crate) const NEEDS: &[Need] = &[Need::Ledger, Need::Broker];

/// Where figures are kept, in the workspace.
const RECORD: &str = "xtask/instructions.json";
/// What to do about a loss that is meant.
const ANEW: &str = "`cargo xtask bench instructions --record` records anew";
/// Rows of a topic are a function of this and of their number.
const SEED: u32 = 1;
/// Far beyond what a run takes.
const PATIENCE: Duration = Duration::from_secs(480);

/// One run: a topic of `rows` rows, read in epochs of at most so many records.
struct Run {
    name: &'static str,
    rows: u64,
    limit: &'static str,
}

const FEW: u64 = 50_000;
const MANY: u64 = 150_000;
const RUNS: [Run; 3] = [
    Run { name: "base", rows: FEW, limit: "1000000" },
    Run { name: "rows", rows: MANY, limit: "1000000" },
    Run { name: "epochs", rows: FEW, limit: "5000" },
];

pub(super) fn run(options: &Options) -> Result<()> {
    let equipment = Equipment::prepare(options.ledger.as_deref(), NEEDS, Purpose::Integration)?;
    let figures = count(&equipment, &equipment.scratch)?;
    step::print(&figures.table())?;
    if options.record {
        record(&figures)?;
    } else {
        eprintln!("{}", compare(&figures)?);
    }
    equipment.clear()
}

/// Counts; files go below `folder`.
///
/// # Errors
/// When a run fails, or valgrind is missing.
pub(crate) fn count(equipment: &Equipment, folder: &Path) -> Result<Figures> {
    let valgrind = step::output(Command::new("valgrind").arg("--version"));
    valgrind.context("valgrind counts, and does not run: install it")?;
    for rows in [FEW, MANY] {
        let home = equipment.home(folder)?;
        let from = format!("generator:rows={rows},seed={SEED}");
        let to = topic(equipment, rows)?;
        let generate = ["generate", "--from", &from, "--to", &to, "--partitions", "4"];
        home.expect("generate", &generate, DONE)?;
    }
    step::side_by_side(&RUNS, |run| execute(equipment, folder, run))?;
    let counts = RUNS.each_ref().map(|run| counts(equipment, folder, run));
    let [base, rows, epochs] = counts;
    Figures::of(&base?, &rows?, &epochs?)
}

fn topic(equipment: &Equipment, rows: u64) -> Result<String> {
    Ok(format!("kafka://{}/instructions-{rows}", equipment.broker()?.bootstrap()))
}

/// Any run has more, as it starts.
const FEWEST_ALLOCATIONS: u64 = 2_000;
/// The file that callgrind writes.
const PROFILE: &str = "callgrind.out";

/// Reads what there is in the topic, on one thread, under callgrind.
fn execute(equipment: &Equipment, folder: &Path, run: &Run) -> Result<()> {
    let home = equipment.home(&folder.join(run.name))?;
    let from = topic(equipment, run.rows)?;
    let ledger = home.ledger(&["--from", &from, "--threads", "1", "--trigger", "available-now"]);
    let mut command = Command::new("valgrind");
    command.args(["--quiet", "--tool=callgrind"]);
    command.arg(format!("--callgrind-out-file={}", home.text(PROFILE)?));
    command.arg(ledger.get_program()).args(ledger.get_args()).current_dir(home.path(""));
    command.args(["--max-records-per-epoch", run.limit, "--progress", "json"]);
    let mut life = home.start(told::RUN, &mut command)?;
    match life.wait(PATIENCE)? {
        Ended::Exited(DONE) => Ok(()),
        ended => bail!("{} {ended:?} under valgrind: {}", run.name, life.tail()),
    }
}

fn counts(equipment: &Equipment, folder: &Path, run: &Run) -> Result<Counts> {
    let home = equipment.home(&folder.join(run.name))?;
    let epochs = told::epochs(&home)?;
    let rows = told::records(&epochs)?;
    if rows != run.rows {
        bail!("{} read {rows} of {} rows", run.name, run.rows);
    }
    let path = home.path(PROFILE);
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {path:?}"))?;
    let profile = Profile::read(&text).with_context(|| format!("cannot read {path:?}"))?;
    let counts = stage::counts(&profile, rows, u64::try_from(epochs.len())?);
    if counts.allocations < FEWEST_ALLOCATIONS {
        bail!(
            "only {} allocations were seen: {path:?} knows the allocator by other names",
            counts.allocations
        );
    }
    Ok(counts)
}

/// Keeps figures, and what they were counted with.
fn record(figures: &Figures) -> Result<()> {
    let kept = json!({"figures": figures.json(), "with": setting::of()?});
    let text = serde_json::to_string_pretty(&kept)? + "\n";
    fs::write(workspace::root()?.join(RECORD), text)
        .with_context(|| format!("cannot write {RECORD}"))?;
    eprintln!("recorded in {RECORD}");
    Ok(())
}

/// Compares figures with those that are kept, and says how they stand.
///
/// # Errors
/// When something grew too far: what, by how much, and where.
pub(crate) fn compare(figures: &Figures) -> Result<String> {
    let kept = fs::read_to_string(workspace::root()?.join(RECORD))
        .with_context(|| format!("cannot read {RECORD}: {ANEW}"))?;
    let kept: Value =
        serde_json::from_str(&kept).with_context(|| format!("{RECORD} is no JSON"))?;
    let before = kept.get("figures").and_then(Figures::from_json);
    let before = before.with_context(|| format!("{RECORD} lacks figures: {ANEW}"))?;
    let complaints = figures.complaints(&before);
    if complaints.is_empty() {
        return Ok(match figures.outran(&before) {
            false => "as recorded, give or take 10 %".to_owned(),
            true => format!("more than 10 % below what is recorded: {ANEW}"),
        });
    }
    let complaints = complaints.join("; ");
    let other = setting::differences(kept.get("with"), &setting::of()?);
    bail!("{complaints}. {other}If that is meant: {ANEW}")
}
