//! `cargo xtask check`: everything that reads the sources and runs no test.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, bail};
use clap::Args;

use crate::{layers, step, tidy, workspace};

#[derive(Args)]
pub(crate) struct Options {
    /// Install the tools that are missing first (cargo-deny, about 100 CPU-seconds)
    #[arg(long)]
    install_tools: bool,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    if options.install_tools {
        step::timed("tools", install_deny)?;
    }
    step::timed("fmt", || step::succeed(workspace::cargo()?.args(["fmt", "--all", "--check"])))?;
    step::timed("tidy", tidy::run)?;
    step::timed("layers", || layers::check(false))?;
    step::timed("clippy", || {
        let arguments = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
        step::succeed(workspace::cargo()?.args(arguments))
    })?;
    step::timed("rustdoc", || {
        // RUSTDOCFLAGS, unlike RUSTFLAGS, rebuild no dependency.
        let mut doc = workspace::cargo()?;
        doc.args(["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings");
        step::succeed(&mut doc)
    })?;
    step::timed("deny", deny)
}

/// Older releases read neither this `deny.toml` nor this lock file.
const DENY_VERSION: &str = "0.20.2";

fn deny_path() -> Result<PathBuf> {
    Ok(workspace::cache("tools")?.join("bin/cargo-deny"))
}

fn deny_is_there() -> Result<bool> {
    let version = Command::new(deny_path()?).arg("--version").output();
    Ok(version.is_ok_and(|told| String::from_utf8_lossy(&told.stdout).contains(DENY_VERSION)))
}

fn install_deny() -> Result<()> {
    if deny_is_there()? {
        return Ok(());
    }
    let tools = workspace::cache("tools")?;
    let mut install = workspace::cargo()?;
    // It looks at some hundred packages: without optimisation it builds in a third of the time.
    install.args(["install", "cargo-deny", "--locked", "--debug", "--version", DENY_VERSION]);
    install.args(["--config", "profile.dev.debug=false", "--root"]).arg(&tools);
    install.arg("--target-dir").arg(tools.join("build"));
    step::succeed(&mut install)?;
    if let Err(error) = std::fs::remove_dir_all(tools.join("build")) {
        eprintln!("the build folder of cargo-deny stays: {error}");
    }
    Ok(())
}

fn deny() -> Result<()> {
    if !deny_is_there()? {
        bail!(
            "cargo-deny {DENY_VERSION} is not in {}: run `cargo xtask check --install-tools`",
            deny_path()?.display()
        );
    }
    // It looks at packages of every platform, and a build downloads only those of this one.
    step::succeed(workspace::cargo()?.args(["fetch", "--quiet"]))?;
    let arguments = ["--offline", "check", "bans", "licenses", "sources"];
    step::succeed(workspace::command(deny_path()?)?.args(arguments))
}
