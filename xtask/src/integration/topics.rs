//! Suite `topics`: what people and retention do to topics is refused or recorded, never passed over.

use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::broker::Broker;
use super::lab::Lab;
use super::life::{DONE, Ended, Home, REFUSED};

const TABLE: &str = "transactions_ledger";
const SCRIPT: &str = "topics.py";

pub(super) fn run(lab: &Lab) -> Result<()> {
    let broker = lab.broker()?;
    retention(lab, broker)?;
    recreated(lab, broker)?;
    partitions(lab, broker)?;
    compaction(lab, broker)
}

/// A pipeline in a folder of its own that reads a topic of the same name.
struct Reader<'a> {
    lab: &'a Lab,
    topic: &'static str,
    bootstrap: String,
    home: Home,
}

impl<'a> Reader<'a> {
    fn new(lab: &'a Lab, broker: &Broker, topic: &'static str) -> Result<Self> {
        Ok(Self { lab, topic, bootstrap: broker.bootstrap(), home: lab.home(topic)? })
    }

    /// Lets the script do `verb` to the topic.
    fn does(&self, verb: &str, arguments: &[&str]) -> Result<()> {
        let arguments = [&[verb, &self.bootstrap, self.topic], arguments].concat();
        self.lab.say(self.lab.python(SCRIPT, &arguments)?);
        Ok(())
    }

    fn fill(&self, partition: &str, count: &str) -> Result<()> {
        self.does("fill", &[partition, count])
    }

    /// Reads what is there, which must end with `code`. Gives what it wrote.
    fn reads(&self, name: &str, options: &[&str], code: i32) -> Result<String> {
        let source = format!("kafka://{}/{}", self.bootstrap, self.topic);
        let run = ["--from", &source, "--trigger", "available-now", "--source-columns"];
        self.home.expect(name, &[&run[..], options].concat(), code)?;
        let log = self.home.path(&format!("{name}.log"));
        fs::read_to_string(&log).with_context(|| format!("cannot read {log:?}"))
    }
}

fn says(told: &str, words: &str) -> Result<()> {
    if told.contains(words) { Ok(()) } else { bail!("nowhere is {words:?}: {told}") }
}

/// Records that are deleted before they were read are refused, or skipped and written down.
fn retention(lab: &Lab, broker: &Broker) -> Result<()> {
    let reader = Reader::new(lab, broker, "retention")?;
    broker.create_topic(reader.topic, 2)?;
    reader.fill("0", "300")?;
    reader.fill("1", "200")?;
    reader.reads("first", &[], DONE)?;
    reader.fill("0", "400")?;
    reader.fill("1", "50")?;
    reader.does("delete-before", &["0", "450"])?;
    let told = reader.reads("refused", &[], REFUSED)?;
    says(&told, "topic retention partition 0: 150 offsets from 300 up to 450 are gone")?;
    let told = reader.reads("skipping", &["--on-data-loss", "skip", "--progress", "json"], DONE)?;
    says(&told, r#""gaps":[{"partition":"retention/0","from":300,"to":450}]"#)?;
    let warehouse = reader.home.warehouse()?;
    reader.does("compare-gap", &[&warehouse, "0", "300", "450"])?;
    // What was skipped is over: nobody has to choose again.
    reader.fill("0", "10")?;
    reader.reads("afterwards", &[], DONE).map(drop)
}

/// Another topic of the same name is not the one that was read.
fn recreated(lab: &Lab, broker: &Broker) -> Result<()> {
    let reader = Reader::new(lab, broker, "recreated")?;
    broker.create_topic(reader.topic, 1)?;
    reader.fill("0", "100")?;
    reader.reads("first", &[], DONE)?;
    reader.does("recreate", &[])?;
    reader.fill("0", "500")?;
    for options in [&[][..], &["--on-data-loss", "skip"]] {
        let told = reader.reads("refused", options, REFUSED)?;
        says(&told, "topic recreated was deleted and made anew")?;
    }
    Ok(())
}

/// Partitions that are added while a life runs are read from their first record, wherever the others
/// began.
fn partitions(lab: &Lab, broker: &Broker) -> Result<()> {
    let reader = Reader::new(lab, broker, "partitions")?;
    broker.create_topic(reader.topic, 2)?;
    reader.fill("0", "50")?;
    reader.fill("1", "50")?;
    let source = format!("kafka://{}/{}", reader.bootstrap, reader.topic);
    let mut run = vec!["--from", &source, "--trigger", "200ms", "--start", "latest"];
    run.extend(["--source-columns", "--progress", "json"]);
    let mut life = reader.home.start("life", &mut reader.home.ledger(&run))?;
    // Where the life begins is known once it has read something of both.
    let begun = Instant::now();
    while reader.home.version(TABLE).is_none_or(|version| version < 3) {
        reader.fill("0", "5")?;
        reader.fill("1", "5")?;
        if let Some(ended) = life.ended()? {
            bail!("the life {ended:?}: {}", life.tail());
        }
        if begun.elapsed() > Duration::from_secs(120) {
            bail!("the life reads nothing: {}", life.tail());
        }
        sleep(Duration::from_millis(100));
    }
    reader.does("widen", &["4"])?;
    for partition in ["2", "3", "0"] {
        reader.fill(partition, "70")?;
    }
    life.await_words(&[r#""partitions/2":{"next":70"#])?;
    let ended = life.terminate()?;
    if ended != Ended::Exited(DONE) {
        bail!("after SIGTERM the life {ended:?}: {}", life.tail());
    }
    reader.reads("finish", &[], DONE)?;
    let warehouse = reader.home.warehouse()?;
    reader.does("compare-latest", &[&warehouse, "2", "50"])
}

/// A topic that is compacted to a few of its records is read to its end, in epochs that end in gaps.
fn compaction(lab: &Lab, broker: &Broker) -> Result<()> {
    let reader = Reader::new(lab, broker, "compacted")?;
    reader.does("compact", &["60", "12"])?;
    reader.reads("life", &["--max-records-per-epoch", "100"], DONE)?;
    let warehouse = reader.home.warehouse()?;
    reader.does("compare", &[&warehouse])
}
