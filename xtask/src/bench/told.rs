//! What a process tells of its work, as JSON in its log: the progress of a run, or what a peer took.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;

use super::usage::Usage;
use crate::equipment::life::Home;

/// The log of a measured process in its folder.
pub(super) const RUN: &str = "run";
/// How many records an epoch had.
const ROWS: &str = "numInputRows";

/// How many bytes were told so far.
pub(super) fn length(home: &Home) -> Result<u64> {
    let path = log(home);
    Ok(fs::metadata(&path).with_context(|| format!("cannot find {path:?}"))?.len())
}

fn log(home: &Home) -> PathBuf {
    home.path(&format!("{RUN}.log"))
}

/// What was told so far, whatever it is about.
fn told(home: &Home) -> Result<Vec<Value>> {
    let path = log(home);
    let log = fs::read_to_string(&path).with_context(|| format!("cannot read {path:?}"))?;
    Ok(parse(&log))
}

/// The epochs that were committed so far.
pub(super) fn epochs(home: &Home) -> Result<Vec<Value>> {
    let told = told(home)?.into_iter();
    Ok(told.filter(|told| told.get(ROWS).is_some()).collect())
}

/// The last line may not be whole yet, and others are for people.
fn parse(log: &str) -> Vec<Value> {
    log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// The records of `epochs`.
pub(super) fn records(epochs: &[Value]) -> Result<u64> {
    let records: Option<u64> = epochs.iter().map(|epoch| number(epoch, ROWS)).sum();
    records.context("progress counts no records")
}

/// What of all partitions lies before the end of `epoch`, also when lives of before have read it.
pub(super) fn end(epoch: &Value) -> Option<u64> {
    let sources = epoch.get("sources")?.as_array()?;
    let ends = sources.iter().flat_map(|source| source.get("endOffset")?.as_object());
    ends.flat_map(|partitions| partitions.values()).map(|end| number(end, "next")).sum()
}

/// What a peer tells of its own process: not of the Python that started it.
pub(super) struct Own {
    pub(super) usage: Usage,
    pub(super) batches: u64,
    /// Rows and time on processors after the first half.
    pub(super) warm: Option<(u64, Duration)>,
}

/// What the peer in `home` told, which took so long from start to end.
pub(super) fn own(home: &Home, wall: Duration) -> Result<Own> {
    let told = told(home)?.pop().context("a peer told nothing")?;
    let of = |key: &str| number(&told, key).with_context(|| format!("no {key} in {told}"));
    let usage =
        Usage { cpu: Duration::from_millis(of("cpuMillis")?), wall, peak: of("peakBytes")? };
    let warm = (of("warmRows")?, Duration::from_millis(of("warmCpuMillis")?));
    let warm = Some(warm).filter(|(rows, _)| *rows > 0);
    Ok(Own { usage, batches: of("batches")?, warm })
}

/// How long each phase of `epochs` took on average, in milliseconds.
pub(super) fn phases(epochs: &[Value]) -> Value {
    let average = |phase: &str| {
        let times = epochs.iter().filter_map(|epoch| number(epoch.get("durationMs")?, phase));
        times.sum::<u64>() / u64::try_from(epochs.len()).unwrap_or(u64::MAX).max(1)
    };
    let phases = ["latestOffset", "addBatch", "walCommit", "commitBatch", "triggerExecution"];
    phases.map(|phase| (phase.to_owned(), Value::from(average(phase)))).into_iter().collect()
}

/// A number of what was told.
pub(super) fn number(told: &Value, key: &str) -> Option<u64> {
    told.get(key)?.as_u64()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = concat!(
        "ledger: begins anew\n",
        r#"{"batchId":0,"numInputRows":3,"durationMs":{"addBatch":40,"commitBatch":10},"sources":[{"endOffset":{"t/0":{"next":2},"t/1":{"next":1}}}]}"#,
        "\n",
        r#"{"batchId":1,"numInputRows":4,"durationMs":{"addBatch":60,"commitBatch":11},"sources":[{"endOffset":{"t/0":{"next":4},"t/1":{"next":3}}}]}"#,
        "\n",
        r#"{"batchId":2,"numInp"#,
    );

    #[test]
    fn epochs_are_found_among_other_lines() {
        let epochs = parse(LOG);
        assert_eq!(records(&epochs).unwrap(), 7);
        assert_eq!(end(&epochs[1]), Some(7));
        let phases = phases(&epochs);
        assert_eq!((&phases["addBatch"], &phases["commitBatch"]), (&50.into(), &10.into()));
    }
}
