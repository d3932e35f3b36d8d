//! What becomes of a stream.

use std::sync::Arc;

use arrow::datatypes::{DataType, Schema};

use super::*;

#[test]
fn event_time_stays_where_its_column_does() {
    let schema = |kind| Arc::new(Schema::new(vec![Field::new("t", kind, true)]));
    let (int, text) = (DataType::Int64, DataType::Utf8);
    let stream = StreamInfo::new(schema(int.clone())).with_time("t");
    assert_eq!(stream.with_columns(schema(int)).time.as_deref(), Some("t"));
    assert_eq!(stream.with_columns(schema(text)).time, None);
}
