//! Suite `registry`: Avro records of two schemas, with the numbers that a real registry gave them, and
//! the same records once more when the registry is gone.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::broker::SchemaRegistry;
use super::lab::Lab;
use super::life::{DONE, Ended, Home};

const TOPIC: &str = "avro-transactions";
const SCHEMAS: &str = "data/checkpoint/ledger/schemas";

pub(super) fn run(lab: &Lab) -> Result<()> {
    let broker = lab.broker()?;
    let java = lab.python("registry.py", &["java"])?;
    let registry = SchemaRegistry::start(&lab.services(), java.trim())?;
    broker.create_topic(TOPIC, 4)?;
    let home = lab.home("home")?;
    let journal = home.text("journal.jsonl")?;
    let seed = lab.draw(0).below(1_000).to_string();
    let (bootstrap, url) = (broker.bootstrap(), registry.url());
    let produce = ["produce", &bootstrap, TOPIC, &url, &journal, "--seed", &seed];
    lab.say(lab.python("registry.py", &produce)?);

    let source = format!("kafka://{bootstrap}/{TOPIC}");
    let arguments = [
        ["--from", &source],
        ["--encoding", "avro"],
        ["--registry", &url],
        ["--trigger", "available-now"],
        ["--max-records-per-epoch", "3000"],
    ]
    .concat();
    kill(&home, &arguments)?;
    // The next life, and all of another pipeline, have only what the checkpoint keeps.
    drop(registry);
    home.expect("finish", &arguments, DONE)?;
    let other = lab.home("other")?;
    copy_schemas(&home, &other)?;
    other.expect("other", &arguments, DONE)?;
    for home in [home, other] {
        let compare = ["compare", &journal, &home.warehouse()?];
        lab.say(lab.python("registry.py", &compare)?);
    }
    Ok(())
}

/// A life that ends between two tables, once records of both schemas and of none were read.
fn kill(home: &Home, arguments: &[&str]) -> Result<()> {
    let mut command = home.ledger(arguments);
    let mut life = home.start("killed", command.env("HIGHWATER_KILL_AT", "commit.sink:2"))?;
    match life.wait(Duration::from_secs(120))? {
        Ended::Killed => Ok(()),
        ended => bail!("the life {ended:?}: {}", life.tail()),
    }
}

fn copy_schemas(from: &Home, to: &Home) -> Result<()> {
    let (from, to) = (from.path(SCHEMAS), to.path(SCHEMAS));
    fs::create_dir_all(&to).with_context(|| format!("cannot make {to:?}"))?;
    for entry in fs::read_dir(&from).with_context(|| format!("no schemas in {from:?}"))? {
        let entry = entry.context("cannot list the schemas")?;
        fs::copy(entry.path(), to.join(entry.file_name())).context("cannot copy a schema")?;
    }
    Ok(())
}
