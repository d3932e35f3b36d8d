//! What users write: sources, steps and sinks as streams that are cheap handles.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arrow::array::{BooleanArray, RecordBatch};
use arrow::datatypes::SchemaRef;
use highwater_core::{Name, OperatorSpec, Output, Result, Sink, Source};

use self::checks::{astray, check, check_ports, check_tables};
use crate::filter::Filter;
use crate::graph::{Graph, Node, NodeId, NodeKind, Tap};
use crate::map::{Map, MapContext, MapResult};
use crate::{BuildErrors, Mistake, Plan, Watermark};

mod checks;

/// A pipeline being declared. Nothing is contacted before [`Plan::start`].
///
/// Mistakes are collected, and [`build`](Self::build) reports all of them at once.
#[derive(Clone, Debug)]
pub struct Pipeline {
    draft: Arc<Mutex<Draft>>,
}

#[derive(Debug)]
struct Draft {
    name: String,
    graph: Graph,
    names: BTreeSet<(Role, Name)>,
    mistakes: Vec<Mistake>,
}

/// Names are unique among sources, among steps and among sinks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Role {
    Source,
    Step,
    Sink,
}

/// Rows on their way from a source to a sink. A cheap handle: a stream may be read several times.
#[derive(Clone, Debug)]
pub struct Stream {
    draft: Arc<Mutex<Draft>>,
    /// None behind a mistake that is already noted.
    tap: Option<Tap>,
}

/// Two streams on their way into one step.
#[derive(Clone, Debug)]
pub struct Connected {
    first: Stream,
    second: Stream,
}

impl Pipeline {
    /// An empty pipeline. The name is its identity: it stands in every marker and must never change.
    pub fn new(name: impl Into<String>) -> Self {
        let draft = Draft {
            name: name.into(),
            graph: Graph::default(),
            names: BTreeSet::new(),
            mistakes: Vec::new(),
        };
        Self { draft: Arc::new(Mutex::new(draft)) }
    }

    /// Adds a source. Positions are kept under its name.
    pub fn source(&self, name: impl Into<String>, source: impl Source + 'static) -> Stream {
        let mut draft = lock(&self.draft);
        let tap = draft.name(Role::Source, name).map(|name| {
            let kind = NodeKind::Source(Arc::new(source));
            let node = draft.graph.push(Node { name, kind, inputs: Vec::new() });
            Tap { node, output: Output::Main }
        });
        Stream { draft: Arc::clone(&self.draft), tap }
    }

    /// Checks everything and gives the pipeline as it will run. No I/O.
    ///
    /// # Errors
    /// Every mistake there is.
    pub fn build(&self) -> Result<Plan, BuildErrors> {
        let mut draft = lock(&self.draft);
        let mut mistakes = std::mem::take(&mut draft.mistakes);
        let pipeline = draft.name.clone();
        let name = match pipeline.parse::<Name>() {
            Ok(name) => Some(name),
            Err(error) => {
                mistakes.push(Mistake::Name(error));
                None
            }
        };
        let sinks = draft.graph.sinks();
        match sinks.first() {
            None if mistakes.is_empty() => mistakes.push(Mistake::NoSink),
            Some((id, ..)) if !draft.is_main(*id) => mistakes.push(Mistake::NoPrimary),
            _ => {}
        }
        match name {
            Some(name) if mistakes.is_empty() => {
                Ok(Plan::new(name, std::mem::take(&mut draft.graph)))
            }
            _ => Err(BuildErrors { pipeline, mistakes }),
        }
    }
}

impl Stream {
    /// The records that this source or step rejected. Those that nobody takes stop the pipeline.
    #[must_use]
    pub fn rejected(&self) -> Self {
        self.side("rejected")
    }

    /// The rows that came too late for this step. Those that nobody takes are counted and dropped.
    #[must_use]
    pub fn late(&self) -> Self {
        self.side("late")
    }

    /// A side output of this source or step, by the name that it was declared with.
    #[must_use]
    pub fn side(&self, name: &str) -> Self {
        let mut draft = lock(&self.draft);
        let tap = self.tap.and_then(|tap| draft.side(tap.node, name));
        Self { draft: Arc::clone(&self.draft), tap }
    }

    /// Adds a step of one's own or of an operator crate.
    #[must_use]
    pub fn apply(&self, name: impl Into<String>, step: impl OperatorSpec + 'static) -> Self {
        self.step(name, &[self], Arc::new(step))
    }

    /// This stream and another one of the same pipeline as the inputs of a step: this one is its
    /// first, the other its second.
    #[must_use]
    pub fn connect(&self, other: &Self) -> Connected {
        Connected { first: self.clone(), second: other.clone() }
    }

    /// Declares the event time of the stream: rows may come up to `delay` later than others of their
    /// partition, in event time. Those that come later are late for the steps behind; each of these
    /// says what becomes of them. Time may have been made by the steps before.
    ///
    /// The step is named after the stream and the column, as `transactions.event_timestamp`.
    /// [`Watermark`] has more settings.
    #[must_use]
    pub fn watermark(&self, column: impl Into<String>, delay: Duration) -> Self {
        let watermark = Watermark::on(column, delay);
        let draft = lock(&self.draft);
        let node = self.tap.and_then(|tap| draft.graph.node(tap.node));
        let name = node.map(|node| format!("{}.{}", node.name, watermark.column()));
        drop(draft);
        self.apply(name.unwrap_or_else(|| watermark.column().to_owned()), watermark)
    }

    /// Computes a row of `output` from each row, a batch at a time.
    ///
    /// The closure gives one row for each row it gets. Rows that it [rejects](MapContext::reject) are
    /// taken out afterwards and leave by [`rejected`](Self::rejected), with their columns as they
    /// came in and a `reason`. It must depend on nothing but its rows and the context.
    #[must_use]
    pub fn map_batches<F>(&self, name: impl Into<String>, output: SchemaRef, map: F) -> Self
    where
        F: Fn(&RecordBatch, &mut MapContext<'_>) -> MapResult<RecordBatch> + Send + Sync + 'static,
    {
        self.apply(name, Map::new(output, map))
    }

    /// Keeps the rows for which the closure answers `true`; null counts as `false`.
    #[must_use]
    pub fn filter<F>(&self, name: impl Into<String>, keep: F) -> Self
    where
        F: Fn(&RecordBatch) -> MapResult<BooleanArray> + Send + Sync + 'static,
    {
        self.apply(name, Filter::new(keep))
    }

    fn step(&self, name: impl Into<String>, of: &[&Self], step: Arc<dyn OperatorSpec>) -> Self {
        let mut draft = lock(&self.draft);
        // A stream of another pipeline has numbers of nodes that mean others here.
        let here = of.iter().all(|stream| Arc::ptr_eq(&stream.draft, &self.draft));
        let taps: Option<Vec<_>> = of.iter().map(|stream| stream.tap.filter(|_| here)).collect();
        let tap = draft.step(name, here, taps, step);
        Self { draft: Arc::clone(&self.draft), tap }
    }

    /// Ends the stream in a table.
    ///
    /// The first sink that takes a main output is the primary: it is committed first, and its
    /// marker alone lets the pipeline resume when the checkpoint is lost.
    pub fn sink(&self, name: impl Into<String>, sink: impl Sink + 'static) {
        let mut draft = lock(&self.draft);
        draft.sink(name, self, Arc::new(sink));
    }
}

impl Connected {
    /// Adds a step of two inputs.
    #[must_use]
    pub fn apply(&self, name: impl Into<String>, step: impl OperatorSpec + 'static) -> Stream {
        self.first.step(name, &[&self.first, &self.second], Arc::new(step))
    }
}

impl Draft {
    fn name(&mut self, role: Role, name: impl Into<String>) -> Option<Name> {
        match Name::try_from(name.into()) {
            Ok(name) if self.names.insert((role, name.clone())) => Some(name),
            Ok(name) => {
                self.mistakes.push(Mistake::Twice { name });
                None
            }
            Err(error) => {
                self.mistakes.push(Mistake::Name(error));
                None
            }
        }
    }

    fn step(
        &mut self,
        name: impl Into<String>,
        here: bool,
        inputs: Option<Vec<Tap>>,
        step: Arc<dyn OperatorSpec>,
    ) -> Option<Tap> {
        let name = self.name(Role::Step, name)?;
        if !here {
            self.mistakes.push(Mistake::Elsewhere { name });
            return None;
        }
        let inputs = inputs?;
        let infos: Vec<_> =
            inputs.iter().map(|tap| self.graph.info(*tap)).collect::<Option<_>>()?;
        let resolved = step.resolve(&infos);
        let resolved = resolved.and_then(|resolved| check_ports(resolved, &infos));
        let tables: Vec<_> = inputs.iter().map(|tap| self.graph.version_of(*tap)).collect();
        match resolved.and_then(|resolved| check_tables(resolved, &tables)) {
            Ok(resolved) => {
                let kind = NodeKind::Step(step, resolved);
                let node = self.graph.push(Node { name, kind, inputs });
                Some(Tap { node, output: Output::Main })
            }
            Err(error) => {
                self.mistakes.push(Mistake::Unfit { name, error });
                None
            }
        }
    }

    fn side(&mut self, node: NodeId, side: &str) -> Option<Tap> {
        let found = self.graph.node(node)?;
        let there: Vec<_> = match &found.kind {
            NodeKind::Source(_) => vec!["rejected"],
            NodeKind::Step(_, resolved) => {
                resolved.sides().iter().map(|side| side.name.as_str()).collect()
            }
            NodeKind::Sink { .. } => Vec::new(),
        };
        let Some(place) = there.iter().position(|name| *name == side) else {
            let there = there.iter().map(ToString::to_string).collect();
            let (name, side) = (found.name.clone(), side.to_owned());
            self.mistakes.push(Mistake::NoSide { name, side, there });
            return None;
        };
        Some(Tap { node, output: Output::Side(place) })
    }

    fn sink(&mut self, name: impl Into<String>, input: &Stream, sink: Arc<dyn Sink>) {
        let Some(name) = self.name(Role::Sink, name) else { return };
        let Some(tap) = input.tap else { return };
        let Some(info) = self.graph.info(tap) else { return };
        let resolved = match self.graph.version_of(tap) {
            Some(table) => Err(astray(table, "a sink")),
            None => sink.resolve(&info),
        };
        match resolved.and_then(|routing| check(&routing, &info).map(|()| routing)) {
            Ok(routing) => {
                let kind = NodeKind::Sink { sink, input: info, routing };
                self.graph.push(Node { name, kind, inputs: vec![tap] });
            }
            Err(error) => self.mistakes.push(Mistake::Unfit { name, error }),
        }
    }

    fn is_main(&self, sink: NodeId) -> bool {
        let node = self.graph.node(sink);
        node.is_some_and(|node| node.inputs.iter().all(|tap| tap.output == Output::Main))
    }
}

/// A closure that panicked while a pipeline was declared leaves nothing half done worth hiding.
fn lock(draft: &Mutex<Draft>) -> MutexGuard<'_, Draft> {
    draft.lock().unwrap_or_else(PoisonError::into_inner)
}
