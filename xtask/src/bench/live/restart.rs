//! How soon the ledger goes on after it was killed in the middle of a stream.

use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::Pace;
use super::stream::{Stream, TABLE, TRIGGER_MILLIS, is_done};
use crate::bench::usage;
use crate::equipment::Equipment;
use crate::equipment::life::{DONE, Ended, Life};

const TOPIC: &str = "bench-restarts";
/// The log of all lives.
const LIVES: &str = "lives";
/// Of records: more than all restarts take together. The stream is ended with the last of them.
const SECONDS: u64 = 3_600;
/// Commits between a start and the next kill.
const COMMITS: u64 = 5;
/// How often the table is looked at.
const EVERY: Duration = Duration::from_millis(1);
/// Far beyond what a start takes.
const PATIENCE: Duration = Duration::from_secs(120);

/// From the start of a process to its first commit.
pub(crate) struct Restart {
    /// Until the metadata that holds the commit had its name.
    pub(super) took: Duration,
    /// On processors, until then.
    pub(super) cpu: Duration,
}

/// Kills it at moments that are spread over the interval of the trigger, then compares its tables with
/// the topic.
pub(super) fn measure(equipment: &Equipment, folder: &Path, pace: &Pace) -> Result<Vec<Restart>> {
    let stream = Stream::prepare(equipment, equipment.home(folder)?, TOPIC, pace)?;
    let home = &stream.home;
    let mut life = home.start(LIVES, &mut stream.ledger())?;
    life.await_words(&["begins anew"])?;
    let mut producer = stream.begin(SECONDS)?;
    let mut restarts = Vec::new();
    for kill in 0..pace.restarts {
        home.await_version(TABLE, version(&stream) + COMMITS, &mut life)?;
        sleep(Duration::from_millis(TRIGGER_MILLIS) * kill / pace.restarts);
        let (next, restart) = restart(&stream, &mut life)?;
        life = next;
        restarts.push(restart);
        if is_done(&mut producer)? {
            bail!("the stream came to its end before the restarts did");
        }
    }
    let _: Ended = producer.kill()?;
    match life.terminate()? {
        Ended::Exited(DONE) => home.finish_and_verify(&stream.source, &[])?,
        ended => bail!("the last life {ended:?}: {}", life.tail()),
    }
    Ok(restarts)
}

/// Kills a life and starts the next one at once.
fn restart(stream: &Stream, life: &mut Life) -> Result<(Life, Restart)> {
    let ended = life.kill()?;
    if ended != Ended::Killed {
        bail!("a life to be killed {ended:?}: {}", life.tail());
    }
    let next = version(stream) + 1;
    let committed = stream.home.metadata(TABLE, next);
    let began = Instant::now();
    let mut life = stream.home.start(LIVES, &mut stream.ledger())?;
    while !committed.exists() {
        if is_done(&mut life)? || began.elapsed() > PATIENCE {
            bail!("version {next} of {TABLE} was never committed: {}", life.tail());
        }
        sleep(EVERY);
    }
    let took = began.elapsed();
    let process = PathBuf::from(format!("/proc/{}", life.id()));
    let (_, cpu) = usage::times(&process).context("it ended with its first commit")?;
    Ok((life, Restart { took, cpu }))
}

/// The newest version of the table; 0 before there is one.
fn version(stream: &Stream) -> u64 {
    stream.home.version(TABLE).unwrap_or(0)
}
