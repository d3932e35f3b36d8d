//! What every sink must do.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a suite ends at the first thing that does not hold"
)]

use std::fmt;

use arrow::array::RecordBatch;
use futures::future::BoxFuture;
use highwater_core::{
    Batch, Committer, Digest, Epoch, EpochPlan, Failpoint, Failpoints, Found, Marker, MarkerId,
    Name, Sink, SinkContext, Staged, StreamInfo, Swap, Timestamp, WriterContext,
};

use crate::failpoints::{Armed, Occurrence, Shot};

/// A sink under test.
pub struct SinkCase<'a> {
    /// A sink whose table does not exist yet, or is empty.
    pub sink: &'a dyn Sink,
    /// Some rows that it takes.
    pub rows: RecordBatch,
    /// How many rows a reader sees in the table now.
    pub count: &'a (dyn Fn() -> BoxFuture<'static, usize> + Sync),
}

impl fmt::Debug for SinkCase<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SinkCase").field("sink", &self.sink.describe()).finish_non_exhaustive()
    }
}

/// Runs a sink through claim, append, marker, conflict, stale base, lost answer, quiet commit and
/// check of staged files, and checks after each what a load finds and how many rows a reader sees.
///
/// # Panics
/// When the sink does something else than the contract says.
pub async fn sink(case: SinkCase<'_>) {
    let input = StreamInfo::new(case.rows.schema());
    case.sink.resolve(&input).expect("the rows fit");
    assert!(!case.sink.describe().is_empty(), "a sink says where its rows go");
    let run = Run { case: &case, input };

    let mut first = run.open("pipeline", Failpoints::default()).await;
    assert_eq!(found(&mut *first).await, Found::Nothing, "a fresh table holds no marker");
    let claim = run.marker("pipeline", 0, None);
    swap(&mut *first, &claim, &[]).await.committed();
    assert_eq!(found(&mut *first).await, Found::Marker(claim.clone()), "an empty commit claims");
    run.sees(0).await;

    let staged = run.stage(&mut *first, 1).await;
    run.sees(0).await;
    assert!(first.check(&staged).await.expect("a check"), "staged files are there");
    let one = run.marker("pipeline", 1, Some(&claim));
    swap(&mut *first, &one, &staged).await.committed();
    assert_eq!(found(&mut *first).await, Found::Marker(one.clone()), "marker and rows together");
    run.sees(1).await;
    assert!(first.check(&staged).await.expect("a check"), "committed files are still there");

    run.conflicts(&mut *first, &one).await;
    let three = run.loses_an_answer(&one).await;
    run.checks_files(&mut *first, &staged).await;
    run.is_read_by_a_later_life(&three).await;
}

struct Run<'a> {
    case: &'a SinkCase<'a>,
    input: StreamInfo,
}

impl Run<'_> {
    async fn open(&self, pipeline: &str, failpoints: Failpoints) -> Box<dyn Committer> {
        let (pipeline, sink) = (name(pipeline), name("sink"));
        let (input, run) = (self.input.clone(), "run".to_owned());
        let cx = SinkContext { pipeline, sink, input, run, failpoints };
        self.case.sink.open(&cx).await.expect("the table opens")
    }

    async fn stage(&self, committer: &mut dyn Committer, epoch: u64) -> Vec<Staged> {
        let cx = WriterContext {
            sink: name("sink"),
            input: self.input.clone(),
            run: "run".to_owned(),
            epoch: Epoch(epoch),
            worker: 0,
            target: committer.target(),
            failpoints: Failpoints::default(),
        };
        let mut writer = self.case.sink.writer(&cx).expect("a writer");
        writer.write(Batch::from(self.case.rows.clone())).expect("rows that fit");
        writer.ready().await.expect("uploads");
        let staged = writer.close().await.expect("staged files");
        let rows: u64 = staged.iter().map(|file| file.rows).sum();
        assert_eq!(usize::try_from(rows), Ok(self.case.rows.num_rows()), "rows of staged files");
        staged
    }

    fn marker(&self, pipeline: &str, epoch: u64, follows: Option<&Marker>) -> Marker {
        let digest = Digest::of(format!("{pipeline} {epoch}").as_bytes());
        let (now, sources, targets) = (Timestamp(0), Default::default(), Default::default());
        Marker {
            pipeline: name(pipeline),
            sink: name("sink"),
            id: MarkerId { epoch: Epoch(epoch), digest },
            follows: follows.map(|marker| marker.id),
            plan: Some(EpochPlan {
                epoch: Epoch(epoch),
                now,
                sources,
                targets,
                watermarks: std::collections::BTreeMap::new(),
                last: false,
            }),
        }
    }

    /// Checks that a reader sees the sample so many times.
    async fn sees(&self, times: usize) {
        let rows = (self.case.count)().await;
        assert_eq!(rows, times * self.case.rows.num_rows(), "rows after {times} commits with rows");
    }

    /// Another pipeline commits between load and swap. Both markers stand side by side after.
    async fn conflicts(&self, first: &mut dyn Committer, one: &Marker) {
        let two = self.marker("pipeline", 2, Some(one));
        let staged = self.stage(first, 2).await;
        found(first).await;
        let mut other = self.open("other", Failpoints::default()).await;
        assert_eq!(found(&mut *other).await, Found::Nothing, "a marker belongs to its pipeline");
        let theirs = self.marker("other", 0, None);
        swap(&mut *other, &theirs, &[]).await.committed();

        swap(first, &two, &staged).await.refused("its base was gone");
        swap(first, &two, &staged).await.refused("a stale base stays stale");
        self.sees(1).await;
        assert_eq!(
            found(first).await,
            Found::Marker(one.clone()),
            "what was refused left a marker"
        );
        swap(first, &two, &staged).await.committed();
        assert_eq!(found(first).await, Found::Marker(two), "the marker after a conflict");
        assert_eq!(found(&mut *other).await, Found::Marker(theirs), "the other marker is kept");
        self.sees(2).await;
    }

    /// A swap is applied and its answer is lost.
    async fn loses_an_answer(&self, one: &Marker) -> Marker {
        let lost = Occurrence { point: Failpoint::AfterSwap, nth: 0 };
        let armed = Armed::shooting([(lost, Shot::Fail)]);
        let mut committer = self.open("pipeline", armed.failpoints()).await;
        let Found::Marker(two) = found(&mut *committer).await else {
            panic!("no marker after a committer was opened again")
        };
        assert_eq!(two.follows, Some(one.id), "the marker keeps what it follows");
        let three = self.marker("pipeline", 3, Some(&two));
        let staged = self.stage(&mut *committer, 3).await;
        let swapped = committer.swap(&three, &staged).await;
        assert!(matches!(swapped, Swap::Unknown(_)), "a lost answer is unknown: {swapped:?}");
        armed.assert_fired();
        assert_eq!(found(&mut *committer).await, Found::Marker(three.clone()), "it was applied");
        self.sees(3).await;
        three
    }

    async fn checks_files(&self, committer: &mut dyn Committer, staged: &[Staged]) {
        let Some(file) = staged.first() else { return };
        let longer = Staged { bytes: file.bytes + 1, ..file.clone() };
        let lost = Staged { path: format!("{}-lost", file.path), ..file.clone() };
        for wrong in [longer, lost] {
            let all = [file.clone(), wrong];
            let there = committer.check(&all).await.expect("a check");
            assert!(!there, "a file of another length or name passed: {all:?}");
        }
        assert!(committer.check(&[]).await.expect("a check"), "nothing is always there");
    }

    async fn is_read_by_a_later_life(&self, last: &Marker) {
        let mut committer = self.open("pipeline", Failpoints::default()).await;
        assert_eq!(found(&mut *committer).await, Found::Marker(last.clone()), "read again later");
        self.sees(3).await;
    }
}

async fn found(committer: &mut dyn Committer) -> Found {
    committer.load().await.expect("the table can be read")
}

struct Answer(Swap);

async fn swap(committer: &mut dyn Committer, marker: &Marker, staged: &[Staged]) -> Answer {
    Answer(committer.swap(marker, staged).await)
}

impl Answer {
    fn committed(self) {
        assert!(matches!(self.0, Swap::Committed), "a legal swap: {:?}", self.0);
    }

    fn refused(self, why: &str) {
        assert!(matches!(self.0, Swap::Conflicted), "{why}: {:?}", self.0);
    }
}

fn name(text: &str) -> Name {
    text.parse().expect("a constant that is a name")
}
