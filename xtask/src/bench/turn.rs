//! One run of an engine over all rows, and what it wrote.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use serde_json::Value;

use super::told::number;
use super::usage::Usage;
use crate::equipment::Equipment;
use crate::step;

/// Who takes turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Engine {
    Highwater,
    /// Highwater with twice the threads.
    Doubled,
    DuckDb,
    Spark,
}

impl Engine {
    /// As it is written in figures.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Highwater => "highwater",
            Self::Doubled => "doubled",
            Self::DuckDb => "DuckDB",
            Self::Spark => "Spark",
        }
    }

    /// How many threads it has when each is to have so many.
    pub(super) fn threads(self, each: u32) -> String {
        match self {
            Self::Doubled => each.saturating_mul(2).to_string(),
            Self::Highwater | Self::DuckDb | Self::Spark => each.to_string(),
        }
    }

    /// Whether it is somebody else's.
    pub(super) fn is_peer(self) -> bool {
        matches!(self, Self::DuckDb | Self::Spark)
    }
}

/// Who takes turns if asked to.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Peer {
    Spark,
}

/// One run of an engine over all rows.
pub(crate) struct Turn {
    pub(crate) engine: Engine,
    pub(crate) usage: Usage,
    pub(crate) output: Output,
    /// Commits of the table, for who makes any.
    pub(crate) commits: Option<u64>,
    /// Rows and time on processors after the first half, for who becomes faster by then.
    pub(crate) warm: Option<(u64, Duration)>,
    /// How many tasks wanted a processor in the minute before.
    pub(crate) load: String,
}

/// What an engine wrote.
pub(crate) struct Output {
    pub(crate) rows: u64,
    /// Of one column.
    sum: String,
    /// Of all values, in any order.
    digest: String,
    /// Of all files that hold rows.
    pub(crate) bytes: u64,
}

impl Output {
    /// What stands in the table or file at `place`, which is a `kind` of them and holds the columns of `query`.
    pub(super) fn read(
        equipment: &Equipment,
        query: &str,
        kind: &str,
        place: &Path,
    ) -> Result<Self> {
        let mut script = equipment.script("outputs.py")?;
        let told = step::output(script.args([query, kind]).arg(place))?;
        parse(&told).with_context(|| format!("outputs.py told {told}"))
    }

    /// Some rows in so many bytes.
    #[cfg(test)]
    pub(super) fn of(rows: u64, bytes: u64) -> Self {
        Self { rows, sum: "1.00".to_owned(), digest: "1".to_owned(), bytes }
    }
}

fn parse(told: &str) -> Option<Output> {
    let told: Value = serde_json::from_str(told).ok()?;
    let text = |key: &str| told.get(key)?.as_str().map(str::to_owned);
    Some(Output {
        rows: number(&told, "rows")?,
        sum: text("sum")?,
        digest: text("digest")?,
        bytes: number(&told, "bytes")?,
    })
}

/// All wrote the same rows, in whatever order.
pub(super) fn agree(turns: &[Turn]) -> Result<()> {
    let values = |turn: &Turn| {
        let Output { rows, sum, digest, .. } = &turn.output;
        (*rows, sum.clone(), digest.clone())
    };
    let Some(first) = turns.first() else { return Ok(()) };
    match turns.iter().find(|turn| values(turn) != values(first)) {
        None => Ok(()),
        Some(other) => bail!(
            "the rows differ: count, sum and digest are {:?} by {}, {:?} by {}",
            values(first),
            first.engine.name(),
            values(other),
            other.engine.name(),
        ),
    }
}

/// Who runs when: highwater begins, and runs once more after each round of the others.
pub(super) fn order(others: &[Engine], rounds: u32) -> Vec<Engine> {
    let round = || others.iter().copied().chain([Engine::Highwater]);
    let rounds = (0..rounds).flat_map(|_| round());
    [Engine::Highwater].into_iter().chain(rounds).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn highwater_begins_ends_and_runs_between_its_peers() {
        let names = |peers: &[Engine], rounds| -> Vec<&str> {
            order(peers, rounds).into_iter().map(Engine::name).collect()
        };
        assert_eq!(names(&[Engine::DuckDb], 2).concat(), "highwaterDuckDBhighwaterDuckDBhighwater");
        assert_eq!(names(&[Engine::DuckDb, Engine::Spark], 0), ["highwater"]);
    }
}
