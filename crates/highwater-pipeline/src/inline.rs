//! The executor that runs everything on the thread that asks for it, by plain calls.
//!
//! It is the reference for every other executor, and what tests and simulations use.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::sync::Arc;

use async_trait::async_trait;
use highwater_core::{
    Batch, Emitted, EpochPlan, Error, ErrorKind, Failpoint, Flow, Name, Port, Result, Source,
    SourcePlan,
};

use crate::accounting::{Done, Outcome};
use crate::executor::{Executor, ExecutorSpec, Job, Report};
use crate::graph::{Graph, NodeId, NodeKind, Tap};
use crate::parts::{Call, Gathering, Reading, Stepping, Version, Writing, unread};

/// Runs a pipeline on one thread, the one that its driver has. The default.
#[derive(Clone, Copy, Debug, Default)]
pub struct Inline;

impl ExecutorSpec for Inline {
    fn build(&self, mut job: Job) -> Result<Box<dyn Executor>> {
        let graph = job.plan.shared_graph();
        let saved = job.state.take_saved();
        let (mut steps, mut versions) = (BTreeMap::new(), BTreeMap::new());
        for (id, node) in graph.nodes() {
            match &node.kind {
                NodeKind::Step(..) => {
                    let mut step = Stepping::build(&graph, id)?;
                    saved.restore(&graph, id, ALONE, &mut step)?;
                    steps.insert(id, step);
                }
                NodeKind::Source(source) if source.is_versioned() => {
                    versions.insert(id, Version::new(node.name.clone()));
                }
                NodeKind::Source(_) | NodeKind::Sink { .. } => {}
            }
        }
        job.restored()?;
        Ok(Box::new(InlineExecutor { job, graph, steps, versions, running: None }))
    }
}

/// The first worker of one.
const ALONE: (usize, usize) = (0, 1);

struct InlineExecutor {
    job: Job,
    graph: Arc<Graph>,
    steps: BTreeMap<NodeId, Stepping>,
    /// What is held of each versioned source.
    versions: BTreeMap<NodeId, Version>,
    running: Option<Running>,
}

/// One epoch on its way.
struct Running {
    plan: Arc<EpochPlan>,
    writers: BTreeMap<NodeId, Writing>,
    outcome: Outcome,
    observed: bool,
}

#[async_trait(?Send)]
impl Executor for InlineExecutor {
    fn submit(&mut self, plan: Arc<EpochPlan>) -> Result<()> {
        let (writers, outcome) = (BTreeMap::new(), Outcome::default());
        match self.running.replace(Running { plan, writers, outcome, observed: false }) {
            None => Ok(()),
            Some(_) => Err(bug("an epoch was submitted while another one runs")),
        }
    }

    async fn next(&mut self) -> Result<Report> {
        let mut running = self.running.take().ok_or_else(|| bug("no epoch was submitted"))?;
        let (job, graph, steps) = (&self.job, &*self.graph, &mut self.steps);
        let versions = &mut self.versions;
        let mut epoch = Epoch { job, graph, steps, versions, running: &mut running };
        if epoch.running.observed {
            return epoch.close().await.map(Report::Prepared);
        }
        epoch.read_all().await?;
        let sources = running.outcome.sources.clone();
        running.observed = true;
        self.running = Some(running);
        Ok(Report::Observed(sources))
    }
}

/// One epoch with what it runs on.
struct Epoch<'a> {
    job: &'a Job,
    graph: &'a Graph,
    steps: &'a mut BTreeMap<NodeId, Stepping>,
    versions: &'a mut BTreeMap<NodeId, Version>,
    running: &'a mut Running,
}

impl Epoch<'_> {
    /// Reads the tables that are not held yet, to the end of all that is made of them, and then the
    /// records.
    async fn read_all(&mut self) -> Result<()> {
        let (plan, graph) = (Arc::clone(&self.running.plan), self.graph);
        for (node, name, source) in graph.sources() {
            let moves = self.versions.get_mut(&node).map(|version| version.moves_to(&plan));
            if let (Some(true), Some(part)) = (moves, plan.sources.get(name)) {
                self.read(node, name, source.as_ref(), part).await?;
            }
        }
        for (node, _) in graph.nodes().filter(|(node, _)| graph.is_versioned(*node)) {
            if self.steps.contains_key(&node) {
                self.step(node, Call::EpochEnd)?;
            }
        }
        for (node, name, source) in graph.sources() {
            let records = !self.versions.contains_key(&node);
            if let (true, Some(part)) = (records, plan.sources.get(name)) {
                self.read(node, name, source.as_ref(), part).await?;
            }
        }
        Ok(())
    }

    async fn read(
        &mut self,
        node: NodeId,
        name: &Name,
        source: &dyn Source,
        part: &SourcePlan,
    ) -> Result<()> {
        let ranges = part.ranges.clone();
        let mut reading = Reading::open(name, source, ranges, &self.job.failpoints)?;
        while let Some((range, payload)) = poll_fn(|cx| reading.poll_payload(cx)).await? {
            let emitted = reading.decode(range, payload, None)?;
            self.pass(node, emitted)?;
            self.catch_up().await?;
        }
        let emitted = reading.finish()?;
        self.pass(node, emitted)?;
        self.running.outcome.add(reading.done());
        self.catch_up().await
    }

    /// Hands what a node emitted to the readers of its outputs, and what they emit to theirs.
    fn pass(&mut self, node: NodeId, emitted: Vec<Emitted>) -> Result<()> {
        for (output, batch) in emitted {
            let tap = Tap { node, output };
            let readers = self.graph.readers(tap);
            if readers.is_empty() {
                unread(self.graph, tap, &batch)?;
            }
            for (node, port) in readers {
                self.hand_over(*node, *port, batch.clone())?;
            }
        }
        Ok(())
    }

    fn hand_over(&mut self, node: NodeId, port: Port, batch: Batch) -> Result<()> {
        if self.steps.contains_key(&node) {
            return self.step(node, Call::Batch(port, batch));
        }
        if !self.running.writers.contains_key(&node) {
            let writing = Writing::open(self.job, node, &self.running.plan, 0)?;
            self.running.writers.insert(node, writing);
        }
        let Some(writing) = self.running.writers.get_mut(&node) else { return Ok(()) };
        writing.write(batch)
    }

    /// Calls a step until it has nothing more to emit.
    fn step(&mut self, node: NodeId, call: Call) -> Result<()> {
        let mut call = call;
        loop {
            let step = self.steps.get_mut(&node).ok_or_else(|| bug("a step was not built"))?;
            let mut emitted = Vec::new();
            let flow = step.call((self.graph, &self.running.plan), call, &mut emitted)?;
            self.pass(node, emitted)?;
            match flow {
                Flow::Done => return Ok(()),
                Flow::More => call = Call::More,
            }
        }
    }

    /// Lets uploads catch up, and other work on this thread have its turn.
    async fn catch_up(&mut self) -> Result<()> {
        for writing in self.running.writers.values_mut() {
            writing.ready().await?;
        }
        tokio::task::yield_now().await;
        Ok(())
    }

    /// Ends the epoch of a step. The last one that keeps state waits until that of all is durable.
    async fn end_step(&mut self, node: NodeId, gathering: &mut Gathering) -> Result<Done> {
        let plan = &self.running.plan;
        let step = self.steps.get_mut(&node).ok_or_else(|| bug("a step was not built"))?;
        let (stepped, save) = step.end(plan)?;
        match save.and_then(|save| gathering.add(save)) {
            Some(all) => Ok(Done::Saved(stepped, all.write(self.job, plan, ALONE).await?)),
            None => Ok(Done::Stepped(stepped)),
        }
    }

    async fn close(&mut self) -> Result<Outcome> {
        let nodes: Vec<_> = self.steps.keys().copied().collect();
        let mut gathering = Gathering::new(self.graph);
        for node in nodes {
            // Those that get nothing but a table were ended before the records were read.
            if !self.graph.is_versioned(node) {
                self.step(node, Call::EpochEnd)?;
            }
            let done = self.end_step(node, &mut gathering).await?;
            self.running.outcome.add(done);
        }
        self.job.failpoints.hit(Failpoint::BeforeClose)?;
        for writing in std::mem::take(&mut self.running.writers).into_values() {
            let done = writing.close().await?;
            self.running.outcome.add(done);
        }
        Ok(std::mem::take(&mut self.running.outcome))
    }
}

fn bug(what: &'static str) -> Error {
    Error::new(ErrorKind::Internal, "pipeline", what)
}
