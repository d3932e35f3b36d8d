//! Rows by a condition, and the files that are not read for it.

use arrow::datatypes::Schema;
use highwater_delta::{Column, Condition, Literal};

use super::*;

/// What a condition means, row by row: of the id, the note and the amount.
type Naive = fn(i64, Option<&str>) -> bool;

fn conditions() -> Vec<(Condition, Naive)> {
    let column = Column::new;
    let at = |id: i64| Literal::Timestamp(id * 1_000_000);
    vec![
        (column("id").eq(7), |id, _| id == 7),
        (column("id").ne(7), |id, _| id != 7),
        (column("id").lt(5), |id, _| id < 5),
        (column("id").le(5), |id, _| id <= 5),
        (column("id").gt(20), |id, _| id > 20),
        (column("id").ge(20), |id, _| id >= 20),
        (column("id").ge(100), |_, _| false),
        (column("note").eq("note 1"), |_, note| note == Some("note 1")),
        (column("note").ne("note 1"), |_, note| note.is_some_and(|note| note != "note 1")),
        (column("note").is_null(), |_, note| note.is_none()),
        (column("note").is_not_null(), |_, note| note.is_some()),
        // 101 hundredths for each id.
        (column("amount").lt(10), |id, _| id * 101 < 1000),
        (column("at").ge(at(13)), |id, _| id >= 13),
        (column("id").ge(4).and(column("id").lt(9)), |id, _| (4..9).contains(&id)),
        (column("id").lt(2).or(column("note").eq("note 0")), |id, note| {
            id < 2 || note == Some("note 0")
        }),
        (
            column("id").lt(9).and(column("note").is_null().or(column("note").gt("note 0"))),
            |id, note| id < 9 && note.is_none_or(|note| note > "note 0"),
        ),
    ]
}

async fn table_of(storage: &Storage, partition: &[&str]) {
    let sink = DeltaTable::new(storage.clone()).append().partition_by(partition.iter().copied());
    let mut pipeline = Pipeline::try_open_with(sink, context("ledger")).await.unwrap();
    for epoch in 0..3 {
        let first = i64::try_from(epoch).unwrap() * 8;
        pipeline.append(epoch, &[rows(first..first + 8)]).await;
    }
}

#[tokio::test]
async fn rows_of_a_condition_are_those_that_a_naive_filter_finds() {
    for partition in [&[][..], &["note"]] {
        let storage = Storage::memory();
        table_of(&storage, partition).await;
        for (condition, holds) in conditions() {
            let chosen = source(&storage).filter(condition.clone());
            let (range, _) = next(&chosen, &Positions::default()).await.unwrap();
            let note = |id: i64| (id % 3 != 0).then(|| format!("note {}", id % 2));
            let expected: Vec<_> = (0..24).filter(|id| holds(*id, note(*id).as_deref())).collect();
            let found = read(&chosen, &range).await.unwrap();
            assert_eq!(found, expected, "{condition} by {partition:?}");
            assert!(chosen.describe().ends_with(&format!(", where {condition}")));
        }
    }
}

/// Deletes the files that hold none of these ids, so that reading them fails.
async fn keep(storage: &Storage, holds: impl Fn(&Value) -> bool) -> usize {
    let mut gone = 0;
    for (path, file) in active(storage).await {
        if !holds(&file) {
            // A path in the log is a URL.
            storage.delete(&path.replace("%25", "%")).await.unwrap();
            gone += 1;
        }
    }
    gone
}

#[tokio::test]
async fn files_without_such_rows_are_not_read() {
    let storage = Storage::memory();
    table_of(&storage, &[]).await;
    let (range, _) = next(&source(&storage), &Positions::default()).await.unwrap();
    let gone = keep(&storage, |file| {
        let stats: Value = serde_json::from_str(file["stats"].as_str().unwrap()).unwrap();
        stats["minValues"]["id"].as_i64().unwrap() == 8
    });
    assert_eq!(gone.await, 2);
    let middle = Column::new("id").ge(8).and(Column::new("id").lt(16));
    let middle = source(&storage).filter(middle);
    assert_eq!(read(&middle, &range).await.unwrap(), (8..16).collect::<Vec<_>>());
    // Of several conditions all hold.
    let one = middle.filter(Column::new("amount").eq(10)).filter(Column::new("id").gt(8));
    assert_eq!(read(&one, &range).await.unwrap(), [0_i64; 0]);
    assert_eq!(read(&source(&storage), &range).await.unwrap_err().kind(), ErrorKind::Refused);

    let storage = Storage::memory();
    table_of(&storage, &["note"]).await;
    let (range, _) = next(&source(&storage), &Positions::default()).await.unwrap();
    assert_eq!(keep(&storage, |file| file["partitionValues"]["note"] == "note 1").await, 6);
    let ones = source(&storage).filter(Column::new("note").eq("note 1"));
    let expected: Vec<_> = (0..24).filter(|id| id % 3 != 0 && id % 2 == 1).collect();
    assert_eq!(read(&ones, &range).await.unwrap(), expected);
}

#[tokio::test]
async fn rows_that_are_deleted_stay_so_under_a_condition() {
    let storage = Storage::memory();
    let mut updates = valued::open(&storage, valued::How::Vectors).await;
    updates.append(0, &[valued::rows(&[(1, 10), (2, 20), (3, 30), (4, 40)])]).await;
    updates.append(1, &[valued::rows(&[(2, 31), (1, 5)])]).await;
    let columns = valued::rows(&[]).schema().project(&[2, 0, 1]).unwrap();
    let source = DeltaTable::new(storage.clone()).source(Arc::new(columns));
    let large = source.filter(Column::new("value").ge(20).and(Column::new("third").ne("2")));
    let (range, _) = next(&large, &Positions::default()).await.unwrap();
    let found = valued::pairs(&batches(&large, &range).await.unwrap());
    assert_eq!(found, [(2, 31), (4, 40)]);
}

#[tokio::test]
async fn what_cannot_be_asked_is_told() {
    let storage = Storage::memory();
    table_of(&storage, &[]).await;
    for (condition, told) in [
        (Column::new("age").ge(5), "age: the table has no such column"),
        (Column::new("age").is_null(), "age: the table has no such column"),
        (Column::new("id").eq("5"), "id: '5' is no value of long"),
        (Column::new("note").eq(5), "note: 5 is no value of string"),
        (
            Column::new("amount").eq(i64::MAX),
            "amount: 9223372036854775807 is no value of decimal(18,2)",
        ),
        (Column::new("at").eq(Literal::Date(5)), "at: day 5 is no value of timestamp"),
    ] {
        let chosen = source(&storage).filter(condition);
        let (range, _) = next(&chosen, &Positions::default()).await.unwrap();
        let error = read(&chosen, &range).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
        assert!(error.to_string().ends_with(told), "{error}");
    }
}

#[tokio::test]
async fn columns_of_a_condition_need_not_be_declared() {
    let storage = Storage::memory();
    table_of(&storage, &["note"]).await;
    let ids = Schema::new(vec![Field::new("id", DataType::Int64, false)]);
    let ids = DeltaTable::new(storage).source(Arc::new(ids));
    let chosen = ids.filter(Column::new("amount").ge(20).and(Column::new("note").is_null()));
    let (range, _) = next(&chosen, &Positions::default()).await.unwrap();
    let expected: Vec<_> = (0..24).filter(|id| id * 101 >= 2000 && id % 3 == 0).collect();
    assert_eq!(read(&chosen, &range).await.unwrap(), expected);
}
