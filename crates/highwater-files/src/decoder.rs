//! Payloads to rows: lines are found and decoded many at a time, whatever files they are of.

use std::borrow::Cow;
use std::ops::Range as Bytes;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, Int64Array, RecordBatch, StringBuilder};
use arrow::datatypes::SchemaRef;
use highwater_codec::{Reason, RecordDecoder, Records, Span};
use highwater_core::{
    Decoded, Decoder, Offsets, Partition, Payload, Range, RejectedRecords, Result, Timestamp,
};
use memchr::memchr;

use crate::detail::{Part, Parts, Stretch};
use crate::error::FilesError;
use crate::frame::{self, Frame, HEADER, Kind, LONGEST_LINE, Rejected};
use crate::place::Place;

/// Rows of one batch at most.
const ROWS: usize = 8192;

/// Decodes the payloads of one range.
#[derive(Debug)]
pub(crate) struct FilesDecoder {
    partition: Partition,
    place: Place,
    /// The files of the range, each with the offset of its first byte.
    parts: Vec<(Part, i64)>,
    /// What of its only file the range reads, unless it reads files whole.
    stretch: Option<Stretch>,
    /// What comes next.
    file: usize,
    at: u64,
    longest: usize,
    format: Box<dyn RecordDecoder>,
    /// The schema of rows with the columns of the source.
    columns: Option<SchemaRef>,
    /// Lines that wait to be decoded together, and where they are from.
    values: Vec<Option<Span>>,
    lines: Vec<Line>,
    outcomes: Vec<Option<Reason>>,
    rejected: Option<(usize, RejectedRecords)>,
}

/// Where a line begins: the number of its file, and the byte in it.
#[derive(Clone, Copy, Debug)]
struct Line {
    file: usize,
    at: u64,
}

impl FilesDecoder {
    pub(crate) fn new(
        range: &Range,
        place: Place,
        format: Box<dyn RecordDecoder>,
        columns: Option<SchemaRef>,
    ) -> Result<Self, FilesError> {
        let read = Parts::of(range)?;
        let stretch = read.stretch;
        let begin = Stretch::begin(stretch);
        let before = i64::try_from(begin).unwrap_or(i64::MAX);
        let mut next = range.from.next.saturating_sub(before);
        let parts = read.files.into_iter().map(|part| {
            let base = next;
            next = next.saturating_add(part.span());
            (part, base)
        });
        Ok(Self {
            partition: range.partition.clone(),
            place,
            parts: parts.collect(),
            stretch,
            file: 0,
            at: begin,
            longest: LONGEST_LINE,
            format,
            columns,
            values: Vec::new(),
            lines: Vec::new(),
            outcomes: Vec::new(),
            rejected: None,
        })
    }

    /// The same for files whose lines are cut at another length.
    #[cfg(test)]
    pub(crate) fn with_longest(mut self, longest: usize) -> Self {
        self.longest = longest;
        self
    }

    fn disorder(&self, file: u64, at: u64) -> FilesError {
        FilesError::Disorder { partition: self.partition.clone(), file, at }
    }

    fn frame(&mut self, frame: &Frame, payload: &[u8], decoded: &mut Decoded) -> Result<()> {
        if usize::try_from(frame.file) != Ok(self.file) || frame.at != self.at {
            return Err(self.disorder(frame.file.into(), frame.at).into());
        }
        let body = payload.get(frame.body.clone()).unwrap_or_default();
        match frame.kind {
            Kind::Lines => {
                self.split(frame.body.clone(), payload, decoded)?;
                self.at += u64::try_from(body.len()).unwrap_or(u64::MAX);
            }
            Kind::Rejected => {
                let line = Rejected::read(body);
                let line = line.ok_or_else(|| self.disorder(frame.file.into(), frame.at))?;
                self.flush(payload, decoded)?;
                self.reject_line(self.at, line, decoded)?;
                self.at += line.bytes;
            }
            Kind::Passed => {
                let bytes = body.try_into().map(u64::from_le_bytes);
                let bytes = bytes.map_err(|_short| self.disorder(frame.file.into(), frame.at))?;
                self.at = self.at.saturating_add(bytes);
            }
            Kind::End if self.stretch.is_some_and(|Stretch(_, end)| self.at < end) => {
                return Err(self.disorder(frame.file.into(), frame.at).into());
            }
            Kind::End => (self.file, self.at) = (self.file + 1, 0),
        }
        Ok(())
    }

    /// Finds the lines in a piece of a file.
    fn split(&mut self, body: Bytes<usize>, payload: &[u8], decoded: &mut Decoded) -> Result<()> {
        let first = self.at;
        let piece = payload.get(body.clone()).unwrap_or_default();
        let mark = frame::mark(first, piece);
        let (mut start, mut rest) = (body.start + mark, piece.get(mark..).unwrap_or_default());
        while !rest.is_empty() {
            let taken = memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
            let (whole, behind) = rest.split_at_checked(taken).unwrap_or((rest, &[]));
            let line = whole.strip_suffix(b"\n").unwrap_or(whole);
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let at = first + u64::try_from(start - body.start).unwrap_or(u64::MAX);
            if line.len() > self.longest {
                let bytes = u64::try_from(line.len()).unwrap_or(u64::MAX);
                let reason = frame::too_long(bytes, self.longest);
                self.flush(payload, decoded)?;
                self.reject_line(at, Rejected { bytes, reason: &reason, raw: line }, decoded)?;
            } else if !line.trim_ascii_start().is_empty() {
                self.push(start..start + line.len(), at)?;
                if self.values.len() == ROWS {
                    self.flush(payload, decoded)?;
                }
            }
            (start, rest) = (start + taken, behind);
        }
        Ok(())
    }

    fn push(&mut self, line: Bytes<usize>, at: u64) -> Result<(), FilesError> {
        let file = u64::try_from(self.file).unwrap_or(u64::MAX);
        let (Ok(start), Ok(end)) = (u32::try_from(line.start), u32::try_from(line.end)) else {
            return Err(self.disorder(file, at));
        };
        self.values.push(Some(Span { start, end }));
        self.lines.push(Line { file: self.file, at });
        Ok(())
    }

    /// Decodes the lines that wait; they lie in `payload`.
    fn flush(&mut self, payload: &[u8], decoded: &mut Decoded) -> Result<()> {
        if self.values.is_empty() {
            return Ok(());
        }
        let records = Records { data: payload, values: &self.values };
        let rows = self.format.decode(&records, &mut self.outcomes)?;
        let mut outcomes = std::mem::take(&mut self.outcomes);
        let all = rows.num_rows() == self.lines.len();
        if !all {
            self.reject(&outcomes, payload, decoded)?;
        }
        if rows.num_rows() > 0 {
            let accepted = match all {
                true => Cow::from(&self.lines),
                false => {
                    let accepted = self.lines.iter().zip(&outcomes);
                    accepted
                        .filter(|(_, outcome)| outcome.is_none())
                        .map(|(line, _)| *line)
                        .collect()
                }
            };
            decoded.rows.push(self.add_columns(rows, &accepted)?);
            decoded.offsets.push(Offsets::new(accepted.iter().map(|line| self.offset(*line))));
        }
        decoded.rejected.extend(take(&mut self.rejected)?);
        decoded.records += u64::try_from(self.values.len()).unwrap_or(u64::MAX);
        let bytes = self.values.iter().flatten().map(|span| u64::from(span.end - span.start));
        decoded.bytes += bytes.sum::<u64>();
        self.values.clear();
        self.lines.clear();
        outcomes.clear();
        self.outcomes = outcomes;
        Ok(())
    }

    /// Rejects those of the lines that wait which became no row.
    fn reject(
        &mut self,
        outcomes: &[Option<Reason>],
        payload: &[u8],
        decoded: &mut Decoded,
    ) -> Result<()> {
        for ((outcome, span), line) in outcomes.iter().zip(&self.values).zip(&self.lines) {
            if let Some(reason) = outcome {
                let raw = span.and_then(|span| span.of(payload)).map(frame::kept);
                let rejected =
                    rejected(&mut self.rejected, (&self.place, &self.parts), line.file, decoded)?;
                let (offset, time) = whence(&self.parts, *line);
                rejected.push(offset, time, raw, &reason.to_string());
            }
        }
        Ok(())
    }

    /// The offset of a line in the partition.
    fn offset(&self, line: Line) -> i64 {
        let base = self.parts.get(line.file).map_or(0, |(_, base)| *base);
        base.saturating_add(i64::try_from(line.at).unwrap_or(i64::MAX))
    }

    fn reject_line(&mut self, at: u64, line: Rejected<'_>, decoded: &mut Decoded) -> Result<()> {
        let whence = whence(&self.parts, Line { file: self.file, at });
        let rejected =
            rejected(&mut self.rejected, (&self.place, &self.parts), self.file, decoded)?;
        rejected.push(whence.0, whence.1, Some(frame::kept(line.raw)), line.reason);
        decoded.rejected.extend(take(&mut self.rejected)?);
        decoded.records += 1;
        decoded.bytes += line.bytes;
        Ok(())
    }

    fn add_columns(&self, rows: RecordBatch, lines: &[Line]) -> Result<RecordBatch, FilesError> {
        let Some(schema) = &self.columns else { return Ok(rows) };
        let mut files = StringBuilder::new();
        let mut name = (usize::MAX, String::new());
        for line in lines {
            if name.0 != line.file {
                name = (line.file, named(&self.place, &self.parts, line.file));
            }
            files.append_value(&name.1);
        }
        let added: [ArrayRef; 3] = [
            Arc::new(files.finish()),
            Arc::new(Int32Array::from_value(0, lines.len())),
            Arc::new(Int64Array::from_iter_values(
                lines.iter().map(|line| whence(&self.parts, *line).0),
            )),
        ];
        let columns = rows.columns().iter().cloned().chain(added).collect();
        Ok(RecordBatch::try_new(SchemaRef::clone(schema), columns)?)
    }
}

/// What columns say of a line: the byte in its file, and the time of that file.
fn whence(parts: &[(Part, i64)], line: Line) -> (i64, Option<Timestamp>) {
    let time = parts.get(line.file).map(|(part, _)| Timestamp(part.version().modified));
    (i64::try_from(line.at).unwrap_or(i64::MAX), time)
}

fn named(place: &Place, parts: &[(Part, i64)], file: usize) -> String {
    parts.get(file).map(|(part, _)| place.name(part.path())).unwrap_or_default()
}

/// The collection for records of this file; what waits of another one is given out.
fn rejected<'a>(
    waiting: &'a mut Option<(usize, RejectedRecords)>,
    (place, parts): (&Place, &[(Part, i64)]),
    file: usize,
    decoded: &mut Decoded,
) -> Result<&'a mut RejectedRecords> {
    if waiting.as_ref().is_some_and(|(of, _)| *of != file) {
        decoded.rejected.extend(take(waiting)?);
        *waiting = None;
    }
    let new = || (file, RejectedRecords::new(&Partition::new(named(place, parts, file), 0)));
    Ok(&mut waiting.get_or_insert_with(new).1)
}

fn take(waiting: &mut Option<(usize, RejectedRecords)>) -> Result<Option<RecordBatch>> {
    waiting.as_mut().map_or(Ok(None), |(_, rejected)| rejected.take())
}

impl Decoder for FilesDecoder {
    fn decode(&mut self, payload: Payload, decoded: &mut Decoded) -> Result<()> {
        let payload: &[u8] = &payload.bytes;
        let mut from = 0;
        while from < payload.len() {
            let (file, at) = (u64::try_from(self.file).unwrap_or(u64::MAX), self.at);
            let frame = Frame::read(payload, from).ok_or_else(|| self.disorder(file, at))?;
            self.frame(&frame, payload, decoded)?;
            from = frame.body.end.max(from + HEADER);
        }
        self.flush(payload, decoded)?;
        if self.file == self.parts.len() {
            // A worker has the decoders of all its ranges until the last one is read.
            (self.values, self.lines, self.outcomes) = (Vec::new(), Vec::new(), Vec::new());
        }
        Ok(())
    }

    fn finish(&mut self, _decoded: &mut Decoded) -> Result<()> {
        let (reached, files) = (self.file, self.parts.len());
        if reached == files && self.at == 0 {
            return Ok(());
        }
        Err(FilesError::Incomplete { partition: self.partition.clone(), reached, files }.into())
    }
}
