//! `cargo xtask services`: the scripts in `xtask/services`, for people and for the suites.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;
use clap::Args;

use crate::{step, workspace};

#[derive(Args)]
pub(crate) struct Options {
    /// What to do, with which service; `help` tells
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    step::succeed(script()?.args(&options.arguments))
}

/// The command that starts and stops services.
pub(crate) fn script() -> Result<Command> {
    let path: PathBuf = workspace::root()?.join("xtask/services/services.sh");
    workspace::command(path)
}
