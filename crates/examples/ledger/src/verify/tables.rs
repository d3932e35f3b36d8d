//! What the tables hold, in as little memory as comparing takes.

use std::collections::{BTreeMap, HashMap, HashSet};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Decimal128Type, TimestampMicrosecondType};
use futures::TryStreamExt as _;
use highwater_cli::TableContents;
use highwater_cli::verify::{Place, places_of};
use highwater_core::{Error, ErrorKind, Result};
use sha2::{Digest as _, Sha256};

use super::twice::Twice;

/// Half of a SHA-256: enough to tell rows apart, and a quarter of their size.
pub(super) type Print = u128;

/// What the tables hold.
#[derive(Debug, Default)]
pub(super) struct Tables {
    pub(super) rows: u64,
    pub(super) null_amounts: u64,
    pub(super) non_positive_amounts: u64,
    pub(super) ids: HashSet<Print>,
    pub(super) hashes: HashSet<Print>,
    /// How many rows came too late; nothing when there is no table of them.
    pub(super) late: Option<u64>,
    /// When each id is there, if none may be there twice.
    pub(super) twice: Option<Twice>,
    /// How often each (id, hash, amount) is there, late ones included; where ids may not be there twice,
    /// with the event time.
    pub(super) contents: HashMap<Print, u64>,
    /// Where rows came from; nothing without source columns.
    pub(super) places: Option<HashSet<Print>>,
    /// How many rows came from a place that another row came from; nothing without source columns.
    pub(super) repeated_places: Option<u64>,
    /// How often each place is among the rejected records.
    pub(super) rejected: BTreeMap<Place, u64>,
}

impl Tables {
    /// Reads the tables that were `written`, which are the ledger and that of late rows if there is one,
    /// and that of rejected records.
    pub(super) async fn read(
        written: &[TableContents],
        rejected: &TableContents,
        twice: Option<Twice>,
    ) -> Result<Self> {
        let mut tables = Self { twice, ..Self::default() };
        let ledger = written.first();
        if ledger.is_some_and(|it| it.schema().column_with_name("_offset").is_some()) {
            (tables.places, tables.repeated_places) = (Some(HashSet::new()), Some(0));
        }
        for (table, is_late) in written.iter().zip([false, true]) {
            tables.late = is_late.then_some(0);
            let mut batches = table.rows().await?;
            while let Some(rows) = batches.try_next().await? {
                tables.add(&rows).ok_or_else(|| other_columns("the ledger"))?;
            }
        }
        let mut batches = rejected.rows().await?;
        while let Some(rows) = batches.try_next().await? {
            let found = places_of(&rows, ["topic", "partition", "offset"]);
            for place in found.ok_or_else(|| other_columns("the table of rejected records"))? {
                *tables.rejected.entry(place).or_default() += 1;
            }
        }
        Ok(tables)
    }

    /// Adds rows of the ledger, or late ones.
    fn add(&mut self, rows: &RecordBatch) -> Option<()> {
        if let Some(late) = &mut self.late {
            *late += rows.num_rows() as u64;
            return self.add_contents(rows);
        }
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
        }
        self.add_contents(rows)
    }

    /// Adds what is compared with the source.
    fn add_contents(&mut self, rows: &RecordBatch) -> Option<()> {
        for print in prints_of(rows, self.twice.is_some())? {
            *self.contents.entry(print).or_default() += 1;
        }
        if let Some(places) = &mut self.places {
            let found = places_of(rows, ["_topic", "_partition", "_offset"])?;
            let again = found.filter(|place| !places.insert(print_of_place(place))).count() as u64;
            self.repeated_places = self.repeated_places.map(|repeated| repeated + again);
        }
        Some(())
    }
}

/// A print of the id of a row.
pub(super) fn print_of_id(id: &str) -> Print {
    print(id.as_bytes())
}

/// The prints of rows, in their order.
pub(super) fn prints_of(rows: &RecordBatch, timed: bool) -> Option<impl Iterator<Item = Print>> {
    let ids = rows.column_by_name("transaction_id")?.as_string_opt::<i32>()?;
    let hashes = rows.column_by_name("transaction_hash")?.as_string_opt::<i32>()?;
    let amounts = rows.column_by_name("amount")?.as_primitive_opt::<Decimal128Type>()?;
    let times = rows.column_by_name("event_timestamp");
    let times = times.and_then(|it| it.as_primitive_opt::<TimestampMicrosecondType>());
    if timed && times.is_none() {
        return None;
    }
    let time =
        move |row| times.filter(|times| timed && times.is_valid(row)).map(|it| it.value(row));
    Some(ids.iter().zip(hashes).zip(amounts).enumerate().map(move |(row, ((id, hash), cents))| {
        let (id, hash) = (id.unwrap_or_default(), hash.unwrap_or_default());
        print_of(id, hash, cents.unwrap_or(i128::MIN), time(row))
    }))
}

/// A print of the whole of a row that is compared.
pub(super) fn print_of(id: &str, hash: &str, cents: i128, time: Option<i64>) -> Print {
    let time = time.map(|time| format!("@{time}")).unwrap_or_default();
    print(format!("{}:{id}{hash}{cents}{time}", id.len()).as_bytes())
}

/// A print of the place of a record.
pub(super) fn print_of_place((topic, partition, offset): &Place) -> Print {
    print(format!("{topic}/{partition}/{offset}").as_bytes())
}

fn print(bytes: &[u8]) -> Print {
    let hash = Sha256::digest(bytes);
    hash.first_chunk().map_or(0, |half| Print::from_be_bytes(*half))
}

/// The error of a table that some other pipeline made.
pub(super) fn other_columns(table: &str) -> Error {
    let what = format!("{table} has not the columns that the pipeline writes");
    Error::new(ErrorKind::Refused, "verify", what)
        .advise("name the table of this pipeline with --table")
}
