//! What all cells have in common, and how one becomes an operator of the dataflow.

use std::cell::RefCell;
use std::rc::Rc;

use highwater_core::{KeyGroups, Name, Output, Port, Result, Routing};
use highwater_pipeline::parts::Gathering;
use highwater_pipeline::{Graph, Job, NodeId, Tap};
use timely::dataflow::channels::pact::{DistributorPact, Pipeline};
use timely::dataflow::operators::generic::builder_rc::OperatorBuilder;
use timely::dataflow::{Scope, Stream};
use timely::progress::Antichain;
use timely::progress::operate::FrontierInterest;

use crate::container::Rows;
use crate::fault::{Fault, bug};
use crate::ports::{Drain, Inputs, Outputs, Reports, drain};
use crate::route::{ByKey, ToOne};
use crate::turn::{Plans, Turns};
use crate::wake::Alarm;

/// What the cells of one worker share.
pub(crate) struct Env {
    pub(crate) job: Job,
    pub(crate) worker: usize,
    pub(crate) workers: usize,
    /// The byte budget of each source.
    pub(crate) in_flight: usize,
    pub(crate) fault: Rc<Fault>,
    /// What the steps of this worker save.
    pub(crate) gathering: RefCell<Gathering>,
}

impl Env {
    pub(crate) fn graph(&self) -> &Graph {
        self.job.plan.graph()
    }

    /// Which worker of how many.
    pub(crate) fn place(&self) -> (usize, usize) {
        (self.worker, self.workers)
    }
}

/// The part of a source, step or sink that one worker runs.
pub(crate) trait Cell {
    /// How often it goes on before others of its worker have their turn: long enough to handle all that
    /// a payload became, while that is in a cache.
    const AT_ONCE: usize = 64;

    /// What it works with.
    fn parts(&mut self) -> &mut Parts;

    /// Goes on by a batch, a payload or the beginning or end of an epoch; false if it has to wait.
    fn advance(&mut self) -> Result<bool>;

    /// Called whenever something came or woke it.
    fn run(&mut self) -> Result<()> {
        self.parts().turns.receive();
        self.parts().inputs.receive();
        for _ in 0..Self::AT_ONCE {
            if !self.advance()? {
                return Ok(());
            }
        }
        self.parts().alarm.again();
        Ok(())
    }
}

/// What a running cell works with.
pub(crate) struct Parts {
    pub(crate) env: Rc<Env>,
    pub(crate) node: NodeId,
    pub(crate) alarm: Alarm,
    pub(crate) turns: Turns,
    pub(crate) inputs: Inputs,
    pub(crate) outputs: Outputs,
}

/// What leaves a cell.
pub(crate) struct Streams<'s> {
    /// The outputs that somebody reads.
    pub(crate) rows: Vec<(Tap, Stream<'s, u64, Rows>)>,
    pub(crate) reports: Stream<'s, u64, Reports>,
}

/// A cell under construction.
pub(crate) struct Frame<'s> {
    env: Rc<Env>,
    node: NodeId,
    name: Name,
    builder: OperatorBuilder<'s, u64>,
    scope: Scope<'s, u64>,
    plans: Drain<Plans>,
    /// The ports, and whether tables come there.
    inputs: Vec<(Drain<Rows>, bool)>,
}

impl<'s> Frame<'s> {
    pub(crate) fn new(
        env: &Rc<Env>,
        (node, name): (NodeId, &Name),
        plans: Stream<'s, u64, Plans>,
    ) -> Self {
        let scope = plans.scope();
        let mut builder = OperatorBuilder::new(name.as_str().to_owned(), scope);
        let plans = drain(builder.new_input(plans, Pipeline));
        let (env, name) = (Rc::clone(env), name.clone());
        Self { env, node, name, builder, scope, plans, inputs: Vec::new() }
    }

    /// Adds the next port. As far as progress goes it leads to no output: what a cell may emit
    /// comes from plans alone.
    pub(crate) fn input(&mut self, tap: Tap, stream: Stream<'s, u64, Rows>) -> Result<()> {
        let nowhere: [(usize, Antichain<u64>); 0] = [];
        let (builder, graph) = (&mut self.builder, self.env.graph());
        let port = Port(self.inputs.len());
        let input = match graph.routing(self.node, port) {
            Routing::Local => drain(builder.new_input_connection(stream, Pipeline, nowhere)),
            Routing::Single => {
                let pact = DistributorPact(|_| ToOne);
                drain(builder.new_input_connection(stream, pact, nowhere))
            }
            Routing::ByKey(columns) => {
                let info = graph.info(tap).ok_or_else(|| bug("an input of no schema"))?;
                let key = KeyGroups::try_new(&info.schema, columns)?;
                let fault = Rc::clone(&self.env.fault);
                let pact = DistributorPact(move |_| ByKey { key, fault });
                drain(builder.new_input_connection(stream, pact, nowhere))
            }
        };
        self.inputs.push((input, graph.is_table(self.node, port)));
        Ok(())
    }

    /// Adds `outputs`, as far as somebody reads them, and the report. `make` makes the cell.
    pub(crate) fn finish<C: Cell + 'static>(
        mut self,
        outputs: impl IntoIterator<Item = Output>,
        make: impl FnOnce(Parts) -> C,
    ) -> Streams<'s> {
        let from_plans = [(0, Antichain::from_elem(0))];
        let (mut streams, mut pushers) = (Vec::new(), Vec::new());
        for output in outputs {
            let tap = Tap { node: self.node, output };
            if !self.env.graph().readers(tap).is_empty() {
                let (pusher, stream) = self.builder.new_output_connection(from_plans.clone());
                pushers.push((output, pusher));
                streams.push((tap, stream));
            }
        }
        let (report, reports) = self.builder.new_output_connection(from_plans);
        let env = Rc::clone(&self.env);
        let mut cell = make(Parts {
            env: Rc::clone(&env),
            node: self.node,
            alarm: Alarm::new(self.scope, self.builder.operator_info().address),
            turns: Turns::new(self.plans, pushers.len()),
            inputs: Inputs::new(self.inputs, env.workers),
            outputs: Outputs::new(&env, self.node, pushers, report),
        });
        let name = self.name;
        for input in 0..self.builder.shape().inputs() {
            self.builder.set_notify_for(input, FrontierInterest::Never);
        }
        self.builder.build(move |initial| {
            // A cell holds nothing before its first plan.
            drop(initial);
            move |_| env.fault.guard(&name, || cell.run())
        });
        Streams { rows: streams, reports }
    }
}
