//! The step alone: columns and types, what goes with a batch, and the time of the plan.

use arrow::array::{ArrayRef, AsArray, Int64Array, StringArray};
use arrow::datatypes::{
    DataType, Date32Type, Field, Int32Type, TimeUnit, TimestampMicrosecondType,
};
use highwater_core::{
    Emitted, Epoch, Moment, Offsets, Origin, Output, Partition, Permit, Timestamp, Told, Watermarks,
};

use super::*;

fn rows(values: &[Option<&str>]) -> RecordBatch {
    let ids: ArrayRef = Arc::new((0..).take(values.len()).map(Some).collect::<Int64Array>());
    let values: ArrayRef = Arc::new(values.iter().copied().collect::<StringArray>());
    let kept = Field::new("id", DataType::Int64, false)
        .with_metadata([("PARQUET:field_id".to_owned(), "7".to_owned())].into());
    let schema = Schema::new(vec![kept, Field::new("value", DataType::Utf8, true)]);
    RecordBatch::try_new(Arc::new(schema), vec![ids, values]).unwrap()
}

fn run(step: &Select, now: &[i64], batch: &Batch) -> Vec<Vec<Emitted>> {
    let mut operator =
        step.resolve(&[StreamInfo::new(batch.rows.schema())]).unwrap().build().unwrap();
    let epoch = |(epoch, now): (u64, &i64)| {
        let watermarks = Watermarks::UNKNOWN;
        let moment = Moment { epoch: Epoch(epoch), now: Timestamp(*now), watermarks };
        let (mut emitted, mut told) = (Vec::new(), Told::default());
        let mut cx = Context::new(moment, 1, &mut emitted, &mut told);
        operator.on_epoch_start(&mut cx).unwrap();
        assert_eq!(operator.on_batch(Port(0), batch.clone(), &mut cx).unwrap(), Flow::Done);
        emitted
    };
    (0..).zip(now).map(epoch).collect()
}

#[test]
fn types_are_inferred_and_columns_stay_as_they_are() {
    let texts = [
        "*",
        "CAST(value AS DECIMAL(18,2)) AS amount",
        "upper(value) AS upper",
        "id + 1 AS next",
        "id > 1 AS more",
        "now() AS at",
        "current_date AS day",
    ];
    let input = rows(&[]).schema();
    let step = Select::of(texts).resolve(&[StreamInfo::new(Arc::clone(&input))]).unwrap();
    let output = &step.output().schema;
    assert_eq!(output.fields()[..2], input.fields()[..]);
    let found: Vec<_> =
        output.fields()[2..].iter().map(|it| (it.name().as_str(), it.data_type())).collect();
    let instant = DataType::Timestamp(TimeUnit::Microsecond, Some("+00:00".into()));
    let expected = [
        ("amount", &DataType::Decimal128(18, 2)),
        ("upper", &DataType::Utf8),
        ("next", &DataType::Int64),
        ("more", &DataType::Boolean),
        ("at", &instant),
        ("day", &DataType::Date32),
    ];
    assert_eq!(found, expected);
    let nullable: Vec<_> = output.fields()[2..].iter().map(|it| it.is_nullable()).collect();
    assert_eq!(nullable, [true, true, false, false, false, false]);
}

#[test]
fn event_time_stays_if_its_column_does() {
    let time = Field::new("t", DataType::Timestamp(TimeUnit::Microsecond, None), true);
    let info = StreamInfo::new(Arc::new(Schema::new(vec![time]))).with_time("t");
    let output = |texts: &[&str]| {
        let step = Select::of(texts.iter().copied()).resolve(std::slice::from_ref(&info)).unwrap();
        step.output().time.clone()
    };
    assert_eq!(output(&["t", "year(t) AS y"]).as_deref(), Some("t"));
    assert_eq!(output(&["t AS u"]), None);
    assert_eq!(output(&["date_trunc('hour', t) AS t"]).as_deref(), Some("t"));
}

#[test]
fn rows_keep_where_they_come_from_and_so_do_rejected_ones() {
    let origin =
        Origin { source: "events".parse().unwrap(), partition: Partition::new("events", 1) };
    let batch = Batch {
        rows: rows(&[Some("1"), Some("x"), None, Some("4")]),
        origin: Some(Arc::new(origin.clone())),
        offsets: Some(Offsets::From(10)),
        permit: Some(Permit::new(())),
    };
    let emitted = run(&Select::of(["CAST(value AS INT) AS n"]), &[0], &batch).remove(0);
    let [(Output::Side(0), rejected), (Output::Main, kept)] = &*emitted else {
        panic!("{emitted:?}")
    };
    assert_eq!(
        kept.rows.column(0).as_primitive::<Int32Type>().iter().collect::<Vec<_>>(),
        [Some(1), None, Some(4)]
    );
    assert_eq!(kept.offsets, Some(Offsets::new([10, 12, 13])));
    assert_eq!(kept.origin.as_deref(), Some(&origin));
    assert_eq!(rejected.offsets, Some(Offsets::From(11)));
    assert_eq!(rejected.origin.as_deref(), Some(&origin));
    assert!(kept.permit.is_some() && rejected.permit.is_some());

    let columns = rejected.rows.schema();
    let names: Vec<_> = columns.fields().iter().map(|field| field.name().as_str()).collect();
    assert_eq!(names, ["id", "value", "reason"]);
    assert_eq!(rejected.rows.column(1).as_string::<i32>().value(0), "x");
    assert_eq!(
        rejected.rows.column(2).as_string::<i32>().value(0),
        "CAST(value AS INT) AS n: Cast error: Cannot cast string 'x' to value of Int32 type"
    );
}

#[test]
fn now_is_that_of_the_plan_in_each_epoch() {
    let day = 86_400_000_000;
    let step = Select::of(["now() AS at", "current_timestamp AS same", "current_date() AS day"]);
    let batch = Batch::from(rows(&[None, None]));
    let emitted = run(&step, &[5, -1, 3 * day], &batch);
    let seen = |epoch: &Vec<Emitted>| {
        let rows = &epoch[0].1.rows;
        let at = rows.column(0).as_primitive::<TimestampMicrosecondType>();
        assert_eq!(rows.column(0), rows.column(1));
        assert_eq!((at.len(), at.value(0)), (2, at.value(1)));
        (at.value(0), rows.column(2).as_primitive::<Date32Type>().value(0))
    };
    assert_eq!(emitted.iter().map(seen).collect::<Vec<_>>(), [(5, 0), (-1, -1), (3 * day, 3)]);
}

#[test]
fn one_stream_is_computed_over() {
    let error = Select::of(["1 AS a"]).resolve(&[]).unwrap_err();
    assert_eq!(error.to_string(), "select: expressions are computed over one stream, not over 0");
}

#[test]
fn other_expressions_are_another_description() {
    let of = |text: &str| Select::of([text]).describe();
    assert_eq!(of("a AS b"), of("a AS b"));
    assert_ne!(of("a AS b"), of("a AS c"));
}
