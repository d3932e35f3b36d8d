//! Records as they are, so that `verify` decodes them by other code than the pipeline.

use std::sync::Arc;

use arrow::array::{BinaryArray, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use highwater_codec::{Format, Reason, RecordDecoder, Records};
use highwater_core::{Error, ErrorKind, Result};

/// One column `value` with the bytes of each record, null for a record without any.
#[derive(Clone, Copy, Debug)]
pub(super) struct Raw;

impl Format for Raw {
    fn schema(&self) -> SchemaRef {
        Arc::new(Schema::new(vec![Field::new("value", DataType::Binary, true)]))
    }

    fn decoder(&self) -> Box<dyn RecordDecoder> {
        Box::new(*self)
    }

    fn describe(&self) -> String {
        "raw".to_owned()
    }
}

impl RecordDecoder for Raw {
    fn decode(
        &mut self,
        records: &Records<'_>,
        outcomes: &mut Vec<Option<Reason>>,
    ) -> Result<RecordBatch> {
        outcomes.clear();
        outcomes.resize(records.values.len(), None);
        let values =
            records.values.iter().map(|value| value.and_then(|span| span.of(records.data)));
        let values: BinaryArray = values.collect();
        RecordBatch::try_new(self.schema(), vec![Arc::new(values)])
            .map_err(|error| Error::new(ErrorKind::Internal, "ledger", error))
    }
}
