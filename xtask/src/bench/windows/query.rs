//! What is measured: a query of file-events, and the events that it is about.

use clap::ValueEnum;

use crate::bench::turn::Engine;

/// A query with its options.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Query {
    /// Events as they are
    Passthrough,
    /// Windows of five minutes, with three types of events each
    Tumbling,
    /// Windows of five minutes that begin each minute, with a thousand users
    Sliding,
    /// Windows of five minutes, with a hundred thousand users each
    TumblingUsers,
    /// Events with those of a million users whose they are
    Enrich,
    /// Events of which one in twenty comes twice, once each: some ten million are remembered
    Dedupe,
}

/// Events that are made for some queries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Events {
    /// Twenty in a second, of a thousand users.
    Sparse,
    /// Four thousand in a second, of a hundred thousand users.
    Dense,
    /// Four thousand in a second, of a million users, one in twenty twice.
    Repeated,
}

impl Query {
    pub(crate) const ALL: [Self; 6] = [
        Self::Passthrough,
        Self::Tumbling,
        Self::Sliding,
        Self::TumblingUsers,
        Self::Enrich,
        Self::Dedupe,
    ];

    /// Its name in figures and scripts.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Passthrough => "passthrough",
            Self::Tumbling => "tumbling",
            Self::Sliding => "sliding",
            Self::TumblingUsers => "tumbling-users",
            Self::Enrich => "enrich",
            Self::Dedupe => "dedupe",
        }
    }

    /// The events that it is about.
    pub(super) fn events(self) -> Events {
        match self {
            Self::Passthrough | Self::Tumbling | Self::Sliding => Events::Sparse,
            Self::TumblingUsers => Events::Dense,
            Self::Enrich | Self::Dedupe => Events::Repeated,
        }
    }

    /// The options of file-events.
    pub(super) fn options(self) -> &'static [&'static str] {
        match self {
            Self::Passthrough => &["--query", "passthrough"],
            Self::Tumbling => &["--query", "tumbling", "--mode", "append"],
            Self::Sliding => &["--query", "sliding", "--mode", "append"],
            Self::TumblingUsers => &["--query", "tumbling", "--mode", "append", "--by", "user_id"],
            Self::Enrich => &["--query", "enrich"],
            // With the ten minutes that events may come late: 2,520 seconds of them.
            Self::Dedupe => &["--query", "passthrough", "--dedupe", "32m"],
        }
    }

    /// Whether a peer has it. Spark would keep all ids in the memory of its own language.
    pub(super) fn is_for(self, peer: Engine) -> bool {
        !(peer == Engine::Spark && self == Self::Dedupe)
    }
}

impl Events {
    /// What follows `generator:rows=N` for `file-events generate`.
    pub(super) fn generator(self) -> &'static str {
        match self {
            Self::Sparse | Self::Dense => ",seed=1",
            Self::Repeated => ",seed=1,duplicates=0.05",
        }
    }

    /// The options of `file-events generate`.
    pub(super) fn options(self) -> &'static [&'static str] {
        match self {
            Self::Sparse => &[],
            Self::Dense => &["--events-per-second", "4000", "--user-count", "100000"],
            Self::Repeated => {
                &["--events-per-second", "4000", "--user-count", "1000000", "--users", "./users"]
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_called_alike_everywhere() {
        for query in Query::ALL {
            let value = query.to_possible_value().unwrap();
            assert_eq!(value.get_name(), query.name());
        }
    }
}
