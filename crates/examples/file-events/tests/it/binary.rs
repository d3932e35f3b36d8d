//! The binary in a directory of its own.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, SystemTime};

use tempfile::TempDir;

/// A directory in which the binary runs with its default paths.
pub(crate) struct Home {
    directory: TempDir,
}

/// What a process left.
#[derive(Debug)]
pub(crate) struct Ended {
    /// None when a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self { directory: TempDir::new().unwrap() }
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.directory.path().join(path)
    }

    /// Writes files into a directory, in the order in which they are to be read: each is a second older than
    /// the next one, and all have settled.
    pub(crate) fn write(&self, directory: &str, files: &[(String, Vec<u8>)]) {
        fs::create_dir_all(self.path(directory)).unwrap();
        let begin = settled() - Duration::from_secs(files.len() as u64);
        for (at, (name, bytes)) in files.iter().enumerate() {
            let path = self.path(directory).join(name);
            fs::write(&path, bytes).unwrap();
            let file = File::options().write(true).open(&path).unwrap();
            file.set_modified(begin + Duration::from_secs(at as u64)).unwrap();
        }
    }

    /// The process, not yet started.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_file-events"));
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
    pub(crate) fn call(&self, arguments: &[&str]) -> Ended {
        self.command(arguments).output().unwrap().into()
    }

    /// Runs the pipeline over what is there, with more arguments.
    pub(crate) fn run(&self, more: &[&str]) -> Ended {
        self.call(&[&["--trigger", "available-now"], more].concat())
    }

    /// Runs it to its end, which must be a good one.
    #[track_caller]
    pub(crate) fn finish(&self, more: &[&str]) -> Ended {
        let ended = self.run(more);
        assert_eq!(ended.code, Some(0), "{more:?}: {ended:?}");
        ended
    }

    /// Runs it and kills it at the n-th time a failpoint is reached. Says whether that happened.
    pub(crate) fn run_killed(&self, more: &[&str], at: &str) -> bool {
        let arguments = [&["--trigger", "available-now"], more].concat();
        let output = self.command(&arguments).env("HIGHWATER_KILL_AT", at).output().unwrap();
        let ended = Ended::from(output);
        assert!(matches!(ended.code, None | Some(0)), "{ended:?}");
        ended.code.is_none()
    }

    /// What `verify` finds, which ends with this exit code.
    #[track_caller]
    pub(crate) fn verify(&self, more: &[&str], code: i32) -> serde_json::Value {
        let ended = self.call(&[&["verify"], more].concat());
        assert_eq!(ended.code, Some(code), "{more:?}: {ended:?}");
        serde_json::from_str(&ended.out).unwrap()
    }
}

/// A time at which files were written that have settled.
#[allow(clippy::disallowed_methods, reason = "of files on the disk")]
fn settled() -> SystemTime {
    SystemTime::now() - Duration::from_secs(60)
}

impl Ended {
    /// Checks the exit code, and that the only paragraph of the fatal message holds some words.
    #[track_caller]
    pub(crate) fn assert_failed(&self, code: i32, words: &[&str]) {
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

/// Every file below a directory.
pub(crate) fn files(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    let below = |path: PathBuf| if path.is_dir() { files(&path) } else { vec![path] };
    paths.flat_map(below).collect()
}
