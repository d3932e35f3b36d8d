//! The names of all failpoints, read from where they are declared: this tool links none of our crates.

use std::fs;

use anyhow::{Context, Result, bail};

use super::draw::Draw;
use crate::workspace;

const DECLARED: &str = "crates/highwater-core/src/failpoint.rs";

/// A place at which the binary can be told to kill itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failpoint {
    pub(super) name: String,
    pub(super) phase: String,
}

/// All failpoints, in the order of declaration.
pub(super) fn declared() -> Result<Vec<Failpoint>> {
    let path = workspace::root()?.join(DECLARED);
    let source = fs::read_to_string(path).with_context(|| format!("cannot read {DECLARED}"))?;
    let points: Vec<Failpoint> = source.lines().filter_map(parse).collect();
    if points.is_empty() {
        bail!("{DECLARED} declares no failpoint in the form `Variant = \"name\" in Phase,`");
    }
    Ok(points)
}

/// Reads `Variant = "name" in Phase,`.
fn parse(line: &str) -> Option<Failpoint> {
    let (variant, rest) = line.trim().strip_suffix(',')?.split_once(" = \"")?;
    let (name, phase) = rest.split_once("\" in ")?;
    let word = |text: &str| text.chars().all(char::is_alphanumeric);
    (word(variant) && word(phase))
        .then(|| Failpoint { name: name.to_owned(), phase: phase.to_lowercase() })
}

/// The phases, in the order of declaration.
pub(super) fn phases(points: &[Failpoint]) -> Vec<String> {
    let mut phases: Vec<String> = Vec::new();
    for point in points {
        if !phases.contains(&point.phase) {
            phases.push(point.phase.clone());
        }
    }
    phases
}

/// A phase, then one of its points, then which time it is reached: phases are hit alike, however many
/// points they have.
pub(super) fn draw(points: &[Failpoint], draw: &mut Draw) -> Result<(Failpoint, u64)> {
    let phases = phases(points);
    let phase = draw.one(&phases).context("no phases")?;
    let within: Vec<&Failpoint> = points.iter().filter(|point| point.phase == *phase).collect();
    let point = (*draw.one(&within).context("a phase without failpoints")?).clone();
    // A start recovers once, and each worker takes up its state once.
    let once = *phase == "recover" || point.name == "state.restored";
    let occurrence = if once { 1 } else { 1 + draw.below(3) };
    Ok((point, occurrence))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_from_their_declaration() {
        let points = declared().unwrap();
        assert!(points.iter().any(|point| point.name == "commit.after-swap"));
        assert_eq!(phases(&points).len(), 6);
        assert_eq!(parse("/// Right = before,"), None);
    }
}
