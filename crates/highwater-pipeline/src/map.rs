//! A closure over batches as a step.
//!
//! *Contract*: one input, one row out per row in, less the rejected ones. Order is kept.
//! *State*: none. *Side output*: `rejected`, the input's columns and a `reason`.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch, StringArray, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use highwater_core::{
    Batch, Context, Description, Epoch, Error, ErrorKind, Flow, Name, Operator, OperatorSpec, Port,
    Resolved, Result, StreamInfo, Timestamp, Unread,
};

/// What a closure answers: any error ends the run before something of the epoch is committed.
pub type MapResult<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

type Closure =
    Arc<dyn Fn(&RecordBatch, &mut MapContext<'_>) -> MapResult<RecordBatch> + Send + Sync>;

/// What a mapping closure sees beside its rows.
#[derive(Debug)]
pub struct MapContext<'a> {
    epoch: Epoch,
    now: Timestamp,
    rejected: &'a mut Vec<(u32, String)>,
}

impl MapContext<'_> {
    /// The epoch.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// The time of day as of the plan, the same for every row of the epoch.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Takes row `row` of the input out of the result and gives it to the rejected output.
    pub fn reject(&mut self, row: u32, reason: impl Into<String>) {
        self.rejected.push((row, reason.into()));
    }
}

/// The step behind [`Stream::map_batches`](crate::Stream::map_batches).
pub(crate) struct Map {
    output: SchemaRef,
    closure: Closure,
}

impl Map {
    pub(crate) fn new<F>(output: SchemaRef, closure: F) -> Self
    where
        F: Fn(&RecordBatch, &mut MapContext<'_>) -> MapResult<RecordBatch> + Send + Sync + 'static,
    {
        Self { output, closure: Arc::new(closure) }
    }
}

impl OperatorSpec for Map {
    fn describe(&self) -> Description {
        let columns: Vec<_> =
            self.output.fields().iter().map(|field| field.name().as_str()).collect();
        Description { kind: "map", settings: columns.join(", "), version: 0 }
    }

    fn resolve(&self, inputs: &[StreamInfo]) -> Result<Resolved> {
        let [input] = inputs else {
            return Err(Error::new(ErrorKind::Invalid, "pipeline", "a map takes one input"));
        };
        let rejected = rejected_schema(&input.schema);
        let name: Name = "rejected"
            .parse()
            .map_err(|error| Error::new(ErrorKind::Internal, "pipeline", error))?;
        let (output, closure) = (Arc::clone(&self.output), Arc::clone(&self.closure));
        let side = Arc::clone(&rejected);
        let build = move || -> Result<Box<dyn Operator>> {
            let (output, closure) = (Arc::clone(&output), Arc::clone(&closure));
            Ok(Box::new(Mapping { output, closure, rejected: Arc::clone(&side) }))
        };
        let info = input.with_columns(Arc::clone(&self.output));
        Ok(Resolved::new(info, build).with_side(name, StreamInfo::new(rejected), Unread::Stops))
    }
}

fn rejected_schema(input: &Schema) -> SchemaRef {
    let mut fields: Vec<_> = input.fields().iter().cloned().collect();
    fields.push(Arc::new(Field::new("reason", DataType::Utf8, false)));
    Arc::new(Schema::new(fields))
}

struct Mapping {
    output: SchemaRef,
    closure: Closure,
    rejected: SchemaRef,
}

impl Operator for Mapping {
    fn on_batch(&mut self, _port: Port, batch: Batch, cx: &mut Context<'_>) -> Result<Flow> {
        let mut rejected = Vec::new();
        let mut seen = MapContext { epoch: cx.epoch(), now: cx.now(), rejected: &mut rejected };
        let rows = (self.closure)(&batch.rows, &mut seen)
            .map_err(|error| Error::new(ErrorKind::Internal, "map", error))?;
        self.check(&batch.rows, &rows)?;
        if rejected.is_empty() {
            cx.emit(batch.with_columns(rows));
            return Ok(Flow::Done);
        }
        let (keep, taken_out) = self.split(&batch.rows, rejected).map_err(arrow)?;
        cx.emit(batch.with_columns(rows).filter(&keep).map_err(arrow)?);
        cx.emit_side(0, batch.with_rows(taken_out))?;
        Ok(Flow::Done)
    }
}

impl Mapping {
    fn check(&self, input: &RecordBatch, output: &RecordBatch) -> Result<()> {
        let bug = |what: String| Err(Error::new(ErrorKind::Internal, "map", what));
        if output.num_rows() != input.num_rows() {
            let (got, gave) = (input.num_rows(), output.num_rows());
            return bug(format!(
                "the closure got {got} rows and gave {gave}; it must give as many"
            ));
        }
        if output.schema().fields() != self.output.fields() {
            let (gave, declared) = (output.schema(), &self.output);
            return bug(format!("the closure gave columns {gave:?}, declared are {declared:?}"));
        }
        Ok(())
    }

    /// Which rows stay, and those that were rejected as they came in.
    fn split(
        &self,
        input: &RecordBatch,
        mut rejected: Vec<(u32, String)>,
    ) -> std::result::Result<(BooleanArray, RecordBatch), ArrowError> {
        rejected.sort_by_key(|(row, _)| *row);
        rejected.dedup_by_key(|(row, _)| *row);
        let rows = UInt32Array::from_iter_values(rejected.iter().map(|(row, _)| *row));
        let taken = take_record_batch(input, &rows)?;
        let mut columns = taken.columns().to_vec();
        let reasons = StringArray::from_iter_values(rejected.iter().map(|(_, reason)| reason));
        columns.push(Arc::new(reasons) as ArrayRef);
        let mut keep = vec![true; input.num_rows()];
        for row in rows.values() {
            let row = usize::try_from(*row).unwrap_or(usize::MAX);
            if let Some(keep) = keep.get_mut(row) {
                *keep = false;
            }
        }
        let taken_out = RecordBatch::try_new(Arc::clone(&self.rejected), columns)?;
        Ok((BooleanArray::from(keep), taken_out))
    }
}

fn arrow(error: ArrowError) -> Error {
    Error::new(ErrorKind::Internal, "map", error)
}
