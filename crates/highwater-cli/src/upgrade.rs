//! Whether a new version of a binary may take up the state of the old one.

use std::io::Write as _;

use highwater_core::{Error, ErrorKind};
use highwater_pipeline::Plan;
use highwater_storage::Storage;

use crate::Failure;

/// Writes to standard output what would become of the state in the checkpoint at `checkpoint`, step by
/// step. Contacts nothing but the checkpoint, and changes nothing.
///
/// # Errors
/// `Refused` when a start would be; whatever the storage reports.
pub fn check_upgrade(plan: &Plan, checkpoint: &str) -> Result<(), Failure> {
    let checkpoint = Storage::open(checkpoint)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|source| Failure::Io { action: "start threads".to_owned(), source })?;
    let upgrade = runtime.block_on(plan.check_upgrade(&checkpoint))?;
    let written = std::io::stdout().lock().write_all(upgrade.to_string().as_bytes());
    written.map_err(|source| {
        let action = "write to standard output".to_owned();
        Failure::Io { action, source }
    })?;
    if !upgrade.is_refused() {
        return Ok(());
    }
    let what = format!("pipeline {} cannot go on from the state of before", plan.name());
    let error = Error::new(ErrorKind::Refused, "cli", what)
        .advise("go back to the former step or options, or begin anew with another checkpoint and other tables");
    Err(error.into())
}
