//! Lets the first row of each key through, and drops those that follow it within a bound of event
//! time.
//!
//! # Contract
//! One input. The output has its columns, and its rows less duplicates and late ones, in the order of
//! source, partition and offset. Rows are taken in the order of epoch, source, partition and offset,
//! so they must [say](Batch::offsets) where they come from. A row is a duplicate if one of its key
//! was kept before it, and their times differ by less than the bound, either way. Nulls in a key are
//! equal to each other. A row without a time is never a duplicate, and no other is one because of it.
//!
//! # Time
//! Event time is that of the stream. A row at or before [`late_before`](Context::late_before) is late:
//! it is not kept and not compared, and leaves by the side output `late`. Nothing is held back: a
//! row that goes on is not late for the next step either.
//!
//! # State
//! The time of each kept row, by key; `kept.rs` tells how it is asked. The rows of the next epoch lie
//! at `watermark + 1` or later. A kept row at `time` is close to none of them from
//! `time + within <= watermark + 1` on, and goes at the end of that epoch.
//!
//! # Recovery
//! A save holds the rows that were kept by its epoch and before, nothing that is held. An epoch that
//! runs again finds the state of the one before it and keeps the same rows. Each key is a matter of its
//! own, so any number of workers takes over.
//!
//! # Example
//! ```
//! use std::sync::Arc;
//! use std::time::Duration;
//!
//! use highwater_core::arrow::array::{
//!     ArrayRef, AsArray, RecordBatch, StringArray, TimestampMicrosecondArray,
//! };
//! use highwater_core::arrow::datatypes::TimestampMicrosecondType;
//! use highwater_core::{
//!     Batch, Context, Epoch, Moment, Offsets, OperatorSpec, Origin, Partition, Port, StreamInfo,
//!     Timestamp, Watermarks,
//! };
//! use highwater_dedupe::Dedupe;
//!
//! let ids: ArrayRef = Arc::new(StringArray::from(vec!["a", "b", "a", "a"]));
//! let times: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![0, 1, 59, 60]));
//! let rows = RecordBatch::try_from_iter([("id", ids), ("time", times)])?;
//! let stream = StreamInfo::new(rows.schema()).with_time("time");
//! let dedupe = Dedupe::by(["id"]).within(Duration::from_micros(60));
//! let mut operator = dedupe.resolve(&[stream])?.build()?;
//!
//! let moment = Moment { epoch: Epoch(0), now: Timestamp(0), watermarks: Watermarks::UNKNOWN };
//! let (mut emitted, mut told) = (Vec::new(), Default::default());
//! let mut cx = Context::new(moment, 1, &mut emitted, &mut told);
//! let origin = Arc::new(Origin { source: "orders".parse()?, partition: Partition::new("t", 0) });
//! let batch = Batch { origin: Some(origin), offsets: Some(Offsets::From(0)), ..rows.into() };
//! let _ = operator.on_batch(Port(0), batch, &mut cx)?;
//! let _ = operator.on_epoch_end(&mut cx)?;
//!
//! let times = emitted[0].1.rows.column(1).as_primitive::<TimestampMicrosecondType>();
//! assert_eq!(times.values(), &[0, 1, 60]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Source
//! Spark 4.1, `dropDuplicatesWithinWatermark`, whose promise it keeps and which drops more: see
//! `docs/semantics/dedupe.md`.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{AsArray, BooleanArray, TimestampMicrosecondArray};
use arrow::compute::not;
use arrow::datatypes::{DataType, Field, TimeUnit};
use highwater_core::{
    Batch, Context, Description, Error, ErrorKind, Flow, Name, Operator, OperatorSpec, Port,
    Resolved, Result, Routing, StateBound, StateReader, StateWriter, StreamInfo, Timestamp, Unread,
};
use highwater_state::Keys;

use crate::DedupeError;
use crate::kept::Kept;
use crate::place::Place;

/// A step that lets the first row of each key through, of a stream whose event time is declared.
///
/// # Defaults
/// * `within`: none, it has to be said
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dedupe {
    keys: Vec<String>,
    within: Option<Duration>,
}

impl Dedupe {
    /// Rows with equal values in these columns are duplicates; two nulls are equal.
    pub fn by(keys: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { keys: keys.into_iter().map(Into::into).collect(), within: None }
    }

    /// How far duplicates may lie apart in event time: less than this, in whole microseconds.
    #[must_use]
    pub fn within(mut self, bound: Duration) -> Self {
        self.within = Some(bound);
        self
    }

    /// The bound in microseconds.
    fn micros(&self) -> Result<i64, DedupeError> {
        let whole =
            |within: &Duration| !within.is_zero() && within.subsec_nanos().is_multiple_of(1_000);
        let micros = self.within.filter(whole).and_then(|it| it.as_micros().try_into().ok());
        micros.ok_or_else(|| DedupeError::Within { keys: self.keys.clone(), within: self.within })
    }

    /// The number of the column of the event time.
    fn time(&self, input: &StreamInfo) -> Result<usize, DedupeError> {
        let Some(column) = &input.time else {
            return Err(DedupeError::NoTime { keys: self.keys.clone() });
        };
        let (place, field) = find(input, column)?;
        match field.data_type() {
            DataType::Timestamp(TimeUnit::Microsecond, _) => Ok(place),
            found => Err(DedupeError::Type { column: column.clone(), found: found.clone() }),
        }
    }

    /// The columns of the key.
    fn keys(&self, input: &StreamInfo) -> Result<Vec<usize>, DedupeError> {
        self.keys.iter().map(|column| Ok(find(input, column)?.0)).collect()
    }
}

impl OperatorSpec for Dedupe {
    fn describe(&self) -> Description {
        let mut settings = format!("by {}", self.keys.join(", "));
        settings.extend(self.within.map(|within| format!(" within {within:?}")));
        Description { kind: "dedupe", settings, version: 0 }
    }

    fn resolve(&self, inputs: &[StreamInfo]) -> Result<Resolved> {
        let [input] = inputs else {
            return Err(DedupeError::Inputs { found: inputs.len() }.into());
        };
        let (keys, time, within) = (self.keys(input)?, self.time(input)?, self.micros()?);
        let kept = Kept::spec(&input.schema, &keys, within)?;
        let build = move || -> Result<Box<dyn Operator>> {
            let kept = Kept::try_new(kept.clone(), within)?;
            Ok(Box::new(Deduping { keys: keys.clone(), time, kept, held: VecDeque::new() }))
        };
        Ok(Resolved::new(input.clone(), build)
            .with_side(late()?, StreamInfo::new(Arc::clone(&input.schema)), Unread::Dropped)
            .with_routing(Routing::ByKey(self.keys.clone()))
            .with_state(StateBound::Time { micros: within }))
    }
}

/// One instance: the rows that are kept, and those of this epoch that wait for its end.
struct Deduping {
    keys: Vec<usize>,
    time: usize,
    kept: Kept,
    held: VecDeque<Held>,
}

/// Rows of this epoch, none of them late.
struct Held {
    place: Place,
    batch: Batch,
    keys: Keys,
    /// Those that duplicate something of earlier epochs; not all of them are known yet.
    again: Vec<bool>,
}

impl Operator for Deduping {
    fn on_batch(&mut self, _port: Port, batch: Batch, cx: &mut Context<'_>) -> Result<Flow> {
        let late = is_late(times(&batch, self.time)?, cx.late_before());
        let (late, batch) = split(batch, &late)?;
        cx.counts().late += late.len() as u64;
        cx.emit_side(LATE, late)?;
        if !batch.is_empty() {
            self.hold(batch, cx)?;
        }
        Ok(Flow::Done)
    }

    fn on_epoch_end(&mut self, cx: &mut Context<'_>) -> Result<Flow> {
        self.held.make_contiguous().sort_unstable_by(|one, other| one.place.cmp(&other.place));
        for (held, next) in self.held.iter().zip(self.held.iter().skip(1)) {
            held.place.before(&next.place)?;
        }
        self.more(cx)
    }

    fn more(&mut self, cx: &mut Context<'_>) -> Result<Flow> {
        let Some(Held { batch, keys, mut again, .. }) = self.held.pop_front() else {
            self.kept.end_epoch(cx.watermark())?;
            return Ok(Flow::Done);
        };
        self.kept.keep(&keys, times(&batch, self.time)?, &mut again)?;
        let first: BooleanArray = again.iter().map(|again| Some(!again)).collect();
        cx.counts().duplicates += first.false_count() as u64;
        cx.emit(if first.false_count() == 0 {
            batch
        } else {
            batch.filter(&first).map_err(DedupeError::from)?
        });
        Ok(Flow::More)
    }

    fn save(&mut self, state: &mut StateWriter) -> Result<()> {
        self.kept.save(state)
    }

    fn restore(&mut self, state: &StateReader) -> Result<()> {
        self.kept.restore(state)
    }
}

impl Deduping {
    /// Holds rows until the epoch ends. Until then nothing of them goes anywhere, so their reader may
    /// go on.
    fn hold(&mut self, batch: Batch, cx: &mut Context<'_>) -> Result<()> {
        let keys = self.kept.keys(&batch, &self.keys)?;
        let again = self.kept.close(&keys, times(&batch, self.time)?)?;
        if again.iter().all(|again| *again) {
            cx.counts().duplicates += batch.len() as u64;
            return Ok(());
        }
        let (place, batch) = (Place::of(&batch)?, Batch { permit: None, ..batch });
        self.held.push_back(Held { place, batch, keys, again });
        Ok(())
    }
}

/// The rows for which `chosen` is true, and the others.
fn split(batch: Batch, chosen: &BooleanArray) -> Result<(Batch, Batch), DedupeError> {
    if chosen.true_count() == 0 {
        return Ok((batch.with_rows(batch.rows.slice(0, 0)), batch));
    }
    Ok((batch.filter(chosen)?, batch.filter(&not(chosen)?)?))
}

fn is_late(times: &TimestampMicrosecondArray, late_before: Timestamp) -> BooleanArray {
    times.iter().map(|time| Some(time.is_some_and(|time| time <= late_before.0))).collect()
}

fn times(batch: &Batch, column: usize) -> Result<&TimestampMicrosecondArray, DedupeError> {
    let times = batch.rows.columns().get(column);
    times.and_then(|times| times.as_primitive_opt()).ok_or(DedupeError::Columns)
}

fn find<'a>(input: &'a StreamInfo, column: &str) -> Result<(usize, &'a Field), DedupeError> {
    input.schema.column_with_name(column).ok_or_else(|| {
        let there = input.schema.fields().iter().map(|field| field.name().clone()).collect();
        DedupeError::Missing { column: column.to_owned(), there }
    })
}

fn late() -> Result<Name> {
    "late".parse().map_err(|error| Error::new(ErrorKind::Internal, "dedupe", error))
}

/// The number of the side output of late rows.
const LATE: usize = 0;

#[cfg(test)]
mod tests;
