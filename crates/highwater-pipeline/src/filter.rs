//! A predicate over batches as a step. One input, rows in their order, no state.

use std::sync::Arc;

use arrow::array::{BooleanArray, RecordBatch};
use highwater_core::{
    Batch, Context, Description, Error, ErrorKind, Flow, Operator, OperatorSpec, Port, Resolved,
    Result, StreamInfo,
};

use crate::MapResult;

type Closure = Arc<dyn Fn(&RecordBatch) -> MapResult<BooleanArray> + Send + Sync>;

/// The step behind [`Stream::filter`](crate::Stream::filter).
pub(crate) struct Filter {
    keep: Closure,
}

impl Filter {
    pub(crate) fn new<F>(keep: F) -> Self
    where
        F: Fn(&RecordBatch) -> MapResult<BooleanArray> + Send + Sync + 'static,
    {
        Self { keep: Arc::new(keep) }
    }
}

impl OperatorSpec for Filter {
    fn describe(&self) -> Description {
        Description { kind: "filter", settings: String::new(), version: 0 }
    }

    fn resolve(&self, inputs: &[StreamInfo]) -> Result<Resolved> {
        let [input] = inputs else {
            return Err(Error::new(ErrorKind::Invalid, "pipeline", "a filter takes one input"));
        };
        let keep = Arc::clone(&self.keep);
        Ok(Resolved::new(input.clone(), move || {
            Ok(Box::new(Filtering { keep: Arc::clone(&keep) }) as Box<dyn Operator>)
        }))
    }
}

struct Filtering {
    keep: Closure,
}

impl Operator for Filtering {
    fn on_batch(&mut self, _port: Port, batch: Batch, cx: &mut Context<'_>) -> Result<Flow> {
        let keep = (self.keep)(&batch.rows)
            .map_err(|error| Error::new(ErrorKind::Internal, "filter", error))?;
        let kept = batch.filter(&keep);
        cx.emit(kept.map_err(|error| Error::new(ErrorKind::Internal, "filter", error))?);
        Ok(Flow::Done)
    }
}
