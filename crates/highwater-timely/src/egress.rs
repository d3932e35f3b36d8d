//! Where reports leave: worker 0 counts what the cells of all workers have done.

use std::collections::BTreeMap;

use futures::channel::mpsc::Sender;
use highwater_core::Result;
use highwater_pipeline::{Done, Outcome, Report};
use timely::dataflow::Stream;
use timely::dataflow::channels::pact::DistributorPact;
use timely::dataflow::operators::generic::builder_rc::OperatorBuilder;

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
/// frontier that passed would not be enough: a cell that failed looks like one that is done.
pub(crate) fn build(
    reports: Stream<'_, u64, Reports>,
    expected: Expected,
    mut driver: Sender<Result<Report>>,
) {
    let mut builder = OperatorBuilder::new("reports".to_owned(), reports.scope());
    let mut input = builder.new_input(reports, DistributorPact(|_| ByAddress));
    let mut gathered: BTreeMap<u64, Gathered> = BTreeMap::new();
    builder.build(move |_| {
        move |_| {
            let mut tell = |report| {
                // Nobody listens when the executor was dropped, and then nothing of this counts.
                let _dropped = driver.try_send(Ok(report));
            };
            input.for_each(|held, letter| {
                let Some((worker, done)) = letter.content.take() else { return };
                let time = *held.time();
                let epoch = gathered.entry(time).or_default();
                let observes = matches!(done, Done::Read(..));
                epoch.done.push((worker, done));
                epoch.read += usize::from(observes);
                if observes && epoch.read == expected.sources {
                    tell(Report::Observed(epoch.outcome().sources));
                }
                if epoch.done.len() == expected.cells {
                    tell(Report::Prepared(epoch.outcome()));
                    gathered.remove(&time);
                }
            });
        }
    });
}

/// What cells have said of one epoch.
#[derive(Default)]
struct Gathered {
    done: Vec<(usize, Done)>,
    read: usize,
}

impl Gathered {
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
