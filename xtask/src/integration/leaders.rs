//! Suite `leaders`: three brokers, of which one goes and comes back while records are written and read.

use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::broker::Broker;
use super::lab::Lab;
use super::life::{DONE, Ended, Life};

const TOPIC: &str = "leaders";

pub(super) fn run(lab: &Lab) -> Result<()> {
    let broker = Broker::start_three(&lab.services())?;
    let home = lab.home("home")?;
    let mut draw = lab.draw(0);
    broker.create_topic(TOPIC, 6)?;
    let source = format!("kafka://{}/{TOPIC}", broker.bootstrap());
    let mut stream = lab.python_command("topics.py")?;
    stream.args(["stream", &broker.bootstrap(), TOPIC]).stdin(Stdio::piped());
    let mut writer = home.start("writer", &mut stream)?;

    let arguments = ["--from", &source, "--trigger", "100ms", "--source-columns"];
    let mut life = home.start("life", &mut home.ledger(&arguments))?;
    home.await_version("transactions_ledger", 2, &mut life)?;
    let gone = usize::try_from(draw.below(3)).unwrap_or(0);
    broker.stop_one(gone)?;
    sleep(Duration::from_secs(2) + draw.time(Duration::from_secs(2)));
    goes_on(&mut life)?;
    let before = home.version("transactions_ledger").context("there was a version before")?;
    home.await_version("transactions_ledger", before, &mut life)?;
    broker.start_one(gone)?;
    sleep(draw.time(Duration::from_secs(2)));
    goes_on(&mut writer)?;
    writer.close_input();
    ends_well(writer.wait(Duration::from_secs(150))?, &writer)?;
    goes_on(&mut life)?;
    ends_well(life.terminate()?, &life)?;

    home.finish_and_verify(&source, &["--source-columns"])?;
    let compare = ["compare", &broker.bootstrap(), TOPIC, &home.warehouse()?];
    lab.say(lab.python("topics.py", &compare)?);
    Ok(())
}

fn goes_on(life: &mut Life) -> Result<()> {
    match life.ended()? {
        Some(ended) => bail!("without one of three brokers it {ended:?}: {}", life.tail()),
        None => Ok(()),
    }
}

fn ends_well(ended: Ended, life: &Life) -> Result<()> {
    match ended {
        Ended::Exited(DONE) => Ok(()),
        ended => bail!("at its end it {ended:?}: {}", life.tail()),
    }
}
