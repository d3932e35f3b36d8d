//! Events that are passed on: the table holds each of the source, and nothing else.

use highwater_cli::TableContents;
use highwater_cli::verify::{Place, take_one};
use highwater_core::Result;

use super::judge::Event;
use super::name;
use super::report::Report;
use super::tables::{Bag, bag_of};

/// The events in the main table.
#[derive(Debug)]
pub(super) struct Passed(Bag<Event>);

impl Passed {
    pub(super) async fn read(table: &TableContents, name: &str) -> Result<Self> {
        Ok(Self(bag_of(table, name).await?))
    }

    /// How many there are.
    pub(super) fn rows(&self) -> u64 {
        self.0.values().sum()
    }

    /// Takes an event of the source out of those of the table.
    pub(super) fn take(&mut self, place: &Place, event: &Event, report: &mut Report) {
        if !take_one(self.0.get_mut(event)) {
            report.violate(format!("{}: {} is not in the table", name(place), event.id));
        }
    }

    /// Names what is left in the table.
    pub(super) fn left_over(&self, report: &mut Report) {
        for (event, count) in self.0.iter().filter(|(_, count)| **count > 0) {
            let id = &event.id;
            report.violate(format!("{id} is in the table {count} times more than in the source"));
        }
    }
}
