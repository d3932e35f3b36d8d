//! Decoding of single values and of batches, as the other tests need it.

use arrow::array::RecordBatch;
use highwater_codec::{Columns, Format, Json, Reason, RecordDecoder, Records, Span};

pub(crate) fn decoder(columns: Columns) -> Box<dyn RecordDecoder> {
    Json::try_new(columns).expect("the columns are good").decoder()
}

/// Decodes values that lie one after the other in one buffer; `None` is a tombstone.
pub(crate) fn decode(
    decoder: &mut dyn RecordDecoder,
    values: &[Option<&[u8]>],
) -> (RecordBatch, Vec<Option<Reason>>) {
    let mut data = b"before".to_vec();
    let mut spans = Vec::new();
    for value in values {
        spans.push(value.map(|value| {
            let start = u32::try_from(data.len()).unwrap();
            data.extend_from_slice(value);
            Span { start, end: u32::try_from(data.len()).unwrap() }
        }));
    }
    data.extend_from_slice(b"after");
    let mut outcomes = vec![None; 3];
    let records = Records { data: &data, values: &spans };
    let rows = decoder.decode(&records, &mut outcomes).expect("data is no error");
    assert_eq!(outcomes.len(), values.len());
    assert_eq!(rows.num_rows(), outcomes.iter().filter(|outcome| outcome.is_none()).count());
    (rows, outcomes)
}

/// The reason of the only value, or nothing when it became a row.
pub(crate) fn reason(columns: Columns, value: &str) -> Option<String> {
    let (_, outcomes) = decode(decoder(columns).as_mut(), &[Some(value.as_bytes())]);
    outcomes[0].as_ref().map(ToString::to_string)
}
