//! What the two tables hold, in as little memory as comparing takes.

use std::collections::{BTreeMap, HashMap, HashSet};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Decimal128Type, Int32Type, Int64Type};
use futures::TryStreamExt as _;
use highwater_core::{Error, ErrorKind, Result};
use highwater_iceberg::IcebergTable;
use sha2::{Digest as _, Sha256};

/// Half of a SHA-256: enough to tell rows apart, and a quarter of their size.
pub(super) type Print = u128;

/// The place of a record: topic, partition and offset.
pub(super) type Place = (String, i32, i64);

/// What the tables hold.
#[derive(Debug, Default)]
pub(super) struct Tables {
    pub(super) rows: u64,
    pub(super) null_amounts: u64,
    pub(super) non_positive_amounts: u64,
    pub(super) ids: HashSet<Print>,
    pub(super) hashes: HashSet<Print>,
    /// How often each (id, hash, amount) is there.
    pub(super) contents: HashMap<Print, u64>,
    /// Where rows came from; nothing without source columns.
    pub(super) places: Option<HashSet<Print>>,
    /// How many rows came from a place that another row came from; nothing without source columns.
    pub(super) repeated_places: Option<u64>,
    /// How often each place is among the rejected records.
    pub(super) rejected: BTreeMap<Place, u64>,
}

impl Tables {
    /// Reads both tables.
    pub(super) async fn read(ledger: &IcebergTable, rejected: &IcebergTable) -> Result<Self> {
        let mut tables = Self::default();
        let mut places = ledger.schema().column_with_name("_offset").map(|_| HashSet::new());
        let mut repeated = 0;
        let mut batches = ledger.rows().await?;
        while let Some(rows) = batches.try_next().await? {
            tables.add(&rows).ok_or_else(|| other_columns("the ledger"))?;
            if let Some(places) = &mut places {
                let found = places_of(&rows, ["_topic", "_partition", "_offset"]);
                for place in found.ok_or_else(|| other_columns("the ledger"))? {
                    repeated += u64::from(!places.insert(print_of_place(&place)));
                }
            }
        }
        tables.repeated_places = places.as_ref().map(|_| repeated);
        tables.places = places;
        let mut batches = rejected.rows().await?;
        while let Some(rows) = batches.try_next().await? {
            let found = places_of(&rows, ["topic", "partition", "offset"]);
            for place in found.ok_or_else(|| other_columns("the table of rejected records"))? {
                *tables.rejected.entry(place).or_default() += 1;
            }
        }
        Ok(tables)
    }

    fn add(&mut self, rows: &RecordBatch) -> Option<()> {
        let ids = rows.column_by_name("transaction_id")?.as_string_opt::<i32>()?;
        let hashes = rows.column_by_name("transaction_hash")?.as_string_opt::<i32>()?;
        let amounts = rows.column_by_name("amount")?.as_primitive_opt::<Decimal128Type>()?;
        for ((id, hash), cents) in ids.iter().zip(hashes).zip(amounts) {
            let (id, hash) = (id.unwrap_or_default(), hash.unwrap_or_default());
            self.rows += 1;
            self.null_amounts += u64::from(cents.is_none());
            self.non_positive_amounts += u64::from(cents.is_some_and(|cents| cents <= 0));
            self.ids.insert(print(id.as_bytes()));
            self.hashes.insert(print(hash.as_bytes()));
            *self.contents.entry(print_of(id, hash, cents.unwrap_or(i128::MIN))).or_default() += 1;
        }
        Some(())
    }
}

/// A print of the whole of a row that is compared.
pub(super) fn print_of(id: &str, hash: &str, cents: i128) -> Print {
    print(format!("{}:{id}{hash}{cents}", id.len()).as_bytes())
}

/// A print of the place of a record.
pub(super) fn print_of_place((topic, partition, offset): &Place) -> Print {
    print(format!("{topic}/{partition}/{offset}").as_bytes())
}

fn print(bytes: &[u8]) -> Print {
    let hash = Sha256::digest(bytes);
    hash.first_chunk().map_or(0, |half| Print::from_be_bytes(*half))
}

/// The places in three columns, none of which may be null.
pub(super) fn places_of<'a>(
    rows: &'a RecordBatch,
    [topic, partition, offset]: [&str; 3],
) -> Option<impl Iterator<Item = Place> + use<'a>> {
    let topics = rows.column_by_name(topic)?.as_string_opt::<i32>()?;
    let partitions = rows.column_by_name(partition)?.as_primitive_opt::<Int32Type>()?;
    let offsets = rows.column_by_name(offset)?.as_primitive_opt::<Int64Type>()?;
    if topics.null_count() + partitions.null_count() + offsets.null_count() > 0 {
        return None;
    }
    let numbers = partitions.values().iter().zip(offsets.values());
    Some(topics.iter().zip(numbers).map(|(topic, (partition, offset))| {
        (topic.unwrap_or_default().to_owned(), *partition, *offset)
    }))
}

fn other_columns(table: &str) -> Error {
    let what = format!("{table} has not the columns that the pipeline writes");
    Error::new(ErrorKind::Refused, "verify", what)
        .advise("name the table of this pipeline with --table")
}
