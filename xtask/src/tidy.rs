//! `cargo xtask tidy`: the rules of the house that no compiler knows. CONTRIBUTING.md gives the reasons.

use std::fmt;
use std::fs;

use anyhow::{Context, Result, bail};

use crate::workspace;

mod catalogue;
mod manifest;
mod rust;
mod words;

#[cfg(test)]
mod tests;

/// One breach of a rule.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    path: String,
    line: usize,
    rule: &'static str,
    advice: String,
    fatal: bool,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, line, rule, advice, fatal } = self;
        let weight = if *fatal { "error" } else { "warning" };
        write!(f, "{path}:{line}: {weight}: {rule}: {advice}")
    }
}

/// A text file of the work tree.
struct File<'a> {
    path: &'a str,
    text: &'a str,
}

impl File<'_> {
    fn wrong(&self, line: usize, rule: &'static str, advice: impl Into<String>) -> Finding {
        Finding { path: self.path.to_owned(), line, rule, advice: advice.into(), fatal: true }
    }

    /// Lines with their numbers, counted from 1.
    fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(index, line)| (index + 1, line))
    }
}

pub(crate) fn run() -> Result<()> {
    let root = workspace::root()?;
    let files = workspace::files()?;
    let mut findings = Vec::new();
    for path in &files {
        let bytes = fs::read(root.join(path)).with_context(|| format!("cannot read {path}"))?;
        if let Ok(text) = std::str::from_utf8(&bytes) {
            inspect(&File { path, text }, &mut findings);
        }
    }
    let rows = fs::read_to_string(root.join(catalogue::PAGE)).ok();
    catalogue::inspect(&files, rows.as_deref(), &mut findings);

    for finding in &findings {
        eprintln!("{finding}");
    }
    match findings.iter().filter(|finding| finding.fatal).count() {
        0 => Ok(()),
        wrong => bail!("tidy found {wrong} breaches: each line above says what to do"),
    }
}

fn inspect(file: &File<'_>, findings: &mut Vec<Finding>) {
    if file.path == "Cargo.lock" {
        return;
    }
    words::inspect(file, findings);
    if file.path.ends_with(".rs") {
        rust::inspect(file, findings);
    }
    if file.path.ends_with("/Cargo.toml") {
        manifest::inspect(file, findings);
    }
}
