//! What becomes of the events: one of four queries.

use std::time::Duration;

use clap::ValueEnum;
use highwater_cli::beside;
use highwater_window::{Emit, Window, avg, count};

/// What becomes of the events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Query {
    /// Each event, as it came: data/events
    Passthrough,
    /// How many events of each type there were in 5 minutes, and their average value: data/event_aggregates
    Tumbling,
    /// How many events of each user there were in 5 minutes, each minute: data/user_activity
    Sliding,
    /// Each event whose user is in the table of users, with name and country: data/enriched_events
    Enrich,
}

/// The column whose values have windows of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum By {
    /// The type of an event
    EventType,
    /// The user whose event it is
    UserId,
}

impl By {
    /// The column.
    fn column(self) -> &'static str {
        match self {
            Self::EventType => "event_type",
            Self::UserId => "user_id",
        }
    }
}

/// How windows come to stand in their table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Mode {
    /// Each once, when event time has passed it
    Append,
    /// Each as far as it has come, in place of what it was before
    Update,
    /// All of them with each epoch, in place of the whole table; no event comes too late
    Complete,
}

impl Mode {
    /// When windows are emitted.
    fn emit(self) -> Emit {
        match self {
            Self::Append => Emit::Append,
            Self::Update => Emit::Update,
            Self::Complete => Emit::Complete,
        }
    }

    /// What is done to the table.
    pub(crate) fn verb(self) -> &'static str {
        match self {
            Self::Append => "writes",
            Self::Update => "updates",
            Self::Complete => "replaces",
        }
    }
}

/// The windows of a query.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Windows {
    pub(crate) size: Duration,
    pub(crate) slide: Duration,
    /// The column whose values are told apart.
    pub(crate) key: &'static str,
    /// The column with the number of events.
    pub(crate) count: &'static str,
    /// The column with the average of `value`, if there is one.
    pub(crate) average: Option<&'static str>,
}

const MINUTE: Duration = Duration::from_mins(1);

impl Query {
    /// The query, as it is called in names and on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Passthrough => "passthrough",
            Self::Tumbling => "tumbling",
            Self::Sliding => "sliding",
            Self::Enrich => "enrich",
        }
    }

    /// What its table is called, unless another one is named.
    fn table(self) -> &'static str {
        match self {
            Self::Passthrough => "events",
            Self::Tumbling => "event_aggregates",
            Self::Sliding => "user_activity",
            Self::Enrich => "enriched_events",
        }
    }

    /// A name in which `{query}` and `{table}` stand for those of this query.
    pub(crate) fn filled(self, name: &str) -> String {
        name.replace("{query}", self.name()).replace("{table}", self.table())
    }

    /// Its mode, unless another one is asked for.
    pub(crate) fn mode(self) -> Mode {
        match self {
            Self::Tumbling => Mode::Update,
            _ => Mode::Append,
        }
    }

    /// Its windows, by a column of their own unless another one is named; none where events are passed on.
    pub(crate) fn windows(self, by: Option<By>) -> Option<Windows> {
        let (slide, own, count, average) = match self {
            Self::Passthrough | Self::Enrich => return None,
            Self::Tumbling => (5 * MINUTE, By::EventType, "event_count", Some("avg_value")),
            Self::Sliding => (MINUTE, By::UserId, "count", None),
        };
        Some(Windows { size: 5 * MINUTE, slide, key: by.unwrap_or(own).column(), count, average })
    }
}

/// The names of the tables that a run writes.
#[derive(Debug)]
pub(crate) struct Names {
    pub(crate) main: String,
    /// Of records that could not become events.
    pub(crate) rejected: String,
    /// Of events that came too late.
    pub(crate) late: String,
}

impl Names {
    /// Those of a query, given what its table is called.
    pub(crate) fn new(query: Query, table: &str) -> Self {
        let main = query.filled(table);
        Self { rejected: beside(&main, "rejected"), late: beside(&main, "late"), main }
    }
}

impl Windows {
    /// The step that makes them.
    pub(crate) fn step(&self, mode: Mode) -> Window {
        let average = self.average.map(|name| avg("value").named(name));
        Window::sliding(self.size, self.slide)
            .by([self.key])
            .aggregate([count(self.count)].into_iter().chain(average))
            .emit(mode.emit())
    }
}
