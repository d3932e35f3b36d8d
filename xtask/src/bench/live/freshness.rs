//! How long it takes from the making of a record until a snapshot of the table holds it.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

use super::Pace;
use super::stream::{Stream, is_done};
use crate::bench::told::{self, RUN};
use crate::bench::usage::{Usage, measure};
use crate::equipment::Equipment;
use crate::equipment::life::{Home, Life};
use crate::step;

const TOPIC: &str = "bench-freshness";

/// What was found, and what it took.
pub(crate) struct Freshness {
    /// As another program computed it, from the topic and the snapshots.
    pub(super) found: Value,
    /// Of the ledger, from its start to its end.
    pub(super) usage: Usage,
    /// How long each phase of an epoch took on average, by its own word.
    pub(super) phases: Value,
}

impl Freshness {
    /// Lets records come for some seconds.
    pub(super) fn measure(equipment: &Equipment, folder: &Path, pace: &Pace) -> Result<Self> {
        let stream = Stream::prepare(equipment, equipment.home(folder)?, TOPIC, pace)?;
        let usage = run(&stream, pace.seconds)?;
        let epochs = told::epochs(&stream.home)?;
        let mut script = equipment.script("freshness.py")?;
        let (brokers, warm_up) = (equipment.broker()?.bootstrap(), pace.warm_up.to_string());
        script.args([&brokers, stream.topic, &stream.home.warehouse()?, &warm_up]);
        let found = step::output(&mut script)?;
        let found = serde_json::from_str(&found).context("freshness.py told no JSON")?;
        Ok(Self { found, usage, phases: told::phases(&epochs) })
    }
}

/// The ledger waits for the first record; when it has committed the last one, it is asked to end.
fn run(stream: &Stream, seconds: u64) -> Result<Usage> {
    let (home, rows) = (&stream.home, stream.rows(seconds));
    let mut producer: Option<Life> = None;
    measure(home, RUN, &mut stream.ledger(), || match &mut producer {
        None => {
            if waits(home)? {
                producer = Some(stream.begin(seconds)?);
            }
            Ok(false)
        }
        Some(producer) => Ok(is_done(producer)? && holds(home, rows)?),
    })
}

/// Whether the ledger has found out where it stands.
fn waits(home: &Home) -> Result<bool> {
    let log = fs::read_to_string(home.path(&format!("{RUN}.log")));
    Ok(log.context("cannot read the log of the ledger")?.contains("begins anew"))
}

fn holds(home: &Home, rows: u64) -> Result<bool> {
    let epochs = told::epochs(home)?;
    Ok(epochs.last().and_then(told::end).is_some_and(|end| end >= rows))
}
