//! A pipeline that has been checked and can be explained and started.

use std::sync::Arc;

use highwater_core::{Digest, Error, ErrorKind, Name, Result};

use crate::graph::{Graph, NodeKind};
use crate::{Handle, Options, RunError, explain};

/// A pipeline as it will run.
#[derive(Clone, Debug)]
pub struct Plan {
    name: Name,
    graph: Arc<Graph>,
}

impl Plan {
    pub(crate) fn new(name: Name, graph: Graph) -> Self {
        Self { name, graph: Arc::new(graph) }
    }

    /// The name of the pipeline.
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// The sources, steps and sinks.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    pub(crate) fn shared_graph(&self) -> Arc<Graph> {
        Arc::clone(&self.graph)
    }

    /// The pipeline in words, one line for each source, step and sink. Contacts nothing.
    pub fn explain(&self) -> String {
        explain::text(self)
    }

    /// The pipeline as JSON. Contacts nothing.
    ///
    /// | field | type | what it is |
    /// |---|---|---|
    /// | `pipeline` | string | its name |
    /// | `fingerprint` | string | [`fingerprint`](Self::fingerprint) in hexadecimal digits |
    /// | `nodes` | array | every source, step and sink, each behind those that it reads |
    /// | `nodes[].name` | string | its name, unique among sources, among steps and among sinks |
    /// | `nodes[].kind` | string | `source`, `sink`, or the kind of a step, such as `map` |
    /// | `nodes[].settings` | string | what it reads or writes, or how it is set; for people |
    /// | `nodes[].inputs` | array of strings | what it reads: `name`, or `name.output` of a side output |
    /// | `nodes[].columns` | array of strings | `name type` of each column that comes out of it, or that a sink takes, with `?` at the end where it may be null |
    /// | `nodes[].state` | string | of steps that keep state: what, and why it cannot grow for ever |
    /// | `commitOrder` | array of strings | the sinks in the order of their commits, the primary first |
    ///
    /// Fields may be added; those that are here stay.
    ///
    /// # Example
    /// ```
    /// use std::sync::Arc;
    /// use arrow::datatypes::{DataType, Field, Schema};
    /// use highwater_pipeline::Pipeline;
    /// use highwater_testkit::memory::MemoryTable;
    /// use highwater_testkit::memory_source::MemorySource;
    ///
    /// let schema = Arc::new(Schema::new(vec![Field::new("id", DataType::Int64, false)]));
    /// let p = Pipeline::new("orders");
    /// p.source("orders", MemorySource::new("orders", schema, 1)).sink("orders", MemoryTable::new("orders"));
    /// let plan = p.build()?.explain_json();
    /// assert_eq!(plan["commitOrder"], serde_json::json!(["orders"]));
    /// assert_eq!(plan["nodes"][0]["columns"], serde_json::json!(["id Int64"]));
    /// # Ok::<(), highwater_pipeline::BuildErrors>(())
    /// ```
    pub fn explain_json(&self) -> serde_json::Value {
        explain::json(self)
    }

    /// The pipeline as a Mermaid flow chart. Contacts nothing.
    pub fn explain_mermaid(&self) -> String {
        explain::mermaid(self)
    }

    /// A digest of what the pipeline is: names, kinds and settings of its parts.
    pub fn fingerprint(&self) -> Digest {
        let mut text = String::new();
        for (_, node) in self.graph.nodes() {
            let what = match &node.kind {
                NodeKind::Source(_) => "source".to_owned(),
                NodeKind::Sink { .. } => "sink".to_owned(),
                NodeKind::Step(step, _) => {
                    let is = step.describe();
                    format!("{} v{} {}", is.kind, is.version, is.settings)
                }
            };
            text.push_str(&format!("{} {what} {:?}\n", node.name, node.inputs));
        }
        Digest::of(text.as_bytes())
    }

    /// Starts the pipeline on a thread of its own, which uses the tokio runtime of the caller for
    /// its I/O, and returns at once. What goes wrong at the start comes out of [`Handle::wait`].
    ///
    /// # Errors
    /// `Invalid` outside of a tokio runtime; `Transient` when no thread can be made.
    pub fn start(&self, options: Options) -> Result<Handle> {
        let runtime = tokio::runtime::Handle::try_current().map_err(|error| {
            Error::new(ErrorKind::Invalid, "pipeline", error)
                .advise("call start inside a tokio runtime, or use run_blocking")
        })?;
        Handle::spawn(self.clone(), options, runtime)
    }

    /// Runs the pipeline to its end on a runtime of its own, whose threads are named
    /// `highwater-<pipeline>-io`.
    ///
    /// # Errors
    /// What ended it.
    pub fn run_blocking(&self, options: Options) -> Result<(), RunError> {
        let at_start = |error| RunError { pipeline: self.name.clone(), epoch: None, error };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name(format!("highwater-{}-io", self.name))
            .enable_all()
            .build()
            .map_err(|error| at_start(Error::new(ErrorKind::Transient, "pipeline", error)))?;
        let _context = runtime.enter();
        let handle = self.start(options).map_err(at_start)?;
        runtime.block_on(handle.wait())
    }
}
