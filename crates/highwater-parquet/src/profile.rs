//! How each column is encoded: by the profile, and by the first rows of the file.
//!
//! A dictionary pays where values repeat. Where they hardly do, it costs a table that is looked up and
//! grown for every value until it is given up.

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::datatypes::{DataType, TimeUnit};
use arrow::row::{RowConverter, SortField};
use parquet::basic::Type;
use parquet::schema::types::ColumnDescriptor;

use crate::bits::width;
use crate::column::{longs, texts};
use crate::leaf::{LeafArray, leaf_arrays};

/// Which encodings files may have. Pages are of version 1 in both of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Profile {
    /// Dictionaries, `PLAIN`, and the three encodings by differences: `DELTA_BINARY_PACKED`,
    /// `DELTA_LENGTH_BYTE_ARRAY` and `DELTA_BYTE_ARRAY`. Iceberg's vectorized readers take these from
    /// 1.11 on.
    #[default]
    Compact,
    /// Dictionaries and `PLAIN`, which every reader takes; larger, and slower to write.
    Compatible,
}

/// How a column is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Choice {
    /// Whether chunks begin with a dictionary.
    pub(crate) repeats: bool,
    /// What comes where there is none, or none any more.
    pub(crate) otherwise: Otherwise,
}

/// How values are encoded without a dictionary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Otherwise {
    Texts(TextEncoding),
    /// Integers of 64 bits, as differences or not.
    Longs {
        differences: bool,
    },
    /// As arrow's writers do it.
    Foreign,
}

/// How text is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TextEncoding {
    /// Each value behind its length.
    Plain,
    /// All lengths, then all values.
    Lengths,
    /// What each value has in common with the one before is left out.
    Prefixes,
}

/// How many rows decide.
pub(crate) const SAMPLE_ROWS: usize = 1024;

/// Fewer values than this decide nothing.
const FEWEST_VALUES: usize = 64;

/// Differences of more bits are hardly shorter than the numbers.
const WIDEST_DIFFERENCES: u32 = 48;

/// How each leaf column is encoded.
pub(crate) fn choose(
    profile: Profile,
    columns: &[impl AsRef<ColumnDescriptor>],
    sample: &[RecordBatch],
) -> Vec<Choice> {
    let sample: Vec<Vec<LeafArray>> = sample.iter().map(leaf_arrays).collect();
    let choice = |(index, column): (usize, &ColumnDescriptor)| {
        let mut left = SAMPLE_ROWS;
        let leaves = sample.iter().filter_map(|batch| batch.get(index));
        let first = leaves.map(|leaf| {
            let taken = leaf.values.slice(0, leaf.values.len().min(left));
            left -= taken.len();
            taken
        });
        let first: Vec<ArrayRef> = first.filter(|array| array.len() > array.null_count()).collect();
        Choice { repeats: repeats(&first), otherwise: otherwise(profile, column, &first) }
    };
    columns.iter().map(AsRef::as_ref).enumerate().map(choice).collect()
}

/// Whether at least one in forty values has come before, of those that are not the one before them once more:
/// rows that are sent twice do not make a dictionary worth its while, long runs do. Of values drawn evenly,
/// that means up to about 20,000 distinct ones. Types whose values cannot be compared are said to repeat.
fn repeats(first: &[ArrayRef]) -> bool {
    let values: usize = first.iter().map(|array| array.len() - array.null_count()).sum();
    let Some(kind) = first.first().map(|array| array.data_type().clone()) else { return true };
    let field = SortField::new(kind);
    if values < FEWEST_VALUES || !RowConverter::supports_fields(std::slice::from_ref(&field)) {
        return true;
    }
    let Ok(converter) = RowConverter::new(vec![field]) else { return true };
    let rows: Option<Vec<_>> = first
        .iter()
        .map(|array| converter.convert_columns(&[ArrayRef::clone(array)]).ok())
        .collect();
    let Some(rows) = rows else { return true };
    let all = rows.iter().zip(first).flat_map(|(rows, array)| {
        rows.iter().enumerate().filter(|(row, _)| array.is_valid(*row)).map(|(_, value)| value)
    });
    let mut distinct: Vec<_> = all.collect();
    distinct.dedup();
    let runs = distinct.len();
    distinct.sort_unstable();
    distinct.dedup();
    runs * 4 <= values || (runs - distinct.len()) * 40 >= runs
}

fn otherwise(profile: Profile, column: &ColumnDescriptor, first: &[ArrayRef]) -> Otherwise {
    let compact = profile == Profile::Compact;
    let Some(kind) = first.first().map(|array| array.data_type()) else {
        return Otherwise::Foreign;
    };
    if column.path().parts().len() > 1 || column.max_rep_level() > 0 {
        return Otherwise::Foreign;
    }
    match (column.physical_type(), kind) {
        (Type::BYTE_ARRAY, DataType::Utf8 | DataType::Binary) => Otherwise::Texts(match compact {
            true if share_prefixes(first) => TextEncoding::Prefixes,
            true => TextEncoding::Lengths,
            false => TextEncoding::Plain,
        }),
        (
            Type::INT64,
            DataType::Int64
            | DataType::Time64(TimeUnit::Microsecond)
            | DataType::Timestamp(TimeUnit::Microsecond | TimeUnit::Nanosecond, _)
            | DataType::Decimal128(_, _),
        ) => Otherwise::Longs { differences: compact && close(first) },
        _ => Otherwise::Foreign,
    }
}

/// Whether texts have at least half of their bytes in common with the one before.
fn share_prefixes(first: &[ArrayRef]) -> bool {
    let (mut shared, mut all) = (0, 0);
    for array in first {
        let mut last: &[u8] = &[];
        for text in texts(array) {
            shared += last.iter().zip(text).take_while(|(one, two)| one == two).count();
            all += text.len();
            last = text;
        }
    }
    shared * 2 >= all
}

/// Whether the differences of numbers fit into fewer bits than the numbers.
fn close(first: &[ArrayRef]) -> bool {
    let mut narrow = Vec::new();
    let mut bits = 0;
    for array in first {
        let Ok(values) = longs(array, &mut narrow) else { return false };
        let differences =
            || values.iter().zip(values.iter().skip(1)).map(|(a, b)| b.wrapping_sub(*a));
        let least = differences().min().unwrap_or(0);
        let above = differences().map(|one| one.wrapping_sub(least).cast_unsigned());
        bits = bits.max(width(above.fold(0, |all, one| all | one)));
    }
    bits <= WIDEST_DIFFERENCES
}
