//! The logical plan as a graph: sources, steps and sinks in the order of their declaration.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use highwater_core::{
    Name, OperatorSpec, Output, Port, Resolved, Routing, Sink, Source, StreamInfo, Unread,
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

    /// How the rows that come to a node find their worker.
    pub fn routing(&self, id: NodeId) -> &Routing {
        match self.node(id).map(|node| &node.kind) {
            Some(NodeKind::Step(_, resolved)) => resolved.routing(),
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
