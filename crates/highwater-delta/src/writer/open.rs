//! The partitions that are being written, within a budget of memory.

use std::collections::BTreeMap;

use arrow::array::{Array, RecordBatch};
use arrow::compute::concat_batches;
use highwater_core::Result;

use super::files::{Files, Named};
use super::splitter::{Group, Partition};
use crate::error::DeltaError;

/// So many rows of a partition are collected before they are encoded: columns of a few rows cost
/// more to encode than to copy.
const ENCODED_AT_ONCE: usize = 8192;

/// The partitions with rows in memory.
pub(crate) struct OpenPartitions {
    /// By the key of the splitter, so that files are made in an order that depends on rows only.
    open: BTreeMap<Vec<u8>, OpenPartition>,
    budget: usize,
    held: usize,
    turn: u64,
    /// Files that are complete and wait to be closed.
    full: Vec<Named>,
}

struct OpenPartition {
    partition: Partition,
    /// Rows that are not in the file yet.
    rows: Vec<RecordBatch>,
    count: usize,
    bytes: usize,
    file: Option<Named>,
    /// The last turn it was given rows.
    used: u64,
    /// What it added to `held`.
    held: usize,
}

impl OpenPartitions {
    /// None yet. Together they hold about `budget` bytes.
    pub(crate) fn new(budget: usize) -> Self {
        Self { open: BTreeMap::new(), budget, held: 0, turn: 0, full: Vec::new() }
    }

    /// Takes rows of one partition.
    ///
    /// # Errors
    /// As of [`FileWriter`](highwater_parquet::FileWriter).
    pub(crate) fn add(&mut self, group: Group, files: &mut Files) -> Result<()> {
        let Group { key, rows, partition } = group;
        self.turn = self.turn.saturating_add(1);
        let open = self.open.entry(key).or_insert_with(|| OpenPartition::new(partition));
        open.used = self.turn;
        open.bytes = open.bytes.saturating_add(bytes_of(&rows));
        open.count = open.count.saturating_add(rows.num_rows());
        open.rows.push(rows);
        // In a table without partitions nothing is gained by waiting.
        if open.count >= ENCODED_AT_ONCE || open.partition.values.is_empty() {
            open.encode(files)?;
        }
        let long = |file: &Named| file.writer.bytes() >= files.file_bytes();
        if open.file.as_ref().is_some_and(long) {
            self.full.extend(open.file.take());
        }
        self.held = self.held.saturating_sub(open.held);
        open.held = open.memory();
        self.held = self.held.saturating_add(open.held);
        self.shrink(files)
    }

    /// Closes the partitions that were given no rows for the longest time, until the others fit the
    /// budget. The last one stays open.
    fn shrink(&mut self, files: &mut Files) -> Result<()> {
        while self.held > self.budget && self.open.len() > 1 {
            let oldest = self.open.iter().min_by_key(|(_, open)| open.used);
            let Some(key) = oldest.map(|(key, _)| key.clone()) else { break };
            if let Some(mut open) = self.open.remove(&key) {
                self.held = self.held.saturating_sub(open.held);
                open.encode(files)?;
                self.full.extend(open.file);
            }
        }
        Ok(())
    }

    /// Files that are complete; they are the caller's now.
    pub(crate) fn full(&mut self) -> Vec<Named> {
        std::mem::take(&mut self.full)
    }

    /// Waits until little enough of each file is on its way.
    pub(crate) async fn ready(&mut self) -> Result<()> {
        for open in self.open.values_mut() {
            if let Some(file) = &mut open.file {
                file.writer.ready().await?;
            }
        }
        Ok(())
    }

    /// All files, also those that are not complete. Nothing is open after that.
    pub(crate) fn finish(&mut self, files: &mut Files) -> Result<Vec<Named>> {
        for (_, mut open) in std::mem::take(&mut self.open) {
            open.encode(files)?;
            self.full.extend(open.file);
        }
        self.held = 0;
        Ok(self.full())
    }
}

impl OpenPartition {
    fn new(partition: Partition) -> Self {
        Self { partition, rows: Vec::new(), count: 0, bytes: 0, file: None, used: 0, held: 0 }
    }

    fn memory(&self) -> usize {
        let file = self.file.as_ref().map_or(0, |file| file.writer.memory());
        self.bytes.saturating_add(file)
    }

    /// Moves the rows into the file.
    fn encode(&mut self, files: &mut Files) -> Result<()> {
        let rows = std::mem::take(&mut self.rows);
        (self.count, self.bytes) = (0, 0);
        let Some(first) = rows.first() else { return Ok(()) };
        let mut file = match self.file.take() {
            Some(file) => file,
            None => files.create(&self.partition)?,
        };
        if rows.len() == 1 {
            file.writer.write(first)?;
        } else {
            let all = concat_batches(first.schema_ref(), &rows);
            let failed = |cause: arrow::error::ArrowError| DeltaError::Arrange {
                table: files.table(),
                source: cause.into(),
            };
            file.writer.write(&all.map_err(failed)?)?;
        }
        self.file = Some(file);
        Ok(())
    }
}

/// The bytes of the rows themselves, whatever larger buffers they are a part of.
fn bytes_of(rows: &RecordBatch) -> usize {
    let bytes = |column: &std::sync::Arc<dyn Array>| {
        column.to_data().get_slice_memory_size().unwrap_or(column.get_array_memory_size())
    };
    rows.columns().iter().map(bytes).sum()
}
