//! The logical plan as a graph: sources, steps and sinks in the order of their declaration.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use highwater_core::{
    EpochPlan, Name, OperatorSpec, Output, Port, Resolved, Routing, Sink, Source, StreamInfo,
    Unread, Watermarks,
};

/// The number of a node. Inputs of a node have smaller numbers than the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub usize);

/// One output of one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tap {
    /// The node.
    pub node: NodeId,
    /// Which of its outputs.
    pub output: Output,
}

/// A source, step or sink.
#[derive(Debug)]
pub struct Node {
    /// Its stable name, unique in the pipeline.
    pub name: Name,
    /// What it is.
    pub kind: NodeKind,
    /// What it reads, by port.
    pub inputs: Vec<Tap>,
}

/// What a node is.
pub enum NodeKind {
    /// Rows come in; rejected records are its first side output.
    Source(Arc<dyn Source>),
    /// Rows are computed.
    Step(Arc<dyn OperatorSpec>, Resolved),
    /// Rows go to a table.
    Sink {
        /// The table.
        sink: Arc<dyn Sink>,
        /// The rows.
        input: StreamInfo,
        /// How they find their worker.
        routing: Routing,
    },
}

impl fmt::Debug for NodeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Source(_) => "Source",
            Self::Step(..) => "Step",
            Self::Sink { .. } => "Sink",
        })
    }
}

/// The nodes, and who reads each output.
#[derive(Debug, Default)]
pub struct Graph {
    nodes: Vec<Node>,
    readers: BTreeMap<Tap, Vec<(NodeId, Port)>>,
}

impl Graph {
    pub(crate) fn push(&mut self, node: Node) -> NodeId {
        let id = NodeId(self.nodes.len());
        for (port, tap) in node.inputs.iter().enumerate() {
            self.readers.entry(*tap).or_default().push((id, Port(port)));
        }
        self.nodes.push(node);
        id
    }

    /// Every node with its number, inputs before their readers.
    pub fn nodes(&self) -> impl Iterator<Item = (NodeId, &Node)> {
        self.nodes.iter().enumerate().map(|(id, node)| (NodeId(id), node))
    }

    /// One node.
    pub fn node(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(id.0)
    }

    /// How the rows that come to a port of a node find their worker.
    pub fn routing(&self, id: NodeId, port: Port) -> &Routing {
        match self.node(id).map(|node| &node.kind) {
            Some(NodeKind::Step(_, resolved)) => resolved.routing_of(port),
            Some(NodeKind::Sink { routing, .. }) => routing,
            _ => &Routing::Local,
        }
    }

    /// Who reads an output.
    pub fn readers(&self, tap: Tap) -> &[(NodeId, Port)] {
        self.readers.get(&tap).map_or(&[], Vec::as_slice)
    }

    /// What becomes of the rows of an output that nothing reads.
    pub fn unread(&self, tap: Tap) -> Unread {
        match (self.node(tap.node).map(|node| &node.kind), tap.output) {
            (_, Output::Main) => Unread::Dropped,
            (Some(NodeKind::Step(_, resolved)), Output::Side(side)) => {
                resolved.sides().get(side).map_or(Unread::Stops, |side| side.unread)
            }
            _ => Unread::Stops,
        }
    }

    /// What an output carries.
    pub fn info(&self, tap: Tap) -> Option<StreamInfo> {
        match (&self.node(tap.node)?.kind, tap.output) {
            (NodeKind::Source(source), Output::Main) => Some(source.output()),
            (NodeKind::Source(source), Output::Side(0)) => Some(source.rejected()),
            (NodeKind::Step(_, resolved), Output::Main) => Some(resolved.output().clone()),
            (NodeKind::Step(_, resolved), Output::Side(side)) => {
                resolved.sides().get(side).map(|side| side.info.clone())
            }
            _ => None,
        }
    }

    /// The versioned source whose rows an output has; none when it has any others.
    pub fn version_of(&self, tap: Tap) -> Option<&Name> {
        let node = self.node(tap.node)?;
        match (&node.kind, &*node.inputs) {
            (NodeKind::Source(source), _) => source.is_versioned().then_some(&node.name),
            (NodeKind::Step(..), [input]) => self.version_of(*input),
            _ => None,
        }
    }

    /// Whether a node is a versioned source, or a step that gets nothing but the rows of one.
    pub fn is_versioned(&self, id: NodeId) -> bool {
        self.version_of(Tap { node: id, output: Output::Main }).is_some()
    }

    /// Whether a port of a node takes the rows of a version of a table, before those of others.
    pub fn is_table(&self, id: NodeId, port: Port) -> bool {
        match self.node(id).map(|node| &node.kind) {
            Some(NodeKind::Step(_, resolved)) => resolved.is_table(port),
            _ => false,
        }
    }

    /// How far event time has come in the inputs of a node together. Tables have none.
    pub fn watermarks_into(&self, id: NodeId, plan: &EpochPlan) -> Watermarks {
        let inputs = self.node(id).map_or(&[][..], |node| &node.inputs);
        let streams = inputs.iter().filter(|tap| !self.is_versioned(tap.node));
        let each = streams.map(|tap| self.watermarks(tap.node, plan));
        each.reduce(Watermarks::and).unwrap_or_default()
    }

    /// How far event time has come in the outputs of a node. Inputs are held back one by one, so that
    /// a chain of steps emits nothing that is late for the next.
    pub fn watermarks(&self, id: NodeId, plan: &EpochPlan) -> Watermarks {
        let Some(node) = self.node(id) else { return Watermarks::UNKNOWN };
        let resolved = match &node.kind {
            NodeKind::Step(_, resolved) => resolved,
            NodeKind::Source(_) | NodeKind::Sink { .. } => return Watermarks::UNKNOWN,
        };
        if resolved.watermark().is_some() {
            return plan.watermarks.get(&node.name).copied().unwrap_or_default();
        }
        let inputs = node.inputs.iter().enumerate();
        let streams = inputs.filter(|(_, tap)| !self.is_versioned(tap.node));
        let each = streams.map(|(port, tap)| {
            self.watermarks(tap.node, plan).held_back(resolved.hold(Port(port)))
        });
        each.reduce(Watermarks::and).unwrap_or_default()
    }

    /// The steps that declare event time, with how far the watermark lies behind it.
    pub fn watermark_steps(&self) -> impl Iterator<Item = (NodeId, &Name, Duration)> {
        self.nodes().filter_map(|(id, node)| match &node.kind {
            NodeKind::Step(_, resolved) => Some((id, &node.name, resolved.watermark()?)),
            _ => None,
        })
    }

    /// Whether some step keeps state.
    pub fn is_stateful(&self) -> bool {
        self.nodes().any(|(_, node)| match &node.kind {
            NodeKind::Step(_, resolved) => resolved.state().is_some(),
            NodeKind::Source(_) | NodeKind::Sink { .. } => false,
        })
    }

    /// The sources whose records come to a node. Tables have none.
    pub fn sources_of(&self, id: NodeId) -> BTreeSet<&Name> {
        match self.node(id) {
            _ if self.is_versioned(id) => BTreeSet::new(),
            Some(Node { name, kind: NodeKind::Source(_), .. }) => BTreeSet::from([name]),
            Some(node) => node.inputs.iter().flat_map(|tap| self.sources_of(tap.node)).collect(),
            None => BTreeSet::new(),
        }
    }

    /// The sources by name.
    pub fn sources(&self) -> impl Iterator<Item = (NodeId, &Name, &Arc<dyn Source>)> {
        self.nodes().filter_map(|(id, node)| match &node.kind {
            NodeKind::Source(source) => Some((id, &node.name, source)),
            _ => None,
        })
    }

    /// The sinks in the order of their commit: the primary, the first that takes a main output,
    /// then the others as declared.
    pub fn sinks(&self) -> Vec<(NodeId, &Name, &Arc<dyn Sink>, &StreamInfo)> {
        let mut sinks: Vec<_> = self
            .nodes()
            .filter_map(|(id, node)| match &node.kind {
                NodeKind::Sink { sink, input, .. } => Some((id, &node.name, sink, input)),
                _ => None,
            })
            .collect();
        let main = |id: NodeId| {
            let inputs = self.node(id).map_or(&[][..], |node| &node.inputs);
            inputs.iter().all(|tap| tap.output == Output::Main)
        };
        if let Some(primary) = sinks.iter().position(|(id, ..)| main(*id)) {
            let primary = sinks.remove(primary);
            sinks.insert(0, primary);
        }
        sinks
    }
}
