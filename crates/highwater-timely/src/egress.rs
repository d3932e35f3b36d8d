//! Where reports leave: worker 0 counts what the cells of all workers have done.

use std::collections::BTreeMap;

use futures::channel::mpsc::Sender;
use highwater_core::Result;
use highwater_pipeline::{Done, Outcome, Report};
use timely::dataflow::Stream;
use timely::dataflow::channels::pact::{DistributorPact, Pipeline};
use timely::dataflow::operators::generic::builder_rc::OperatorBuilder;
use timely::progress::operate::FrontierInterest;

use crate::container::Letter;
use crate::ports::Reports;
use crate::route::ByAddress;

/// How many cells have to be done.
#[derive(Clone, Copy)]
pub(crate) struct Expected {
    /// Those of sources, on all workers.
    pub(crate) sources: usize,
    /// All of them, on all workers.
    pub(crate) cells: usize,
}

/// Sends a report once every source, and another once every cell, has said that it is done. A
/// frontier that passed would not be enough: a cell that failed looks like one that is done. Epochs
/// are told one after another.
pub(crate) fn build(
    reports: Stream<'_, u64, Reports>,
    worker: usize,
    expected: Expected,
    mut driver: Sender<Result<Report>>,
) {
    let reports = of_one_worker(reports, worker);
    let mut builder = OperatorBuilder::new("reports".to_owned(), reports.scope());
    let mut input = builder.new_input(reports, DistributorPact(|_| ByAddress));
    builder.set_notify_for(0, FrontierInterest::Never);
    let mut gathered: BTreeMap<u64, Gathered> = BTreeMap::new();
    // The epoch whose reports come next. Plans are numbered from zero.
    let mut first = 0;
    builder.build(move |_| {
        move |_| {
            let mut tell = |report| {
                // Nobody listens when the executor was dropped, and then nothing of this counts.
                let _dropped = driver.try_send(Ok(report));
            };
            input.for_each(|held, letter| {
                let Some((worker, done)) = letter.content.take() else { return };
                let time = *held.time();
                gathered.entry(time).or_default().add(worker, done);
                while let Some(epoch) = gathered.get_mut(&first) {
                    if !epoch.observed && epoch.read == expected.sources {
                        epoch.observed = true;
                        tell(Report::Observed(epoch.outcome().sources));
                    }
                    if epoch.done.len() < expected.cells {
                        break;
                    }
                    tell(Report::Prepared(epoch.outcome()));
                    gathered.remove(&first);
                    first += 1;
                }
            });
        }
    });
}

/// What cells of one worker have done.
type Letters = Letter<(usize, Vec<Done>)>;

/// Puts what the cells of this worker say at a time into one letter, since each of them wakes worker 0.
fn of_one_worker(reports: Stream<'_, u64, Reports>, worker: usize) -> Stream<'_, u64, Letters> {
    let mut builder = OperatorBuilder::new("reports here".to_owned(), reports.scope());
    let mut input = builder.new_input(reports, Pipeline);
    let (mut output, letters) = builder.new_output();
    builder.set_notify_for(0, FrontierInterest::Never);
    builder.build(move |initial| {
        drop(initial);
        move |_| {
            input.for_each_time(|held, reports| {
                let done = reports.filter_map(|report| report.content.take()).collect();
                output.activate().give(&held, &mut Letter::new(0, (worker, done)));
            });
        }
    });
    letters
}

/// What cells have said of one epoch.
#[derive(Default)]
struct Gathered {
    done: Vec<(usize, Done)>,
    /// How many of them are sources.
    read: usize,
    /// That all sources have read was told.
    observed: bool,
}

impl Gathered {
    /// Adds what cells of a worker have done.
    fn add(&mut self, worker: usize, done: Vec<Done>) {
        self.read += done.iter().filter(|done| matches!(done, Done::Read(..))).count();
        self.done.extend(done.into_iter().map(|done| (worker, done)));
    }

    /// Their sum, with files in the order of workers.
    fn outcome(&mut self) -> Outcome {
        self.done.sort_by_key(|(worker, _)| *worker);
        let mut outcome = Outcome::default();
        for (_, done) in &self.done {
            outcome.add(done.clone());
        }
        outcome
    }
}
