//! The rows of one version of a table, by some of its columns.

use std::error::Error as _;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{FieldRef, Schema, SchemaRef};
use delta_kernel::engine::arrow_conversion::TryIntoArrow as _;
use delta_kernel::engine::arrow_data::EngineDataArrowExt as _;
use delta_kernel::expressions::PredicateRef;
use delta_kernel::schema::StructField;
use delta_kernel::{Error as KernelError, Snapshot};
use highwater_core::{Error, Result};
use highwater_parquet::reads_as;

use super::condition::predicate;
use super::{Batches, data_engine, failed, snapshot};
use crate::condition::Condition;
use crate::error::{ColumnDifference, DeltaError};
use crate::log::Log;

/// What is to be read.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) version: u64,
    /// The id that the table must have.
    pub(crate) id: Option<String>,
    /// The columns, by name.
    pub(crate) columns: SchemaRef,
    /// The rows, of all.
    pub(crate) condition: Option<Condition>,
}

/// The rows of a version that are wanted.
pub(crate) fn rows(log: &Log, wanted: Wanted) -> Batches {
    let log = log.clone();
    Batches::read(log.name().to_owned(), move |give| read(&log, &wanted, give))
}

fn read(log: &Log, wanted: &Wanted, give: &dyn Fn(RecordBatch) -> bool) -> Result<()> {
    let wrong = |cause: KernelError| unreadable(log, wanted, cause);
    let engine = data_engine(log.table());
    let snapshot = snapshot(&*engine, Some(wanted.version)).map_err(wrong)?;
    check(log, wanted, &snapshot)?;
    let skipping = skipping(log, wanted, &snapshot)?;
    let columns = snapshot.schema().project(&to_be_read(wanted, &snapshot)).map_err(wrong)?;
    let scan = snapshot.scan_builder().with_schema(columns).with_predicate(skipping);
    let scan = scan.build().map_err(wrong)?;
    let batches = scan.execute(Arc::clone(&engine)).map_err(wrong)?;
    for batch in batches {
        let batch = batch.and_then(|batch| chosen(wanted, batch.try_into_record_batch()?));
        let batch = batch.map_err(wrong)?;
        if batch.num_rows() > 0 && !give(batch) {
            break;
        }
    }
    Ok(())
}

/// What the kernel leaves files out by.
fn skipping(log: &Log, wanted: &Wanted, snapshot: &Snapshot) -> Result<Option<PredicateRef>> {
    let Some(condition) = &wanted.condition else { return Ok(None) };
    match predicate(condition, &snapshot.schema()) {
        Ok(predicate) => Ok(Some(Arc::new(predicate))),
        Err((column, problem)) => {
            let table = log.name().to_owned();
            Err(DeltaError::Condition { table, column, problem }.into())
        }
    }
}

/// The rows that are wanted, in the wanted columns.
fn chosen(wanted: &Wanted, rows: RecordBatch) -> Result<RecordBatch, KernelError> {
    let rows = match &wanted.condition {
        Some(condition) => condition.filter(&rows)?,
        None => rows,
    };
    let columns: Vec<_> = (0..wanted.columns.fields().len()).collect();
    Ok(rows.project(&columns)?)
}

/// The columns that are wanted, behind them those that are looked at, and then one that every file has if
/// none of them is sure to be such a one: where the kernel finds no column in a file, nothing says how many
/// rows there are.
fn to_be_read(wanted: &Wanted, snapshot: &Snapshot) -> Vec<String> {
    let fields = wanted.columns.fields().iter();
    let mut names: Vec<_> = fields.map(|field| field.name().clone()).collect();
    for column in wanted.condition.iter().flat_map(Condition::columns) {
        if !names.iter().any(|name| name == column) {
            names.push(column.to_owned());
        }
    }
    let partitions = snapshot.table_configuration().metadata().partition_columns();
    let schema = snapshot.schema();
    let stored = || schema.fields().filter(|column| !partitions.contains(column.name()));
    // What is added to a table may be null, and comes last.
    let sure = stored().find(|column| !column.is_nullable()).or_else(|| stored().next());
    let has = |column: &StructField| names.contains(column.name());
    if !stored().any(|column| !column.is_nullable() && has(column)) {
        let more = sure.filter(|column| !has(column)).map(|column| column.name().clone());
        names.extend(more);
    }
    names
}

/// Checks that it is the table of before, and that it has the columns.
fn check(log: &Log, wanted: &Wanted, snapshot: &Snapshot) -> Result<()> {
    let id = snapshot.table_configuration().metadata().id();
    if let Some(was) = wanted.id.as_ref().filter(|was| *was != id) {
        let (table, was, is) = (log.name().to_owned(), was.clone(), id.to_owned());
        return Err(DeltaError::Recreated { table, was, is }.into());
    }
    let schema = snapshot.schema();
    let theirs: Schema =
        schema.as_ref().try_into_arrow().map_err(|cause| unreadable(log, wanted, cause.into()))?;
    let differences = differences(&wanted.columns, &theirs);
    if differences.is_empty() {
        return Ok(());
    }
    let (table, version) = (log.name().to_owned(), wanted.version);
    Err(DeltaError::Declared { table, version, differences }.into())
}

fn differences(ours: &Schema, theirs: &Schema) -> Vec<ColumnDifference> {
    let difference = |field: &FieldRef| {
        let (column, ours) = (field.name().clone(), field.data_type().to_string());
        match theirs.field_with_name(&column) {
            Err(_missing) => Some(ColumnDifference::Missing { column, ours }),
            Ok(there) if reads_as(there.data_type(), field.data_type()) => None,
            Ok(there) => {
                let theirs = there.data_type().to_string();
                Some(ColumnDifference::Type { column, ours, theirs })
            }
        }
    };
    ours.fields().iter().filter_map(difference).collect()
}

fn unreadable(log: &Log, wanted: &Wanted, cause: KernelError) -> Error {
    let table = log.name().to_owned();
    match is_gone(&cause) {
        true => DeltaError::Gone { table, version: wanted.version, source: cause.into() }.into(),
        false => failed(table, cause),
    }
}

/// Whether a file that the version is made of is not there.
fn is_gone(error: &KernelError) -> bool {
    match error {
        KernelError::Backtraced { source, .. } => return is_gone(source),
        KernelError::FileNotFound(_)
        | KernelError::MissingVersion(_)
        | KernelError::UnpublishedVersion(_) => return true,
        _ => {}
    }
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(object_store::Error::NotFound { .. }) = error.downcast_ref() {
            return true;
        }
        if let Some(error) = error.downcast_ref::<std::io::Error>() {
            return error.kind() == std::io::ErrorKind::NotFound;
        }
        cause = error.source();
    }
    false
}

#[cfg(test)]
mod tests;
