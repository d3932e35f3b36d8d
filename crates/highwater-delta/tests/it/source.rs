//! A table as a source: which version is planned, what is read of it, and what is refused.

use std::sync::Arc;

use arrow::array::{Array as _, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef, TimeUnit};
use futures::TryStreamExt;
use highwater_core::{Decoded, ErrorKind, Limits, Planned, Positions, Range, Result, Source};
use highwater_delta::{DeltaSource, DeltaTable, Maintenance};
use highwater_storage::Storage;
use serde_json::{Value, json};

use crate::fixture::{
    Pipeline, active, context, foreign, info, log_path, rows, table, with_column,
};
use crate::valued;

mod conditions;

/// Two of the columns, in another order.
fn columns() -> SchemaRef {
    let zone = Some("+00:00".into());
    Arc::new(Schema::new(vec![
        Field::new("at", DataType::Timestamp(TimeUnit::Microsecond, zone), true),
        Field::new("id", DataType::Int64, false),
    ]))
}

fn source(storage: &Storage) -> DeltaSource {
    DeltaTable::new(storage.clone()).source(columns())
}

async fn plan(source: &DeltaSource, from: &Positions) -> Result<Planned> {
    source.plan(from, None, &Limits::default()).await
}

/// The range that is planned, and the positions behind it.
async fn next(source: &DeltaSource, from: &Positions) -> Result<(Range, Positions)> {
    let planned = plan(source, from).await?;
    let [range] = &*planned.ranges else { panic!("{planned:?}") };
    assert!(planned.backlog.is_empty());
    Ok((range.clone(), from.after(&planned.ranges)))
}

/// What is read of a range, and nothing beside the declared columns.
async fn batches(source: &DeltaSource, range: &Range) -> Result<Vec<RecordBatch>> {
    let mut decoder = source.decoder(range)?;
    let mut decoded = Decoded::default();
    let mut payloads = source.read(vec![range.clone()]);
    let columns = source.output().schema;
    while let Some((id, payload)) = payloads.try_next().await? {
        assert_eq!(id, range.id);
        let read = payload.rows.as_ref().unwrap();
        assert_eq!(read.num_columns(), columns.fields().len());
        decoder.decode(payload, &mut decoded)?;
    }
    decoder.finish(&mut decoded)?;
    let count: usize = decoded.rows.iter().map(RecordBatch::num_rows).sum();
    assert_eq!(decoded.records, count as u64);
    assert_eq!(decoded.rows.len(), decoded.offsets.len());
    assert!(decoded.rows.iter().all(|rows| rows.schema() == columns));
    Ok(decoded.rows)
}

/// The ids that are read of a range.
async fn read(source: &DeltaSource, range: &Range) -> Result<Vec<i64>> {
    let ids = |rows: &RecordBatch| {
        rows.column_by_name("id").unwrap().as_primitive::<Int64Type>().values().to_vec()
    };
    let mut ids: Vec<_> = batches(source, range).await?.iter().flat_map(ids).collect();
    ids.sort_unstable();
    Ok(ids)
}

#[tokio::test]
async fn the_newest_version_is_planned_and_an_old_one_stays_readable() {
    let storage = Storage::memory();
    let mut pipeline = Pipeline::open(&storage).await;
    pipeline.append(0, &[rows(0..3)]).await;
    let source = source(&storage);
    let (first, positions) = next(&source, &Positions::default()).await.unwrap();
    assert_eq!(read(&source, &first).await.unwrap(), [0, 1, 2]);
    let (again, same) = next(&source, &positions).await.unwrap();
    assert_eq!((&again, &same), (&first, &positions), "nothing has changed");

    pipeline.append(1, &[rows(3..5)]).await;
    let (second, positions) = next(&source, &positions).await.unwrap();
    assert_eq!(second.to.next, first.to.next + 1);
    assert_eq!(read(&source, &second).await.unwrap(), [0, 1, 2, 3, 4]);
    assert_eq!(read(&source, &first).await.unwrap(), [0, 1, 2], "as a replay reads it");
    let ends = source.ends(&positions).await.unwrap();
    assert_eq!(ends, positions);
    let until = Positions::default().after(std::slice::from_ref(&first));
    let planned = source.plan(&positions, Some(&until), &Limits::default()).await.unwrap();
    assert_eq!(planned.ranges, [first]);
}

#[tokio::test]
async fn a_version_may_be_that_of_the_first_epoch_or_a_given_one() {
    let storage = Storage::memory();
    let mut pipeline = Pipeline::open(&storage).await;
    pipeline.append(0, &[rows(0..3)]).await;
    let fixed = source(&storage).fixed();
    let (first, positions) = next(&fixed, &Positions::default()).await.unwrap();
    pipeline.append(1, &[rows(3..5)]).await;
    assert_eq!(next(&fixed, &positions).await.unwrap(), (first, positions.clone()));
    let version = table(&storage).await.version() - 2;
    let empty = source(&storage).at_version(version);
    let (range, after) = next(&empty, &positions).await.unwrap();
    assert_eq!(read(&empty, &range).await.unwrap(), [0_i64; 0]);
    assert!(empty.describe().contains(&format!("at version {version}")), "{}", empty.describe());
    assert_eq!(next(&empty, &after).await.unwrap().0, range, "also when it has read that one");
}

#[tokio::test]
async fn rows_that_were_taken_out_are_there_in_the_versions_before() {
    for how in valued::BOTH {
        let storage = Storage::memory();
        let mut updates = valued::open(&storage, how).await;
        updates.append(0, &[valued::rows(&[(1, 10), (2, 20), (3, 30)])]).await;
        let columns = valued::rows(&[]).schema().project(&[2, 0, 1]).unwrap();
        let source = DeltaTable::new(storage.clone()).source(Arc::new(columns));
        let (first, positions) = next(&source, &Positions::default()).await.unwrap();
        updates.append(1, &[valued::rows(&[(2, 21), (4, 40)])]).await;
        let vectors = active(&storage).await;
        let vectors = vectors.values().filter(|file| !file["deletionVector"].is_null()).count();
        assert_eq!(vectors, usize::from(how == valued::How::Vectors));
        let (second, _) = next(&source, &positions).await.unwrap();
        let now = batches(&source, &second).await.unwrap();
        assert_eq!(valued::pairs(&now), [(1, 10), (2, 21), (3, 30), (4, 40)], "{how:?}");
        let then = batches(&source, &first).await.unwrap();
        assert_eq!(valued::pairs(&then), [(1, 10), (2, 20), (3, 30)], "{how:?}");
    }
}

#[tokio::test]
async fn columns_of_partitions_come_with_the_others_and_alone() {
    let storage = Storage::memory();
    let sink = DeltaTable::new(storage.clone()).append().partition_by(["note"]);
    let mut pipeline = Pipeline::try_open_with(sink, context("ledger")).await.unwrap();
    pipeline.append(0, &[rows(0..9)]).await;
    let of = |names: &[&str]| {
        let fields =
            names.iter().map(|name| rows(0..0).schema_ref().field_with_name(name).cloned());
        let schema = Schema::new(fields.collect::<Result<Vec<_>, _>>().unwrap());
        DeltaTable::new(storage.clone()).source(Arc::new(schema))
    };
    let both = of(&["note", "id"]);
    let (range, _) = next(&both, &Positions::default()).await.unwrap();
    assert_eq!(read(&both, &range).await.unwrap(), (0..9).collect::<Vec<_>>());
    for rows in batches(&both, &range).await.unwrap() {
        let (notes, ids) =
            (rows["note"].as_string::<i32>(), rows["id"].as_primitive::<Int64Type>());
        for (note, id) in notes.iter().zip(ids.values()) {
            let wanted = (id % 3 != 0).then(|| format!("note {}", id % 2));
            assert_eq!(note, wanted.as_deref(), "{id}");
        }
    }
    let notes = batches(&of(&["note"]), &range).await.unwrap();
    let count = |of: fn(&RecordBatch) -> usize| notes.iter().map(of).sum::<usize>();
    let null = |rows: &RecordBatch| rows.column(0).null_count();
    assert_eq!((count(RecordBatch::num_rows), count(null)), (9, 3));
}

#[tokio::test]
async fn a_column_that_is_newer_than_files_is_null_in_these() {
    let storage = Storage::memory();
    let mut pipeline = Pipeline::open(&storage).await;
    pipeline.append(0, &[rows(0..3)]).await;
    let age = with_column(&storage, "age", true).await;
    foreign(&storage, &[info("ADD COLUMNS", &json!({})), age]).await;
    let age = Schema::new(vec![Field::new("age", DataType::Int64, true)]);
    let source = DeltaTable::new(storage.clone()).source(Arc::new(age));
    let (range, _) = next(&source, &Positions::default()).await.unwrap();
    let batches = batches(&source, &range).await.unwrap();
    let nulls: usize = batches.iter().map(|rows| rows["age"].null_count()).sum();
    assert_eq!(nulls, 3);
}

#[tokio::test]
async fn a_version_lives_as_long_as_its_files_and_what_its_log_is_replayed_from() {
    let storage = Storage::memory();
    let delta = DeltaTable::new(storage.clone());
    let sink = delta
        .complete()
        .create_property("delta.checkpointInterval", "3")
        .create_property("delta.logRetentionDuration", "interval 0 seconds");
    let mut pipeline = Pipeline::try_open_with(sink, context("ledger")).await.unwrap();
    for (epoch, ids) in [(0, 0..2), (1, 2..4), (2, 4..6)] {
        pipeline.append(epoch, &[rows(ids)]).await;
    }
    let (second, third) = (source(&storage).at_version(2), source(&storage).at_version(3));
    let start = Positions::default();
    let (before, _) = next(&second, &start).await.unwrap();
    let (newest, _) = next(&third, &start).await.unwrap();
    assert_eq!(read(&second, &before).await.unwrap(), [2, 3]);

    // A vacuum: what the newest version does not have is deleted.
    let kept = active(&storage).await;
    for file in storage.list("").await.unwrap() {
        if file.path.ends_with(".parquet") && !kept.contains_key(&file.path) {
            storage.delete(&file.path).await.unwrap();
        }
    }
    let error = read(&second, &before).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
    assert!(error.to_string().contains("version 2 of table"), "{error}");

    // The log begins with a checkpoint of the third version.
    let done = delta.maintain(Maintenance::default()).await.unwrap();
    assert_eq!((done.checkpoint, done.log_files), (Some(3), 3));
    storage.delete(&log_path(3)).await.unwrap();
    assert_eq!(next(&third, &start).await.unwrap().0, newest);
    assert_eq!(read(&third, &newest).await.unwrap(), [4, 5]);
    for version in [2, 9] {
        let error = plan(&source(&storage).at_version(version), &start).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
        assert!(error.to_string().contains(&format!("version {version} of table")), "{error}");
    }
}

#[tokio::test]
async fn a_version_that_is_gone_is_refused_by_its_number() {
    let storage = Storage::memory();
    let mut pipeline = Pipeline::open(&storage).await;
    pipeline.append(0, &[rows(0..3)]).await;
    let fixed = source(&storage).fixed();
    let (range, positions) = next(&fixed, &Positions::default()).await.unwrap();
    let files = storage.list("").await.unwrap();
    for file in files.iter().filter(|file| file.path.ends_with(".parquet")) {
        storage.delete(&file.path).await.unwrap();
    }
    let version = range.to.next - 1;
    let error = read(&fixed, &range).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
    assert!(error.to_string().contains(&format!("version {version} of table")), "{error}");
    assert!(error.next_step().contains("from a copy"), "{}", error.next_step());

    storage.delete(&log_path(version.unsigned_abs())).await.unwrap();
    let error = plan(&fixed, &positions).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
    assert!(error.to_string().contains(&format!("version {version} of table")), "{error}");
}

#[tokio::test]
async fn another_table_in_its_place_is_refused() {
    let storage = Storage::memory();
    Pipeline::open(&storage).await.append(0, &[rows(0..3)]).await;
    let source = source(&storage);
    let (range, positions) = next(&source, &Positions::default()).await.unwrap();
    for file in storage.list("").await.unwrap() {
        storage.delete(&file.path).await.unwrap();
    }
    assert_eq!(plan(&source, &positions).await.unwrap_err().kind(), ErrorKind::Refused);
    let mut anew = Pipeline::open(&storage).await;
    anew.append(0, &[rows(0..1)]).await;
    assert_eq!(read(&source, &range).await.unwrap_err().kind(), ErrorKind::Refused);
    anew.append(1, &[rows(1..2)]).await;
    let error = plan(&source, &positions).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(error.to_string().contains("made anew"), "{error}");
}

#[tokio::test]
async fn columns_that_the_table_does_not_have_are_named_all_at_once() {
    let storage = Storage::memory();
    let absent = source(&storage);
    let error = plan(&absent, &Positions::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    Pipeline::open(&storage).await.append(0, &[rows(0..3)]).await;
    let wrong = Arc::new(Schema::new(vec![
        Field::new("id", DataType::Int32, false),
        Field::new("age", DataType::Int64, true),
    ]));
    let wrong = DeltaTable::new(storage).source(wrong);
    let (range, _) = next(&wrong, &Positions::default()).await.unwrap();
    let error = read(&wrong, &range).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    let shown = error.to_string();
    assert!(shown.contains("id is Int64") && shown.contains("age"), "{shown}");
}

#[tokio::test]
async fn nulls_where_none_were_declared_end_the_run() {
    let storage = Storage::memory();
    Pipeline::open(&storage).await.append(0, &[rows(0..3)]).await;
    let notes = Arc::new(Schema::new(vec![Field::new("note", DataType::Utf8, false)]));
    let notes = DeltaTable::new(storage).source(notes);
    let (range, _) = next(&notes, &Positions::default()).await.unwrap();
    let mut payloads = notes.read(vec![range.clone()]);
    let (_, payload) = payloads.try_next().await.unwrap().unwrap();
    let decoded = notes.decoder(&range).unwrap().decode(payload, &mut Decoded::default());
    assert_eq!(decoded.unwrap_err().kind(), ErrorKind::Invalid);
}
