//! What the tables beside the main one hold, and how tables are read.

use std::collections::BTreeMap;

use arrow::array::{Array as _, AsArray, RecordBatch};
use arrow::datatypes::{Float64Type, Int64Type, TimestampMicrosecondType};
use futures::TryStreamExt as _;
use highwater_cli::verify::{Place, places_of};
use highwater_cli::{CatalogOptions, Failure, Table, TableContents};
use highwater_core::{Error, ErrorKind, Result};

use super::judge::Event;
use crate::query::Names;

/// How often each thing is there.
pub(super) type Bag<T> = BTreeMap<T, u64>;

/// The tables of a pipeline.
#[derive(Debug)]
pub(super) struct Tables {
    pub(super) main: TableContents,
    /// The places of rejected records.
    pub(super) rejected: Bag<Place>,
    /// The events that came too late, if they were kept.
    pub(super) late: Option<Bag<Event>>,
}

impl Tables {
    /// Finds the main table, and reads those beside it.
    pub(super) async fn read(
        catalog: &CatalogOptions,
        names: &Names,
        late: bool,
    ) -> Result<Self, Failure> {
        let open = |name: &str| Table::open(catalog, name);
        let main = open(&names.main)?.read().await?;
        let rejected = open(&names.rejected)?.read().await?;
        let mut read = Self { main, rejected: Bag::new(), late: None };
        for rows in batches(&rejected).await? {
            let places = places_of(&rows, ["topic", "partition", "offset"]);
            for place in places.ok_or_else(|| other_columns(&names.rejected))? {
                *read.rejected.entry(place).or_default() += 1;
            }
        }
        if late {
            let table = open(&names.late)?.read().await?;
            read.late = Some(bag_of(&table, &names.late).await?);
        }
        Ok(read)
    }
}

/// The events in a table.
pub(super) async fn bag_of(table: &TableContents, name: &str) -> Result<Bag<Event>> {
    let mut bag = Bag::new();
    for rows in batches(table).await? {
        for event in events_of(&rows).ok_or_else(|| other_columns(name))? {
            *bag.entry(event).or_default() += 1;
        }
    }
    Ok(bag)
}

/// All rows of a table.
pub(super) async fn batches(table: &TableContents) -> Result<Vec<RecordBatch>> {
    table.rows().await?.try_collect().await
}

/// The events in rows; nothing when these have other columns.
pub(super) fn events_of(rows: &RecordBatch) -> Option<impl Iterator<Item = Event>> {
    let text = |name: &str| rows.column_by_name(name)?.as_string_opt::<i32>();
    let (ids, kinds) = (text("event_id")?, text("event_type")?);
    let times = rows.column_by_name("timestamp")?.as_primitive_opt::<TimestampMicrosecondType>()?;
    let users = rows.column_by_name("user_id")?.as_primitive_opt::<Int64Type>()?;
    let values = rows.column_by_name("value")?.as_primitive_opt::<Float64Type>()?;
    let nulls = rows.columns().iter().map(|column| column.null_count()).sum::<usize>();
    let event = |row: usize| Event {
        id: ids.value(row).to_owned(),
        micros: times.value(row),
        user: users.value(row),
        kind: kinds.value(row).to_owned(),
        value: values.value(row).to_bits(),
    };
    (nulls == 0).then(|| (0..rows.num_rows()).map(event).collect::<Vec<_>>().into_iter())
}

/// The error of a table that some other pipeline made.
pub(super) fn other_columns(table: &str) -> Error {
    let what = format!("{table} has not the columns that the pipeline writes");
    Error::new(ErrorKind::Refused, "verify", what)
        .advise("name the table of this pipeline with --table, and its query with --query")
}
