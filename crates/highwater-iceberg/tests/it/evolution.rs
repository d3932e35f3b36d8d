//! Other engines change the columns of a table: before a pipeline opens it, and while it runs.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Decimal128Array, Float32Array, Int32Array, RecordBatch, StringArray,
    StructArray,
};
use arrow::compute::concat_batches;
use arrow::datatypes::{
    DataType, Decimal128Type, Field, Fields, Float64Type, Int64Type, Schema, SchemaRef,
};
use futures::TryStreamExt;
use highwater_core::{Ended, Error, ErrorKind, StreamInfo, Swap};
use highwater_iceberg::{FileCatalog, asc, identity};
use highwater_storage::Storage;
use serde_json::{Value, json};

use crate::fixture::{Pipeline, TABLE, context, ids, rewrite, rows, schema, table};

async fn all(warehouse: &Storage) -> RecordBatch {
    let table = table(warehouse).await;
    let batches: Vec<_> = table.rows().await.unwrap().try_collect().await.unwrap();
    concat_batches(&table.schema(), &batches).unwrap()
}

/// Makes a schema out of the current one, as another engine might.
async fn evolve(warehouse: &Storage, change: impl FnOnce(&mut Vec<Value>)) {
    rewrite(warehouse, |metadata| {
        let current = metadata["current-schema-id"].clone();
        let schemas = metadata["schemas"].as_array_mut().unwrap();
        let mut next = schemas.iter().find(|it| it["schema-id"] == current).unwrap().clone();
        let id = schemas.len();
        next["schema-id"] = json!(id);
        change(next["fields"].as_array_mut().unwrap());
        schemas.push(next);
        metadata["current-schema-id"] = json!(id);
        metadata["last-column-id"] = json!(100);
    })
    .await;
}

fn column<'a>(fields: &'a mut [Value], name: &str) -> &'a mut Value {
    fields.iter_mut().find(|field| field["name"] == name).unwrap()
}

async fn open_as(warehouse: &Storage, schema: SchemaRef) -> Result<Pipeline, Error> {
    let mut cx = context("ledger", "run");
    cx.input = StreamInfo::new(schema);
    Pipeline::try_open(warehouse, cx).await
}

#[tokio::test]
async fn all_differences_are_told_at_once() {
    let warehouse = Storage::memory();
    Pipeline::open(&warehouse).await;
    let schema = Schema::new(vec![
        Field::new("extra", DataType::Utf8, true),
        Field::new("note", DataType::Utf8, true),
        Field::new("amount", DataType::Float64, true),
        Field::new("at", DataType::Date32, true),
    ]);
    let error = open_as(&warehouse, Arc::new(schema)).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert_eq!(
        error.to_string(),
        "iceberg: table demo.orders does not take the rows: \
         column extra (string) is missing in the table; \
         column amount is decimal(18, 2) in the table and double in the rows; \
         column at is timestamptz in the table and date in the rows; \
         column id (long) is required in the table and missing in the rows"
    );
    assert!(error.next_step().starts_with("change the columns before the sink"), "{error:?}");
}

/// Rows with narrow types, and in another order than the table has them.
fn narrow() -> RecordBatch {
    let decimal = Decimal128Array::from(vec![Some(150), None]);
    let part: ArrayRef = Arc::new(Int32Array::from(vec![Some(7), None]));
    let parts = Fields::from(vec![Field::new("part", DataType::Int32, true)]);
    let whole = StructArray::new(parts, vec![part], None);
    let columns: Vec<(&str, ArrayRef, bool)> = vec![
        ("amount", Arc::new(decimal.with_precision_and_scale(9, 2).unwrap()), true),
        ("ratio", Arc::new(Float32Array::from(vec![0.5, -2.0])), true),
        ("whole", Arc::new(whole), true),
        ("id", Arc::new(Int32Array::from(vec![1, -2])), false),
    ];
    RecordBatch::try_from_iter_with_nullable(columns).unwrap()
}

fn wide() -> SchemaRef {
    let part = Fields::from(vec![
        Field::new("later", DataType::Utf8, true),
        Field::new("part", DataType::Int64, true),
    ]);
    Arc::new(Schema::new(vec![
        Field::new("id", DataType::Int64, false),
        Field::new("whole", DataType::Struct(part), true),
        Field::new("note", DataType::Utf8, true),
        Field::new("ratio", DataType::Float64, true),
        Field::new("amount", DataType::Decimal128(18, 2), true),
    ]))
}

fn check_wide(rows: &RecordBatch) {
    let of = |name: &str| rows.column_by_name(name).unwrap();
    assert_eq!(of("id").as_primitive::<Int64Type>().values(), &[1, -2]);
    assert_eq!(of("ratio").as_primitive::<Float64Type>().values(), &[0.5, -2.0]);
    let amounts = of("amount").as_primitive::<Decimal128Type>();
    assert_eq!((amounts.value(0), amounts.is_null(1)), (150, true));
    assert_eq!(amounts.data_type(), &DataType::Decimal128(18, 2));
    let part = of("whole").as_struct().column_by_name("part").unwrap();
    assert_eq!((part.as_primitive::<Int64Type>().value(0), part.is_null(1)), (7, true));
    assert_eq!(of("note").null_count(), 2);
}

#[tokio::test]
async fn narrow_rows_go_into_a_wide_table_by_their_ids() {
    let warehouse = Storage::memory();
    let mut cx = context("ledger", "run");
    cx.input = StreamInfo::new(wide());
    let sink = FileCatalog::new(warehouse.clone()).table(TABLE).append();
    let sink = sink.partition_by([identity("id")]).sort_by([asc("amount")]);
    Pipeline::try_open_with(sink, cx).await.unwrap();
    let mut pipeline = open_as(&warehouse, narrow().schema()).await.unwrap();
    pipeline.append(0, &[narrow()]).await;
    let found = all(&warehouse).await;
    let order = found.column_by_name("id").unwrap().as_primitive::<Int64Type>().value(0);
    let places = if order == 1 { vec![0, 1] } else { vec![1, 0] };
    let places = arrow::array::UInt32Array::from(places);
    check_wide(&arrow::compute::take_record_batch(&found, &places).unwrap());
}

#[tokio::test]
async fn a_table_that_is_widened_takes_files_from_before_and_rows_from_then_on() {
    let warehouse = Storage::memory();
    let mut pipeline = open_as(&warehouse, narrow().schema()).await.unwrap();
    let planned = pipeline.stage(0, &[narrow()]).await;
    evolve(&warehouse, |fields| {
        column(fields, "id")["type"] = json!("long");
        column(fields, "ratio")["type"] = json!("double");
        column(fields, "amount")["type"] = json!("decimal(18, 2)");
        column(fields, "whole")["type"]["fields"][0]["type"] = json!("long");
        fields.push(json!({"id": 50, "name": "note", "required": false, "type": "string"}));
    })
    .await;
    let mine = pipeline.marker(0).id;
    assert_eq!(pipeline.commit(0, &planned).await, Ended::Committed(mine));
    check_wide(&all(&warehouse).await);
    pipeline.append(1, &[narrow()]).await;
    let found = all(&warehouse).await;
    check_wide(&found.slice(0, 2));
    check_wide(&found.slice(2, 2));
}

#[tokio::test]
async fn a_column_that_is_renamed_is_written_on_until_the_next_start() {
    let warehouse = Storage::memory();
    let mut pipeline = Pipeline::open(&warehouse).await;
    let planned = pipeline.stage(0, &[rows(0..3)]).await;
    evolve(&warehouse, |fields| column(fields, "note")["name"] = json!("remark")).await;
    let mine = pipeline.marker(0).id;
    assert_eq!(pipeline.commit(0, &planned).await, Ended::Committed(mine));
    // A new column of the old name is another one.
    evolve(&warehouse, |fields| {
        fields.push(json!({"id": 50, "name": "note", "required": false, "type": "string"}));
    })
    .await;
    pipeline.append(1, &[rows(3..6)]).await;
    let found = all(&warehouse).await;
    let remarks = found.column_by_name("remark").unwrap().as_string::<i32>();
    let expected: StringArray = [3, 4, 5, 0, 1, 2]
        .into_iter()
        .map(|id| (id % 3 != 0).then(|| format!("note {id}")))
        .collect();
    assert_eq!(remarks, &expected);
    assert_eq!(found.column_by_name("note").unwrap().null_count(), 6);

    // Whoever starts afterwards goes by names: without the new column it would be refused.
    evolve(&warehouse, |fields| fields.retain(|field| field["name"] != "note")).await;
    let error = Pipeline::try_open(&warehouse, context("ledger", "run")).await.err().unwrap();
    assert!(error.to_string().ends_with("column note (string) is missing in the table"), "{error}");
}

#[tokio::test]
async fn what_no_longer_fits_ends_the_run_before_anything_is_committed() {
    type Change = fn(&mut Vec<Value>);
    let changes: [(Change, &str); 4] = [
        (
            |fields| fields.retain(|field| field["name"] != "note"),
            "column note (string, field id 2) was dropped from the table",
        ),
        (
            |fields| {
                *column(fields, "note") =
                    json!({"id": 50, "name": "note", "required": false, "type": "string"})
            },
            "column note (string, field id 2) was dropped from the table",
        ),
        (
            |fields| column(fields, "note")["required"] = json!(true),
            "column note (string) is required in the table and may be null in the rows",
        ),
        (
            |fields| {
                fields.push(json!({"id": 50, "name": "new", "required": true, "type": "string"}))
            },
            "column new (string) is required in the table and missing in the rows",
        ),
    ];
    for (change, difference) in changes {
        let warehouse = Storage::memory();
        let mut pipeline = Pipeline::open(&warehouse).await;
        pipeline.stage(0, &[rows(0..3)]).await;
        evolve(&warehouse, change).await;
        let error = pipeline.committer.load().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        let text = "iceberg: table demo.orders does not take the rows:";
        assert_eq!(error.to_string(), format!("{text} {difference}"));
        let swap = pipeline.committer.swap(&pipeline.marker(0), &[]).await;
        assert!(matches!(swap, Swap::Failed(_)), "{swap:?}");
        assert!(ids(&warehouse).await.is_empty());
    }
}

#[tokio::test]
async fn files_without_a_column_that_was_made_anew_are_refused() {
    let warehouse = Storage::memory();
    let pipeline = Pipeline::open(&warehouse).await;
    let planned = pipeline.stage(0, &[rows(0..3)]).await;
    evolve(&warehouse, |fields| column(fields, "note")["id"] = json!(50)).await;
    // The next start finds the new column under its name, and a record that names the old files.
    let mut again = Pipeline::open(&warehouse).await;
    again.found().await;
    let Swap::Failed(error) = again.committer.swap(&again.marker(0), &planned).await else {
        panic!()
    };
    assert_eq!(error.kind(), ErrorKind::Refused);
    let text = "was written before column 50 of table demo.orders, which it should have";
    assert!(error.to_string().ends_with(text), "{error}");
    assert!(ids(&warehouse).await.is_empty());
    again.append(0, &[rows(0..3)]).await;
    assert_eq!(all(&warehouse).await.column_by_name("note").unwrap().null_count(), 1);
}

#[tokio::test]
async fn columns_of_the_table_may_stand_in_another_order() {
    let warehouse = Storage::memory();
    let mut pipeline = Pipeline::open(&warehouse).await;
    pipeline.append(0, &[rows(0..3)]).await;
    evolve(&warehouse, |fields| fields.reverse()).await;
    pipeline.append(1, &[rows(3..6)]).await;
    Pipeline::open(&warehouse).await.append(2, &[rows(6..9)]).await;
    let found = all(&warehouse).await;
    assert_eq!(found.schema().field(3).name(), "id");
    for field in schema().fields() {
        let column = found.column_by_name(field.name()).unwrap().slice(0, 3);
        assert_eq!(&column, rows(6..9).column_by_name(field.name()).unwrap(), "{field}");
    }
    assert_eq!(ids(&warehouse).await, (0..9).collect::<Vec<_>>());
}
