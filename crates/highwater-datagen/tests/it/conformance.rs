//! The generator does what every source must do.

use arrow::array::RecordBatch;
use highwater_codec::{Columns, Json, Type};
use highwater_core::Limits;
use highwater_core::Source;
use highwater_datagen::{Events, Generator, Transactions, Users};
use highwater_testkit::conformance;

#[tokio::test]
async fn a_generator_is_a_source() {
    let columns = Columns::new()
        .required("transaction_id", Type::Text)
        .required("amount", Type::Decimal(18, 2))
        .required("timestamp", Type::Timestamp);
    let source = Generator::new(Transactions)
        .rows(3_000)
        .bad(0.05)
        .duplicates(0.1)
        .decode(Json::try_new(columns).unwrap())
        .source_columns();
    let mut limits = Limits::default();
    limits.records = 700;
    let read = conformance::source(&source, &limits).await;
    assert_eq!(read.records, 3_000);
    let rejected = read.rejected.values().flatten().map(RecordBatch::num_rows);
    assert!((100..200).contains(&rejected.sum::<usize>()));
}

/// Reads 3,000 records of a source, of which some must be rejected.
async fn read_some(source: &impl Source) -> usize {
    let mut limits = Limits::default();
    limits.records = 700;
    let read = conformance::source(source, &limits).await;
    assert_eq!(read.records, 3_000);
    read.rejected.values().flatten().map(RecordBatch::num_rows).sum()
}

#[tokio::test]
async fn all_bad_events_and_users_are_rejected_and_no_others() {
    let events = Columns::new()
        .required("event_id", Type::Text)
        .required("timestamp", Type::Timestamp)
        .required("user_id", Type::Long)
        .required("event_type", Type::Text)
        .required("value", Type::Double);
    let events = Json::try_new(events).unwrap();
    let users = Columns::new().required("user_id", Type::Long).required("name", Type::Text);
    let users = Json::try_new(users.required("country", Type::Text)).unwrap();
    for (share, range) in [(0.05, 100..200), (0.0, 0..1), (1.0, 3_000..3_001)] {
        let of_events =
            Generator::new(Events::default()).rows(3_000).bad(share).decode(events.clone());
        assert!(range.contains(&read_some(&of_events).await), "{share} of events");
        let of_users = Generator::new(Users).rows(3_000).bad(share).decode(users.clone());
        assert!(range.contains(&read_some(&of_users).await), "{share} of users");
    }
}
