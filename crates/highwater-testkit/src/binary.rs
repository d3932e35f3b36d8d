//! A binary in a directory of its own: called, killed at a failpoint, and asked how it ended.
#![expect(clippy::unwrap_used, reason = "a test ends at the first thing that does not hold")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// A directory in which a binary runs with its default paths.
#[derive(Debug)]
pub struct Home {
    binary: PathBuf,
    directory: TempDir,
}

/// What a process left.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code; none when a signal ended it.
    pub code: Option<i32>,
    /// Its standard output.
    pub out: String,
    /// Its standard error.
    pub err: String,
}

impl Home {
    /// An empty directory for a binary, which a test has as `env!("CARGO_BIN_EXE_name")`.
    ///
    /// # Panics
    /// When there can be no such directory.
    pub fn new(binary: impl Into<PathBuf>) -> Self {
        Self { binary: binary.into(), directory: TempDir::new().unwrap() }
    }

    /// A path below the directory.
    pub fn path(&self, path: &str) -> PathBuf {
        self.directory.path().join(path)
    }

    /// The process, not yet started, without any option from the environment.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command.args(arguments).current_dir(self.directory.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(|name| name.starts_with("HIGHWATER_")) {
                command.env_remove(name);
            }
        }
        command
    }

    /// Runs the binary to its end.
    ///
    /// # Panics
    /// When it cannot be started, or writes what is no text.
    pub fn call(&self, arguments: &[&str]) -> Ended {
        self.command(arguments).output().unwrap().into()
    }

    /// Runs it and kills it at the n-th time a failpoint is reached, as `commit.swapped:2` says. Whether that
    /// happened; if not, it must have ended well.
    ///
    /// # Panics
    /// When it ended in any other way.
    #[track_caller]
    pub fn call_killed(&self, arguments: &[&str], at: &str) -> bool {
        let output = self.command(arguments).env("HIGHWATER_KILL_AT", at).output().unwrap();
        let ended = Ended::from(output);
        assert!(matches!(ended.code, None | Some(0)), "{ended:?}");
        ended.code.is_none()
    }
}

impl Ended {
    /// Checks the exit code, and that the only paragraph of the fatal message holds some words.
    ///
    /// # Panics
    /// When it does not.
    #[track_caller]
    pub fn assert_failed(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, Some(code), "{self:?}");
        let last = self.err.trim_end().lines().last().unwrap_or_default();
        for word in words {
            assert!(last.contains(word), "{word:?} is not in: {last}");
        }
    }
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// Every file below a directory; none when it is not there.
///
/// # Panics
/// When it cannot be read to its end.
pub fn files(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(directory) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    let below = |path: PathBuf| if path.is_dir() { files(&path) } else { vec![path] };
    paths.flat_map(below).collect()
}
