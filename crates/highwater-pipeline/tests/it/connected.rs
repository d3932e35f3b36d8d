//! Steps of two inputs: what is checked when they are declared, how they are shown, and how far event
//! time has come behind them.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, TimestampMicrosecondArray};
use highwater_core::{
    Batch, Context, Description, Flow, Operator, OperatorSpec, Port, Resolved, Result, Routing,
    StateBound, StreamInfo, Timestamp,
};
use highwater_pipeline::{Mistake, Options, Pipeline, Trigger};
use highwater_storage::Storage;
use highwater_testkit::memory::MemoryTable;
use highwater_testkit::memory_source::MemorySource;

use crate::builder::column;
use crate::numbers;

/// Passes the rows of both inputs on, the second of which may lie behind by so much.
#[derive(Default)]
struct Both {
    second: Option<Routing>,
    hold: i64,
    stateful: bool,
}

impl OperatorSpec for Both {
    fn describe(&self) -> Description {
        Description { kind: "both", settings: String::new(), version: 0 }
    }

    fn resolve(&self, inputs: &[StreamInfo]) -> Result<Resolved> {
        assert_eq!(inputs.len(), 2);
        let build = || Ok(Box::new(Passing) as Box<dyn Operator>);
        let resolved = Resolved::new(inputs[0].clone(), build).with_hold(Port(1), self.hold);
        let resolved = match self.stateful {
            true => resolved.with_routing(Routing::Single).with_state(StateBound::Keys),
            false => resolved,
        };
        Ok(match &self.second {
            Some(routing) => resolved.with_port_routing(Port(1), routing.clone()),
            None => resolved,
        })
    }
}

struct Passing;

impl Operator for Passing {
    fn on_batch(&mut self, _: Port, batch: Batch, cx: &mut Context<'_>) -> Result<Flow> {
        cx.emit(batch);
        Ok(Flow::Done)
    }
}

fn source(name: &str) -> MemorySource {
    MemorySource::new(name, numbers([0]).schema(), 1)
}

#[test]
fn both_inputs_are_shown() {
    let p = Pipeline::new("numbers");
    let (left, right) = (p.source("left", source("left")), p.source("right", source("right")));
    let both = left.connect(&right).apply("both", Both::default());
    both.sink("numbers", MemoryTable::new("numbers"));
    let plan = p.build().unwrap();
    let text = plan.explain();
    assert!(text.contains("both both <- left, right:"), "{text}");
    assert_eq!(plan.explain_json()["nodes"][2]["inputs"], serde_json::json!(["left", "right"]));
    let flow = plan.explain_mermaid();
    assert!(flow.contains("n0 --> n2") && flow.contains("n1 --> n2"), "{flow}");
}

#[test]
fn each_input_is_checked_by_itself() {
    let p = Pipeline::new("numbers");
    let (left, right) = (p.source("left", source("left")), p.source("right", source("right")));
    let second = Some(Routing::ByKey(vec!["missing".to_owned()]));
    let _unfit = left.connect(&right).apply("by-key", Both { second, ..Both::default() });
    let second = Some(Routing::Local);
    let state = Both { second, stateful: true, ..Both::default() };
    let _unfit = left.connect(&right).apply("state", state);
    let elsewhere = Pipeline::new("others").source("right", source("right"));
    let _foreign = left.connect(&elsewhere).apply("both", Both::default());
    let errors = p.build().unwrap_err();
    let shown = errors.to_string();
    assert!(shown.contains("by-key: core: there is no column missing"), "{shown}");
    assert!(shown.contains("stay on whatever worker"), "{shown}");
    assert!(matches!(errors.mistakes()[2], Mistake::Elsewhere { .. }), "{shown}");
}

const SECOND: i64 = 1_000_000;

fn events(seconds: impl IntoIterator<Item = i64>) -> RecordBatch {
    let times = seconds.into_iter().map(|second| second * SECOND);
    let times: ArrayRef = Arc::new(TimestampMicrosecondArray::from_iter_values(times));
    RecordBatch::try_from_iter([("at", times)]).unwrap()
}

/// Emits how far event time has come at the end of each epoch, in seconds.
struct Clock;

impl OperatorSpec for Clock {
    fn describe(&self) -> Description {
        Description { kind: "clock", settings: String::new(), version: 0 }
    }

    fn resolve(&self, _: &[StreamInfo]) -> Result<Resolved> {
        let output = StreamInfo::new(numbers([0]).schema());
        let build = || Ok(Box::new(Telling) as Box<dyn Operator>);
        Ok(Resolved::new(output, build).with_state(StateBound::Keys).with_routing(Routing::Single))
    }
}

struct Telling;

impl Operator for Telling {
    fn on_batch(&mut self, _: Port, _: Batch, _: &mut Context<'_>) -> Result<Flow> {
        Ok(Flow::Done)
    }

    fn on_epoch_end(&mut self, cx: &mut Context<'_>) -> Result<Flow> {
        if cx.watermark() > Timestamp::MIN {
            cx.emit(numbers([cx.watermark().0 / SECOND]).into());
        }
        Ok(Flow::Done)
    }
}

/// The last time that a clock behind both told, when the inputs came to these seconds.
fn time_behind(left: i64, right: i64, hold: i64) -> i64 {
    let (a, b) = (
        MemorySource::new("a", events([]).schema(), 1),
        MemorySource::new("b", events([]).schema(), 1),
    );
    a.append(0, events([left]));
    b.append(0, events([right]));
    let table = MemoryTable::new("clock");
    let p = Pipeline::new("events");
    let a = p.source("a", a).watermark("at", Duration::from_secs(10));
    let b = p.source("b", b).watermark("at", Duration::from_secs(20));
    let both = a.connect(&b).apply("both", Both { hold: hold * SECOND, ..Both::default() });
    both.apply("clock", Clock).sink("clock", table.clone());
    let options = Options::checkpoint_in(Storage::memory()).trigger(Trigger::AvailableNow);
    p.build().unwrap().run_blocking(options).unwrap();
    let times = table.rows();
    let times = times.iter().flat_map(|rows| column(rows).values().to_vec());
    Int64Array::from_iter_values(times).values().last().copied().unwrap()
}

#[test]
fn time_has_come_as_far_as_in_the_slower_input_less_its_hold() {
    assert_eq!(time_behind(100, 200, 0), 90);
    assert_eq!(time_behind(200, 100, 0), 80);
    assert_eq!(time_behind(200, 100, 5), 75);
    assert_eq!(time_behind(100, 200, 100), 80);
}
