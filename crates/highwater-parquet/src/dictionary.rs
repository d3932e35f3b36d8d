//! Which columns get a dictionary.
//!
//! A dictionary pays where values repeat. Where they hardly do, it costs a hash table that is looked up
//! and grown for every value until it is given up. The first rows of a file decide.

use std::collections::HashSet;

use arrow::array::{Array, RecordBatch};
use arrow::row::{RowConverter, SortField};
use parquet::file::properties::WriterPropertiesBuilder;

use crate::leaf::{Leaf, LeafArray, leaf_arrays};

/// How many rows decide.
pub(crate) const SAMPLE_ROWS: usize = 1024;

/// Fewer values than this decide nothing.
const FEWEST_VALUES: usize = 64;

/// Turns the dictionary off for every column of whose first values at least nine in ten differ. Of
/// values drawn evenly, that means more than about 5,000 distinct ones.
pub(crate) fn choose(
    mut properties: WriterPropertiesBuilder,
    leaves: &[Leaf],
    sample: &[RecordBatch],
) -> WriterPropertiesBuilder {
    let sample: Vec<Vec<LeafArray>> = sample.iter().map(leaf_arrays).collect();
    for (index, leaf) in leaves.iter().enumerate() {
        let mut left = SAMPLE_ROWS;
        let arrays = sample.iter().filter_map(|batch| batch.get(index)).map(|array| {
            let taken = array.values.slice(0, array.values.len().min(left));
            left -= taken.len();
            taken
        });
        if all_differ(arrays) {
            properties = properties.set_column_dictionary_enabled(leaf.path.clone(), false);
        }
    }
    properties
}

/// Whether hardly any two values are equal. Types whose values cannot be compared are said to repeat.
fn all_differ(arrays: impl Iterator<Item = arrow::array::ArrayRef>) -> bool {
    let arrays: Vec<_> = arrays.filter(|array| array.len() > array.null_count()).collect();
    let values: usize = arrays.iter().map(|array| array.len() - array.null_count()).sum();
    let Some(first) = arrays.first() else { return false };
    let field = SortField::new(first.data_type().clone());
    if values < FEWEST_VALUES || !RowConverter::supports_fields(std::slice::from_ref(&field)) {
        return false;
    }
    let Ok(converter) = RowConverter::new(vec![field]) else { return false };
    let rows: Option<Vec<_>> =
        arrays.into_iter().map(|array| converter.convert_columns(&[array]).ok()).collect();
    let Some(rows) = rows else { return false };
    let distinct = rows.iter().flatten().collect::<HashSet<_>>().len();
    distinct * 10 >= values * 9
}
