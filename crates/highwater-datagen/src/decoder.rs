//! Payloads to rows: each record stands behind its length, and counts up the offset.

use arrow::array::RecordBatch;
use highwater_codec::{Reason, RecordDecoder, Records, Span};
use highwater_core::{
    Decoded, Decoder, Offsets, Payload, Range, RejectedRecords, Result, SourceColumns,
};

use crate::DatagenError;

/// Bytes of the length before each record.
pub(crate) const LENGTH: usize = 4;

/// Decodes the payloads of one range.
#[derive(Debug)]
pub(crate) struct GeneratedDecoder {
    range: Range,
    next: i64,
    format: Box<dyn RecordDecoder>,
    rejected: RejectedRecords,
    source_columns: Option<SourceColumns>,
    values: Vec<Option<Span>>,
    outcomes: Vec<Option<Reason>>,
}

impl GeneratedDecoder {
    pub(crate) fn new(
        range: &Range,
        format: Box<dyn RecordDecoder>,
        source_columns: Option<SourceColumns>,
    ) -> Self {
        Self {
            next: range.from.next,
            rejected: RejectedRecords::new(&range.partition),
            range: range.clone(),
            format,
            source_columns,
            values: Vec::new(),
            outcomes: Vec::new(),
        }
    }

    /// Finds the records in a payload. Gives their bytes together.
    fn find(&mut self, payload: &[u8]) -> Result<u64, DatagenError> {
        self.values.clear();
        let mut at = 0_u32;
        let mut bytes = 0_u64;
        let mut rest = payload;
        while !rest.is_empty() {
            let found = rest.split_first_chunk::<LENGTH>().and_then(|(length, behind)| {
                let length = u32::from_le_bytes(*length);
                let start = at.checked_add(4)?;
                let end = start.checked_add(length)?;
                Some((Span { start, end }, behind.get(usize::try_from(length).ok()?..)?))
            });
            let Some((span, behind)) = found else {
                let partition = self.range.partition.clone();
                let before = i64::try_from(self.values.len()).unwrap_or(i64::MAX);
                return Err(DatagenError::Cut { partition, offset: self.next + before });
            };
            bytes += u64::from(span.end - span.start);
            (at, rest) = (span.end, behind);
            self.values.push(Some(span));
        }
        Ok(bytes)
    }

    fn reject(&mut self, payload: &[u8]) {
        for ((offset, outcome), value) in (self.next..).zip(&self.outcomes).zip(&self.values) {
            if let Some(reason) = outcome {
                let raw = value.and_then(|span| span.of(payload));
                self.rejected.push(offset, None, raw, &reason.to_string());
            }
        }
    }

    fn add_source_columns(&self, rows: RecordBatch) -> Result<RecordBatch> {
        let Some(columns) = &self.source_columns else { return Ok(rows) };
        columns.add(&rows, self.accepted())
    }

    /// The offsets of the records that became rows.
    fn accepted(&self) -> impl Iterator<Item = i64> + Clone {
        let accepted = (self.next..).zip(&self.outcomes);
        accepted.filter(|(_, outcome)| outcome.is_none()).map(|(offset, _)| offset)
    }
}

impl Decoder for GeneratedDecoder {
    fn decode(&mut self, payload: Payload, decoded: &mut Decoded) -> Result<()> {
        let data: &[u8] = &payload.bytes;
        decoded.bytes += self.find(data)?;
        let records = Records { data, values: &self.values };
        let rows = self.format.decode(&records, &mut self.outcomes)?;
        self.reject(data);
        if rows.num_rows() > 0 {
            decoded.rows.push(self.add_source_columns(rows)?);
            decoded.offsets.push(Offsets::new(self.accepted()));
        }
        decoded.rejected.extend(self.rejected.take()?);
        let count = self.values.len();
        decoded.records += u64::try_from(count).unwrap_or(u64::MAX);
        self.next = self.next.saturating_add(i64::try_from(count).unwrap_or(i64::MAX));
        Ok(())
    }

    fn finish(&mut self, _decoded: &mut Decoded) -> Result<()> {
        if self.next == self.range.to.next {
            return Ok(());
        }
        let (partition, end) = (self.range.partition.clone(), self.range.to.next);
        Err(DatagenError::Incomplete { partition, reached: self.next, end }.into())
    }
}
