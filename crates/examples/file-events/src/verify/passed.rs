//! Events that are passed on: the table holds each of the source, or each once, and nothing else.

use std::collections::BTreeMap;
use std::time::Duration;

use highwater_cli::TableContents;
use highwater_cli::verify::{Place, take_one};
use highwater_core::Result;

use super::judge::Event;
use super::name;
use super::report::Report;
use super::tables::{Bag, bag_of};

/// The events in the main table.
#[derive(Debug)]
pub(super) struct Passed {
    events: Bag<Event>,
    /// What comes again that close to an event of the table need not be there.
    once: Option<Once>,
}

/// The times of each id in the table, in microseconds and in their order.
#[derive(Debug)]
struct Once {
    bound: u128,
    times: BTreeMap<String, Vec<i64>>,
}

impl Passed {
    /// Reads the main table. With a bound each id was to be passed on once within it.
    pub(super) async fn read(
        table: &TableContents,
        name: &str,
        bound: Option<Duration>,
    ) -> Result<Self> {
        let events = bag_of(table, name).await?;
        let once = bound.map(|bound| Once::of(&events, bound));
        Ok(Self { events, once })
    }

    /// How many there are.
    pub(super) fn rows(&self) -> u64 {
        self.events.values().sum()
    }

    /// Names ids that are in the table twice within the bound.
    pub(super) fn check(&self, report: &mut Report) {
        let Some(Once { bound, times }) = &self.once else { return };
        for (id, times) in times {
            for (one, next) in times.iter().zip(times.iter().skip(1)) {
                if distance(*one, *next) < *bound {
                    report.violate(format!("{id} is in the table twice, at {one} and at {next}"));
                }
            }
        }
    }

    /// Takes an event of the source out of those of the table.
    pub(super) fn take(&mut self, place: &Place, event: &Event, report: &mut Report) {
        let again = |once: &Once| once.is_close(event);
        if !take_one(self.events.get_mut(event)) && !self.once.as_ref().is_some_and(again) {
            report.violate(format!("{}: {} is not in the table", name(place), event.id));
        }
    }

    /// Names what is left in the table.
    pub(super) fn left_over(&self, report: &mut Report) {
        for (event, count) in self.events.iter().filter(|(_, count)| **count > 0) {
            let id = &event.id;
            report.violate(format!("{id} is in the table {count} times more than in the source"));
        }
    }
}

impl Once {
    fn of(events: &Bag<Event>, bound: Duration) -> Self {
        let mut times = BTreeMap::<_, Vec<_>>::new();
        for (event, count) in events {
            let of_id = times.entry(event.id.clone()).or_default();
            of_id.extend((0..*count).map(|_| event.micros));
        }
        times.values_mut().for_each(|times| times.sort_unstable());
        Self { bound: bound.as_micros(), times }
    }

    /// Whether the table has the id of an event that close to it.
    fn is_close(&self, event: &Event) -> bool {
        let times = self.times.get(&event.id).into_iter().flatten();
        times.into_iter().any(|time| distance(*time, event.micros) < self.bound)
    }
}

fn distance(one: i64, other: i64) -> u128 {
    one.abs_diff(other).into()
}
