//! What counts depend on besides the code: other programs make other instructions of it.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::bench::setting::value;
use crate::{step, workspace};

/// The compiler, the counter, and the processor: the C library has functions for each kind.
pub(super) fn of() -> Result<Value> {
    let cpu = fs::read_to_string("/proc/cpuinfo").context("cannot read /proc/cpuinfo")?;
    let rustc = step::output(workspace::command("rustc")?.arg("--version"))?;
    let valgrind = step::output(Command::new("valgrind").arg("--version"))?;
    Ok(json!({
        "processor": value(&cpu, "model name"),
        "rustc": rustc.trim(),
        "valgrind": valgrind.trim(),
    }))
}

/// A sentence on what was otherwise when figures were recorded; nothing if all was the same.
pub(super) fn differences(then: Option<&Value>, now: &Value) -> String {
    let differences: Vec<String> = ["rustc", "valgrind", "processor"]
        .into_iter()
        .filter_map(|of| Some((then?.get(of)?, now.get(of)?)))
        .filter(|(then, now)| then != now)
        .map(|(then, now)| format!("{now} where it was {then}"))
        .collect();
    match differences.is_empty() {
        true => String::new(),
        false => format!("Counted with {}. ", differences.join(" and ")),
    }
}
