//! Sums rows up by windows of event time.
//!
//! # Contract
//! One input. The output has a column `window` with `start` and `end`, then the grouping columns, then one column for
//! each aggregate. A window holds the rows from its start up to, not including, its end; windows begin at the epoch, or
//! so far behind it as their offset, and go both ways from there. Rows with equal values in the grouping columns are
//! one group; null is a value like others. In which batches and in which order rows come does not show.
//!
//! A session is a group's rows of which none lies further than the gap behind the one before. It begins with the first of them
//! and ends the gap behind the last.
//!
//! # Time
//! A window is open until `end <= watermark`, and at the end of that epoch it closes. A row goes into every window
//! that holds it and was open when the epoch began, `end > late_before`. A row that goes into none is late; so is one without a time.
//! For a session the end of the row alone counts, time and gap: a row that is not late begins a session, if there is none.
//! Late rows leave by the side output `late` and are counted. The event time of the output is the last microsecond of the
//! window. It is held back by that microsecond, so that no window is late for the next step.
//!
//! # State
//! What the aggregates keep of each group of each pane. Windows that overlap are made of panes, which are as long as the greatest
//! common divisor of size and slide: a row goes into one of them, and windows are put together from panes when
//! they are emitted, each from the one before. A pane goes with the last of its windows. Where different values are counted, so are the values of
//! each group of each pane.
//!
//! Sessions are made of panes as long as the gap: all rows of a group in one of them are of one session, and only
//! neighbours can be. They are put together when the first of them would go: it does if its session is closed, and
//! else the next one takes it up. So there are never more panes than event time is open, however long a session is.
//!
//! # Recovery
//! A save holds the groups of all panes. Each of them is the affair of its key alone, so any number of workers takes over.
//! Which windows an epoch emits follows from its two watermarks.
//!
//! # Example
//! ```
//! use std::sync::Arc;
//! use std::time::Duration;
//!
//! use highwater_core::arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, TimestampMicrosecondArray};
//! use highwater_core::arrow::datatypes::{Float64Type, Int64Type};
//! use highwater_core::{Context, Epoch, Moment, OperatorSpec, Port, StreamInfo, Timestamp, Watermarks};
//! use highwater_window::{Emit, Window, avg, count};
//!
//! let times: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![0, 59, 60]));
//! let values: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 4]));
//! let rows = RecordBatch::try_from_iter([("time", times), ("value", values)])?;
//! let step = Window::tumbling(Duration::from_micros(60))
//!     .on("time")
//!     .aggregate([count("n"), avg("value").named("mean")])
//!     .emit(Emit::Append);
//! let mut operator = step.resolve(&[StreamInfo::new(rows.schema())])?.build()?;
//!
//! let watermarks = Watermarks { late_before: Timestamp::MIN, watermark: Timestamp(60) };
//! let moment = Moment { epoch: Epoch(0), now: Timestamp(0), watermarks };
//! let (mut emitted, mut told) = (Vec::new(), Default::default());
//! let mut cx = Context::new(moment, 1, &mut emitted, &mut told);
//! let _ = operator.on_batch(Port(0), rows.into(), &mut cx)?;
//! let _ = operator.on_epoch_end(&mut cx)?;
//!
//! let closed = &emitted[0].1.rows;
//! assert_eq!(closed.column(1).as_primitive::<Int64Type>().values(), &[2]);
//! assert_eq!(closed.column(2).as_primitive::<Float64Type>().values(), &[1.5]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Source
//! Spark 4.1, `window` in streaming aggregations; `docs/semantics/windows.md` says what differs.

use std::sync::Arc;
use std::time::Duration;

use highwater_core::{
    Description, Error, ErrorKind, Name, Operator, OperatorSpec, Port, Resolved, Result, Routing,
    StateBound, StreamInfo, Unread,
};
use highwater_state::Table;

use crate::WindowError;
use crate::aggregation::{Aggregation, Counts, find};
use crate::groups::{Ends, Shape, WINDOW};
use crate::panes::{Panes, span};
use crate::sessions::Sessions;
use crate::time::TimeColumn;
use crate::windowing::{Specs, Windowing};

/// When groups are emitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Emit {
    /// Once, when their window closes.
    Append,
    /// At the end of each epoch in which they changed, with the values that they then have.
    Update,
    /// All of them at the end of each epoch. No window closes, no row is late for one, and
    /// state never goes.
    Complete,
}

/// A step that sums rows up by windows of event time.
///
/// # Defaults
/// * `by`: nothing, all rows of a window are one group
/// * `on`: the event time of the stream, which a watermark before this step declares
/// * `offset`: none, windows begin at the epoch
/// * `emit`: [`Emit::Append`]
#[derive(Clone, Debug)]
pub struct Window {
    span: Span,
    offset: Duration,
    by: Vec<String>,
    on: Option<String>,
    aggregates: Vec<Aggregation>,
    emit: Emit,
}

/// Which windows there are.
#[derive(Clone, Copy, Debug)]
enum Span {
    /// All of one size.
    Even { size: Duration, slide: Duration },
    /// As long as rows come.
    Session { gap: Duration },
}

impl Window {
    /// Windows that follow each other.
    pub fn tumbling(size: Duration) -> Self {
        Self::sliding(size, size)
    }

    /// Windows that begin so much later each than the one before, and overlap. `slide` is at most `size`.
    pub fn sliding(size: Duration, slide: Duration) -> Self {
        Self::over(Span::Even { size, slide })
    }

    /// A window for as long as a group has rows, none of them further than `gap` behind the one before. It ends
    /// `gap` behind the last. Emitted by [`Emit::Append`] or [`Emit::Complete`].
    pub fn session(gap: Duration) -> Self {
        Self::over(Span::Session { gap })
    }

    fn over(span: Span) -> Self {
        Self {
            span,
            offset: Duration::ZERO,
            by: Vec::new(),
            on: None,
            aggregates: Vec::new(),
            emit: Emit::Append,
        }
    }

    /// Lets a window begin so long behind the epoch. Sessions begin with their rows.
    #[must_use]
    pub fn offset(mut self, offset: Duration) -> Self {
        self.offset = offset;
        self
    }

    /// Rows with equal values in these columns are one group of a window.
    #[must_use]
    pub fn by(mut self, columns: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.by = columns.into_iter().map(Into::into).collect();
        self
    }

    /// The column of the event time: a timestamp in microseconds, or a `window` of another such step.
    #[must_use]
    pub fn on(mut self, column: impl Into<String>) -> Self {
        self.on = Some(column.into());
        self
    }

    /// What is made of the rows of a group.
    #[must_use]
    pub fn aggregate(mut self, all: impl IntoIterator<Item = Aggregation>) -> Self {
        self.aggregates = all.into_iter().collect();
        self
    }

    /// When groups are emitted.
    #[must_use]
    pub fn emit(mut self, emit: Emit) -> Self {
        self.emit = emit;
        self
    }

    /// Panes that are windows, or parts of them.
    fn panes(&self) -> Result<Panes, WindowError> {
        match self.span {
            Span::Even { size, slide } => Panes::try_new(size, slide, self.offset),
            Span::Session { .. } if !self.offset.is_zero() => Err(WindowError::Offset),
            Span::Session { .. } if self.emit == Emit::Update => Err(WindowError::Update),
            Span::Session { gap } => {
                span("a gap", gap)?;
                Panes::try_new(gap, gap, Duration::ZERO)
            }
        }
    }

    fn specs(&self, input: &StreamInfo) -> Result<Specs> {
        let panes = self.panes()?;
        let time = TimeColumn::find(input, self.on.as_ref())?;
        let keys = self.by.iter().map(|column| Ok(find(&input.schema, column)?.0));
        let keys = keys.collect::<Result<Vec<_>, WindowError>>()?;
        let mut counts = Counts::default();
        let resolve = |it: &Aggregation| it.resolve(&input.schema, time.place(), &mut counts);
        let aggregates = self.aggregates.iter().map(resolve);
        let aggregates = aggregates.collect::<Result<Vec<_>, _>>()?;
        let session = matches!(self.span, Span::Session { .. });
        let ends = Ends { zone: time.zone.clone(), size: panes.size(), session };
        let shape = Shape::try_new(&input.schema, keys, aggregates, ends)?;
        let groups = shape.groups(panes.pane())?;
        let windows = shape.groups(panes.slide())?;
        let sliding = shape.sliding()?;
        if session && shape.counts_distinct() {
            return Err(WindowError::Distinct.into());
        }
        let distinct = shape.distinct(&input.schema, panes.pane())?;
        let marks = (shape.marks(panes.pane())?, shape.marks(panes.slide())?);
        Ok(Specs { panes, time, shape, emit: self.emit, groups, windows, sliding, marks, distinct })
    }
}

impl OperatorSpec for Window {
    fn describe(&self) -> Description {
        let mut settings = match self.span {
            Span::Even { size, slide } if slide == size => format!("tumbling {size:?}"),
            Span::Even { size, slide } => format!("sliding {size:?} every {slide:?}"),
            Span::Session { gap } => format!("sessions {gap:?} apart"),
        };
        if !self.offset.is_zero() {
            settings.push_str(&format!(" offset {:?}", self.offset));
        }
        if !self.by.is_empty() {
            settings.push_str(&format!(" by {}", self.by.join(", ")));
        }
        if let Some(on) = &self.on {
            settings.push_str(&format!(" on {on}"));
        }
        let aggregates: Vec<_> = self.aggregates.iter().map(Aggregation::words).collect();
        let emit = match self.emit {
            Emit::Append => "append",
            Emit::Update => "update",
            Emit::Complete => "complete",
        };
        settings.push_str(&format!(": {}; {emit}", aggregates.join(", ")));
        Description { kind: "window", settings, version: 0 }
    }

    fn resolve(&self, inputs: &[StreamInfo]) -> Result<Resolved> {
        let [input] = inputs else {
            return Err(WindowError::Inputs { found: inputs.len() }.into());
        };
        let specs = Arc::new(self.specs(input)?);
        Table::try_new(specs.groups.clone())?;
        specs.distinct.iter().try_for_each(|it| Table::try_new(it.values.clone()).map(drop))?;
        let output = StreamInfo::new(Arc::clone(specs.shape.output()));
        let (output, bound) = match self.emit {
            Emit::Complete => (output, StateBound::Keys),
            // A group goes when its window closes: no later than so much behind its rows.
            _ => (output.with_time(WINDOW), StateBound::Time { micros: specs.panes.size() }),
        };
        let routing = match self.by.is_empty() {
            true => Routing::Single,
            false => Routing::ByKey(self.by.clone()),
        };
        let session = matches!(self.span, Span::Session { .. });
        let build = move || -> Result<Box<dyn Operator>> {
            let specs = Arc::clone(&specs);
            Ok(match session {
                true => Box::new(Sessions::try_new(specs)?),
                false => Box::new(Windowing::try_new(specs)?),
            })
        };
        let late = StreamInfo { schema: Arc::clone(&input.schema), time: input.time.clone() };
        Ok(Resolved::new(output, build)
            .with_side(late_name()?, late, Unread::Dropped)
            .with_routing(routing)
            .with_hold(Port(0), LAST_MOMENT)
            .with_state(bound))
    }
}

fn late_name() -> Result<Name> {
    "late".parse().map_err(|error| Error::new(ErrorKind::Internal, "window", error))
}

/// How far the event time of a window lies before its end, in microseconds.
const LAST_MOMENT: i64 = 1;
