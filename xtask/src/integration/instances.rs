//! Suite `instances`: two instances of one pipeline at once. One goes on, the other is fenced.

use std::fs;
use std::ops::Range;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::lab::Lab;
use super::life::{DONE, Ended, FENCED, Home, Life};
use crate::step::side_by_side;

const SOURCE: &str = "generator:rows=80000,seed=19,rate=20000,bad=0.2";
const TABLE: &str = "transactions_ledger";
/// The source ends before that, and with it the race.
const DECIDED: Duration = Duration::from_secs(60);

/// Where the logs of both instances are.
struct Trial {
    name: &'static str,
    checkpoints: [&'static str; 2],
}

const TRIALS: [Trial; 2] = [
    Trial { name: "one-log", checkpoints: ["data/checkpoint/ledger"; 2] },
    Trial { name: "two-logs", checkpoints: ["data/checkpoint/first", "data/checkpoint/second"] },
];

/// Instances mostly wait, so the halves of both trials share the machine.
pub(super) fn run(lab: &Lab) -> Result<()> {
    let times = lab.times(50);
    let half = times / 2;
    let [one, two] = &TRIALS;
    let parts = [(one, 0..half), (one, half..times), (two, 0..half), (two, half..times)];
    side_by_side(&parts, |(trial, rounds)| attempt(lab, trial, rounds.clone()))?;
    for Trial { name, .. } in &TRIALS {
        lab.say(format!("{name}: {times} races, one fenced in each"));
    }
    Ok(())
}

fn attempt(lab: &Lab, trial: &Trial, rounds: Range<u32>) -> Result<()> {
    let Trial { name, checkpoints } = trial;
    for round in rounds {
        let folder = format!("{name}-{round}");
        let mut draw = lab.draw(round.into());
        let home = lab.home(&folder)?;
        let apart = draw.time(Duration::from_millis(400));
        race(&home, *checkpoints, apart)
            .with_context(|| format!("{folder}, started {apart:?} apart"))?;
        fs::remove_dir_all(home.path("")).context("cannot remove the folder of a round")?;
    }
    Ok(())
}

fn race(home: &Home, checkpoints: [&str; 2], apart: Duration) -> Result<()> {
    let [first, second] = checkpoints;
    let mut earlier = start(home, "earlier", first, "500")?;
    sleep(apart);
    let mut later = start(home, "later", second, "900")?;
    let mut winner = if fenced_first(&mut earlier, &mut later)? { later } else { earlier };
    goes_on(home, &mut winner)?;
    drop(winner);
    home.finish_and_verify(SOURCE, &["--checkpoint", "data/checkpoint/empty"])
}

fn start(home: &Home, name: &str, checkpoint: &str, records: &str) -> Result<Life> {
    let limit = ["--checkpoint", checkpoint, "--max-records-per-epoch", records];
    let arguments = [&["--from", SOURCE, "--trigger", "100ms"][..], &limit].concat();
    home.start(name, &mut home.ledger(&arguments))
}

/// Waits until one of both is fenced; whether it is the first.
fn fenced_first(one: &mut Life, other: &mut Life) -> Result<bool> {
    let start = Instant::now();
    while start.elapsed() < DECIDED {
        for (life, is_first) in [(&mut *one, true), (&mut *other, false)] {
            match life.ended()? {
                Some(Ended::Exited(FENCED)) => return Ok(is_first),
                // One that has taken the whole source has won; the other is still to find out.
                Some(Ended::Exited(DONE)) | None => {}
                Some(ended) => bail!("an instance {ended:?}: {}", life.tail()),
            }
        }
        sleep(Duration::from_millis(5));
    }
    bail!("after {DECIDED:?} none is fenced: {}\n{}", one.tail(), other.tail())
}

/// The one that is left commits once more, or has reached the end of the source.
fn goes_on(home: &Home, winner: &mut Life) -> Result<()> {
    if winner.ended()? == Some(Ended::Exited(DONE)) {
        return Ok(());
    }
    let before = home.version(TABLE).unwrap_or(0);
    home.await_version(TABLE, before, winner).or_else(|error| match winner.ended()? {
        Some(Ended::Exited(DONE)) => Ok(()),
        _ => Err(error.context("the other instance did not go on")),
    })
}
