//! Steps that need their rows together: by key, and all on one worker.

use std::collections::BTreeMap;
use std::sync::Arc;

use highwater_core::arrow::array::{ArrayRef, AsArray as _, Int64Array, RecordBatch};
use highwater_core::arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use highwater_core::{
    Batch, Context, Description, Flow, Operator, OperatorSpec, Port, Resolved, Result, Routing,
    StreamInfo,
};

/// A key that may be null, and a number.
pub(crate) fn pairs(values: impl IntoIterator<Item = (Option<i64>, i64)>) -> RecordBatch {
    let (k, n): (Vec<_>, Vec<_>) = values.into_iter().unzip();
    rows(pairs_schema(), [Int64Array::from(k), Int64Array::from(n)])
}

pub(crate) fn pairs_schema() -> SchemaRef {
    let columns = [Field::new("k", DataType::Int64, true), Field::new("n", DataType::Int64, false)];
    Arc::new(Schema::new(columns.to_vec()))
}

fn rows(schema: SchemaRef, columns: impl IntoIterator<Item = Int64Array>) -> RecordBatch {
    let columns = columns.into_iter().map(|column| Arc::new(column) as ArrayRef).collect();
    RecordBatch::try_new(schema, columns).unwrap()
}

/// The sum of `n` for each `k` of an epoch, at its end and in pieces of three rows.
pub(crate) struct Sums {
    pub(crate) routing: Routing,
    /// How rows of a second input are routed, whose numbers are taken off.
    less: Option<Routing>,
}

impl Sums {
    pub(crate) fn by_key() -> Self {
        Self { routing: Routing::ByKey(vec!["k".to_owned()]), less: None }
    }

    pub(crate) fn on_one_worker() -> Self {
        Self { routing: Routing::Single, less: None }
    }

    /// With a second input, whose key is the first column of whatever name.
    pub(crate) fn less(key: &str) -> Self {
        Self { less: Some(Routing::ByKey(vec![key.to_owned()])), ..Self::by_key() }
    }
}

impl OperatorSpec for Sums {
    fn describe(&self) -> Description {
        Description { kind: "sums", settings: String::new(), version: 0 }
    }

    fn resolve(&self, _: &[StreamInfo]) -> Result<Resolved> {
        let output = StreamInfo::new(pairs_schema());
        let build = || Ok(Box::new(Summing::default()) as Box<dyn Operator>);
        let resolved = Resolved::new(output, build).with_routing(self.routing.clone());
        Ok(match &self.less {
            Some(routing) => resolved.with_port_routing(Port(1), routing.clone()),
            None => resolved,
        })
    }
}

#[derive(Default)]
struct Summing {
    sums: BTreeMap<Option<i64>, i64>,
}

impl Operator for Summing {
    fn on_batch(&mut self, port: Port, batch: Batch, _: &mut Context<'_>) -> Result<Flow> {
        let column = |at| batch.rows.column(at).as_primitive::<Int64Type>();
        let sign = if port == Port(0) { 1 } else { -1 };
        for (k, n) in column(0).iter().zip(column(1).values()) {
            *self.sums.entry(k).or_default() += sign * n;
        }
        Ok(Flow::Done)
    }

    fn on_epoch_end(&mut self, cx: &mut Context<'_>) -> Result<Flow> {
        self.more(cx)
    }

    fn more(&mut self, cx: &mut Context<'_>) -> Result<Flow> {
        let piece = std::iter::from_fn(|| self.sums.pop_first()).take(3);
        cx.emit(pairs(piece).into());
        Ok(if self.sums.is_empty() { Flow::Done } else { Flow::More })
    }
}
