//! What the example binaries share: options, addresses of sources and tables, progress, signals and exit
//! codes.
//!
//! This crate owns the process, and is the only one of the workspace that does: it installs the
//! subscriber of logs and the recorder of metrics, listens to signals, writes to the terminal and says how the process ends.
//!
//! Data and JSON go to standard output, everything for people to standard error. Flags beat the
//! environment: an option `--max-records-per-epoch` may also be given as
//! `HIGHWATER_MAX_RECORDS_PER_EPOCH`. `HIGHWATER_LOG` filters logs (`warn` by default, but nothing
//! of the kernel of Delta; `off` for none), and `HIGHWATER_KILL_AT` ends the process at a
//! [failpoint](highwater_core::Failpoint), for tests.
#![forbid(unsafe_code)]

mod catalog;
mod command;
mod connect;
mod display;
mod duration;
mod encoding;
mod endpoint;
mod explain;
mod failure;
mod kill;
mod launch;
mod options;
mod signals;
mod start;
mod table;
mod trigger;
mod upgrade;
mod uri;
pub mod verify;

pub use catalog::{CatalogError, CatalogOption, CatalogOptions, CatalogUri};
pub use command::{Defaults, main, say};
pub use display::ProgressKind;
pub use duration::{DurationError, parse_duration};
pub use encoding::{Encoding, EncodingOptions};
pub use explain::{ExplainFormat, explain};
pub use failure::Failure;
pub use kill::KillAtError;
pub use launch::run;
pub use options::{
    Fields, OnDataLoss, OptionError, ReadOptions, RunOptions, SourceOptions, TableOptions,
    parse_property, parse_semantics,
};
pub use start::{Start, StartError};
pub use table::{Table, TableContents, TableSink, beside, reading};
pub use trigger::{TriggerError, parse_trigger};
pub use upgrade::check_upgrade;
pub use uri::{GeneratorUri, KafkaUri, SourceUri, UriError};
