//! `cargo xtask integration`: suites that drive the released binary, real services and other readers.
//!
//! Nothing is skipped: a service, a Python package or a binary that is missing fails the run. Expected
//! values come from Python, from pyiceberg, DuckDB and librdkafka, never from our own code alone.
//!
//! Suites mostly wait, so three of them run at a time, one of each lane.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::equipment::{Equipment, Need, Purpose, broker, life};
use crate::step::{self, side_by_side};

mod bench;
mod delta;
mod draw;
mod failpoints;
mod file_events;
mod generator;
mod instances;
mod instructions;
mod kafka_crate;
mod kill;
mod lab;
mod large;
mod leaders;
mod lives;
mod lost_log;
mod partitioned;
mod registry;
mod rollback;
mod secured;
mod shared_catalog;
mod stop;
mod topics;
mod transactions;
mod versions;
mod windows;

use draw::Draw;
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

/// Lanes run side by side, each its suites in their order. Whoever stops the broker of the run must have
/// no neighbour on it, so all that use it are in one lane. The others are where all lanes take as long.
/// Suites that call cargo come last: it may be at work on other things in the beginning.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lane {
    /// All with the broker of the run.
    Broker,
    /// Delta and windows, which Spark and DuckDB compute as well.
    Tables,
    /// Many lives, which mostly wait.
    Lives,
}

struct Suite {
    name: &'static str,
    shows: &'static str,
    lane: Lane,
    needs: &'static [Need],
    run: fn(&Lab) -> Result<()>,
}

const SUITES: &[Suite] = &[
    Suite {
        name: "generator",
        shows: "300,000 generated records become exactly the rows that Python computes",
        lane: Lane::Broker,
        needs: &[Need::Ledger, Need::Python],
        run: generator::run,
    },
    Suite {
        name: "transactions",
        shows: "four partitions, five codecs, aborts, three restarts: each committed record once",
        lane: Lane::Broker,
        needs: &[Need::Ledger, Need::Python, Need::Broker],
        run: transactions::run,
    },
    Suite {
        name: "secured",
        shows: "TLS, SCRAM and re-authentication with a real broker; who is not let in ends at once",
        lane: Lane::Lives,
        needs: &[Need::Ledger],
        run: secured::run,
    },
    Suite {
        name: "topics",
        shows: "records deleted, topics made anew, partitions added, compaction: refused, recorded or read",
        lane: Lane::Broker,
        needs: &[Need::Ledger, Need::Python, Need::Broker],
        run: topics::run,
    },
    Suite {
        name: "leaders",
        shows: "three brokers, of which one goes and comes back: each record once",
        lane: Lane::Broker,
        needs: &[Need::Ledger, Need::Python],
        run: leaders::run,
    },
    Suite {
        name: "versions",
        shows: "generate, run and verify on Kafka 3.9",
        lane: Lane::Lives,
        needs: &[Need::Ledger, Need::Python],
        run: versions::run,
    },
    Suite {
        name: "registry",
        shows: "Avro of two schemas by a real registry, and once more when it is gone: rows as Python sent them",
        lane: Lane::Broker,
        needs: &[Need::Ledger, Need::Python, Need::Broker],
        run: registry::run,
    },
    Suite {
        name: "lost-log",
        shows: "the checkpoint directory deleted between lives",
        lane: Lane::Broker,
        needs: &[Need::Ledger, Need::Python],
        run: lost_log::run,
    },
    Suite {
        name: "rollback",
        shows: "a table rolled back by pyiceberg is refused until that is accepted",
        lane: Lane::Broker,
        needs: &[Need::Ledger, Need::Python],
        run: rollback::run,
    },
    Suite {
        name: "partitioned",
        shows: "a ledger by day or hour and bucket: other readers find each row and open no file in vain",
        lane: Lane::Broker,
        needs: &[Need::Ledger, Need::Python, Need::Spark],
        run: partitioned::run,
    },
    Suite {
        name: "delta",
        shows: "a Delta ledger through a kill, a compaction, a lost log; Spark and deltalake write beside one: rows once",
        lane: Lane::Tables,
        needs: &[Need::Ledger, Need::Python, Need::SparkDelta],
        run: delta::run,
    },
    Suite {
        name: "shared-catalog",
        shows: "pyiceberg and Iceberg's Java write to the same SQL catalog meanwhile: all rows once",
        lane: Lane::Lives,
        needs: &[Need::Ledger, Need::Python, Need::Spark],
        run: shared_catalog::run,
    },
    Suite {
        name: "file-events",
        shows: "events, and windows appended, updated and replaced through kills and compactions: as Python has them",
        lane: Lane::Tables,
        needs: &[Need::FileEvents, Need::Python, Need::SparkDelta],
        run: file_events::run,
    },
    Suite {
        name: "windows",
        shows: "windows of random rows are those that DuckDB makes of them, and of files those of Spark, file by file",
        lane: Lane::Tables,
        needs: &[Need::FileEvents, Need::Python],
        run: windows::run,
    },
    Suite {
        name: "instances",
        shows: "two instances at once: one goes on, the other ends with 3",
        lane: Lane::Lives,
        needs: &[Need::Ledger],
        run: instances::run,
    },
    Suite {
        name: "stop",
        shows: "100 lives ended by SIGTERM: each exits with 0 within 10 s, and nothing is lost",
        lane: Lane::Lives,
        needs: &[Need::Ledger],
        run: stop::run,
    },
    Suite {
        name: "bench",
        shows: "the benchmarks over few rows: all engines write the same ones, and a live table each once",
        lane: Lane::Broker,
        needs: &[Need::Ledger, Need::FileEvents, Need::Python, Need::Broker],
        run: bench::run,
    },
    Suite {
        name: "instructions",
        shows: "what a row and an epoch cost, counted by callgrind: at most 10 % more than is recorded",
        lane: Lane::Broker,
        needs: crate::bench::instructions::NEEDS,
        run: instructions::run,
    },
    Suite {
        name: "kafka-crate",
        shows: "the ignored tests of the workspace against a real broker",
        lane: Lane::Broker,
        needs: &[Need::Broker],
        run: kafka_crate::run,
    },
    Suite {
        name: "kill",
        shows: "200 lives ended by SIGKILL, from the generator, with state and without, and from Kafka",
        lane: Lane::Lives,
        needs: &[Need::Ledger, Need::Python],
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
    let seed = options.seed.unwrap_or_else(Draw::fresh_seed);
    eprintln!("integration: --seed {seed}");
    let equipment = Equipment::prepare(options.ledger.as_deref(), &needs, Purpose::Integration)?;
    let equipment = Arc::new(equipment);
    let failed = AtomicBool::new(false);
    side_by_side(&[Lane::Broker, Lane::Tables, Lane::Lives], |lane| {
        let suites = chosen.iter().filter(|suite| suite.lane == *lane);
        // After a failure the other lanes end the suites that they have begun, and with them the run.
        for suite in suites.take_while(|_| !failed.load(Ordering::Relaxed)) {
            let lab = || Lab::begin(Arc::clone(&equipment), suite.name, seed, options.times);
            let result = step::timed(suite.name, || (suite.run)(&lab()?));
            result.inspect_err(|error| {
                failed.store(true, Ordering::Relaxed);
                eprintln!("{}: {error:#}", suite.name);
            })?;
        }
        Ok(())
    })?;
    Arc::into_inner(equipment).context("a suite is still at work")?.clear()
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
