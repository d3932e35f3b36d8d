//! `cargo xtask bench windows`: files of events into Delta tables, beside its peers over the same files in turn.
//!
//! What is measured is each query of file-events: events as they are, windows of few keys and of many, windows
//! that overlap, events with their users, and events once each.

use std::path::Path;

use anyhow::Result;
use clap::Args;
use serde_json::{Map, Value};

use super::report::Report;
use super::turn::{Engine, Peer, Turn, agree, order};
use super::{keep, setting};
use crate::equipment::{Equipment, Need, Purpose};
use crate::step;

mod contest;
mod query;

use contest::Contest;
pub(crate) use query::Query;

#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    job: Job,
    /// Measure these queries only
    #[arg(long, value_enum)]
    query: Vec<Query>,
    /// Who takes turns besides DuckDB: structured streaming, from the same files into a Delta table
    #[arg(long)]
    peer: Option<Peer>,
}

/// How much there is to do.
#[derive(Args, Clone, Copy)]
pub(crate) struct Job {
    /// How many events
    #[arg(long, default_value_t = 20_000_000)]
    pub(crate) rows: u64,
    /// In how many files
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) files: u64,
    /// How often each peer runs each query; highwater runs once more
    #[arg(long, default_value_t = 1)]
    pub(crate) rounds: u32,
    /// How many threads each has
    #[arg(long, default_value_t = 1)]
    pub(crate) threads: u32,
}

const NEEDS: &[Need] = &[Need::FileEvents, Need::Python];

pub(crate) fn run(options: &Options) -> Result<()> {
    let job = &options.job;
    let (needs, peers) = match options.peer {
        None => (NEEDS.to_vec(), vec![Engine::DuckDb]),
        Some(Peer::Spark) => {
            ([NEEDS, &[Need::SparkDelta]].concat(), vec![Engine::DuckDb, Engine::Spark])
        }
    };
    let equipment = Equipment::prepare(None, &needs, Purpose::Bench)?;
    let setting = setting::of(&equipment, &equipment.file_events, job.threads)?;
    let chosen = |query: &Query| options.query.is_empty() || options.query.contains(query);
    let queries: Vec<Query> = Query::ALL.into_iter().filter(chosen).collect();
    let mut measured = Map::new();
    for (query, turns) in turns(&equipment, &equipment.scratch, job, &queries, &peers)? {
        let report = Report::of(&turns, job.rows);
        step::print(&format!("\n{}\n\n{}", query.name(), report.table()))?;
        measured.insert(query.name().to_owned(), report.json(&setting));
    }
    keep("windows", &Value::Object(measured))?;
    equipment.clear()
}

/// The turns of each query, whose outputs are the same; files go below `folder`.
pub(crate) fn turns(
    equipment: &Equipment,
    folder: &Path,
    job: &Job,
    queries: &[Query],
    peers: &[Engine],
) -> Result<Vec<(Query, Vec<Turn>)>> {
    let mut all = Vec::new();
    // Queries over the same events stand beside each other, and events of one kind are there at a time.
    for queries in queries.chunk_by(|one, next| one.events() == next.events()) {
        let Some(first) = queries.first() else { continue };
        let prepare = || Contest::prepare(equipment, folder, job, first.events());
        let contest = step::timed("bench: events", prepare)?;
        for query in queries {
            all.push((*query, of(&contest, *query, job, peers)?));
        }
        contest.clear()?;
    }
    Ok(all)
}

fn of(contest: &Contest<'_>, query: Query, job: &Job, peers: &[Engine]) -> Result<Vec<Turn>> {
    let peers: Vec<Engine> = peers.iter().copied().filter(|peer| query.is_for(*peer)).collect();
    let mut turns = Vec::new();
    for engine in order(&peers, job.rounds) {
        let name = format!("{}-{}-{}", query.name(), turns.len() + 1, engine.name());
        let turn = || contest.turn(&name, query, engine);
        turns.push(step::timed(&format!("bench: {name}"), turn)?);
        agree(&turns)?;
    }
    Ok(turns)
}
