//! Suite `transactions`: a transactional producer that aborts, on a broker that restarts.

use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::lab::Lab;
use super::life::{DONE, Ended};

const TOPIC: &str = "transactions";
const RESTARTS: u32 = 3;

pub(super) fn run(lab: &Lab) -> Result<()> {
    let broker = lab.broker()?;
    let home = lab.home("home")?;
    let mut draw = lab.draw(0);
    broker.create_topic(TOPIC, 4)?;
    let source = format!("kafka://{}/{TOPIC}", broker.bootstrap());
    let journal = home.text("journal.jsonl")?;

    let mut produce = lab.python_command("transactions.py")?;
    produce.args(["produce", &broker.bootstrap(), TOPIC, &journal]);
    produce.args(["--seed", &draw.below(1 << 32).to_string()]);
    let child = produce.stdin(Stdio::piped()).spawn().context("cannot start the producer")?;
    let mut producer = Producer { child };

    let arguments = ["--from", &source, "--trigger", "200ms", "--source-columns"];
    let mut life = home.start("life", &mut home.ledger(&arguments))?;
    for restart in 1..=RESTARTS {
        sleep(Duration::from_secs(3) + draw.time(Duration::from_secs(3)));
        if let Some(ended) = life.ended()? {
            bail!("before restart {restart} of the broker the life {ended:?}: {}", life.tail());
        }
        producer.still_runs(restart)?;
        broker.restart()?;
    }
    producer.finish()?;
    let ended = life.terminate()?;
    if ended != Ended::Exited(DONE) {
        bail!("after SIGTERM the life {ended:?}: {}", life.tail());
    }

    home.finish_and_verify(&source, &["--source-columns"])?;
    let warehouse = home.warehouse()?;
    let compare = ["compare", &broker.bootstrap(), TOPIC, &journal, &warehouse];
    eprint!("{}", lab.python("transactions.py", &compare)?);
    Ok(())
}

/// The running producer. Dropped, it is killed.
struct Producer {
    child: Child,
}

impl Producer {
    /// A restart counts only while records are being written.
    fn still_runs(&mut self, restart: u32) -> Result<()> {
        match self.child.try_wait().context("cannot wait for the producer")? {
            Some(status) => bail!("the producer ended before restart {restart}: {status}"),
            None => Ok(()),
        }
    }

    /// Tells it to end its transactions, by closing its standard input, and waits.
    fn finish(&mut self) -> Result<()> {
        drop(self.child.stdin.take());
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(180) {
            if let Some(status) = self.child.try_wait().context("cannot wait for the producer")? {
                if !status.success() {
                    bail!("the producer ended with {status}: its message stands above");
                }
                return Ok(());
            }
            sleep(Duration::from_millis(100));
        }
        bail!("the producer did not end within three minutes")
    }
}

impl Drop for Producer {
    fn drop(&mut self) {
        if self.child.kill().is_ok() && self.child.wait().is_err() {
            eprintln!("process {} may still run", self.child.id());
        }
    }
}
