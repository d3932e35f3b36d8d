//! Checkpoints, and the files that a log names.

use std::sync::Arc;

use delta_kernel::Error as KernelError;
use delta_kernel::engine::arrow_data::EngineDataArrowExt as _;
use delta_kernel_default_engine::executor::tokio::TokioMultiThreadExecutor;
use highwater_core::Result;
use highwater_storage::Storage;
use tokio::task::spawn_blocking;

use super::files::{actions, file, nested};
use super::{builder, engine, failed, snapshot};
use crate::error::DeltaError;
use crate::files::RemovedFile;
use crate::log::Log;

/// Writes a checkpoint of the newest version, unless it has one. Gives the version.
///
/// # Errors
/// `Transient`, `Corrupt` or `Unsupported`.
pub(crate) async fn checkpoint(log: &Log) -> Result<u64> {
    replay(log, |table| {
        // Reading goes on while it is written: that takes a second thread.
        let executor = Arc::new(TokioMultiThreadExecutor::new_owned_runtime(Some(2), None)?);
        let engine = builder(table).with_task_executor(executor).build();
        let snapshot = snapshot(&engine, None)?;
        let _written_or_there = snapshot.checkpoint(&engine, None)?;
        Ok(snapshot.version())
    })
    .await
}

/// Whether there is a checkpoint of the version `at` by which that version can be replayed.
///
/// # Errors
/// `Transient`, `Corrupt` or `Unsupported`.
pub(crate) async fn stands_alone(log: &Log, at: u64) -> Result<bool> {
    replay(log, move |table| {
        // What it says of the table is read here.
        let snapshot = snapshot(&*engine(table), Some(at))?;
        Ok(snapshot.log_segment().checkpoint_version == Some(at))
    })
    .await
}

/// The files that the newest checkpoint and the commits after it name, as the log writes them, be it that
/// they add a file or that they remove one.
///
/// # Errors
/// `Transient`, `Corrupt` or `Unsupported`.
pub(crate) async fn named(log: &Log) -> Result<Vec<RemovedFile>> {
    replay(log, |table| {
        let engine = engine(table);
        let snapshot = snapshot(&*engine, None)?;
        let mut named = Vec::new();
        for batch in snapshot.log_segment().read_actions(&*engine, actions()?)? {
            let rows = batch?.actions.try_into_record_batch()?;
            for action in ["add", "remove"] {
                let missing = || KernelError::generic(format!("no actions {action}"));
                let files = nested(&rows, action).ok_or_else(missing)?;
                let files = (0..rows.num_rows()).filter_map(|row| file(files, row));
                named.extend(files.map(|file| RemovedFile::from(&file)));
            }
        }
        Ok(named)
    })
    .await
}

async fn replay<T: Send + 'static>(
    log: &Log,
    work: impl FnOnce(&Storage) -> Result<T, KernelError> + Send + 'static,
) -> Result<T> {
    let (table, name) = (log.table().clone(), log.name().to_owned());
    match spawn_blocking(move || work(&table)).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(cause)) => Err(failed(name, cause)),
        Err(cause) => Err(DeltaError::CutOff { table: name, source: cause.into() }.into()),
    }
}
