//! One pipeline's folder, and the lives of the binary in it.

use std::fs::{self, OpenOptions};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::step;

/// Exit codes of the binaries.
pub(crate) const DONE: i32 = 0;
pub(crate) const FENCED: i32 = 3;
pub(crate) const REFUSED: i32 = 4;

const SIGKILL: i32 = 9;
/// Far beyond what any life of these suites takes.
const PATIENCE: Duration = Duration::from_secs(300);

/// How a life ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// By itself, with this exit code.
    Exited(i32),
    /// By SIGKILL.
    Killed,
}

/// The folder that a pipeline lives in: warehouse, checkpoint and the log of every life.
pub(crate) struct Home {
    folder: PathBuf,
    ledger: PathBuf,
    file_events: PathBuf,
}

impl Home {
    pub(crate) fn new(folder: PathBuf, ledger: PathBuf, file_events: PathBuf) -> Self {
        Self { folder, ledger, file_events }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The folder as text, for arguments.
    pub(crate) fn text(&self, name: &str) -> Result<String> {
        let path = self.path(name).into_os_string().into_string();
        path.ok().context("the folder of the workspace has a name that is not UTF-8")
    }

    /// The warehouse, where the binary puts it by default.
    pub(crate) fn warehouse(&self) -> Result<String> {
        self.text("data/warehouse")
    }

    /// The ledger, in this folder and with its defaults.
    pub(crate) fn ledger(&self, arguments: &[&str]) -> Command {
        self.command(&self.ledger, arguments)
    }

    /// The other binary, likewise.
    pub(crate) fn file_events(&self, arguments: &[&str]) -> Command {
        self.command(&self.file_events, arguments)
    }

    fn command(&self, binary: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary);
        command.args(arguments).current_dir(&self.folder).stdin(Stdio::null());
        command
    }

    /// Starts a life. Its messages go to `<name>.log`.
    pub(crate) fn start(&self, name: &str, command: &mut Command) -> Result<Life> {
        let path = self.path(&format!("{name}.log"));
        let log = OpenOptions::new().create(true).append(true).open(&path);
        let log = log.with_context(|| format!("cannot write {path:?}"))?;
        let output = log.try_clone().context("cannot share the log")?;
        let child = command.stdout(output).stderr(log).spawn();
        let child = child.with_context(|| format!("cannot start {command:?}"))?;
        Ok(Life { child, log: path })
    }

    /// One life of the ledger to its end, which must be exit code `code`.
    pub(crate) fn expect(&self, name: &str, arguments: &[&str], code: i32) -> Result<()> {
        self.expect_of(name, &mut self.ledger(arguments), code).map(drop)
    }

    /// One life of any binary to its end, which must be exit code `code`. Gives the last lines it wrote.
    pub(crate) fn expect_of(&self, name: &str, command: &mut Command, code: i32) -> Result<String> {
        let mut life = self.start(name, command)?;
        let ended = life.wait(PATIENCE)?;
        if ended != Ended::Exited(code) {
            bail!("`{}` {ended:?}, not with {code}: {}", step::shown(command), life.tail());
        }
        Ok(life.tail())
    }

    /// Takes what is left in the source, then compares the tables with all of it.
    pub(crate) fn finish_and_verify(&self, source: &str, options: &[&str]) -> Result<()> {
        self.finish(source, options)?;
        self.verify(source)
    }

    /// Takes what is left in the source. A generator gives the same records at any rate, and here at once.
    pub(crate) fn finish(&self, source: &str, options: &[&str]) -> Result<()> {
        let kept: Vec<_> =
            source.split(',').filter(|option| !option.starts_with("rate=")).collect();
        let source = kept.join(",");
        let arguments = [&["--from", &source, "--trigger", "available-now"], options].concat();
        self.expect("finish", &arguments, DONE)
    }

    /// Compares the tables with the source, by the binary's own separate path.
    pub(crate) fn verify(&self, source: &str) -> Result<()> {
        self.verify_with(source, &[]).map(drop)
    }

    /// The same with more options. Gives what it found.
    pub(crate) fn verify_with(&self, source: &str, options: &[&str]) -> Result<String> {
        let arguments = [&["verify", "--against", source], options].concat();
        let verdict = step::captured(&mut self.ledger(&arguments))?;
        if !verdict.status.success() {
            let told = String::from_utf8_lossy(&verdict.stdout);
            let errors = String::from_utf8_lossy(&verdict.stderr);
            bail!("`ledger verify --against {source}` {}: {told}{errors}", verdict.status);
        }
        String::from_utf8(verdict.stdout).context("`ledger verify` wrote something else than UTF-8")
    }

    /// The metadata of a version of a table in a directory; not there before that version is.
    pub(crate) fn metadata(&self, table: &str, version: u64) -> PathBuf {
        self.metadata_folder(table).join(format!("v{version}.metadata.json"))
    }

    fn metadata_folder(&self, table: &str) -> PathBuf {
        self.path("data/warehouse/demo").join(table).join("metadata")
    }

    /// The version of the newest metadata of a table; nothing before there is one.
    pub(crate) fn version(&self, table: &str) -> Option<u64> {
        let names = fs::read_dir(self.metadata_folder(table))
            .ok()?
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        names.filter_map(|name| version_in(&name)).max()
    }

    /// Waits until `table` has a version above `above`.
    pub(crate) fn await_version(&self, table: &str, above: u64, life: &mut Life) -> Result<()> {
        let start = Instant::now();
        while self.version(table).is_none_or(|version| version <= above) {
            if let Some(ended) = life.ended()? {
                bail!(
                    "a life {ended:?} before version {above} of {table} was passed: {}",
                    life.tail()
                );
            }
            if start.elapsed() > PATIENCE {
                bail!("version {above} of {table} was not passed: {}", life.tail());
            }
            sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

/// Reads the number in `v17.metadata.json`, or in `00017-<uuid>.metadata.json`.
fn version_in(name: &str) -> Option<u64> {
    let stem = name.strip_suffix(".metadata.json")?;
    let number = stem.strip_prefix('v').or_else(|| Some(stem.split_once('-')?.0));
    number?.parse().ok()
}

/// A running binary. Dropped, it is killed.
pub(crate) struct Life {
    child: Child,
    log: PathBuf,
}

impl Life {
    /// How it ended, if it has.
    pub(crate) fn ended(&mut self) -> Result<Option<Ended>> {
        let status = self.child.try_wait().context("cannot wait for a life")?;
        status.map(|status| self.read(status)).transpose()
    }

    /// Waits for its end, at most `limit`.
    pub(crate) fn wait(&mut self, limit: Duration) -> Result<Ended> {
        match self.wait_at_most(limit)? {
            Some(ended) => Ok(ended),
            None => bail!("a life did not end within {limit:?}: {}", self.tail()),
        }
    }

    /// How it ended, if it does within `limit`.
    pub(crate) fn wait_at_most(&mut self, limit: Duration) -> Result<Option<Ended>> {
        let start = Instant::now();
        loop {
            if let Some(ended) = self.ended()? {
                return Ok(Some(ended));
            }
            let left = limit.saturating_sub(start.elapsed());
            if left.is_zero() {
                return Ok(None);
            }
            sleep(left.min(Duration::from_millis(5)));
        }
    }

    /// Waits until it has written one of these.
    pub(crate) fn await_words(&mut self, words: &[&str]) -> Result<()> {
        let start = Instant::now();
        while !self.has_said(words) {
            if let Some(ended) = self.ended()? {
                bail!("a life {ended:?} before it said {words:?}: {}", self.tail());
            }
            if start.elapsed() > PATIENCE {
                bail!("a life never said {words:?}: {}", self.tail());
            }
            sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    /// Whether it has written one of these.
    pub(crate) fn has_said(&self, words: &[&str]) -> bool {
        let said = |log: String| words.iter().any(|words| log.contains(words));
        fs::read_to_string(&self.log).is_ok_and(said)
    }

    /// Closes its standard input, where that is a pipe.
    pub(crate) fn close_input(&mut self) {
        drop(self.child.stdin.take());
    }

    /// Sends SIGKILL and waits for the end.
    pub(crate) fn kill(&mut self) -> Result<Ended> {
        self.child.kill().context("cannot kill a life")?;
        let status = self.child.wait().context("cannot wait for a life")?;
        self.read(status)
    }

    /// Asks it to finish, as a terminal or a service manager would, and waits for the end.
    pub(crate) fn terminate(&mut self) -> Result<Ended> {
        self.ask_to_end()?;
        self.wait(Duration::from_secs(30))
    }

    /// Asks it to finish.
    pub(crate) fn ask_to_end(&self) -> Result<()> {
        step::succeed(Command::new("kill").args(["-TERM", &self.id().to_string()]))
    }

    /// The number of its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The last lines it wrote.
    pub(crate) fn tail(&self) -> String {
        tail(&self.log)
    }

    fn read(&self, status: ExitStatus) -> Result<Ended> {
        match (status.code(), status.signal()) {
            (Some(code), _) => Ok(Ended::Exited(code)),
            (None, Some(SIGKILL)) => Ok(Ended::Killed),
            _ => bail!("a life ended with {status}: {}", self.tail()),
        }
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        // It has mostly ended; then both calls have nothing to do.
        if self.child.kill().is_ok() && self.child.wait().is_err() {
            eprintln!("process {} may still run", self.child.id());
        }
    }
}

fn tail(log: &Path) -> String {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    let last = lines.get(lines.len().saturating_sub(15)..).unwrap_or_default().join("\n");
    format!("{} ends with\n{last}", log.display())
}
