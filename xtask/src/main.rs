//! The workspace's own tool: `cargo xtask <task>`. CONTRIBUTING.md tells when to run what.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

mod bench;
mod check;
mod equipment;
mod integration;
mod layers;
mod services;
mod step;
mod tidy;
mod workspace;

#[derive(Parser)]
#[command(
    name = "cargo xtask",
    about = "Checks, layers, services, integration suites and benchmarks"
)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Everything that reads the sources: fmt, tidy, layers, clippy, rustdoc, cargo-deny
    Check(check::Options),
    /// The rules of the house that no compiler knows
    Tidy,
    /// Which crate may depend on which; prints the graph
    Layers(layers::Options),
    /// Real services on 127.0.0.1: up, down, reset, restart, status, env, run
    #[command(disable_help_flag = true)]
    Services(services::Options),
    /// The suites that need real services and other programs
    Integration(integration::Options),
    /// The released binary beside its peers, or kept up to date at a steady rate
    Bench(bench::Options),
}

fn main() -> ExitCode {
    match run(Arguments::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<()> {
    match task {
        Task::Check(options) => check::run(&options),
        Task::Tidy => tidy::run(),
        Task::Layers(options) => layers::run(&options),
        Task::Services(options) => services::run(&options),
        Task::Integration(options) => integration::run(&options),
        Task::Bench(options) => bench::run(&options),
    }
}
