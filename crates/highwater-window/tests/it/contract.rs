//! What the step declares, what it refuses, and how it joins others.

use std::sync::Arc;
use std::time::Duration;

use highwater_core::arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use highwater_core::arrow::datatypes::{DataType, Field, Int64Type, TimeUnit};
use highwater_core::{
    Batch, Context, Epoch, ErrorKind, OperatorSpec, Permit, Port, Result, Routing, StateBound,
    StreamInfo, Unread,
};
use highwater_window::{
    Accumulators, Aggregate, Aggregation, Emit, Input, Window, avg, count, count_distinct, first,
    max, min, sum,
};

use crate::workers::{Cell, Event, Workers, batch, moment, schema, stream};

const MINUTE: Duration = Duration::from_mins(1);

fn minutes() -> Window {
    Window::tumbling(MINUTE).by(["id"]).aggregate([count("n")])
}

#[test]
fn a_step_that_does_not_fit_says_why_and_what_to_do() {
    let micros = Duration::from_micros;
    let named = |all: Vec<Aggregation>| Window::tumbling(MINUTE).by(["id"]).aggregate(all);
    let refused = [
        (Window::tumbling(Duration::ZERO), "a window of 0ns", "whole microseconds"),
        (Window::tumbling(Duration::from_nanos(1_500)), "a window of 1.5", "whole microseconds"),
        (Window::tumbling(Duration::MAX), "a window of", "whole microseconds"),
        (Window::sliding(MINUTE, Duration::ZERO), "a slide of 0ns", "whole microseconds"),
        (minutes().offset(Duration::from_nanos(1)), "an offset of 1ns", "whole microseconds"),
        (Window::sliding(MINUTE, MINUTE * 2), "every 120s would leave out", "no longer"),
        (Window::sliding(MINUTE, micros(7)), "60000000 panes", "divides the window"),
        (Window::session(Duration::ZERO), "a gap of 0ns", "whole microseconds"),
        (Window::session(MINUTE).offset(MINUTE), "have no offset", "leave the offset out"),
        (Window::session(MINUTE).emit(Emit::Update), "joins two of them", "Emit::Append"),
        (
            Window::session(MINUTE).aggregate([count_distinct("id")]),
            "values of sessions cannot be counted",
            "tumbling or sliding",
        ),
        (minutes().on("when"), "no column when; there are id, time", "correct it"),
        (minutes().on("n"), "column n of type Int64", "timestamp in microseconds"),
        (minutes().by(["no"]), "no column no", "correct it"),
        (named(vec![sum("no")]), "no column no", "correct it"),
        (named(vec![sum("s")]), "sum of column s cannot be had: its type is Utf8", "cast"),
        (named(vec![avg("time")]), "avg of column time", "cast"),
        (named(vec![min("flag")]), "min of column flag", "cast"),
        (named(vec![count("x"), sum("n").named("x")]), "named x", ".named(..)"),
        (named(vec![count("id")]), "named id", ".named(..)"),
        (named(vec![count("window")]), "named window", ".named(..)"),
        (minutes().by(["id", "id"]), "named id", ".named(..)"),
    ];
    for (step, problem, next_step) in refused {
        let error = step.resolve(&[stream()]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
        assert!(error.to_string().contains(problem), "{error}");
        assert!(error.next_step().contains(next_step), "{error}: {}", error.next_step());
    }
    let error = minutes().resolve(&[StreamInfo::new(schema())]).unwrap_err();
    assert!(error.to_string().contains("need an event time"), "{error}");
    let error = minutes().resolve(&[stream(), stream()]).unwrap_err();
    assert!(error.to_string().contains("not of 2"), "{error}");
}

#[test]
fn what_is_declared_is_what_the_step_needs() {
    let all = [count("rows"), sum("d"), avg("d"), first("s"), max("f")];
    let step = Window::tumbling(MINUTE).by(["id"]).aggregate(all);
    let resolved = step.resolve(&[stream()]).unwrap();
    let time = DataType::Timestamp(TimeUnit::Microsecond, Some("+00:00".into()));
    let bounds = vec![Field::new("start", time.clone(), false), Field::new("end", time, false)];
    let expected = [
        ("window", DataType::Struct(bounds.into())),
        ("id", DataType::Utf8),
        ("rows", DataType::Int64),
        ("sum(d)", DataType::Decimal128(20, 2)),
        ("avg(d)", DataType::Decimal128(14, 6)),
        ("first(s)", DataType::Utf8),
        ("max(f)", DataType::Float64),
    ];
    let fields = resolved.output().schema.fields();
    let found: Vec<_> =
        fields.iter().map(|it| (it.name().as_str(), it.data_type().clone())).collect();
    assert_eq!(found, expected);
    assert_eq!(resolved.output().time.as_deref(), Some("window"));
    assert_eq!(resolved.routing(), &Routing::ByKey(vec!["id".to_owned()]));
    assert_eq!(resolved.state(), Some(&StateBound::Time { micros: 60_000_000 }));
    assert_eq!(resolved.hold(Port(0)), 1);
    let [late] = resolved.sides() else { panic!("{:?}", resolved.sides()) };
    assert_eq!((late.name.as_str(), late.unread), ("late", Unread::Dropped));
    assert_eq!(late.info, stream());

    let step = Window::sliding(MINUTE, MINUTE / 2).offset(MINUTE).on("time").emit(Emit::Complete);
    let resolved = step.aggregate([count("rows"), avg("n").named("mean")]);
    assert_eq!(
        resolved.describe().settings,
        "sliding 60s every 30s offset 60s on time: count(rows) as rows, avg(n) as mean; complete"
    );
    let resolved = resolved.resolve(&[stream()]).unwrap();
    assert_eq!((resolved.state(), resolved.routing()), (Some(&StateBound::Keys), &Routing::Single));
    assert_eq!(resolved.output().time, None);

    let resolved = Window::session(MINUTE).by(["id"]).aggregate([count("rows")]);
    assert_eq!(
        resolved.describe().settings,
        "sessions 60s apart by id: count(rows) as rows; append"
    );
    let resolved = resolved.resolve(&[stream()]).unwrap();
    assert_eq!(resolved.state(), Some(&StateBound::Time { micros: 60_000_000 }));
    assert_eq!(resolved.hold(Port(0)), 1);
}

#[test]
fn many_groups_leave_in_batches() {
    let session = || Window::session(MINUTE).by(["id"]).aggregate([count("n")]);
    let even = [Emit::Append, Emit::Update, Emit::Complete].map(|emit| minutes().emit(emit));
    let sessions = [Emit::Append, Emit::Complete].map(|emit| session().emit(emit));
    for step in even.into_iter().chain(sessions) {
        let mut workers = Workers::new(&step, 1);
        let event = |n: i64| Event {
            id: Some(format!("key {n}")),
            time: Some(0),
            offset: n,
            ..Event::default()
        };
        let rows: Vec<_> = (0..20_000).map(event).collect();
        let out = workers.epoch((i64::MIN, 60_000_000), &[rows]);
        assert_eq!(out.rows.len(), 20_000, "{step:?}");
    }
}

/// Nothing of a row is held, so its reader may go on.
#[test]
fn rows_hold_no_permit() {
    let room = Arc::new(());
    let mut operator = minutes().resolve(&[stream()]).unwrap().build().unwrap();
    let (mut emitted, mut told) = (Vec::new(), Default::default());
    let mut cx = Context::new(moment(Epoch(0), (0, 0)), 1, &mut emitted, &mut told);
    let rows = batch(&[Event { time: Some(9), ..Event::default() }]);
    let rows = Batch { permit: Some(Permit::new(Arc::clone(&room))), ..rows };
    let _done = operator.on_batch(Port(0), rows, &mut cx).unwrap();
    assert_eq!(Arc::strong_count(&room), 1);
}

#[test]
fn the_first_row_must_say_where_it_comes_from() {
    let step = minutes().aggregate([first("s")]);
    let whole = || batch(&[Event { time: Some(9), ..Event::default() }]);
    for (batch, word) in [
        (Batch { offsets: None, ..whole() }, "1 rows have no offsets"),
        (Batch { origin: None, ..whole() }, "1 rows have no source and partition"),
    ] {
        let error = Workers::new(&step, 1).try_epoch((0, 0), &[batch]).unwrap_err();
        assert!(error.to_string().contains(word), "{error}");
        assert_eq!(error.kind(), ErrorKind::Invalid);
    }
    let placeless = Batch { offsets: None, origin: None, ..whole() };
    Workers::new(&minutes(), 1).try_epoch((0, 0), &[placeless]).unwrap();
}

/// What a window gives is never late for the next step, and goes into the window of its last microsecond.
#[test]
fn windows_of_windows_lose_nothing() {
    let minutes = minutes().emit(Emit::Append);
    let resolved = minutes.resolve(&[stream()]).unwrap();
    let hours = Window::tumbling(MINUTE * 2).by(["id"]).aggregate([sum("n").named("n")]);
    let next = hours.resolve(&[resolved.output().clone()]).unwrap();
    let (mut one, mut two) = (resolved.build().unwrap(), next.build().unwrap());
    let (mut total, mut late_before, mut late) = (0, i64::MIN, 0);
    for (epoch, watermark) in [60, 119, 120, 121, 185, 400].into_iter().enumerate() {
        let watermark = watermark * 1_000_000;
        let marks = (late_before, watermark);
        let time = Some(late_before.max(-60_000_000) + 1);
        let rows = batch(&[Event { time, ..Event::default() }]);
        let epoch = Epoch(epoch as u64);
        let (mut emitted, mut told) = (Vec::new(), Default::default());
        let mut cx = Context::new(moment(epoch, marks), 1, &mut emitted, &mut told);
        let _done = one.on_batch(Port(0), rows, &mut cx).unwrap();
        let mut flow = one.on_epoch_end(&mut cx).unwrap();
        while flow == highwater_core::Flow::More {
            flow = one.more(&mut cx).unwrap();
        }
        late += cx.counts().late;
        let held =
            (marks.0.saturating_sub(resolved.hold(Port(0))), marks.1 - resolved.hold(Port(0)));
        let (mut out, mut told) = (Vec::new(), Default::default());
        let mut cx = Context::new(moment(epoch, held), 1, &mut out, &mut told);
        for (_, batch) in emitted {
            let _done = two.on_batch(Port(0), batch, &mut cx).unwrap();
        }
        let mut flow = two.on_epoch_end(&mut cx).unwrap();
        while flow == highwater_core::Flow::More {
            flow = two.more(&mut cx).unwrap();
        }
        late += cx.counts().late;
        let sums = |batch: &RecordBatch| -> i64 {
            batch.column(2).as_primitive::<Int64Type>().values().iter().sum()
        };
        total += out.iter().map(|(_, batch)| sums(&batch.rows)).sum::<i64>();
        late_before = watermark;
    }
    assert_eq!((total, late), (6, 0));
}

/// A group and its values are kept by one worker, on however many they were counted before.
#[test]
fn different_values_of_a_group_stay_together() {
    for step in [Window::tumbling(MINUTE), Window::sliding(MINUTE, MINUTE / 2)] {
        let step = step.by(["id"]).aggregate([count_distinct("n").named("values")]);
        let mut workers = Workers::new(&step, 3);
        let event = |n: i64| Event {
            id: Some(format!("key {}", n % 7)),
            time: Some(0),
            n: Some(n % 70),
            ..Event::default()
        };
        for count in [2, 1, 3] {
            let rows: Vec<_> = (0..700).map(event).collect();
            workers.epoch((i64::MIN, i64::MIN), &[rows]);
            workers.restart(count);
        }
        let out = workers.epoch((i64::MIN, i64::MAX), &[]);
        assert!(out.rows.len() >= 7);
        assert!(out.rows.iter().all(|row| row.2[1] == Cell::Int(10)), "{out:?}");
        assert_eq!(workers.rows_kept(), 0);
    }
}

/// How often a value is odd.
#[derive(Debug)]
struct Odd;

impl Aggregate for Odd {
    fn takes(&self, input: &DataType) -> bool {
        *input == DataType::Int64
    }

    fn state(&self) -> Vec<Field> {
        vec![Field::new("odd", DataType::Int64, false)]
    }

    fn output(&self) -> DataType {
        DataType::Int64
    }

    fn update(&self, state: &mut Accumulators<'_, '_>, input: &Input<'_>) -> Result<()> {
        let values = input.values()?.as_primitive::<Int64Type>();
        let odd = state.column::<Int64Type>(0)?;
        input.each(|slot, row| odd[slot] += values.value(row) & 1);
        Ok(())
    }

    fn merge(&self, state: &mut Accumulators<'_, '_>, other: &Input<'_>) -> Result<()> {
        let more = other.values()?.as_primitive::<Int64Type>();
        let odd = state.column::<Int64Type>(0)?;
        other.each(|slot, row| odd[slot] += more.value(row));
        Ok(())
    }

    fn finish(&self, state: &[ArrayRef]) -> Result<ArrayRef> {
        assert_eq!(state[0].null_count(), 0);
        Ok(Arc::clone(&state[0]))
    }
}

#[test]
fn an_aggregate_of_ones_own_is_one_like_others() {
    let own = || Aggregation::own("odd", "n", Arc::new(Odd));
    let rows: Vec<_> =
        (0..9).map(|n| Event { n: Some(n), time: Some(n), ..Event::default() }).collect();
    for step in [Window::tumbling(MINUTE), Window::sliding(MINUTE, MINUTE / 2)] {
        let step = step.aggregate([own(), count("rows")]).by(["id"]);
        let out = Workers::new(&step, 1).epoch((i64::MIN, i64::MAX), std::slice::from_ref(&rows));
        assert!(out.rows.iter().all(|row| row.2[1..] == [Cell::Int(4), Cell::Int(9)]), "{out:?}");
    }
    let error = Window::tumbling(MINUTE)
        .aggregate([Aggregation::own("odd", "s", Arc::new(Odd))])
        .resolve(&[stream()])
        .unwrap_err();
    assert!(error.to_string().contains("this aggregate of column s"), "{error}");
}
