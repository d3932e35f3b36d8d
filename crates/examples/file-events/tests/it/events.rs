//! Events of tests, and what a loop makes of them that remembers everything.

use std::collections::{BTreeMap, BTreeSet};

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
/// 2025-01-16 00:00:00 UTC in microseconds.
const BEGIN: i64 = 1_736_985_600 * SECOND;
/// Events may come so much later than others.
const DELAY: i64 = 10 * MINUTE;

/// An event: its number, its time in seconds, and the rest.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Event {
    pub(crate) id: usize,
    pub(crate) second: i64,
    pub(crate) user: i64,
    pub(crate) kind: &'static str,
    /// A whole number of eighths, so that sums are exact.
    pub(crate) value: f64,
}

impl Event {
    /// As a line of a file.
    pub(crate) fn line(&self) -> String {
        let Self { id, second, user, kind, value } = self;
        let (day, second) = (16 + second.div_euclid(86_400), second.rem_euclid(86_400));
        let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
        format!(
            r#"{{"event_id":"{id}","timestamp":"2025-01-{day:02}T{hour:02}:{minute:02}:{second:02}","user_id":{user},"event_type":"{kind}","value":{value}}}"#
        ) + "\n"
    }

    pub(crate) fn micros(&self) -> i64 {
        BEGIN + self.second * SECOND
    }
}

/// Events whose times go forth, by `step` seconds each on average, and back by up to `late` seconds; many stand
/// at the edges of windows.
pub(crate) fn events(seed: u32, count: usize, step: u32, late: u32) -> Vec<Event> {
    // Numerical Recipes' generator: any will do, as long as it stays the same.
    let mut state = seed;
    let mut below = |limit: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        i64::from((state >> 16) % limit.max(1))
    };
    let mut now = 3_600;
    let event = |id| {
        now += below(2 * step + 1);
        let second = now - below(late + 1);
        let second = if below(8) == 0 { second.div_euclid(60) * 60 } else { second };
        let kind = ["click", "view", "purchase"][usize::try_from(below(3)).unwrap()];
        let value = f64::from(i32::try_from(below(8_000)).unwrap()) / 8.0;
        Event { id, second, user: below(7), kind, value }
    };
    (0..count).map(event).collect()
}

/// Files of so many events each.
pub(crate) fn files(events: &[Event], per_file: usize) -> Vec<(String, Vec<u8>)> {
    let lines = |events: &[Event]| events.iter().map(Event::line).collect::<String>().into_bytes();
    let files = events.chunks(per_file).map(lines);
    files.enumerate().map(|(at, lines)| (format!("part-{at:03}.json"), lines)).collect()
}

/// A window: its start and end in microseconds, and its key.
pub(crate) type Group = (i64, i64, String);
/// What was counted, and the average value if it is asked for.
pub(crate) type Sums = (i64, Option<f64>);

/// The two queries of windows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Query {
    Tumbling,
    Sliding,
}

impl Query {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Tumbling => "tumbling",
            Self::Sliding => "sliding",
        }
    }

    /// The directory of its table.
    pub(crate) fn table(self) -> &'static str {
        match self {
            Self::Tumbling => "data/event_aggregates",
            Self::Sliding => "data/user_activity",
        }
    }

    /// Its mode, unless another one is asked for.
    pub(crate) fn mode(self) -> Mode {
        match self {
            Self::Tumbling => Mode::Update,
            Self::Sliding => Mode::Append,
        }
    }

    fn windows(self, event: &Event) -> Vec<Group> {
        let time = event.micros();
        let (key, slide) = match self {
            Self::Tumbling => (event.kind.to_owned(), 5 * MINUTE),
            Self::Sliding => (event.user.to_string(), MINUTE),
        };
        let last = time - time.rem_euclid(slide);
        let starts = (0..5 * MINUTE / slide).map(|back| last - back * slide);
        starts.map(|start| (start, start + 5 * MINUTE, key.clone())).collect()
    }

    fn sums(self, values: &[f64]) -> Sums {
        let count = i64::try_from(values.len()).unwrap();
        #[allow(clippy::cast_precision_loss, reason = "a count of a test")]
        let average = values.iter().sum::<f64>() / values.len() as f64;
        (count, (self == Self::Tumbling).then_some(average))
    }
}

/// How windows come to stand in their table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Mode {
    Append,
    Update,
    Complete,
}

impl Mode {
    pub(crate) const ALL: [Self; 3] = [Self::Append, Self::Update, Self::Complete];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Append => "append",
            Self::Update => "update",
            Self::Complete => "complete",
        }
    }
}

/// What should be in the tables.
#[derive(Debug, Default)]
pub(crate) struct Expected {
    /// All windows, also those that are still open.
    pub(crate) all: BTreeMap<Group, Sums>,
    /// Those that have closed.
    pub(crate) closed: BTreeMap<Group, Sums>,
    /// The numbers of the events that came too late.
    pub(crate) late: BTreeSet<usize>,
}

impl Expected {
    /// The windows that stand in the table once there is nothing more to read.
    pub(crate) fn rows(&self, mode: Mode) -> &BTreeMap<Group, Sums> {
        match mode {
            Mode::Append => &self.closed,
            Mode::Update | Mode::Complete => &self.all,
        }
    }
}

/// What becomes of events in epochs.
pub(crate) fn expected(query: Query, epochs: &[&[Event]]) -> Expected {
    let mut groups: BTreeMap<Group, Vec<f64>> = BTreeMap::new();
    let mut late = BTreeSet::new();
    // What had passed before the epoch before, and what had passed before this one.
    let (mut late_before, mut watermark) = (i64::MIN, i64::MIN);
    for events in epochs {
        for event in *events {
            let mut windows = query.windows(event);
            windows.retain(|(_, end, _)| *end > late_before);
            if windows.is_empty() {
                late.insert(event.id);
            }
            windows
                .into_iter()
                .for_each(|group| groups.entry(group).or_default().push(event.value));
        }
        let latest = events.iter().map(Event::micros).max().unwrap_or(i64::MIN);
        (late_before, watermark) = (watermark, watermark.max(latest.saturating_sub(DELAY)));
    }
    let all: BTreeMap<_, _> =
        groups.into_iter().map(|(group, values)| (group, query.sums(&values))).collect();
    let closed = all.iter().filter(|((_, end, _), _)| *end <= watermark);
    Expected { closed: closed.map(|(group, sums)| (group.clone(), *sums)).collect(), all, late }
}
