//! What fails or panics on any worker ends the run at once, with its cause.

use std::time::Duration;

use highwater_core::arrow::array::{AsArray as _, RecordBatch};
use highwater_core::arrow::datatypes::Int64Type;
use highwater_core::{ErrorKind, Name};
use highwater_pipeline::{Job, MapResult, Options, Pipeline, StateStore, Trigger};
use highwater_storage::Storage;
use highwater_testkit::memory::MemoryTable;
use highwater_testkit::memory_source::MemorySource;

use crate::executor;
use crate::steps::{pairs, pairs_schema};

/// The error of a run over three partitions of which the last holds the number 13.
async fn error_of(step: fn(&RecordBatch) -> MapResult<RecordBatch>) -> (ErrorKind, String) {
    let source = MemorySource::new("pairs", pairs_schema(), 3);
    for partition in 0..3 {
        let unlucky = if partition == 2 { 13 } else { 0 };
        source.append(partition, pairs((0..5_000).map(|n| (Some(n), n * 20 + unlucky))));
    }
    let p = Pipeline::new("unlucky");
    p.source("pairs", source)
        .map_batches("checked", pairs_schema(), move |rows, _| step(rows))
        .sink("pairs", MemoryTable::new("pairs"));
    let options = Options::checkpoint_in(Storage::memory())
        .trigger(Trigger::available_now())
        .retry_for(Duration::ZERO)
        .executor(executor(3));
    let running = p.build().unwrap().start(options).unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(60), running.wait()).await;
    let Ok(ended) = ended else { panic!("the run hangs") };
    let error = ended.unwrap_err();
    (error.error().kind(), error.to_string())
}

fn holds_13(rows: &RecordBatch) -> bool {
    rows.column(1).as_primitive::<Int64Type>().values().contains(&13)
}

#[tokio::test]
async fn an_error_of_a_step_on_another_worker_ends_the_run() {
    let (kind, text) = error_of(|rows| match holds_13(rows) {
        true => Err("thirteen is unlucky".into()),
        false => Ok(rows.clone()),
    })
    .await;
    assert_eq!(kind, ErrorKind::Internal, "{text}");
    assert!(text.contains("thirteen is unlucky"), "{text}");
}

#[tokio::test]
async fn a_panic_of_a_step_on_another_worker_ends_the_run_and_names_the_step() {
    let (kind, text) = error_of(|rows| {
        assert!(!holds_13(rows), "thirteen is unlucky");
        Ok(rows.clone())
    })
    .await;
    assert_eq!(kind, ErrorKind::Internal, "{text}");
    assert!(text.contains("checked panicked: thirteen is unlucky"), "{text}");
}

#[tokio::test]
async fn an_executor_that_is_dropped_in_the_middle_ends_its_threads() {
    let source = MemorySource::new("pairs", pairs_schema(), 1);
    source.append(0, pairs((0..100).map(|n| (Some(n), n))));
    let p = Pipeline::new("dropped");
    p.source("pairs", source).sink("pairs", MemoryTable::new("pairs"));
    let job = Job {
        plan: p.build().unwrap(),
        run: "run".to_owned(),
        failpoints: highwater_core::Failpoints::default(),
        runtime: tokio::runtime::Handle::current(),
        state: StateStore::new(Storage::memory()),
    };
    let plan = std::sync::Arc::new(highwater_core::EpochPlan {
        epoch: highwater_core::Epoch(0),
        now: highwater_core::Timestamp(0),
        sources: std::iter::once(("pairs".parse::<Name>().unwrap(), Default::default())).collect(),
        targets: Default::default(),
        watermarks: std::collections::BTreeMap::new(),
        last: false,
    });
    let mut executor = executor(3).build(job).unwrap();
    executor.submit(std::sync::Arc::clone(&plan)).unwrap();
    executor.submit(std::sync::Arc::clone(&plan)).unwrap();
    let third = executor.submit(plan).unwrap_err();
    assert_eq!(third.kind(), ErrorKind::Internal);
    drop(executor);
}
