//! A ledger in partitions.

use crate::binary::{Ledger, files};

const FROM: &str = "generator:rows=3000,seed=3,bad=0.01";

#[test]
fn a_partitioned_ledger_holds_the_same_rows() {
    let ledger = Ledger::new();
    let by = "--partition-by=day(event_timestamp),bucket(4,transaction_id)";
    let ended = ledger.run(FROM, &[by]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let ended = ledger.call(&["verify", "--against", FROM]);
    assert_eq!(ended.code, Some(0), "{ended:?}");

    let in_table = |table: &str| {
        let data = ledger.path(&format!("data/warehouse/demo/{table}/data"));
        files(&data).into_iter().map(move |path| {
            let below = path.strip_prefix(&data).unwrap();
            below.iter().map(|part| part.to_str().unwrap().to_owned()).collect::<Vec<_>>()
        })
    };
    let mut count = 0;
    for parts in in_table("transactions_ledger") {
        let [day, bucket, _] = parts.as_slice() else { panic!("{parts:?}") };
        assert!(day.starts_with("event_timestamp_day=20"), "{day}");
        assert!(bucket.starts_with("transaction_id_bucket_4="), "{bucket}");
        count += 1;
    }
    assert!(count >= 4, "{count}");
    assert!(in_table("transactions_ledger_rejected").all(|parts| parts.len() == 1));
}

#[test]
fn fields_that_cannot_be_end_before_anything_runs() {
    let ledger = Ledger::new();
    for (by, named) in [
        ("--partition-by=days(event_timestamp)", "\"days(event_timestamp)\" is no partition field"),
        ("--partition-by=hour(amount)", "cannot be partitioned by hour(amount)"),
        ("--partition-by=day(when)", "there is no column when"),
    ] {
        let ended = ledger.run(FROM, &[by]);
        assert!(ended.code == Some(2) && ended.err.contains(named), "{ended:?}");
    }
    assert!(files(&ledger.path("")).is_empty());
}
