//! What a run tells while there is nothing to read.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures::stream::BoxStream;
use highwater_core::{
    Backlog, Clock, Decoder, Limits, Partition, Payload, Planned, Position, Positions, Range,
    RangeId, Result, Source, StreamInfo, Timestamp, Withheld,
};
use highwater_pipeline::{Event, Idle, Options, Pipeline, Progress, Trigger};
use highwater_storage::Storage;
use highwater_testkit::memory::MemoryTable;
use highwater_testkit::memory_source::MemorySource;

use crate::numbers;
use crate::recorded::Recorded;

const TEN_SECONDS: i64 = 10_000_000;
const WITHHELD: Withheld = Withheld { offsets: 6, millis: 75_000 };

/// A second passes whenever somebody looks.
#[derive(Debug, Default)]
struct Hurried(AtomicI64);

impl Clock for Hurried {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.fetch_add(1_000_000, Ordering::Relaxed))
    }
}

/// A source that keeps some records back, and has to wait, whenever it has no others.
struct Held(MemorySource);

#[async_trait]
impl Source for Held {
    fn describe(&self) -> String {
        self.0.describe()
    }

    fn output(&self) -> StreamInfo {
        self.0.output()
    }

    fn rejected(&self) -> StreamInfo {
        self.0.rejected()
    }

    async fn plan(
        &self,
        from: &Positions,
        until: Option<&Positions>,
        limits: &Limits,
    ) -> Result<Planned> {
        let mut planned = self.0.plan(from, until, limits).await?;
        if planned.ranges.is_empty() {
            planned.backlog[0].withheld = Some(WITHHELD);
            planned.throttled = 7;
        }
        Ok(planned)
    }

    async fn ends(&self, from: &Positions) -> Result<Positions> {
        self.0.ends(from).await
    }

    fn read(&self, ranges: Vec<Range>) -> BoxStream<'static, Result<(RangeId, Payload)>> {
        self.0.read(ranges)
    }

    fn decoder(&self, range: &Range) -> Result<Box<dyn Decoder>> {
        self.0.decoder(range)
    }
}

/// The last epoch of ten records that are read one by one, and the first `count` times that the run
/// tells afterwards that there are no more.
async fn told(pipeline: &str, count: usize) -> (Box<Progress>, Vec<Idle>) {
    let source = MemorySource::new("numbers", numbers([0]).schema(), 1);
    source.append(0, numbers(0..10));
    let p = Pipeline::new(pipeline);
    p.source("numbers", Held(source)).sink("numbers", MemoryTable::new("numbers"));
    let options = Options::checkpoint_in(Storage::memory())
        .clock(Arc::new(Hurried::default()))
        .max_records_per_epoch(1.try_into().unwrap())
        .trigger(Trigger::every(Duration::from_millis(1)));
    let handle = p.build().unwrap().start(options).unwrap();
    let mut events = handle.subscribe();
    let (mut last, mut told) = (None, Vec::new());
    while told.len() < count {
        match events.recv().await.unwrap() {
            Event::Progress(progress) => last = Some(progress),
            Event::Idle(idle) => told.push(idle),
            _ => {}
        }
    }
    handle.stop().await.unwrap();
    (last.unwrap(), told)
}

#[tokio::test]
async fn who_waits_tells_so_every_ten_seconds_and_where_it_stands() {
    let (last, told) = told("waits", 3).await;
    assert_eq!(last.batch_id.0, 9);
    let mut before = last.timestamp;
    for idle in told {
        assert!(idle.timestamp.0 - before.0 >= TEN_SECONDS, "{before:?} and {idle:?}");
        before = idle.timestamp;
        assert_eq!((idle.name.as_str(), &idle.run_id), ("waits", &last.run_id));
        let [source] = &idle.sources[..] else { panic!("there is one source") };
        let partition = Partition::new("numbers", 0);
        let at = Positions::from_iter([(partition.clone(), Position::at(10))]);
        assert_eq!((&source.start_offset, &source.end_offset), (&at, &at));
        assert_eq!((source.num_input_rows, source.records_behind), (0, 0));
        let held = Backlog { partition, end: 10, behind: 0, withheld: Some(WITHHELD) };
        assert_eq!((&source.backlog[..], source.throttled_ms), (&[held][..], 7));
    }
}

#[tokio::test]
async fn what_keeps_records_back_is_measured_while_nothing_is_read() {
    let recorded = Recorded::here();
    told("held", 2).await;
    let value = |metric: &str| {
        recorded.value(&format!("highwater_{metric}{{pipeline=held,source=numbers}}")).unwrap()
    };
    assert_eq!((value("backlog_records"), value("withheld_records")), (0.0, 6.0));
    assert!(value("throttled_milliseconds_total") >= 14.0);
}
