//! Events that are joined: the table holds each of the source with each user that it is of, and nothing else.

use std::collections::BTreeMap;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use highwater_cli::TableContents;
use highwater_cli::verify::{Place, take_one};
use highwater_core::Result;
use highwater_delta::DeltaTable;

use super::judge::Event;
use super::name;
use super::report::Report;
use super::tables::{Bag, batches, events_of, other_columns};

/// The columns of an event.
const EVENT: [&str; 5] = ["event_id", "timestamp", "user_id", "event_type", "value"];

/// Name and country of a user, as far as the table has them.
type User = (Option<String>, Option<String>);

/// What is in the main table, and the users that there are.
#[derive(Debug)]
pub(super) struct Joined {
    rows: Bag<(Event, User)>,
    users: BTreeMap<i64, Vec<User>>,
    without_user: u64,
}

impl Joined {
    /// Reads the main table, and the table of users at `place`.
    pub(super) async fn read(table: &TableContents, name: &str, place: &str) -> Result<Self> {
        let (mut rows, mut users) = (Bag::new(), BTreeMap::<_, Vec<_>>::new());
        for batch in batches(table).await? {
            for row in joined_of(&batch).ok_or_else(|| other_columns(name))? {
                *rows.entry(row).or_default() += 1;
            }
        }
        let table = TableContents::Delta(DeltaTable::at(place)?.read().await?);
        for batch in batches(&table).await? {
            let ids = batch.column_by_name("user_id");
            let ids = ids.and_then(|ids| ids.as_primitive_opt::<Int64Type>());
            let (ids, read) = ids.zip(users_of(&batch)).ok_or_else(|| other_columns(place))?;
            for (id, user) in ids.iter().zip(read) {
                // A null is equal to nothing.
                if let Some(id) = id {
                    users.entry(id).or_default().push(user);
                }
            }
        }
        Ok(Self { rows, users, without_user: 0 })
    }

    /// How many rows the main table has.
    pub(super) fn rows(&self) -> u64 {
        self.rows.values().sum()
    }

    /// Takes an event of the source, with its users, out of the rows of the table.
    pub(super) fn take(&mut self, place: &Place, event: &Event, report: &mut Report) {
        let Some(users) = self.users.get(&event.user) else {
            self.without_user += 1;
            return;
        };
        for user in users {
            if !take_one(self.rows.get_mut(&(event.clone(), user.clone()))) {
                let (place, id, user) = (name(place), &event.id, event.user);
                report.violate(format!("{place}: {id} is not in the table with user {user}"));
            }
        }
    }

    /// Names what is left in the table.
    pub(super) fn left_over(&self, report: &mut Report) {
        report.without_user = Some(self.without_user);
        for ((event, user), count) in self.rows.iter().filter(|(_, count)| **count > 0) {
            let Event { id, user: of, .. } = event;
            let what =
                format!("{id} is in the table {count} times too often, with {user:?} as user");
            report.violate(format!("{what} {of}"));
        }
    }
}

/// The events in rows, each with its user; nothing when these have other columns.
fn joined_of(rows: &RecordBatch) -> Option<Vec<(Event, User)>> {
    let places = EVENT.iter().map(|name| rows.schema_ref().index_of(name));
    let places = places.collect::<Result<Vec<_>, _>>().ok()?;
    let event = rows.project(&places).ok()?;
    let events = events_of(&event)?;
    Some(events.zip(users_of(rows)?).collect())
}

fn users_of(rows: &RecordBatch) -> Option<Vec<User>> {
    let text = |name: &str| rows.column_by_name(name)?.as_string_opt::<i32>();
    let owned = |text: Option<&str>| text.map(ToOwned::to_owned);
    let (names, countries) = (text("name")?, text("country")?);
    let users = names.iter().zip(countries);
    Some(users.map(|(name, country)| (owned(name), owned(country))).collect())
}
