//! Suite `versions`: the last Kafka before 4.

use anyhow::{Result, bail};

use super::broker::Broker;
use super::lab::Lab;
use super::life::DONE;

const TOPIC: &str = "versions";
const RECORDS: u32 = 20_000;
const GROUP: &str = "versions-lag";

pub(super) fn run(lab: &Lab) -> Result<()> {
    let broker = Broker::start_old(&lab.services())?;
    let home = lab.home("home")?;
    let generator = format!("generator:rows={RECORDS},seed=11,bad=0.01");
    let source = format!("kafka://{}/{TOPIC}", broker.bootstrap());
    let generate = ["generate", "--from", &generator, "--to", &source, "--partitions", "4"];
    home.expect("generate", &generate, DONE)?;
    let group = format!("-Xgroup.id={GROUP}");
    home.finish(&source, &["--max-records-per-epoch", "5000", &group])?;
    let found = home.verify_with(&source, &[])?;
    if !found.contains(&format!("\"records\": {RECORDS}")) {
        bail!("not all {RECORDS} records came through: {found}");
    }
    let told = ["told", &broker.bootstrap(), TOPIC, GROUP];
    lab.say(lab.python("topics.py", &told)?);
    Ok(())
}
