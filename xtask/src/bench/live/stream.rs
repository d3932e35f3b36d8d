//! Records that come at a steady rate, and the ledger that reads them as a user runs it.

use std::process::Command;
use std::time::Duration;

use anyhow::{Result, bail};

use super::Pace;
use crate::equipment::Equipment;
use crate::equipment::life::{DONE, Ended, Home, Life};

/// Records are a function of this and of their number.
const SEED: u32 = 1;
const PARTITIONS: &str = "4";
/// Far beyond what the making of a topic takes.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between the beginnings of epochs, in milliseconds.
pub(super) const TRIGGER_MILLIS: u64 = 200;
/// Every metadata file tells later when its snapshot could be read: none is deleted.
const KEPT: &str = "write.metadata.delete-after-commit.enabled=false";
/// The table that the ledger writes to.
pub(super) const TABLE: &str = "transactions_ledger";

/// A topic that is written to at a rate, and the folder of the pipeline that reads it.
pub(super) struct Stream {
    pub(super) home: Home,
    pub(super) topic: &'static str,
    /// The topic as a source.
    pub(super) source: String,
    rate: u64,
    threads: u32,
}

impl Stream {
    /// Makes an empty topic, so that the ledger can wait for its first record.
    pub(super) fn prepare(
        equipment: &Equipment,
        home: Home,
        topic: &'static str,
        pace: &Pace,
    ) -> Result<Self> {
        let source = format!("kafka://{}/{topic}", equipment.broker()?.bootstrap());
        let stream = Self { home, topic, source, rate: pace.rate, threads: pace.threads };
        // Who writes nothing makes the topic all the same.
        match stream.begin(0)?.wait(PATIENCE)? {
            Ended::Exited(DONE) => Ok(stream),
            ended => bail!("the topic was not made: the producer {ended:?}"),
        }
    }

    /// Starts to write so many seconds of records.
    pub(super) fn begin(&self, seconds: u64) -> Result<Life> {
        let (rate, rows) = (self.rate, self.rows(seconds));
        let from = format!("generator:rows={rows},seed={SEED},rate={rate}");
        let arguments = ["generate", "--from", &from, "--to", &self.source];
        let arguments = [&arguments[..], &["--partitions", PARTITIONS]].concat();
        self.home.start("producer", &mut self.home.ledger(&arguments))
    }

    /// How many records so many seconds have.
    pub(super) fn rows(&self, seconds: u64) -> u64 {
        self.rate.saturating_mul(seconds)
    }

    /// The ledger, not started yet.
    pub(super) fn ledger(&self) -> Command {
        let (trigger, threads) = (format!("{TRIGGER_MILLIS}ms"), self.threads.to_string());
        let arguments = ["run", "--from", &self.source, "--threads", &threads, "--create", KEPT];
        let arguments = [&arguments[..], &["--trigger", &trigger, "--progress", "json"]].concat();
        self.home.ledger(&arguments)
    }
}

/// Whether a life has come to its end, which must be a good one.
pub(super) fn is_done(life: &mut Life) -> Result<bool> {
    match life.ended()? {
        None => Ok(false),
        Some(Ended::Exited(DONE)) => Ok(true),
        Some(ended) => bail!("it {ended:?}: {}", life.tail()),
    }
}
