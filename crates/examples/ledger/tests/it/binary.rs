//! The binary in a directory of its own.

use std::ops::Deref;

use highwater_testkit::binary::Home;
pub(crate) use highwater_testkit::binary::{Ended, files};

/// A directory in which the binary runs with its default paths.
pub(crate) struct Ledger(Home);

impl Ledger {
    pub(crate) fn new() -> Self {
        Self(Home::new(env!("CARGO_BIN_EXE_ledger")))
    }

    /// Runs the pipeline over what is there, with more arguments.
    pub(crate) fn run(&self, from: &str, more: &[&str]) -> Ended {
        self.call(&[&["--from", from, "--trigger", "available-now"], more].concat())
    }

    /// Runs it and kills it at the n-th time a failpoint is reached. Says whether that happened.
    #[track_caller]
    pub(crate) fn run_killed(&self, from: &str, more: &[&str], at: &str) -> bool {
        self.call_killed(&[&["--from", from, "--trigger", "available-now"], more].concat(), at)
    }

    /// What `verify` finds against the source, which must be nothing wrong.
    pub(crate) fn verified(&self, against: &str) -> serde_json::Value {
        let ended = self.call(&["verify", "--against", against]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        serde_json::from_str(&ended.out).unwrap()
    }
}

impl Deref for Ledger {
    type Target = Home;

    fn deref(&self) -> &Home {
        &self.0
    }
}
