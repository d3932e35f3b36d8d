//! The executor on one thread, by plain calls: also the oracle that others are compared with.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use async_trait::async_trait;
use futures::StreamExt;
use highwater_core::{
    Batch, Context, Decoded, Decoder, EpochPlan, Error, ErrorKind, Failpoint, Failpoints, Flow,
    Name, Operator, Origin, Output, Port, Range, RangeId, Result, Source, SourcePlan, Writer,
    WriterContext,
};

use crate::graph::{Graph, NodeId, NodeKind, Tap};
use crate::{Executor, Outcome};

/// One worker that is also the only one.
pub(crate) struct Inline {
    graph: Arc<Graph>,
    run: String,
    failpoints: Failpoints,
    operators: BTreeMap<NodeId, Box<dyn Operator>>,
    submitted: Option<Arc<EpochPlan>>,
}

impl Inline {
    pub(crate) fn try_new(graph: Arc<Graph>, run: String, failpoints: Failpoints) -> Result<Self> {
        let mut operators = BTreeMap::new();
        for (id, node) in graph.nodes() {
            if let NodeKind::Step(_, resolved) = &node.kind {
                operators.insert(id, resolved.build()?);
            }
        }
        Ok(Self { graph, run, failpoints, operators, submitted: None })
    }
}

#[async_trait(?Send)]
impl Executor for Inline {
    fn submit(&mut self, plan: Arc<EpochPlan>) -> Result<()> {
        match self.submitted.replace(plan) {
            None => Ok(()),
            Some(_) => Err(bug("an epoch was submitted while another one runs")),
        }
    }

    async fn next(&mut self) -> Result<Outcome> {
        let plan = self.submitted.take().ok_or_else(|| bug("no epoch was submitted"))?;
        let graph = Arc::clone(&self.graph);
        let mut epoch = Running::new(self, &graph, &plan);
        for (node, name, source) in graph.sources() {
            if let Some(part) = plan.sources.get(name) {
                epoch.read(node, name, source.as_ref(), part).await?;
            }
        }
        epoch.end_operators()?;
        epoch.close().await
    }
}

/// One epoch on its way.
struct Running<'a> {
    graph: &'a Graph,
    plan: &'a EpochPlan,
    run: &'a str,
    failpoints: &'a Failpoints,
    operators: &'a mut BTreeMap<NodeId, Box<dyn Operator>>,
    writers: BTreeMap<NodeId, (Name, Box<dyn Writer>)>,
    outcome: Outcome,
}

/// A decoder with the origin of its rows.
struct RangeDecoder {
    origin: Arc<Origin>,
    decoder: Box<dyn Decoder>,
}

impl<'a> Running<'a> {
    fn new(inline: &'a mut Inline, graph: &'a Graph, plan: &'a EpochPlan) -> Self {
        let Inline { run, failpoints, operators, .. } = inline;
        let outcome = Outcome::default();
        Self { graph, plan, run, failpoints, operators, writers: BTreeMap::new(), outcome }
    }

    async fn read(
        &mut self,
        node: NodeId,
        name: &Name,
        source: &dyn Source,
        part: &SourcePlan,
    ) -> Result<()> {
        let mut decoders = decoders(name, source, &part.ranges)?;
        let mut payloads = source.read(part.ranges.clone());
        while let Some(read) = payloads.next().await {
            let (range, payload) = read?;
            self.failpoints.hit(Failpoint::PayloadRead)?;
            let reader = decoders.get_mut(&range).ok_or_else(|| bug("a payload of no range"))?;
            let mut decoded = Decoded::default();
            reader.decoder.decode(payload, &mut decoded)?;
            self.take_in(node, name, &reader.origin, decoded)?;
            self.catch_up().await?;
        }
        for reader in decoders.values_mut() {
            let mut decoded = Decoded::default();
            reader.decoder.finish(&mut decoded)?;
            self.take_in(node, name, &reader.origin, decoded)?;
            self.catch_up().await?;
        }
        Ok(())
    }

    /// Counts what a decoder gave and passes it on.
    fn take_in(
        &mut self,
        node: NodeId,
        name: &Name,
        origin: &Arc<Origin>,
        decoded: Decoded,
    ) -> Result<()> {
        let count = |batches: &[RecordBatch]| -> u64 {
            batches.iter().map(|batch| to_u64(batch.num_rows())).sum()
        };
        let counts = self.outcome.sources.entry(name.clone()).or_default();
        counts.records += decoded.records;
        counts.bytes += decoded.bytes;
        counts.rows += count(&decoded.rows);
        counts.rejected += count(&decoded.rejected);
        let from = |rows| Batch { rows, origin: Some(Arc::clone(origin)) };
        for rows in decoded.rows {
            self.pass(Tap { node, output: Output::Main }, from(rows))?;
        }
        for rows in decoded.rejected {
            self.pass(Tap { node, output: Output::Side(0) }, from(rows))?;
        }
        Ok(())
    }

    /// Hands a batch to every reader of an output, and what they emit to theirs.
    fn pass(&mut self, tap: Tap, batch: Batch) -> Result<()> {
        let mut waiting = vec![(tap, batch)];
        while let Some((tap, batch)) = waiting.pop() {
            let readers = self.graph.readers(tap);
            if readers.is_empty() && tap.output != Output::Main {
                return Err(self.unclaimed(tap, &batch));
            }
            for (node, port) in readers {
                let emitted = self.hand_over(*node, *port, batch.clone())?;
                // Last in, first out: reversed, so that batches keep their order.
                waiting.extend(emitted.into_iter().rev());
            }
        }
        Ok(())
    }

    fn hand_over(&mut self, node: NodeId, port: Port, batch: Batch) -> Result<Vec<(Tap, Batch)>> {
        if self.operators.contains_key(&node) {
            return self.step(node, |operator, cx| operator.on_batch(port, batch, cx));
        }
        self.write(node, batch)?;
        Ok(Vec::new())
    }

    /// Calls an operator until it has nothing more to emit.
    fn step(
        &mut self,
        node: NodeId,
        call: impl FnOnce(&mut dyn Operator, &mut Context<'_>) -> Result<Flow>,
    ) -> Result<Vec<(Tap, Batch)>> {
        let sides = match self.graph.node(node).map(|node| &node.kind) {
            Some(NodeKind::Step(_, resolved)) => resolved.sides().len(),
            _ => 0,
        };
        let operator = self.operators.get_mut(&node).ok_or_else(|| bug("a step was not built"))?;
        let mut emitted = Vec::new();
        let mut cx = Context::new(self.plan.epoch, self.plan.now, sides, &mut emitted);
        let mut flow = call(operator.as_mut(), &mut cx)?;
        while flow == Flow::More {
            flow = operator.more(&mut cx)?;
        }
        Ok(emitted.into_iter().map(|(output, batch)| (Tap { node, output }, batch)).collect())
    }

    fn write(&mut self, node: NodeId, batch: Batch) -> Result<()> {
        if !self.writers.contains_key(&node) {
            let writer = self.open_writer(node)?;
            self.writers.insert(node, writer);
        }
        let Some((sink, writer)) = self.writers.get_mut(&node) else { return Ok(()) };
        *self.outcome.written.entry(sink.clone()).or_default() += to_u64(batch.len());
        writer.write(batch)?;
        self.failpoints.hit(Failpoint::BatchWritten)
    }

    fn open_writer(&self, node: NodeId) -> Result<(Name, Box<dyn Writer>)> {
        let found = self.graph.node(node).ok_or_else(|| bug("a reader is no node"))?;
        let NodeKind::Sink(sink, input) = &found.kind else {
            return Err(bug("rows reached a source"));
        };
        let target =
            self.plan.targets.get(&found.name).ok_or_else(|| bug("a sink has no target"))?;
        let writer = sink.writer(&WriterContext {
            sink: found.name.clone(),
            input: input.clone(),
            run: self.run.to_owned(),
            epoch: self.plan.epoch,
            worker: 0,
            target: target.clone(),
            failpoints: self.failpoints.clone(),
        })?;
        Ok((found.name.clone(), writer))
    }

    /// Lets uploads catch up, and other work on this thread have its turn.
    async fn catch_up(&mut self) -> Result<()> {
        for (_, writer) in self.writers.values_mut() {
            writer.ready().await?;
        }
        tokio::task::yield_now().await;
        Ok(())
    }

    fn end_operators(&mut self) -> Result<()> {
        let nodes: Vec<_> = self.operators.keys().copied().collect();
        for node in nodes {
            for (tap, batch) in self.step(node, |operator, cx| operator.on_epoch_end(cx))? {
                self.pass(tap, batch)?;
            }
        }
        Ok(())
    }

    async fn close(mut self) -> Result<Outcome> {
        self.failpoints.hit(Failpoint::BeforeClose)?;
        for (sink, writer) in std::mem::take(&mut self.writers).into_values() {
            let staged = writer.close().await?;
            self.outcome.staged.insert(sink, staged);
        }
        self.outcome.balance()?;
        Ok(self.outcome)
    }

    /// Rejected rows that nobody takes would be lost: they stop the pipeline instead.
    fn unclaimed(&self, tap: Tap, batch: &Batch) -> Error {
        let name = self.graph.node(tap.node).map_or("?", |node| node.name.as_str());
        let place = batch.origin.as_ref().map(|origin| format!(" of {}", origin.partition));
        let first = first_rejected(&batch.rows);
        let rows = batch.len();
        let place = place.unwrap_or_default();
        Error::new(
            ErrorKind::BadRecord,
            "pipeline",
            format!(
                "{name} rejected {rows} rows{place} and nothing takes them; the first: {first}"
            ),
        )
        .advise("mend the record, or send .rejected() of this stream to a sink")
    }
}

/// The first rejected row in words: its offset, if it has one, and the reason.
fn first_rejected(rows: &RecordBatch) -> String {
    let cell = |name: &str| {
        let column = rows.column_by_name(name)?;
        arrow::util::display::array_value_to_string(column, 0).ok()
    };
    let offset = cell("offset").map(|offset| format!("offset {offset}, ")).unwrap_or_default();
    format!("{offset}{}", cell("reason").unwrap_or_default())
}

fn decoders(
    name: &Name,
    source: &dyn Source,
    ranges: &[Range],
) -> Result<BTreeMap<RangeId, RangeDecoder>> {
    let decoder = |range: &Range| {
        let origin = Arc::new(Origin { source: name.clone(), partition: range.partition.clone() });
        Ok((range.id, RangeDecoder { origin, decoder: source.decoder(range)? }))
    };
    ranges.iter().map(decoder).collect()
}

fn to_u64(rows: usize) -> u64 {
    u64::try_from(rows).unwrap_or(u64::MAX)
}

fn bug(what: &'static str) -> Error {
    Error::new(ErrorKind::Internal, "pipeline", what)
}
