//! The users whose events there are, as a table.

use highwater_cli::Failure;
use highwater_codec::Json;
use highwater_datagen::{Generator, Users};
use highwater_delta::DeltaTable;
use highwater_pipeline::{Options, Pipeline, Trigger};
use highwater_storage::Storage;

use crate::columns;

/// Writes so many of them to `table`, once: where they are already, nothing is written. The table itself tells how far
/// it has come, so no log is kept.
pub(super) fn write(table: &str, count: u64, seed: u64) -> Result<(), Failure> {
    let users = Generator::new(Users).seed(seed).rows(count);
    let pipeline = Pipeline::new("users");
    let users = pipeline.source("users", users.decode(Json::try_new(columns::users())?));
    users.sink("table", DeltaTable::at(table)?.append());
    let options = Options::checkpoint_in(Storage::memory()).trigger(Trigger::available_now());
    Ok(pipeline.build()?.run_blocking(options)?)
}
