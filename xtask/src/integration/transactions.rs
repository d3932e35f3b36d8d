//! Suite `transactions`: a transactional producer that aborts, on a broker that restarts.

use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Result, bail};

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
    let mut producer = home.start("producer", produce.stdin(Stdio::piped()))?;

    let arguments = ["--from", &source, "--trigger", "200ms", "--source-columns"];
    let mut life = home.start("life", &mut home.ledger(&arguments))?;
    for restart in 1..=RESTARTS {
        sleep(Duration::from_secs(3) + draw.time(Duration::from_secs(3)));
        if let Some(ended) = life.ended()? {
            bail!("before restart {restart} of the broker the life {ended:?}: {}", life.tail());
        }
        // A restart counts only while records are being written.
        if let Some(ended) = producer.ended()? {
            bail!("the producer {ended:?} before restart {restart}: {}", producer.tail());
        }
        broker.restart()?;
    }
    // It ends its transactions first.
    producer.close_input();
    let ended = producer.wait(Duration::from_secs(180))?;
    if ended != Ended::Exited(DONE) {
        bail!("the producer {ended:?}: {}", producer.tail());
    }
    let ended = life.terminate()?;
    if ended != Ended::Exited(DONE) {
        bail!("after SIGTERM the life {ended:?}: {}", life.tail());
    }

    home.finish_and_verify(&source, &["--source-columns"])?;
    let warehouse = home.warehouse()?;
    let compare = ["compare", &broker.bootstrap(), TOPIC, &journal, &warehouse];
    lab.say(lab.python("transactions.py", &compare)?);
    Ok(())
}
