//! Files of JSON lines as a source of rows, each file read whole and once.
//!
//! [`FileSource`] reads a directory, or a prefix of an object store, as one partition. What an epoch reads
//! stands in its plan, file by file with length and time, so that a replay reads the same bytes or says
//! that it cannot; much of it is planned as several ranges, which workers share. Which files were taken
//! stands in the position: by name for the newest, by a mark for all older ones.
//!
//! Files are opened, read and unpacked on a thread that may block, a payload of about 1 MiB ahead of
//! the decoder; nothing is allocated for a line. `docs/semantics/files.md` tells what counts as a file,
//! a line and a loss.
#![forbid(unsafe_code)]

mod clock;
mod content;
mod decoder;
mod detail;
mod error;
mod frame;
mod lines;
mod packing;
mod pieces;
mod place;
mod planner;
mod reader;
mod settle;
mod source;
mod watch;

pub use error::{FilesError, Version};
pub use highwater_core::OnDataLoss;
pub use source::{FileSource, Undecoded};
