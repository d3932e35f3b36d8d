//! A step that fits its inputs: its outputs, and what executors have to know of it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use crate::{Name, Operator, Port, Result, StreamInfo};

/// How the rows of an input find their worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Routing {
    /// They stay where they are.
    Local,
    /// Rows with equal values in these columns meet on one worker; see [`KeyGroups`](crate::KeyGroups).
    ByKey(Vec<String>),
    /// All of them on one worker.
    Single,
}

/// An output beside the main one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Side {
    /// Its name, such as `rejected`.
    pub name: Name,
    /// What it carries.
    pub info: StreamInfo,
    /// What becomes of its rows when nothing reads it.
    pub unread: Unread,
}

/// What becomes of the rows of a side output that nothing reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unread {
    /// They stop the pipeline: they would be lost without a trace.
    Stops,
    /// They are dropped. The step [counts](crate::Context::counts) them.
    Dropped,
}

/// Why the state of a step cannot grow for ever.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum StateBound {
    /// Rows go so many microseconds after the watermark has passed their time.
    Time {
        /// How long after.
        micros: i64,
    },
    /// One row for each key, and whoever wrote the pipeline has said that there are not too many.
    Keys,
}

/// A step that fits its inputs.
#[derive(Clone)]
pub struct Resolved {
    output: StreamInfo,
    sides: Vec<Side>,
    routing: Routing,
    routings: Vec<(Port, Routing)>,
    holds: Vec<(Port, i64)>,
    state: Option<StateBound>,
    watermark: Option<Duration>,
    tables: Vec<Port>,
    build: Build,
}

type Build = Arc<dyn Fn() -> Result<Box<dyn Operator>> + Send + Sync>;

impl Resolved {
    /// A step with rows of `output`, whose instances are made by `build`, one per worker.
    pub fn new(
        output: StreamInfo,
        build: impl Fn() -> Result<Box<dyn Operator>> + Send + Sync + 'static,
    ) -> Self {
        let build = Arc::new(build);
        Self {
            output,
            sides: Vec::new(),
            routing: Routing::Local,
            routings: Vec::new(),
            holds: Vec::new(),
            state: None,
            watermark: None,
            tables: Vec::new(),
            build,
        }
    }

    /// The same step with one more output beside the main one.
    #[must_use]
    pub fn with_side(mut self, name: Name, info: StreamInfo, unread: Unread) -> Self {
        self.sides.push(Side { name, info, unread });
        self
    }

    /// The same step, whose output may lie so many microseconds behind the watermark of an input.
    #[must_use]
    pub fn with_hold(mut self, port: Port, micros: i64) -> Self {
        self.holds.push((port, micros));
        self
    }

    /// The same step, which keeps state from epoch to epoch within this bound.
    #[must_use]
    pub fn with_state(mut self, bound: StateBound) -> Self {
        self.state = Some(bound);
        self
    }

    /// The same step with its inputs routed differently: all that no routing [of their
    /// own](Self::with_port_routing) is given for.
    #[must_use]
    pub fn with_routing(mut self, routing: Routing) -> Self {
        self.routing = routing;
        self
    }

    /// The same step with one input routed in a way of its own, such as by a key whose columns have
    /// other names there.
    #[must_use]
    pub fn with_port_routing(mut self, port: Port, routing: Routing) -> Self {
        self.routings.retain(|(routed, _)| *routed != port);
        self.routings.push((port, routing));
        self
    }

    /// The same step, from which on event time counts: its watermark lies so far behind the latest
    /// time that it [observes](crate::Context::observe).
    #[must_use]
    pub fn with_watermark(mut self, delay: Duration) -> Self {
        self.watermark = Some(delay);
        self
    }

    /// The same step, one input of which takes the rows of a [version](crate::Source::is_versioned) of
    /// a table, and no others. All of them come before the rows of other inputs. They come when the
    /// instance is new and when the table is another than in the epoch before, which
    /// [`Context::is_renewed`](crate::Context::is_renewed) tells; else the step goes on with those it was given.
    #[must_use]
    pub fn with_table(mut self, port: Port) -> Self {
        self.tables.push(port);
        self
    }

    /// The main output.
    pub fn output(&self) -> &StreamInfo {
        &self.output
    }

    /// The declared side outputs, in the order of [`Output::Side`](crate::Output::Side).
    pub fn sides(&self) -> &[Side] {
        &self.sides
    }

    /// How many microseconds the output may lie behind the watermark of an input.
    pub fn hold(&self, port: Port) -> i64 {
        let hold = self.holds.iter().find(|(held, _)| *held == port);
        hold.map_or(0, |(_, micros)| *micros)
    }

    /// The bound of the state that the step keeps; none when it keeps none.
    pub fn state(&self) -> Option<&StateBound> {
        self.state.as_ref()
    }

    /// How rows of inputs find their worker that are not routed in a way of their own.
    pub fn routing(&self) -> &Routing {
        &self.routing
    }

    /// How the rows of an input find their worker.
    pub fn routing_of(&self, port: Port) -> &Routing {
        let own = self.routings.iter().find(|(routed, _)| *routed == port);
        own.map_or(&self.routing, |(_, routing)| routing)
    }

    /// Whether an input takes the rows of a version of a table.
    pub fn is_table(&self, port: Port) -> bool {
        self.tables.contains(&port)
    }

    /// How far the watermark lies behind the latest time; none when the step declares no event time.
    pub fn watermark(&self) -> Option<Duration> {
        self.watermark
    }

    /// Makes an instance for one worker.
    ///
    /// # Errors
    /// Whatever the step reports.
    pub fn build(&self) -> Result<Box<dyn Operator>> {
        (self.build)()
    }
}

impl fmt::Debug for Resolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolved")
            .field("output", &self.output)
            .field("sides", &self.sides)
            .field("routing", &self.routing)
            .finish_non_exhaustive()
    }
}
