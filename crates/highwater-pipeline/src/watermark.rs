//! The step that declares event time. Rows pass unchanged; the driver makes watermarks of what it
//! observes.
//!
//! *Contract*: one input, the same rows out, in their order. *Time*: from here on the stream has a
//! watermark. *State*: none; what was observed stands in the record of the epoch.

use std::time::Duration;

use arrow::array::AsArray;
use arrow::compute::max;
use arrow::datatypes::{DataType, TimeUnit, TimestampMicrosecondType};
use highwater_core::{
    Batch, Context, Description, Error, ErrorKind, Flow, Latest, Operator, OperatorSpec, Port,
    Resolved, Result, StreamInfo, Timestamp,
};

/// Declares the event time of a stream, as [`Stream::watermark`](crate::Stream::watermark) does.
///
/// # Defaults
/// * `max_future_skew`: 1 hour
///
/// # Example
/// ```
/// use std::time::Duration;
/// use highwater_pipeline::Watermark;
///
/// let on_arrival = Watermark::on("sent_at", Duration::from_secs(30))
///     .max_future_skew(Duration::from_secs(60));
/// ```
#[derive(Clone, Debug)]
pub struct Watermark {
    column: String,
    delay: Duration,
    max_future_skew: Duration,
}

impl Watermark {
    /// Event time is `column`; rows may come up to `delay` later than others of their partition.
    pub fn on(column: impl Into<String>, delay: Duration) -> Self {
        Self { column: column.into(), delay, max_future_skew: Duration::from_hours(1) }
    }

    /// Rows from further ahead of the time of day do not move the watermark, unless watermarks are
    /// [global](crate::WatermarkPolicy::Global): one clock that goes wrong makes no others late.
    #[must_use]
    pub fn max_future_skew(mut self, skew: Duration) -> Self {
        self.max_future_skew = skew;
        self
    }

    pub(crate) fn column(&self) -> &str {
        &self.column
    }
}

impl OperatorSpec for Watermark {
    fn describe(&self) -> Description {
        let (column, delay) = (&self.column, self.delay);
        let settings = format!("{column} less {delay:?}");
        Description { kind: "watermark", settings, version: 0 }
    }

    fn resolve(&self, inputs: &[StreamInfo]) -> Result<Resolved> {
        let [input] = inputs else {
            return Err(Error::new(ErrorKind::Invalid, "pipeline", "a watermark takes one input"));
        };
        let column = input.schema.column_with_name(&self.column);
        let is_time =
            |kind: &DataType| matches!(kind, DataType::Timestamp(TimeUnit::Microsecond, _));
        let place = match column {
            Some((place, field)) if is_time(field.data_type()) => place,
            found => return Err(self.unfit(found.map(|(_, field)| field.data_type()), input)),
        };
        let skew = i64::try_from(self.max_future_skew.as_micros()).unwrap_or(i64::MAX);
        let output = input.clone().with_time(&self.column);
        let build = move || Ok(Box::new(Observing { place, skew }) as Box<dyn Operator>);
        Ok(Resolved::new(output, build).with_watermark(self.delay))
    }
}

impl Watermark {
    fn unfit(&self, found: Option<&DataType>, input: &StreamInfo) -> Error {
        let column = &self.column;
        let what = match found {
            Some(found) => {
                format!("column {column} is {found}, and event time is a timestamp in us")
            }
            None => {
                let names = input.schema.fields().iter().map(|field| field.name().as_str());
                let there = names.collect::<Vec<_>>().join(", ");
                format!("there is no column {column} to be event time; there are {there}")
            }
        };
        Error::new(ErrorKind::Invalid, "pipeline", what)
    }
}

struct Observing {
    place: usize,
    /// In microseconds.
    skew: i64,
}

impl Operator for Observing {
    fn on_batch(&mut self, _port: Port, batch: Batch, cx: &mut Context<'_>) -> Result<Flow> {
        let Some(origin) = &batch.origin else {
            let what = "rows do not say which partition they are of, so time cannot be observed";
            return Err(Error::new(ErrorKind::Internal, "watermark", what)
                .advise("let the steps before make their batches of those that they get"));
        };
        let times = batch.rows.columns().get(self.place);
        let times = times.and_then(|times| times.as_primitive_opt::<TimestampMicrosecondType>());
        let times = times.ok_or_else(|| {
            Error::new(ErrorKind::Internal, "watermark", "rows are not of the declared columns")
        })?;
        if let Some(any) = max(times) {
            let limit = cx.now().0.saturating_add(self.skew);
            let credible = match any <= limit {
                true => any,
                false => {
                    let credible = times.iter().flatten().filter(|time| *time <= limit);
                    credible.max().unwrap_or(i64::MIN)
                }
            };
            let latest = Latest { credible: Timestamp(credible), any: Timestamp(any) };
            cx.observe(origin, latest);
        }
        cx.emit(batch);
        Ok(Flow::Done)
    }
}
