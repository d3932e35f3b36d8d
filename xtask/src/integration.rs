//! `cargo xtask integration`: suites that drive the released binary, real services and other readers.
//!
//! Nothing is skipped: a service, a Python package or a binary that is missing fails the run. Expected
//! values come from Python, from pyiceberg, DuckDB and librdkafka, never from our own code alone.

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;

use crate::step;

mod broker;
mod draw;
mod failpoints;
mod generator;
mod instances;
mod kafka_crate;
mod kill;
mod lab;
mod leaders;
mod life;
mod lost_log;
mod partitioned;
mod python;
mod registry;
mod rollback;
mod secured;
mod shared_catalog;
mod spark;
mod stop;
mod topics;
mod transactions;
mod versions;

use lab::Lab;

#[derive(Args)]
pub(crate) struct Options {
    /// Run only these suites; none: all of them
    names: Vec<String>,
    /// List the suites and do nothing
    #[arg(long)]
    list: bool,
    /// Lives or repetitions of the suites that repeat, instead of their own number
    #[arg(long)]
    times: Option<u32>,
    /// Repeat the random choices of an earlier run
    #[arg(long)]
    seed: Option<u64>,
    /// Try this binary instead of building one
    #[arg(long)]
    ledger: Option<PathBuf>,
}

/// What is made ready before the first suite that needs it. Spark is a part of the Python side.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Need {
    Ledger,
    Python,
    Spark,
    Broker,
}

struct Suite {
    name: &'static str,
    shows: &'static str,
    needs: &'static [Need],
    run: fn(&Lab) -> Result<()>,
}

const SUITES: &[Suite] = &[
    Suite {
        name: "generator",
        shows: "300,000 generated records become exactly the rows that Python computes",
        needs: &[Need::Ledger, Need::Python],
        run: generator::run,
    },
    Suite {
        name: "kafka-crate",
        shows: "the ignored tests of the workspace against a real broker",
        needs: &[Need::Broker],
        run: kafka_crate::run,
    },
    Suite {
        name: "transactions",
        shows: "four partitions, five codecs, aborts, three restarts: each committed record once",
        needs: &[Need::Ledger, Need::Python, Need::Broker],
        run: transactions::run,
    },
    Suite {
        name: "secured",
        shows: "TLS, SCRAM and re-authentication with a real broker; who is not let in ends at once",
        needs: &[Need::Ledger],
        run: secured::run,
    },
    Suite {
        name: "topics",
        shows: "records deleted, topics made anew, partitions added, compaction: refused, recorded or read",
        needs: &[Need::Ledger, Need::Python, Need::Broker],
        run: topics::run,
    },
    Suite {
        name: "leaders",
        shows: "three brokers, of which one goes and comes back: each record once",
        needs: &[Need::Ledger, Need::Python],
        run: leaders::run,
    },
    Suite {
        name: "versions",
        shows: "generate, run and verify on Kafka 3.9",
        needs: &[Need::Ledger, Need::Python],
        run: versions::run,
    },
    Suite {
        name: "registry",
        shows: "Avro of two schemas by a real registry, and once more when it is gone: rows as Python sent them",
        needs: &[Need::Ledger, Need::Python, Need::Broker],
        run: registry::run,
    },
    Suite {
        name: "lost-log",
        shows: "the checkpoint directory deleted between lives",
        needs: &[Need::Ledger, Need::Python],
        run: lost_log::run,
    },
    Suite {
        name: "rollback",
        shows: "a table rolled back by pyiceberg is refused until that is accepted",
        needs: &[Need::Ledger, Need::Python],
        run: rollback::run,
    },
    Suite {
        name: "partitioned",
        shows: "a ledger by day or hour and bucket: other readers find each row and open no file in vain",
        needs: &[Need::Ledger, Need::Python, Need::Spark],
        run: partitioned::run,
    },
    Suite {
        name: "shared-catalog",
        shows: "pyiceberg and Iceberg's Java write to the same SQL catalog meanwhile: all rows once",
        needs: &[Need::Ledger, Need::Python, Need::Spark],
        run: shared_catalog::run,
    },
    Suite {
        name: "instances",
        shows: "two instances at once: one goes on, the other ends with 3",
        needs: &[Need::Ledger],
        run: instances::run,
    },
    Suite {
        name: "stop",
        shows: "100 lives ended by SIGTERM: each exits with 0 within 10 s, and nothing is lost",
        needs: &[Need::Ledger],
        run: stop::run,
    },
    Suite {
        name: "kill",
        shows: "200 lives ended by SIGKILL, from the generator and from Kafka",
        needs: &[Need::Ledger, Need::Python, Need::Broker],
        run: kill::run,
    },
];

pub(crate) fn run(options: &Options) -> Result<()> {
    if options.list {
        for suite in SUITES {
            step::print(&format!("{:14} {}\n", suite.name, suite.shows))?;
        }
        return Ok(());
    }
    let chosen = choose(&options.names)?;
    let needs: Vec<Need> = chosen.iter().flat_map(|suite| suite.needs).copied().collect();
    let mut lab = Lab::prepare(options, &needs)?;
    for suite in chosen {
        lab.begin(suite.name)?;
        step::timed(suite.name, || (suite.run)(&lab))?;
    }
    lab.clear()
}

fn choose(names: &[String]) -> Result<Vec<&'static Suite>> {
    if names.is_empty() {
        return Ok(SUITES.iter().collect());
    }
    let find = |name: &String| SUITES.iter().find(|suite| suite.name == name);
    let chosen: Option<Vec<_>> = names.iter().map(find).collect();
    match chosen {
        Some(chosen) => Ok(chosen),
        None => bail!("no such suite among {names:?}: `cargo xtask integration --list` names all"),
    }
}
