//! Suite `stop`: a life ended by SIGTERM at any moment exits with 0 in time, and loses nothing.

use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use super::lab::Lab;
use super::life::{DONE, Ended};

const SOURCE: &str = "generator:rows=3000000,seed=17,rate=20000,bad=0.001";
/// What a service manager grants before it kills.
const WITHIN: Duration = Duration::from_secs(10);

pub(super) fn run(lab: &Lab) -> Result<()> {
    let home = lab.home("lives")?;
    let mut draw = lab.draw(1);
    let mut longest = Duration::ZERO;
    for life in 0..lab.times(100) {
        let threads = (1 + draw.below(3)).to_string();
        let arguments = ["--from", SOURCE, "--trigger", "100ms", "--source-columns", "--threads"];
        let arguments = [&arguments[..], &[&threads]].concat();
        let log = format!("life-{life}");
        let mut running = home.start(&log, &mut home.ledger(&arguments))?;
        // It listens for signals before it says where it begins.
        running.await_words(&["begins anew", "resumes after"])?;
        sleep(draw.time(Duration::from_millis(800)));
        let asked = Instant::now();
        let ended = running.terminate()?;
        longest = longest.max(asked.elapsed());
        if ended != Ended::Exited(DONE) || longest > WITHIN {
            bail!("life {life} {ended:?} after {:?}: {}", asked.elapsed(), running.tail());
        }
    }
    lab.say(format!("the slowest life ended {} ms after it was asked to", longest.as_millis()));
    home.finish_and_verify(SOURCE, &["--source-columns"])
}
