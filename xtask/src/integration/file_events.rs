//! Suite `file-events`: what its queries make of files is what Python makes of them, in the eyes of four readers:
//! after many lives that ended by SIGKILL, and while others rewrite the files of the table that is updated; and one
//! large file by all workers.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::failpoints;
use super::lab::Lab;
use super::large;
use super::life::{DONE, Ended, Home, Life};
use super::lives::Lives;
use crate::step::side_by_side;

/// A query in a mode, in a folder of its own.
struct Trial {
    name: &'static str,
    query: &'static [&'static str],
    options: &'static [&'static str],
    salt: u64,
}

impl Trial {
    const fn new(name: &'static str, query: &'static [&'static str], salt: u64) -> Self {
        Self { name, query, options: &[], salt }
    }

    const fn with(self, options: &'static [&'static str]) -> Self {
        Self { options, ..self }
    }
}

/// Those that keep state, and are killed; one of them puts the files of its table together as well.
const KILLED: [Trial; 3] = [
    Trial::new("update", &["--query", "tumbling"], 1),
    Trial::new("append", &["--query", "sliding"], 2).with(&[
        "--watermark",
        "global",
        "--compact",
        "8",
    ]),
    Trial::new("complete", &["--query", "tumbling", "--mode", "complete"], 3),
];

/// Those that run through: events as they are, and with their users; and an update of a table without deletion
/// vectors.
const WHOLE: [Trial; 3] = [
    Trial::new("passthrough", &["--query", "passthrough"], 4),
    Trial::new("enrich", &["--query", "enrich", "--users", "../files/users"], 5),
    Trial::new("copies", &["--query", "tumbling"], 6).with(&[
        "--create",
        "delta.enableDeletionVectors=false",
        "--partition-by",
        "event_type",
    ]),
];

/// The trial in whose table others rewrite files meanwhile.
const REWRITTEN: &Trial = &KILLED[0];

/// Lives of each trial that is killed, and more files than one of them takes, each of 5 s of event time. A trial that
/// has taken all of them waits where it should be killed.
const LIVES: u32 = 25;
const FILES_PER_LIFE: u64 = 40;
/// Half an hour of event time at least, so that many windows close.
const FILES: u64 = 1_000;
/// So many files are shown by and by.
const SHOWN_LATER: u64 = 60;

/// What the exit code says of a state file that is damaged.
const FAILED: i32 = 1;

pub(super) fn run(lab: &Lab) -> Result<()> {
    let lives = lab.times(LIVES);
    let files = FILES.max(u64::from(lives) * FILES_PER_LIFE);
    let bench = Bench { lab, input: generate(lab, files)?, files };
    hide(lab, files)?;
    // Spark takes longer to start than to answer, so one process rewrites and compares, from now on.
    let mut others = bench.others()?;
    // Lives mostly wait, so all trials share the machine.
    side_by_side(&KILLED, |trial| bench.killed(trial, lives))?;
    bench.rewritten(&mut others)?;
    // What is left of the files makes it look at its state.
    bench.damaged(&KILLED[1])?;
    for trial in KILLED.iter().chain(&WHOLE) {
        bench.finish(trial)?;
        bench.verify(trial)?;
    }
    large::run(lab)?;
    others.close_input();
    match others.wait(Duration::from_mins(15))? {
        Ended::Exited(DONE) => bench.say(),
        ended => bail!("events.py {ended:?}: {}", others.tail()),
    }
}

/// Makes the files of all trials, of a hundred events each; gives their directory.
fn generate(lab: &Lab, files: u64) -> Result<String> {
    let (rows, seed) = (files * 100, lab.draw(0).below(1 << 32));
    let from = format!("generator:rows={rows},seed={seed},bad=0.001,duplicates=0.01");
    let home = lab.home("files")?;
    let to = ["--to", "input", "--users", "users", "--delay", "0s"];
    let arguments = [&["generate", "--from", &from], &to[..]].concat();
    home.expect_of("generate", &mut home.file_events(&arguments), DONE)?;
    home.text("input")
}

/// Hides the last of so many files: a name that begins with a dot is left out. `events.py` shows them one by one, so
/// that the pipeline has something to commit between two of its turns, and nothing meanwhile.
fn hide(lab: &Lab, files: u64) -> Result<()> {
    let home = lab.home("files")?;
    (files.saturating_sub(SHOWN_LATER)..files).try_for_each(|number| {
        let name = |dot| home.path(&format!("input/{dot}batch_{number}.json"));
        fs::rename(name(""), name(".")).with_context(|| format!("cannot hide file {number}"))
    })
}

/// The trials, over the same files.
struct Bench<'a> {
    lab: &'a Lab,
    input: String,
    files: u64,
}

impl Bench<'_> {
    fn home(&self, trial: &Trial) -> Result<Home> {
        self.lab.home(trial.name)
    }

    /// A life of a trial.
    fn life(&self, home: &Home, trial: &Trial, more: &[&str]) -> Command {
        let from = ["--from", &self.input];
        home.file_events(&[trial.query, &from[..], trial.options, more].concat())
    }

    /// Lives that are killed, each epoch of one file.
    fn killed(&self, trial: &Trial, lives: u32) -> Result<()> {
        let home = self.home(trial)?;
        let mut points = failpoints::declared()?;
        // Only where rows are replaced does a commit write anything before its swap.
        let updates = trial.name == REWRITTEN.name;
        points.retain(|point| updates || point.name != "commit.manifests-written");
        let command =
            |threads: &str| self.life(&home, trial, &["--trigger", "100ms", "--threads", threads]);
        let longest = Duration::from_millis(1_200);
        let unreached = Duration::from_secs(2);
        let tally = Lives { home: &home, command: &command, longest, unreached }.live(
            lives,
            &points,
            &mut self.lab.draw(trial.salt),
        )?;
        let states = states(&home, trial)?;
        let epoch = states.last().and_then(|state| epoch_of(state)).context("no state was kept")?;
        self.lab.say(format!("{}: {tally}, epoch {epoch}", trial.name));
        if epoch + SHOWN_LATER >= self.files {
            bail!("{} files are too few for {lives} lives of {}", self.files, trial.name);
        }
        tally.check(lives)
    }

    /// A calm life, until the others have rewritten the files of its table often enough.
    fn rewritten(&self, others: &mut Life) -> Result<()> {
        let home = self.home(REWRITTEN)?;
        let more = ["--trigger", "100ms", "--max-files-per-epoch", "1000"];
        let mut life = home.start("calm", &mut self.life(&home, REWRITTEN, &more))?;
        others.await_words(&["rewritten often enough"])?;
        match life.terminate()? {
            Ended::Exited(DONE) => Ok(()),
            ended => bail!("after SIGTERM a life {ended:?}: {}", life.tail()),
        }
    }

    /// Takes what is left of the files.
    fn finish(&self, trial: &Trial) -> Result<()> {
        let home = self.home(trial)?;
        let more = ["--trigger", "available-now", "--max-files-per-epoch", "25"];
        home.expect_of("finish", &mut self.life(&home, trial, &more), DONE).map(drop)
    }

    /// The binary's own separate path.
    fn verify(&self, trial: &Trial) -> Result<()> {
        let home = self.home(trial)?;
        let arguments = [&["verify", "--against", &self.input], trial.query].concat();
        home.expect_of("verify", &mut home.file_events(&arguments), DONE).map(drop)
    }

    /// A byte of each state file is flipped, of which some may be left of lives that died: the next start names one.
    /// Flipped back, the pipeline goes on.
    fn damaged(&self, trial: &Trial) -> Result<()> {
        let home = self.home(trial)?;
        let states = states(&home, trial)?;
        states.iter().try_for_each(|state| flip(state))?;
        let mut life = self.life(&home, trial, &["--trigger", "available-now"]);
        let told = home.expect_of("damaged", &mut life, FAILED)?;
        let name = |state: &PathBuf| Some(state.file_name()?.to_string_lossy().into_owned());
        if !states.iter().filter_map(name).any(|name| told.contains(&name)) {
            bail!("{states:?} were damaged, and the run names none: {told}");
        }
        states.iter().try_for_each(|state| flip(state))
    }

    /// Rewrites the files of a table until its input closes, then compares all tables.
    fn others(&self) -> Result<Life> {
        let home = self.lab.home("others")?;
        let mut script = self.lab.python_command("events.py")?;
        let folder = self.lab.folder();
        script.arg(&self.input).arg(folder).stdin(Stdio::piped());
        home.start("others", &mut script)
    }

    /// Says what was compared. Spark has words of its own for what it does.
    fn say(&self) -> Result<()> {
        let log = self.lab.home("others")?.path("others.log");
        let log = fs::read_to_string(&log).with_context(|| format!("cannot read {log:?}"))?;
        let told: Vec<&str> = log.lines().filter_map(|it| it.strip_prefix("told: ")).collect();
        if told.is_empty() {
            bail!("events.py told nothing");
        }
        self.lab.say(told.join("\n"));
        Ok(())
    }
}

/// The state files of a pipeline, from the oldest to the newest epoch.
fn states(home: &Home, trial: &Trial) -> Result<Vec<PathBuf>> {
    let [_, query, ..] = trial.query else { bail!("a trial without a query") };
    let folder = home.path(&format!("data/checkpoint/file-events-{query}/state"));
    let entries = fs::read_dir(&folder).with_context(|| format!("cannot read {folder:?}"))?;
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut states: Vec<_> =
        paths.filter(|path| path.extension().is_some_and(|it| it == "hws")).collect();
    states.sort();
    Ok(states)
}

/// The epoch with which the name of a state file begins.
fn epoch_of(state: &Path) -> Option<u64> {
    state.file_name()?.to_str()?.split('-').next()?.parse().ok()
}

/// Flips a bit in the middle of a file.
fn flip(path: &Path) -> Result<()> {
    let mut bytes = fs::read(path).with_context(|| format!("cannot read {path:?}"))?;
    let middle = bytes.len() / 2;
    *bytes.get_mut(middle).with_context(|| format!("{path:?} is empty"))? ^= 1;
    fs::write(path, bytes).with_context(|| format!("cannot write {path:?}"))
}
