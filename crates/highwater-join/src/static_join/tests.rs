//! The step by its contract.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int32Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, TimeUnit};
use highwater_core::{Epoch, ErrorKind, Moment, Offsets, Origin, Partition, Timestamp, Watermarks};

use super::*;

mod oracle;

/// A stream of ids, what happened, and when.
fn stream(rows: &[(Option<i64>, &str)]) -> RecordBatch {
    let at: ArrayRef =
        Arc::new(arrow::array::TimestampMicrosecondArray::from_iter_values((0..).take(rows.len())));
    let columns: [(&str, ArrayRef, bool); 3] = [
        ("what", Arc::new(rows.iter().map(|row| Some(row.1)).collect::<StringArray>()), true),
        ("id", Arc::new(rows.iter().map(|row| row.0).collect::<Int64Array>()), true),
        ("at", at, true),
    ];
    RecordBatch::try_from_iter_with_nullable(columns).unwrap()
}

/// A table of names by id.
fn table(rows: &[(Option<i64>, &str)]) -> RecordBatch {
    let columns: [(&str, ArrayRef, bool); 2] = [
        ("name", Arc::new(rows.iter().map(|row| Some(row.1)).collect::<StringArray>()), false),
        ("id", Arc::new(rows.iter().map(|row| row.0).collect::<Int64Array>()), true),
    ];
    RecordBatch::try_from_iter_with_nullable(columns).unwrap()
}

fn inputs() -> [StreamInfo; 2] {
    let stream = StreamInfo::new(stream(&[]).schema()).with_time("at");
    [stream, StreamInfo::new(table(&[]).schema())]
}

fn batch(rows: RecordBatch) -> Batch {
    let partition = Partition::new("t", 0);
    let origin = Arc::new(Origin { source: "events".parse().unwrap(), partition });
    Batch { origin: Some(origin), offsets: Some(Offsets::From(5)), ..rows.into() }
}

/// One instance in its epochs.
struct Running {
    operator: Box<dyn Operator>,
    epoch: u64,
}

impl Running {
    fn new(join: &StaticJoin) -> Self {
        Self { operator: join.resolve(&inputs()).unwrap().build().unwrap(), epoch: 0 }
    }

    /// What comes out of an epoch with these batches of the stream, which has another table if one is
    /// given.
    fn epoch(&mut self, table: Option<&[RecordBatch]>, stream: Vec<Batch>) -> Vec<Batch> {
        let watermarks = Watermarks::UNKNOWN;
        let moment = Moment { epoch: Epoch(self.epoch), now: Timestamp(0), watermarks };
        self.epoch += 1;
        let (mut emitted, mut told) = (Vec::new(), Default::default());
        let unchanged: &[Port] = if table.is_some() { &[] } else { &[TABLE] };
        let mut cx = Context::new(moment, 0, &mut emitted, &mut told).with_unchanged(unchanged);
        self.operator.on_epoch_start(&mut cx).unwrap();
        for rows in table.into_iter().flatten() {
            let _done = self.operator.on_batch(TABLE, rows.clone().into(), &mut cx).unwrap();
        }
        for batch in stream {
            let mut flow = self.operator.on_batch(Port(0), batch, &mut cx).unwrap();
            while flow == Flow::More {
                flow = self.operator.more(&mut cx).unwrap();
            }
        }
        let _done = self.operator.on_epoch_end(&mut cx).unwrap();
        emitted.into_iter().map(|(_, batch)| batch).collect()
    }
}

/// Rows as their columns in words.
fn words(batches: &[Batch]) -> Vec<String> {
    let mut words = Vec::new();
    for batch in batches {
        for row in 0..batch.len() {
            let cell = |column: &ArrayRef| {
                let text = arrow::util::display::array_value_to_string(column, row).unwrap();
                if column.is_null(row) { "null".to_owned() } else { text }
            };
            let cells: Vec<_> = batch.rows.columns().iter().map(cell).collect();
            words.push(cells.join(" "));
        }
    }
    words
}

fn names(schema: &SchemaRef) -> Vec<String> {
    schema.fields().iter().map(|field| field.name().clone()).collect()
}

/// The id, what happened and the name.
fn joined(join: &StaticJoin) -> Vec<String> {
    let table = [table(&[(Some(1), "Ada"), (None, "Nobody"), (Some(3), "Cy"), (Some(3), "Di")])];
    let stream = stream(&[(Some(3), "a"), (None, "b"), (Some(2), "c"), (Some(1), "d")]);
    let mut out = words(&Running::new(join).epoch(Some(&table), vec![batch(stream)]));
    let time = |row: &mut String| {
        let mut cells: Vec<_> = row.split(' ').collect();
        cells.remove(2);
        *row = cells.join(" ");
    };
    out.iter_mut().for_each(time);
    out
}

#[test]
fn rows_meet_by_equal_keys_and_nulls_meet_nothing() {
    let ids = || ["id"];
    let mut inner = joined(&StaticJoin::inner(ids()));
    inner.sort();
    assert_eq!(inner, ["1 d Ada", "3 a Cy", "3 a Di"]);
    let mut left = joined(&StaticJoin::left(ids()));
    left.sort();
    assert_eq!(left, ["1 d Ada", "2 c null", "3 a Cy", "3 a Di", "null b null"]);
    assert_eq!(joined(&StaticJoin::semi(ids())), ["3 a", "1 d"]);
    assert_eq!(joined(&StaticJoin::anti(ids())), ["null b", "2 c"]);
}

#[test]
fn columns_are_the_key_then_the_streams_then_the_tables() {
    let of = |join: StaticJoin| join.resolve(&inputs()).unwrap().output().clone();
    let inner = of(StaticJoin::inner(["id"]));
    assert_eq!(names(&inner.schema), ["id", "what", "at", "name"]);
    assert_eq!(inner.time.as_deref(), Some("at"));
    assert!(!inner.schema.field(3).is_nullable());
    assert!(of(StaticJoin::left(["id"])).schema.field(3).is_nullable());
    assert_eq!(names(&of(StaticJoin::semi(["id"])).schema), ["id", "what", "at"]);
    let resolved = StaticJoin::anti(["id"]).resolve(&inputs()).unwrap();
    assert_eq!(resolved.routing_of(TABLE), &Routing::ByKey(vec!["id".to_owned()]));
    assert!(resolved.is_table(TABLE) && !resolved.is_table(Port(0)));
    assert_eq!(resolved.state(), None);
}

#[test]
fn columns_of_one_name_are_refused_or_get_an_ending() {
    let twice = [inputs()[0].clone(), inputs()[0].clone()];
    let error = StaticJoin::inner(["id"]).resolve(&twice).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.to_string().contains("what") && error.next_step().contains("suffix"), "{error}");
    let resolved = StaticJoin::inner(["id"]).suffix("_then").resolve(&twice).unwrap();
    assert_eq!(names(&resolved.output().schema), ["id", "what", "at", "what_then", "at_then"]);
    assert!(StaticJoin::semi(["id"]).resolve(&twice).is_ok());
}

#[test]
fn keys_that_cannot_be_compared_are_refused() {
    let refused = |join: StaticJoin, inputs: &[StreamInfo]| {
        let error = join.resolve(inputs).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        error.to_string()
    };
    let [stream, table] = inputs();
    let shown = refused(StaticJoin::inner(["name"]), &[stream.clone(), table.clone()]);
    assert!(shown.contains("the stream cannot be joined by name"), "{shown}");
    let shown = refused(StaticJoin::inner(["what"]), &[stream.clone(), table]);
    assert!(shown.contains("the table cannot be joined by what"), "{shown}");
    let narrow: ArrayRef = Arc::new(Int32Array::from(vec![1]));
    let narrow = RecordBatch::try_from_iter([("id", narrow)]).unwrap();
    let narrow = StreamInfo::new(narrow.schema());
    let shown = refused(StaticJoin::inner(["id"]), &[stream.clone(), narrow]);
    assert!(shown.contains("id is Int64 in the stream and Int32 in the table"), "{shown}");
    let shown = refused(StaticJoin::inner(["id"]), std::slice::from_ref(&stream));
    assert!(shown.contains("one table"), "{shown}");
    let none: [&str; 0] = [];
    assert!(refused(StaticJoin::inner(none), &inputs()).contains("cannot be joined by"));
    let at = stream.schema.field(2).data_type();
    assert_eq!(at, &DataType::Timestamp(TimeUnit::Microsecond, None));
}

#[test]
fn a_table_stays_until_it_is_renewed() {
    let mut running = Running::new(&StaticJoin::inner(["id"]));
    let event = || vec![batch(stream(&[(Some(1), "a")]))];
    let first = running.epoch(Some(&[table(&[(Some(1), "Ada")])]), event());
    assert!(words(&first)[0].ends_with("Ada"));
    assert_eq!(words(&running.epoch(None, event())), words(&first));
    let second = running.epoch(Some(&[table(&[(Some(1), "Bo")])]), event());
    assert!(words(&second)[0].ends_with("Bo") && second.len() == 1);
    assert!(running.epoch(Some(&[]), event()).is_empty(), "the new version has no rows");
    assert!(running.epoch(None, event()).is_empty());
}

#[test]
fn a_table_that_comes_after_the_stream_is_refused() {
    let mut running = Running::new(&StaticJoin::inner(["id"]));
    running.epoch(Some(&[table(&[(Some(1), "Ada")])]), vec![batch(stream(&[(Some(1), "a")]))]);
    let (mut emitted, mut told) = (Vec::new(), Default::default());
    let moment = Moment { epoch: Epoch(1), now: Timestamp(0), watermarks: Watermarks::UNKNOWN };
    let mut cx = Context::new(moment, 0, &mut emitted, &mut told);
    let late = running.operator.on_batch(TABLE, table(&[(Some(1), "Bo")]).into(), &mut cx);
    assert_eq!(late.unwrap_err().kind(), ErrorKind::Internal);
}

#[test]
fn output_is_bounded_and_no_row_gets_lost_on_the_way() {
    let many: Vec<_> = (0..1_000).map(|_| (Some(1), "x")).collect();
    let events: Vec<_> = (0..100).map(|n| (Some(n % 4), "e")).collect();
    let mut running = Running::new(&StaticJoin::left(["id"]));
    let out = running.epoch(Some(&[table(&many)]), vec![batch(stream(&events))]);
    assert_eq!(out.iter().map(Batch::len).sum::<usize>(), 25 * 1_000 + 75);
    assert!(out.len() > 3 && out.iter().all(|batch| batch.len() <= ROWS));
    assert!(out.iter().all(|batch| batch.offsets.is_none() && batch.origin.is_some()));
}

#[test]
fn offsets_stay_where_no_row_is_doubled() {
    let rows = [(Some(3), "a"), (None, "b"), (Some(1), "c")];
    let table = [table(&[(Some(1), "Ada"), (Some(3), "Cy")])];
    let offsets = |join: StaticJoin| {
        let out = Running::new(&join).epoch(Some(&table), vec![batch(stream(&rows))]);
        out.into_iter().map(|batch| batch.offsets.unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(offsets(StaticJoin::left(["id"])), [Offsets::From(5)]);
    assert_eq!(offsets(StaticJoin::inner(["id"])), [Offsets::new([5, 7])]);
    assert_eq!(offsets(StaticJoin::semi(["id"])), [Offsets::new([5, 7])]);
    assert_eq!(offsets(StaticJoin::anti(["id"])), [Offsets::new([6])]);
}

#[test]
fn the_table_holds_no_room_of_its_reader() {
    let held = Arc::new(());
    let permit = Some(highwater_core::Permit::new(Arc::clone(&held)));
    let mut running = Running::new(&StaticJoin::inner(["id"]));
    let rows = Batch { permit, ..table(&[(Some(1), "Ada")]).into() };
    let (mut emitted, mut told) = (Vec::new(), Default::default());
    let watermarks = Watermarks::UNKNOWN;
    let moment = Moment { epoch: Epoch(0), now: Timestamp(0), watermarks };
    let mut cx = Context::new(moment, 0, &mut emitted, &mut told);
    running.operator.on_epoch_start(&mut cx).unwrap();
    let _done = running.operator.on_batch(TABLE, rows, &mut cx).unwrap();
    assert_eq!(Arc::strong_count(&held), 1);
}
