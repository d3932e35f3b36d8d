//! Replay of the log and of data, by `delta_kernel`. Its types are named here and below, and nowhere
//! else.
//!
//! The kernel reads; it never commits. Its transaction hides the bytes of a commit, so that whoever
//! finds a version occupied could not tell whether it is its own.

pub(crate) mod checkpoint;
pub(crate) mod version;

use std::collections::{BTreeMap, HashMap};
use std::error::Error as _;
use std::num::NonZero;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch, StructArray};
use arrow::datatypes::{Int64Type, SchemaRef};
use delta_kernel::actions::LOG_TXN_SCHEMA;
use delta_kernel::engine::arrow_conversion::TryIntoArrow as _;
use delta_kernel::engine::arrow_data::EngineDataArrowExt as _;
use delta_kernel::{Engine, Error as KernelError, Snapshot, SnapshotRef};
use delta_kernel_default_engine::{DefaultEngineBuilder, DefaultTaskExecutor};
use highwater_core::{Error, ErrorKind, Result};
use highwater_storage::Storage;
use tokio::task::{JoinError, spawn_blocking};

use crate::actions::{Metadata, Protocol};
use crate::error::DeltaError;
use crate::log::Log;
use crate::state::TableState;

mod batches;
mod condition;
mod data;
mod files;

pub(crate) use batches::Batches;
pub(crate) use data::{DeletedRows, Encoded, Files, encode};
pub(crate) use files::files;

/// The table is the root of its store. The scheme is that of stores whose listings have no order.
const ROOT: &str = "file:///";

/// Rows of a batch.
const BATCH: NonZero<usize> = NonZero::new(8192).unwrap();

/// How many files are opened ahead. A commit that is being read takes some megabytes, however small it is.
const OPENED: NonZero<usize> = NonZero::new(8).unwrap();

/// How often the log is listed before a hole in it is believed.
const LISTINGS: usize = 4;

/// An engine that reads the log.
fn engine(table: &Storage) -> Arc<dyn Engine> {
    Arc::new(builder(table).build())
}

/// One that reads data as well, in batches of our size.
fn data_engine(table: &Storage) -> Arc<dyn Engine> {
    Arc::new(builder(table).with_batch_size(BATCH).build())
}

fn builder(table: &Storage) -> DefaultEngineBuilder<DefaultTaskExecutor> {
    DefaultEngineBuilder::new(table.object_store()).with_buffer_size(OPENED)
}

/// The table at a version, or at its newest.
///
/// A directory that is listed while commits are made may tell of one and not of the one before it, which
/// looks like a hole. The next listing has both.
fn snapshot(engine: &dyn Engine, version: Option<u64>) -> Result<SnapshotRef, KernelError> {
    let read = || {
        let builder = Snapshot::builder_for(ROOT);
        match version {
            Some(version) => builder.at_version(version).build(engine),
            None => builder.build(engine),
        }
    };
    for _before_the_last in 1..LISTINGS {
        match read() {
            Err(error) if is_hole(&error) => {}
            read => return read,
        }
    }
    read()
}

fn is_hole(error: &KernelError) -> bool {
    match error {
        KernelError::Backtraced { source, .. } => is_hole(source),
        error => matches!(error, KernelError::MissingVersion(_)),
    }
}

/// The newest version of a table that is there.
///
/// # Errors
/// `Transient`, `Corrupt` or `Unsupported`.
pub(crate) async fn newest(log: &Log) -> Result<TableState> {
    let (table, name) = (log.table().clone(), log.name().to_owned());
    let read = spawn_blocking(move || state(&*engine(&table)));
    match read.await {
        Ok(Ok(state)) => Ok(state),
        Ok(Err(cause)) => Err(failed(name, cause)),
        Err(cause) => Err(cut_off(name, cause)),
    }
}

fn cut_off(table: String, cause: JoinError) -> Error {
    DeltaError::CutOff { table, source: cause.into() }.into()
}

fn state(engine: &dyn Engine) -> Result<TableState, KernelError> {
    let snapshot = snapshot(engine, None)?;
    let configuration = snapshot.table_configuration();
    let (protocol, metadata) = (configuration.protocol(), configuration.metadata());
    let names = |features: Option<&[_]>| features.map(feature_names);
    let settings: &HashMap<String, String> = metadata.configuration();
    Ok(TableState {
        version: snapshot.version(),
        protocol: Protocol {
            min_reader_version: protocol.min_reader_version(),
            min_writer_version: protocol.min_writer_version(),
            reader_features: names(protocol.reader_features()),
            writer_features: names(protocol.writer_features()),
        },
        metadata: Metadata {
            id: metadata.id().to_owned(),
            schema_string: metadata.schema_string().clone(),
            partition_columns: metadata.partition_columns().to_vec(),
            configuration: settings
                .iter()
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect(),
        },
        txns: txns(&snapshot, engine)?,
    })
}

fn feature_names<T: AsRef<str>>(features: &[T]) -> Vec<String> {
    features.iter().map(|feature| feature.as_ref().to_owned()).collect()
}

/// What every application left last, also what the table may forget by its properties.
fn txns(snapshot: &Snapshot, engine: &dyn Engine) -> Result<BTreeMap<String, i64>, KernelError> {
    let mut found = BTreeMap::new();
    // The newest commits come first.
    for batch in snapshot.log_segment().read_actions(engine, LOG_TXN_SCHEMA.clone())? {
        let rows = batch?.actions.try_into_record_batch()?;
        let Some((txns, ids, versions)) = txn_columns(&rows) else { continue };
        for row in 0..rows.num_rows() {
            if txns.is_valid(row) && ids.is_valid(row) {
                found.entry(ids.value(row).to_owned()).or_insert_with(|| versions.value(row));
            }
        }
    }
    Ok(found)
}

type TxnColumns<'a> =
    (&'a StructArray, &'a arrow::array::StringArray, &'a arrow::array::PrimitiveArray<Int64Type>);

fn txn_columns(rows: &RecordBatch) -> Option<TxnColumns<'_>> {
    let txns = rows.column_by_name("txn")?.as_struct_opt()?;
    let ids = txns.column_by_name("appId")?.as_string_opt::<i32>()?;
    let versions = txns.column_by_name("version")?.as_primitive_opt::<Int64Type>()?;
    Some((txns, ids, versions))
}

/// The columns of a table, as its rows are read.
pub(crate) async fn read_schema(log: &Log) -> Result<SchemaRef> {
    let (table, name) = (log.table().clone(), log.name().to_owned());
    let read = spawn_blocking(move || {
        let snapshot = snapshot(&*engine(&table), None)?;
        let schema = snapshot.schema();
        let schema: arrow::datatypes::Schema = schema.as_ref().try_into_arrow()?;
        Ok::<_, KernelError>(Arc::new(schema))
    });
    match read.await {
        Ok(Ok(schema)) => Ok(schema),
        Ok(Err(cause)) => Err(failed(name, cause)),
        Err(cause) => Err(cut_off(name, cause)),
    }
}

/// The rows of a version, file by file.
pub(crate) fn rows(log: &Log, version: u64) -> Batches {
    let table = log.table().clone();
    Batches::read_by_kernel(log.name().to_owned(), move |wanted| {
        let engine = data_engine(&table);
        let snapshot = snapshot(&*engine, Some(version))?;
        for batch in snapshot.scan_builder().build()?.execute(engine)? {
            if !wanted(batch.and_then(|batch| batch.try_into_record_batch())?) {
                break;
            }
        }
        Ok(())
    })
}

fn failed(table: String, cause: KernelError) -> Error {
    let kind = kind(&cause);
    let error = DeltaError::Kernel { table, source: cause.into() };
    let advice = match kind {
        ErrorKind::Transient => "check that the storage answers, then start again",
        ErrorKind::Unsupported => "write to another table",
        _ => "restore the log of the table from a copy",
    };
    Error::new(kind, "delta", error).advise(advice)
}

fn kind(error: &KernelError) -> ErrorKind {
    match error {
        KernelError::Backtraced { source, .. } => kind(source),
        // A file that is gone was cleaned up meanwhile; the next replay does without it.
        KernelError::ObjectStore(_) | KernelError::IOError(_) | KernelError::FileNotFound(_) => {
            ErrorKind::Transient
        }
        KernelError::Unsupported(_) => ErrorKind::Unsupported,
        other => {
            let mut cause = other.source();
            while let Some(error) = cause {
                if error.is::<object_store::Error>() || error.is::<std::io::Error>() {
                    return ErrorKind::Transient;
                }
                cause = error.source();
            }
            ErrorKind::Corrupt
        }
    }
}
