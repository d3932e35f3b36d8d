//! What a process sees that has installed a subscriber and a recorder: this one has.
//!
//! Both are of the whole process, so a test tells its own by the name of its pipeline.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder,
    SharedString, Unit,
};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};

/// Fields by their names, as text.
pub(crate) type Fields = BTreeMap<String, String>;

/// A span or an event, with what it is in.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) name: String,
    pub(crate) fields: Fields,
    within: Option<u64>,
}

#[derive(Default)]
struct Trace {
    spans: Mutex<BTreeMap<u64, Seen>>,
    events: Mutex<Vec<Seen>>,
    ids: AtomicU64,
}

thread_local! {
    static ENTERED: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

/// Forwards to what the tests read.
struct Collect(Arc<Trace>);

impl Subscriber for Collect {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target().starts_with("highwater_pipeline")
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let id = self.0.ids.fetch_add(1, Ordering::SeqCst) + 1;
        let mut text = Text::default();
        span.record(&mut text);
        let name = span.metadata().name().to_owned();
        let within = ENTERED.with_borrow(|entered| entered.last().copied());
        self.0.spans.lock().unwrap().insert(id, Seen { name, fields: text.0, within });
        Id::from_u64(id)
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        let mut text = Text::default();
        values.record(&mut text);
        let mut spans = self.0.spans.lock().unwrap();
        spans.get_mut(&span.into_u64()).unwrap().fields.extend(text.0);
    }

    fn record_follows_from(&self, _span: &Id, _follows: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut text = Text::default();
        event.record(&mut text);
        let name = text.0.remove("message").unwrap_or_default();
        let within = ENTERED.with_borrow(|entered| entered.last().copied());
        self.0.events.lock().unwrap().push(Seen { name, fields: text.0, within });
    }

    fn enter(&self, span: &Id) {
        ENTERED.with_borrow_mut(|entered| entered.push(span.into_u64()));
    }

    fn exit(&self, span: &Id) {
        ENTERED.with_borrow_mut(|entered| {
            let last = entered.iter().rposition(|id| *id == span.into_u64()).unwrap();
            entered.remove(last);
        });
    }
}

#[derive(Default)]
struct Text(Fields);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.to_owned());
    }
}

/// Every value by its name and labels, such as `highwater_epochs_total{pipeline=p}`. Of a
/// distribution, how many values it has and their sum.
#[derive(Default)]
struct Values(Mutex<BTreeMap<String, f64>>);

struct Keep(Arc<Values>);

/// One value of the recorder.
struct Cell {
    values: Arc<Values>,
    key: String,
}

impl Cell {
    fn change(&self, suffix: &str, change: impl FnOnce(&mut f64)) {
        let mut values = self.values.0.lock().unwrap();
        change(values.entry(format!("{}{suffix}", self.key)).or_default());
    }
}

#[allow(clippy::cast_precision_loss, reason = "counts of a test")]
impl CounterFn for Cell {
    fn increment(&self, by: u64) {
        self.change("", |value| *value += by as f64);
    }

    fn absolute(&self, to: u64) {
        self.change("", |value| *value = to as f64);
    }
}

impl GaugeFn for Cell {
    fn increment(&self, by: f64) {
        self.change("", |value| *value += by);
    }

    fn decrement(&self, by: f64) {
        self.change("", |value| *value -= by);
    }

    fn set(&self, to: f64) {
        self.change("", |value| *value = to);
    }
}

impl HistogramFn for Cell {
    fn record(&self, value: f64) {
        self.change(" count", |count| *count += 1.0);
        self.change(" sum", |sum| *sum += value);
    }
}

impl Keep {
    fn cell(&self, key: &Key) -> Arc<Cell> {
        let labels: Vec<_> =
            key.labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
        let key = format!("{}{{{}}}", key.name(), labels.join(","));
        Arc::new(Cell { values: Arc::clone(&self.0), key })
    }
}

impl Recorder for Keep {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.cell(key))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.cell(key))
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(self.cell(key))
    }
}

/// What this process has recorded.
pub(crate) struct Recorded {
    trace: Arc<Trace>,
    values: Arc<Values>,
}

impl Recorded {
    /// Installs both, once. To be called before what is to be seen.
    pub(crate) fn here() -> &'static Self {
        static HERE: OnceLock<Recorded> = OnceLock::new();
        HERE.get_or_init(|| {
            let here = Self { trace: Arc::default(), values: Arc::default() };
            tracing::subscriber::set_global_default(Collect(Arc::clone(&here.trace))).unwrap();
            metrics::set_global_recorder(Keep(Arc::clone(&here.values))).unwrap_or_else(|_| {
                panic!("somebody else has installed a recorder");
            });
            here
        })
    }

    /// Spans of a pipeline, in their order.
    pub(crate) fn spans(&self, pipeline: &str) -> Vec<Seen> {
        let spans = self.trace.spans.lock().unwrap();
        let of = |seen: &&Seen| pipeline_of(seen, &spans).as_deref() == Some(pipeline);
        spans.values().filter(of).cloned().collect()
    }

    /// Events of a pipeline, in their order.
    pub(crate) fn events(&self, pipeline: &str) -> Vec<Seen> {
        let spans = self.trace.spans.lock().unwrap();
        let events = self.trace.events.lock().unwrap();
        let of = |seen: &&Seen| pipeline_of(seen, &spans).as_deref() == Some(pipeline);
        events.iter().filter(of).cloned().collect()
    }

    /// How deep a span is within others.
    pub(crate) fn depth(&self, seen: &Seen) -> usize {
        let spans = self.trace.spans.lock().unwrap();
        let mut within = seen.within;
        std::iter::from_fn(|| {
            let outer = spans.get(&within?)?;
            within = outer.within;
            Some(())
        })
        .count()
    }

    /// The value of a metric with its labels; none where there is none.
    pub(crate) fn value(&self, metric: &str) -> Option<f64> {
        self.values.0.lock().unwrap().get(metric).copied()
    }
}

/// The pipeline that a span or event names, or what it is in.
fn pipeline_of(seen: &Seen, spans: &BTreeMap<u64, Seen>) -> Option<String> {
    let named = seen.fields.get("pipeline").cloned();
    named.or_else(|| pipeline_of(spans.get(&seen.within?)?, spans))
}
