//! Where and with what a measurement was made.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread::available_parallelism;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::equipment::Equipment;
use crate::{step, workspace};

/// Packages whose versions matter.
const PACKAGES: [&str; 4] = ["duckdb", "pyiceberg", "pyspark", "confluent-kafka"];
const POM: &str = "xtask/services/pom.xml";

/// The machine, the versions of `program` and of all others, and what was asked for.
pub(super) fn of(equipment: &Equipment, program: &Path, threads: u32) -> Result<Value> {
    let read = |path: &str| fs::read_to_string(path).with_context(|| format!("cannot read {path}"));
    let model = value(&read("/proc/cpuinfo")?, "model name").unwrap_or_default();
    let memory = value(&read("/proc/meminfo")?, "MemTotal").unwrap_or_default();
    let packages = step::output(equipment.script("versions.py")?.args(PACKAGES))?;
    let packages: Value = serde_json::from_str(&packages).context("versions.py told no JSON")?;
    let pom = fs::read_to_string(workspace::root()?.join(POM)).context("no pom")?;
    let git = ["describe", "--always", "--dirty", "--abbrev=12"];
    let mut program = Command::new(program);
    Ok(json!({
        "threads": threads,
        "processor": model,
        "processors": available_parallelism().context("cannot count processors")?,
        "memory": memory,
        "kernel": read("/proc/sys/kernel/osrelease")?.trim(),
        "highwater": step::output(program.arg("--version"))?.trim(),
        "commit": step::output(workspace::command("git")?.args(git))?.trim(),
        "kafka": between(&pom, "<kafka.version>", "</kafka.version>"),
        "packages": packages,
    }))
}

/// What a line `key : value` says.
pub(super) fn value(text: &str, key: &str) -> Option<String> {
    let line = text.lines().find(|line| line.starts_with(key))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    Some(text.split_once(before)?.1.split_once(after)?.0)
}
