//! The dataflow of one worker: the same on all of them, or their channels would not meet.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use futures::channel::mpsc::{Receiver, Sender};
use highwater_core::{EpochPlan, Result};
use highwater_pipeline::parts::Stepping;
use highwater_pipeline::{Node, NodeKind, Report, StateStore, Tap};
use timely::dataflow::operators::Concatenate as _;
use timely::dataflow::{Scope, Stream};

use crate::cell::{Env, Streams};
use crate::container::Rows;
use crate::egress::Expected;
use crate::fault::bug;
use crate::{egress, ingress, sink, source, step};

/// Where the dataflow meets the executor.
pub(crate) struct Ends {
    /// Worker 0 gets the plans.
    pub(crate) plans: Option<Receiver<Arc<EpochPlan>>>,
    pub(crate) driver: Sender<Result<Report>>,
}

/// Makes a cell of every node of the graph, and lets steps take up their part of what was saved.
pub(crate) fn build(
    scope: Scope<'_, u64>,
    env: &Rc<Env>,
    saved: &StateStore,
    ends: Ends,
) -> Result<()> {
    let Ends { plans, driver } = ends;
    let plans = ingress::build(env, scope, plans);
    let mut rows = BTreeMap::new();
    let mut reports = Vec::new();
    for (id, node) in env.graph().nodes() {
        let (at, plans) = ((id, &node.name), plans.clone());
        let streams = match &node.kind {
            NodeKind::Source(source) => source::build(env, at, source, plans),
            NodeKind::Step(_, resolved) => {
                let mut step = Stepping::build(env.graph(), id)?;
                saved.restore(env.graph(), id, env.place(), &mut step)?;
                let made = (step, resolved.sides().len());
                step::build(env, at, made, inputs(node, &rows)?, plans)?
            }
            NodeKind::Sink { .. } => sink::build(env, at, inputs(node, &rows)?, plans)?,
        };
        let Streams { rows: out, reports: done } = streams;
        rows.extend(out);
        reports.push(done);
    }
    let sources = env.graph().sources().count() * env.workers;
    let expected = Expected { sources, cells: reports.len() * env.workers };
    egress::build(scope.concatenate(reports), env.worker, expected, driver);
    Ok(())
}

type Inputs<'s> = Vec<(Tap, Stream<'s, u64, Rows>)>;

fn inputs<'s>(node: &Node, rows: &BTreeMap<Tap, Stream<'s, u64, Rows>>) -> Result<Inputs<'s>> {
    let input = |tap: &Tap| {
        let stream = rows.get(tap).ok_or_else(|| bug("a node stands before its input"))?;
        Ok((*tap, stream.clone()))
    };
    node.inputs.iter().map(input).collect()
}
