//! The options that all binaries spell the same.

use std::net::SocketAddr;
use std::num::{NonZeroU64, NonZeroUsize};
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use highwater_codec::Semantics;
use highwater_core::{Failpoints, Secret};
use highwater_pipeline::{ExecutorSpec, Inline, OnRollback, Options, Trigger, WatermarkPolicy};
use highwater_timely::Threads;

use crate::kill::KillAt;
use crate::{
    CatalogOptions, EncodingOptions, Failure, ProgressKind, SourceUri, Start, parse_trigger,
};

/// Where records come from.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Source")]
pub struct SourceOptions {
    /// generator:rows=N,seed=N,rate=N,bad=SHARE,duplicates=SHARE, kafka://host:port,host:port/topic or a
    /// directory of JSON lines
    #[arg(long, value_name = "SOURCE")]
    pub from: SourceUri,
    /// How it is read.
    #[command(flatten)]
    pub read: ReadOptions,
    /// How its records are encoded.
    #[command(flatten)]
    pub encoding: EncodingOptions,
    /// By whose rules records become rows: strict rejects a value that does not fit exactly, spark makes
    /// the rows that Spark 4.1 makes, with nulls for what cannot be read
    #[arg(long, value_name = "RULES", default_value = "strict", value_parser = parse_semantics)]
    pub semantics: Semantics,
    /// Adds _topic, _partition and _offset to the table
    #[arg(long)]
    pub source_columns: bool,
}

/// How a source is read.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Source")]
pub struct ReadOptions {
    /// Where a first start begins: earliest, latest, timestamp:T or offsets:FILE (Kafka only)
    #[arg(long, value_name = "WHERE", default_value = "earliest")]
    pub start: Start,
    /// Reads all topics whose whole names match this regular expression, instead of one that the source
    /// names: kafka://host:port
    #[arg(long, value_name = "RE")]
    pub topic_pattern: Option<String>,
    /// A property of the Kafka client by its Java name; a value @FILE is read from that file
    #[arg(short = 'X', value_name = "KEY=VALUE", value_parser = parse_property)]
    pub properties: Vec<(String, Secret<String>)>,
    /// What to do when records are gone before they were read
    #[arg(long, value_name = "CHOICE", default_value = "fail")]
    pub on_data_loss: OnDataLoss,
    /// How many files of a directory an epoch takes at most; 1,000 if left out, and 1 of file-events
    #[arg(long, value_name = "N")]
    pub max_files_per_epoch: Option<NonZeroUsize>,
    /// Reads the files of directories within the directory as well
    #[arg(long)]
    pub subdirectories: bool,
}

/// What to do when records are gone before they were read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OnDataLoss {
    /// Stop, and say what is lost
    Fail,
    /// Go on behind them, and write the gap down
    Skip,
}

impl From<OnDataLoss> for highwater_core::OnDataLoss {
    fn from(choice: OnDataLoss) -> Self {
        match choice {
            OnDataLoss::Fail => Self::Fail,
            OnDataLoss::Skip => Self::Skip,
        }
    }
}

/// Where rows go.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Table")]
pub struct TableOptions {
    /// What keeps account of the table.
    #[command(flatten)]
    pub catalog: CatalogOptions,
    /// The table: namespace.table for one of Iceberg in the catalog, a path or URL, such as ./orders, for one
    /// of Delta
    #[arg(long, value_name = "NAME")]
    pub table: String,
    /// A property of the table, set when it is made
    #[arg(long, value_name = "KEY=VALUE", value_parser = parse_pair)]
    pub create: Vec<(String, String)>,
    /// Partitions of the table when it is made, such as 'day(event_timestamp),bucket(16,transaction_id)'; of
    /// a Delta table columns alone
    #[arg(long, value_name = "FIELDS", value_parser = parse_fields)]
    pub partition_by: Option<Fields>,
    /// Put small files of a Delta table together, beside the commits, once so many are worth it, such as 32;
    /// files that nothing names go when they are a week old
    #[arg(long, value_name = "FILES", value_parser = clap::value_parser!(u32).range(2..))]
    pub compact: Option<u32>,
}

/// What a table is partitioned by: fields such as `bucket(16, id)`, whose meaning is up to the table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields(pub Vec<String>);

/// How a pipeline runs.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Run")]
pub struct RunOptions {
    /// Where the pipeline keeps its log
    #[arg(long, value_name = "DIR")]
    pub checkpoint: String,
    /// An interval such as 10s or 500ms, or available-now: what is there, then stop
    #[arg(long, value_name = "T", default_value = "5s", value_parser = parse_trigger)]
    pub trigger: Trigger,
    /// What is there, then closes every window, and ends the pipeline for good
    #[arg(long, conflicts_with = "trigger")]
    pub drain: bool,
    /// How many records an epoch takes at most
    #[arg(long, value_name = "N")]
    pub max_records_per_epoch: Option<NonZeroU64>,
    /// How many bytes an epoch takes at most
    #[arg(long, value_name = "N")]
    pub max_bytes_per_epoch: Option<NonZeroU64>,
    /// Which partition event time goes by: the slowest of each stream (per-partition), or the fastest, with one
    /// watermark for all streams, as in Spark (global)
    #[arg(long, value_name = "POLICY", default_value = "per-partition", value_parser = parse_watermarks)]
    pub watermark: WatermarkPolicy,
    /// The share of rejected records above which an epoch of 100 or more stops the pipeline
    #[arg(long, value_name = "SHARE", default_value = "0.5", value_parser = parse_ratio)]
    pub max_rejected_ratio: f64,
    /// What to do about a table that somebody rolled back
    #[arg(long, value_name = "CHOICE", default_value = "refuse", value_parser = parse_rollback)]
    pub on_rollback: OnRollback,
    /// Worker threads, which share out the partitions of the source; one for each core if left out
    #[arg(long, value_name = "N", value_parser = parse_threads)]
    pub threads: Option<NonZeroUsize>,
    /// How many bytes of memory what steps keep may take on each worker; 512 MiB if left out
    #[arg(long, value_name = "N")]
    pub state_memory: Option<NonZeroU64>,
    /// A local directory for what does not fit; without it everything stays in memory
    #[arg(long, value_name = "DIR")]
    pub state_spill: Option<PathBuf>,
    /// What is shown of each epoch
    #[arg(long, value_name = "KIND", default_value = "auto")]
    pub progress: ProgressKind,
    /// Serves metrics to Prometheus at this address, such as 127.0.0.1:9464
    #[arg(long, value_name = "ADDR", value_parser = parse_address)]
    pub metrics: Option<SocketAddr>,
}

impl RunOptions {
    /// The same for the pipeline, with a failpoint if the environment names one.
    ///
    /// # Errors
    /// A checkpoint of an unknown kind, or a failpoint that there is not.
    pub fn to_pipeline(&self) -> Result<Options, Failure> {
        let trigger = if self.drain { Trigger::Drain } else { self.trigger };
        let mut options = Options::checkpoint(&self.checkpoint)?
            .trigger(trigger)
            .max_rejected_ratio(self.max_rejected_ratio)
            .on_rollback(self.on_rollback)
            .watermarks(self.watermark)
            .executor(executor(self.threads));
        if let Some(records) = self.max_records_per_epoch {
            options = options.max_records_per_epoch(records);
        }
        if let Some(bytes) = self.max_bytes_per_epoch {
            options = options.max_bytes_per_epoch(bytes);
        }
        if let Some(bytes) = self.state_memory {
            options = options.state_memory(bytes);
        }
        if let Some(directory) = &self.state_spill {
            options = options.state_spill(directory);
        }
        if let Ok(text) = std::env::var(KILL_AT) {
            let hook = Arc::new(KillAt::parse(&text)?);
            options = options.failpoints(Failpoints::armed(hook));
        }
        Ok(options)
    }
}

/// One thread computes where the driver is; more get an executor of their own.
fn executor(threads: Option<NonZeroUsize>) -> Arc<dyn ExecutorSpec> {
    let threads = threads.map_or_else(Threads::per_core, Threads::new);
    match threads.count().get() {
        1 => Arc::new(Inline),
        _ => Arc::new(threads),
    }
}

/// More than any machine has cores, and few enough to be started.
const MOST_THREADS: usize = 1024;

const KILL_AT: &str = "HIGHWATER_KILL_AT";

/// What an option cannot be.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OptionError {
    /// No key, or no equals sign.
    #[error("write key=value")]
    NotAPair,
    /// A file that cannot be read.
    #[error("cannot read {path}: {cause}")]
    Unreadable {
        /// The file.
        path: String,
        /// Why.
        cause: std::io::Error,
    },
    /// Fields of a table that are not written as such.
    #[error("write fields with commas between them, such as day(event_timestamp),bucket(16,id)")]
    NotFields,
    /// A share below 0, above 1 or no number.
    #[error("write a share from 0 to 1")]
    NotAShare,
    /// Neither of the choices.
    #[error("write refuse or accept")]
    NotAChoice,
    /// Neither of the policies.
    #[error("write per-partition or global")]
    NotWatermarks,
    /// Neither of the rules.
    #[error("write strict or spark")]
    NotSemantics,
    /// No thread.
    #[error("a pipeline needs a thread; leave the option out, or write 1 or more")]
    NoThread,
    /// No address, or none with a port.
    #[error("write an address with its port, such as 127.0.0.1:9464 or 0.0.0.0:9464")]
    NotAnAddress,
    /// No number, or more threads than can be started.
    #[error("write a number of threads from 1 to {MOST_THREADS}")]
    NotACount,
}

/// Cuts at the commas outside of parentheses.
fn parse_fields(text: &str) -> Result<Fields, OptionError> {
    let mut depth = 0_u32;
    let fields = text.split(|char: char| {
        match char {
            '(' => depth = depth.saturating_add(1),
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        char == ',' && depth == 0
    });
    let fields: Vec<String> = fields.map(|field| field.trim().to_owned()).collect();
    if fields.iter().any(String::is_empty) {
        Err(OptionError::NotFields)
    } else {
        Ok(Fields(fields))
    }
}

fn parse_pair(text: &str) -> Result<(String, String), OptionError> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err(OptionError::NotAPair),
    }
}

/// Reads `key=value`, or `key=@FILE` for the text of a file without the white space at its end.
///
/// # Errors
/// When it is no pair, or the file cannot be read.
pub fn parse_property(text: &str) -> Result<(String, Secret<String>), OptionError> {
    let (key, value) = parse_pair(text)?;
    let Some(path) = value.strip_prefix('@') else { return Ok((key, Secret::new(value))) };
    let secret = std::fs::read_to_string(path)
        .map_err(|cause| OptionError::Unreadable { path: path.to_owned(), cause })?;
    Ok((key, Secret::new(secret.trim_end().to_owned())))
}

fn parse_ratio(text: &str) -> Result<f64, OptionError> {
    let ratio = text.parse().ok().filter(|ratio| (0.0..=1.0).contains(ratio));
    ratio.ok_or(OptionError::NotAShare)
}

fn parse_rollback(text: &str) -> Result<OnRollback, OptionError> {
    match text {
        "refuse" => Ok(OnRollback::Refuse),
        "accept" => Ok(OnRollback::Accept),
        _ => Err(OptionError::NotAChoice),
    }
}

fn parse_watermarks(text: &str) -> Result<WatermarkPolicy, OptionError> {
    match text {
        "per-partition" => Ok(WatermarkPolicy::PerPartition),
        "global" => Ok(WatermarkPolicy::Global),
        _ => Err(OptionError::NotWatermarks),
    }
}

/// Reads `strict` or `spark`.
///
/// # Errors
/// When it is neither.
pub fn parse_semantics(text: &str) -> Result<Semantics, OptionError> {
    match text {
        "strict" => Ok(Semantics::Strict),
        "spark" => Ok(Semantics::Spark),
        _ => Err(OptionError::NotSemantics),
    }
}

fn parse_address(text: &str) -> Result<SocketAddr, OptionError> {
    text.parse().or(Err(OptionError::NotAnAddress))
}

fn parse_threads(text: &str) -> Result<NonZeroUsize, OptionError> {
    match text.parse() {
        Ok(0) => Err(OptionError::NoThread),
        Ok(threads) if threads <= MOST_THREADS => {
            NonZeroUsize::new(threads).ok_or(OptionError::NoThread)
        }
        _ => Err(OptionError::NotACount),
    }
}

#[cfg(test)]
mod tests;
