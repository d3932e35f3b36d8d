//! The binary in a directory of its own.

use std::fs::{self, File};
use std::ops::Deref;
use std::time::{Duration, SystemTime};

use highwater_testkit::binary;
pub(crate) use highwater_testkit::binary::{Ended, files};

/// A directory in which the binary runs with its default paths.
pub(crate) struct Home(binary::Home);

impl Home {
    pub(crate) fn new() -> Self {
        Self(binary::Home::new(env!("CARGO_BIN_EXE_file-events")))
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

    /// Writes made-up events to files at once, with more arguments.
    #[track_caller]
    pub(crate) fn generate(&self, more: &[&str]) {
        let made = self.call(&[&["generate", "--delay", "0s"], more].concat());
        assert_eq!(made.code, Some(0), "{more:?}: {made:?}");
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
    #[track_caller]
    pub(crate) fn run_killed(&self, more: &[&str], at: &str) -> bool {
        self.call_killed(&[&["--trigger", "available-now"], more].concat(), at)
    }

    /// What `verify` finds, which ends with this exit code.
    #[track_caller]
    pub(crate) fn verify(&self, more: &[&str], code: i32) -> serde_json::Value {
        let ended = self.call(&[&["verify"], more].concat());
        assert_eq!(ended.code, Some(code), "{more:?}: {ended:?}");
        serde_json::from_str(&ended.out).unwrap()
    }
}

impl Deref for Home {
    type Target = binary::Home;

    fn deref(&self) -> &binary::Home {
        &self.0
    }
}

/// A time at which files were written that have settled.
#[allow(clippy::disallowed_methods, reason = "of files on the disk")]
fn settled() -> SystemTime {
    SystemTime::now() - Duration::from_secs(60)
}
