//! A table as a source: which snapshot is planned, what is read of it, and what is refused.

use std::sync::Arc;

use futures::TryStreamExt as _;
use highwater_core::arrow::array::{Array as _, AsArray, RecordBatch};
use highwater_core::arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef, TimeUnit};
use highwater_core::{Decoded, ErrorKind, Limits, Planned, Positions, Range, Result, Source};
use highwater_iceberg::{IcebergSource, identity};
use serde_json::{Value, json};

use crate::fixture::{Pipeline, TABLE, context, metadata, rewrite, rows};
use crate::lake::{Lake, in_both_catalogs};

in_both_catalogs!(
    the_current_snapshot_is_planned_and_an_old_one_stays_readable,
    a_snapshot_may_be_that_of_the_first_epoch_or_a_given_one,
    a_snapshot_that_is_gone_is_refused,
    other_columns_are_another_version,
    another_table_in_its_place_is_refused,
    columns_that_the_table_does_not_have_are_named_all_at_once,
    columns_of_partitions_come_with_the_others_and_alone,
    values_that_stand_in_the_metadata_alone_are_not_taken_for_nulls,
);

/// Two of the columns, in another order.
fn columns() -> SchemaRef {
    let zone = Some("UTC".into());
    Arc::new(Schema::new(vec![
        Field::new("at", DataType::Timestamp(TimeUnit::Microsecond, zone), true),
        Field::new("id", DataType::Int64, false),
    ]))
}

fn source(lake: &dyn Lake) -> IcebergSource {
    lake.named(TABLE).source(columns())
}

async fn plan(source: &IcebergSource, from: &Positions) -> Result<Planned> {
    source.plan(from, None, &Limits::default()).await
}

/// The range that is planned, and the positions behind it.
async fn next(source: &IcebergSource, from: &Positions) -> Result<(Range, Positions)> {
    let planned = plan(source, from).await?;
    let [range] = &*planned.ranges else { panic!("{planned:?}") };
    assert!(planned.backlog.is_empty());
    Ok((range.clone(), from.after(&planned.ranges)))
}

/// What is read of a range, and nothing beside the declared columns.
async fn batches(source: &IcebergSource, range: &Range) -> Result<Vec<RecordBatch>> {
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
    assert!(decoded.rows.iter().all(|rows| rows.schema() == columns));
    Ok(decoded.rows)
}

/// The ids that are read of a range.
async fn read(source: &IcebergSource, range: &Range) -> Result<Vec<i64>> {
    let ids = |rows: &RecordBatch| {
        rows.column_by_name("id").unwrap().as_primitive::<Int64Type>().values().to_vec()
    };
    let mut ids: Vec<_> = batches(source, range).await?.iter().flat_map(ids).collect();
    ids.sort_unstable();
    Ok(ids)
}

async fn the_current_snapshot_is_planned_and_an_old_one_stays_readable(lake: &dyn Lake) {
    let mut pipeline = Pipeline::open(lake).await;
    let source = source(lake);
    let (empty, positions) = next(&source, &Positions::default()).await.unwrap();
    assert_eq!(read(&source, &empty).await.unwrap(), [0_i64; 0]);
    pipeline.append(0, &[rows(0..3)]).await;
    let (first, positions) = next(&source, &positions).await.unwrap();
    assert_eq!(read(&source, &first).await.unwrap(), [0, 1, 2]);
    let (again, same) = next(&source, &positions).await.unwrap();
    assert_eq!((&again, &same), (&first, &positions), "nothing has changed");

    pipeline.append(1, &[rows(3..5)]).await;
    let (second, positions) = next(&source, &positions).await.unwrap();
    assert_eq!(second.to.next, first.to.next + 1);
    assert_eq!(read(&source, &second).await.unwrap(), [0, 1, 2, 3, 4]);
    assert_eq!(read(&source, &first).await.unwrap(), [0, 1, 2], "as a replay reads it");
    assert_eq!(read(&source, &empty).await.unwrap(), [0_i64; 0]);
    assert_eq!(source.ends(&positions).await.unwrap(), positions);
    let until = Positions::default().after(std::slice::from_ref(&first));
    let planned = source.plan(&positions, Some(&until), &Limits::default()).await.unwrap();
    assert_eq!(planned.ranges, [first]);
}

/// The ids of the snapshots, oldest first.
async fn snapshots(lake: &dyn Lake) -> Vec<i64> {
    let metadata = metadata(lake).await;
    let mut snapshots = metadata["snapshots"].as_array().unwrap().clone();
    snapshots.sort_by_key(|snapshot| snapshot["sequence-number"].as_i64());
    snapshots.iter().map(|snapshot| snapshot["snapshot-id"].as_i64().unwrap()).collect()
}

async fn a_snapshot_may_be_that_of_the_first_epoch_or_a_given_one(lake: &dyn Lake) {
    let mut pipeline = Pipeline::open(lake).await;
    pipeline.append(0, &[rows(0..2)]).await;
    pipeline.append(1, &[rows(2..4)]).await;
    let fixed = source(lake).fixed();
    let (second, positions) = next(&fixed, &Positions::default()).await.unwrap();
    pipeline.append(2, &[rows(4..6)]).await;
    assert_eq!(next(&fixed, &positions).await.unwrap(), (second, positions.clone()));
    let first = snapshots(lake).await[0];
    let given = source(lake).at_snapshot(first);
    let (range, after) = next(&given, &positions).await.unwrap();
    assert_eq!(read(&given, &range).await.unwrap(), [0, 1]);
    assert_eq!(next(&given, &after).await.unwrap().0, range, "also when it has read that one");
    assert!(given.describe().ends_with(&format!("at snapshot {first}")), "{}", given.describe());
}

async fn a_snapshot_that_is_gone_is_refused(lake: &dyn Lake) {
    let mut pipeline = Pipeline::open(lake).await;
    pipeline.append(0, &[rows(0..3)]).await;
    let fixed = source(lake).fixed();
    let (range, positions) = next(&fixed, &Positions::default()).await.unwrap();
    pipeline.append(1, &[rows(3..5)]).await;
    let first = snapshots(lake).await[0];
    rewrite(lake, |metadata| {
        let is_kept = |snapshot: &Value| snapshot["snapshot-id"] != json!(first);
        metadata["snapshots"].as_array_mut().unwrap().retain(is_kept);
        metadata["snapshot-log"].as_array_mut().unwrap().retain(is_kept);
    })
    .await;
    let named = format!("snapshot {first} of table {TABLE} is not there");
    for error in [
        plan(&fixed, &positions).await.unwrap_err(),
        read(&fixed, &range).await.unwrap_err(),
        plan(&source(lake).at_snapshot(first), &positions).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
        assert!(error.to_string().contains(&named), "{error}");
    }
    // Its files may have gone before it.
    let newest = source(lake);
    let (range, _) = next(&newest, &positions).await.unwrap();
    for object in lake.warehouse().list("").await.unwrap() {
        if object.path.ends_with(".parquet") {
            lake.warehouse().delete(&object.path).await.unwrap();
        }
    }
    let error = read(&newest, &range).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
    assert!(error.to_string().contains(".parquet is named by table"), "{error}");
}

async fn other_columns_are_another_version(lake: &dyn Lake) {
    Pipeline::open(lake).await.append(0, &[rows(0..3)]).await;
    let before = source(lake);
    let (first, positions) = next(&before, &Positions::default()).await.unwrap();
    rewrite(lake, |metadata| {
        let mut schema = metadata["schemas"][0].clone();
        schema["schema-id"] = json!(1);
        schema["fields"][0]["name"] = json!("number");
        metadata["schemas"].as_array_mut().unwrap().push(schema);
        metadata["current-schema-id"] = json!(1);
    })
    .await;
    let (second, _) = next(&before, &positions).await.unwrap();
    assert_eq!(second.to.next, first.to.next);
    assert_ne!(second, first);
    assert_eq!(read(&before, &first).await.unwrap(), [0, 1, 2], "as a replay reads it");
    let error = read(&before, &second).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    let number = Schema::new(vec![Field::new("number", DataType::Int64, true)]);
    let renamed = lake.named(TABLE).source(Arc::new(number));
    let found = batches(&renamed, &second).await.unwrap();
    assert_eq!(found[0].column(0).as_primitive::<Int64Type>().values(), &[0, 1, 2]);
}

async fn another_table_in_its_place_is_refused(lake: &dyn Lake) {
    Pipeline::open(lake).await.append(0, &[rows(0..3)]).await;
    let source = source(lake);
    let (range, positions) = next(&source, &Positions::default()).await.unwrap();
    rewrite(lake, |metadata| {
        metadata["table-uuid"] = json!("b1a1f7a6-0000-4000-8000-000000000000");
    })
    .await;
    for error in
        [plan(&source, &positions).await.unwrap_err(), read(&source, &range).await.unwrap_err()]
    {
        assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
        assert!(error.to_string().contains("made anew"), "{error}");
    }
}

async fn columns_that_the_table_does_not_have_are_named_all_at_once(lake: &dyn Lake) {
    let error = plan(&source(lake), &Positions::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    Pipeline::open(lake).await.append(0, &[rows(0..3)]).await;
    let wrong = Schema::new(vec![
        Field::new("id", DataType::Int32, false),
        Field::new("age", DataType::Int64, true),
    ]);
    let wrong = lake.named(TABLE).source(Arc::new(wrong));
    let (range, _) = next(&wrong, &Positions::default()).await.unwrap();
    let error = read(&wrong, &range).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    let shown = error.to_string();
    assert!(shown.contains("id is Int64") && shown.contains("age"), "{shown}");
}

async fn columns_of_partitions_come_with_the_others_and_alone(lake: &dyn Lake) {
    let sink = lake.named(TABLE).append().partition_by([identity("note")]);
    let mut pipeline = Pipeline::try_open_with(sink, context("ledger", "run")).await.unwrap();
    pipeline.append(0, &[rows(0..9)]).await;
    let of = |names: &[&str]| {
        let all = rows(0..0).schema();
        let fields = names.iter().map(|name| all.field_with_name(name).unwrap().clone());
        lake.named(TABLE).source(Arc::new(Schema::new(fields.collect::<Vec<_>>())))
    };
    let both = of(&["note", "id"]);
    let (range, _) = next(&both, &Positions::default()).await.unwrap();
    assert_eq!(read(&both, &range).await.unwrap(), (0..9).collect::<Vec<_>>());
    for rows in batches(&both, &range).await.unwrap() {
        let (notes, ids) =
            (rows["note"].as_string::<i32>(), rows["id"].as_primitive::<Int64Type>());
        for (note, id) in notes.iter().zip(ids.values()) {
            let wanted = (id % 3 != 0).then(|| format!("note {id}"));
            assert_eq!(note, wanted.as_deref());
        }
    }
    let notes = batches(&of(&["note"]), &range).await.unwrap();
    let count = |of: fn(&RecordBatch) -> usize| notes.iter().map(of).sum::<usize>();
    let null = |rows: &RecordBatch| rows.column(0).null_count();
    assert_eq!((count(RecordBatch::num_rows), count(null)), (9, 3));
}

/// Adds a column that no file has, and says of all files by which spec they were written.
fn add_region(metadata: &mut Value, spec: &Value) {
    let mut schema = metadata["schemas"][0].clone();
    schema["schema-id"] = json!(1);
    let region = json!({"id": 5, "name": "region", "type": "string", "required": false});
    schema["fields"].as_array_mut().unwrap().push(region);
    metadata["schemas"].as_array_mut().unwrap().push(schema);
    metadata["current-schema-id"] = json!(1);
    metadata["last-column-id"] = json!(5);
    let fields = json!([
        {"name": "region", "transform": "identity", "source-id": 5, "field-id": 1000}
    ]);
    let empty = json!({"spec-id": 7, "fields": []});
    metadata["partition-specs"] = json!([{"spec-id": spec, "fields": fields}, empty]);
    metadata["default-spec-id"] = json!(7);
    metadata["last-partition-id"] = json!(1000);
    if *spec != json!(0) {
        metadata["partition-specs"][1]["spec-id"] = json!(0);
        metadata["default-spec-id"] = json!(0);
    }
}

async fn values_that_stand_in_the_metadata_alone_are_not_taken_for_nulls(lake: &dyn Lake) {
    Pipeline::open(lake).await.append(0, &[rows(0..3)]).await;
    let region = Schema::new(vec![Field::new("region", DataType::Utf8, true)]);
    let source = lake.named(TABLE).source(Arc::new(region));
    // The column is newer than files of other partitions.
    rewrite(lake, |metadata| add_region(metadata, &json!(3))).await;
    let (range, positions) = next(&source, &Positions::default()).await.unwrap();
    let found = batches(&source, &range).await.unwrap();
    assert_eq!(found.iter().map(|rows| rows.column(0).null_count()).sum::<usize>(), 3);
    // A file that somebody took over from a directory such as region=eu.
    rewrite(lake, |metadata| {
        metadata["schemas"].as_array_mut().unwrap().truncate(1);
        add_region(metadata, &json!(0));
    })
    .await;
    let (range, _) = next(&source, &positions).await.unwrap();
    let error = batches(&source, &range).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    assert!(error.to_string().contains("has files without the columns"), "{error}");
}
