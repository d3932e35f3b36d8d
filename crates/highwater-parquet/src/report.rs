//! What a table format wants to know of a file.

use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};
use serde::{Deserialize, Serialize};

use crate::Bound;
use crate::leaf::Leaf;

/// A finished file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FileReport {
    /// How many rows it has.
    pub rows: u64,
    /// Its length in bytes.
    pub bytes: u64,
    /// Where its row groups begin, ascending.
    pub split_offsets: Vec<i64>,
    /// Its leaf columns, in the order of the schema.
    pub columns: Vec<ColumnMetrics>,
}

/// Counts and bounds of a leaf column.
///
/// Columns below lists and maps have counts but no bounds.
///
/// Source: <https://iceberg.apache.org/spec/#data-file-fields>
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ColumnMetrics {
    /// The column: its field id, or its number where files have none.
    pub field_id: i32,
    /// Its bytes in the file, compressed and with headers.
    pub compressed_bytes: u64,
    /// Its values, nulls and NaN included.
    pub values: u64,
    /// The nulls among them.
    pub nulls: u64,
    /// The NaN among them; none where the type has none, or the count is not kept.
    pub nans: Option<u64>,
    /// Not greater than any value but null and NaN.
    pub lower: Option<Bound>,
    /// Not less than any value but null and NaN.
    pub upper: Option<Bound>,
}

impl FileReport {
    pub(crate) fn new(metadata: &ParquetMetaData, leaves: &[Leaf], bytes: u64) -> Self {
        let groups = metadata.row_groups();
        let columns = leaves.iter().enumerate().map(|(index, leaf)| {
            leaf.metrics(groups.iter().filter_map(|group| group.columns().get(index)))
        });
        let begin = |column: &ColumnChunkMetaData| {
            column.dictionary_page_offset().unwrap_or(column.data_page_offset())
        };
        Self {
            rows: metadata.file_metadata().num_rows().unsigned_abs(),
            bytes,
            split_offsets: groups
                .iter()
                .filter_map(|group| group.columns().first().map(begin))
                .collect(),
            columns: columns.collect(),
        }
    }
}

impl Leaf {
    fn metrics<'a>(&self, chunks: impl Iterator<Item = &'a ColumnChunkMetaData>) -> ColumnMetrics {
        let mut metrics = ColumnMetrics {
            field_id: self.field_id,
            compressed_bytes: 0,
            values: 0,
            nulls: 0,
            nans: self.nans,
            lower: None,
            upper: None,
        };
        let (mut lower_known, mut upper_known) = (true, true);
        for chunk in chunks {
            let statistics = chunk.statistics();
            let values = chunk.num_values().unsigned_abs();
            let nulls = statistics.and_then(|known| known.null_count_opt()).unwrap_or(0);
            metrics.compressed_bytes += chunk.compressed_size().unsigned_abs();
            metrics.values += values;
            metrics.nulls += nulls;
            let (lower, upper) =
                statistics.map_or((None, None), |known| Bound::of(known, self.meaning));
            // Floats lack bounds where all are NaN; other values must have had some.
            let bounded = values > nulls && self.nans.is_none();
            lower_known &= lower.is_some() || !bounded;
            upper_known &= upper.is_some() || !bounded;
            metrics.lower = merge(metrics.lower, lower, |new, old| new < old);
            metrics.upper = merge(metrics.upper, upper, |new, old| new > old);
        }
        metrics.lower = metrics.lower.filter(|_| lower_known).map(Bound::cut_down);
        metrics.upper = metrics.upper.filter(|_| upper_known).and_then(Bound::cut_up);
        metrics
    }
}

fn merge(
    old: Option<Bound>,
    new: Option<Bound>,
    better: impl Fn(&Bound, &Bound) -> bool,
) -> Option<Bound> {
    match (old, new) {
        (Some(old), Some(new)) => Some(if better(&new, &old) { new } else { old }),
        (old, new) => old.or(new),
    }
}
