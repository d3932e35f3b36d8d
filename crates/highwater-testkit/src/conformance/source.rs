//! What every source must do.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a suite ends at the first thing that does not hold"
)]

use std::collections::BTreeMap;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use futures::TryStreamExt;
use highwater_core::{
    Decoded, ErrorKind, Limits, Partition, Payload, Planned, Positions, Range, RangeId, Source,
};

const LONGEST_BATCH: usize = 8_192;
const MOST_PLANS: usize = 10_000;

/// What a source gave from its start to its end as of now.
#[derive(Clone, Debug, PartialEq)]
pub struct Read {
    /// The rows of each partition, in the order of their records.
    pub rows: BTreeMap<Partition, Vec<RecordBatch>>,
    /// The rejected records of each partition, in their order.
    pub rejected: BTreeMap<Partition, Vec<RecordBatch>>,
    /// All records, rejected ones included.
    pub records: u64,
}

/// Reads `source` to its end, epoch by epoch within `limits`, and checks on the way that
///
/// * plans begin where the last one ended, stay within the limits and reach the ends;
/// * the same ranges give the same records again, together and each alone;
/// * every record becomes a row or a rejected record, in batches of the declared schemas;
/// * a range whose payloads are not all there is an error when it is finished;
/// * the same records come when the epochs are cut differently.
///
/// The source must hold at least one record, and must not grow meanwhile.
///
/// # Panics
/// When something of that does not hold.
pub async fn source(source: &dyn Source, limits: &Limits) -> Read {
    let start = Positions::default();
    let ends = source.ends(&start).await.expect("the ends of the source");
    let mut from = start.clone();
    let mut all = Gathered::new(source);
    for _ in 0..MOST_PLANS {
        let planned = source.plan(&from, Some(&ends), limits).await.expect("a plan");
        if planned.ranges.is_empty() {
            reaches(&from, &ends);
            let whole = all.read();
            assert!(whole.records > 0, "the source under test holds no record");
            let uncut = whole_at_once(source, &ends).await;
            assert_eq!(whole, uncut, "other cuts between epochs give other records");
            return whole;
        }
        check_plan(&planned, &from, limits);
        let once = decode_all(source, &planned.ranges).await;
        let again = decode_all(source, &planned.ranges).await;
        assert_eq!(once, again, "the same ranges gave other records the second time");
        for range in &planned.ranges {
            let alone = decode_all(source, std::slice::from_ref(range)).await;
            assert_eq!(alone.get(&range.id), once.get(&range.id), "{range:?} read alone differs");
            check_short(source, range).await;
        }
        for range in &planned.ranges {
            all.add(range, once.get(&range.id).expect("every range was read"));
        }
        from = from.after(&planned.ranges);
    }
    panic!("the source does not reach its ends in {MOST_PLANS} plans");
}

async fn whole_at_once(source: &dyn Source, ends: &Positions) -> Read {
    let mut from = Positions::default();
    let mut all = Gathered::new(source);
    for _ in 0..MOST_PLANS {
        let limits = Limits::default();
        let planned = source.plan(&from, Some(ends), &limits).await.expect("a plan");
        if planned.ranges.is_empty() {
            break;
        }
        let decoded = decode_all(source, &planned.ranges).await;
        for range in &planned.ranges {
            all.add(range, decoded.get(&range.id).expect("every range was read"));
        }
        from = from.after(&planned.ranges);
    }
    all.read()
}

fn reaches(positions: &Positions, ends: &Positions) {
    for (partition, end) in ends.iter() {
        let next = positions.get(partition).map_or(0, |position| position.next);
        assert!(
            next >= end.next || end.next == 0,
            "nothing more of {partition} at {next} of {end:?}"
        );
    }
}

fn check_plan(planned: &Planned, from: &Positions, limits: &Limits) {
    let mut partitions = BTreeMap::new();
    let mut span = 0;
    for (place, range) in planned.ranges.iter().enumerate() {
        let id = RangeId(u32::try_from(place).expect("few ranges"));
        assert_eq!(range.id, id, "ranges are numbered from 0 in their order");
        assert!(range.from.next < range.to.next, "an empty range: {range:?}");
        let before = from.get(&range.partition).map(|position| position.next);
        if let Some(next) = partitions.get(&range.partition).copied().or(before) {
            assert_eq!(range.from.next, next, "a range begins where the last one ended");
        }
        partitions.insert(range.partition.clone(), range.to.next);
        span += u64::try_from(range.to.next - range.from.next).expect("a length");
    }
    let alone = partitions.len() == 1; // what cannot be cut may be larger than a limit
    assert!(span <= limits.records || alone, "{span} offsets of at most {}", limits.records);
}

/// The rows and rejected records of one range.
#[derive(Debug, PartialEq)]
struct Decoding {
    rows: RecordBatch,
    rejected: RecordBatch,
    records: u64,
    bytes: u64,
}

async fn payloads(source: &dyn Source, ranges: &[Range]) -> Vec<(RangeId, Payload)> {
    source.read(ranges.to_vec()).try_collect().await.expect("payloads")
}

async fn decode_all(source: &dyn Source, ranges: &[Range]) -> BTreeMap<RangeId, Decoding> {
    let mut by_range: BTreeMap<RangeId, Vec<Payload>> = BTreeMap::new();
    for (id, payload) in payloads(source, ranges).await {
        by_range.entry(id).or_default().push(payload);
    }
    let mut decodings = BTreeMap::new();
    for range in ranges {
        let mut decoder = source.decoder(range).expect("a decoder");
        let mut decoded = Decoded::default();
        for payload in by_range.remove(&range.id).unwrap_or_default() {
            decoder.decode(payload, &mut decoded).expect("a payload of the range");
        }
        decoder.finish(&mut decoded).expect("all payloads of the range were there");
        decodings.insert(range.id, check_decoded(source, range, &decoded));
    }
    assert!(by_range.is_empty(), "payloads of ranges that nobody asked for: {:?}", by_range.keys());
    decodings
}

fn check_decoded(source: &dyn Source, range: &Range, decoded: &Decoded) -> Decoding {
    let rows = joined(&source.output().schema, &decoded.rows);
    let rejected = joined(&source.rejected().schema, &decoded.rejected);
    let sum = u64::try_from(rows.num_rows() + rejected.num_rows()).expect("a count");
    assert_eq!(sum, decoded.records, "{range:?}: records that are neither rows nor rejected");
    Decoding { rows, rejected, records: decoded.records, bytes: decoded.bytes }
}

fn joined(schema: &SchemaRef, batches: &[RecordBatch]) -> RecordBatch {
    for batch in batches {
        assert_eq!(batch.schema_ref(), schema, "a batch of another schema than declared");
        let rows = batch.num_rows();
        assert!((1..=LONGEST_BATCH).contains(&rows), "a batch of {rows} rows");
    }
    concat_batches(schema, batches).expect("batches of one schema")
}

/// A range without its last payload, or without any, must not pass for a whole one.
async fn check_short(source: &dyn Source, range: &Range) {
    let all = payloads(source, std::slice::from_ref(range)).await;
    for kept in [0, all.len().saturating_sub(1)] {
        if kept == all.len() {
            continue; // the range holds no payload at all
        }
        let mut decoder = source.decoder(range).expect("a decoder");
        let mut decoded = Decoded::default();
        for (_, payload) in all.iter().take(kept).cloned() {
            decoder.decode(payload, &mut decoded).expect("a payload of the range");
        }
        let kind = decoder.finish(&mut decoded).err().map(|error| error.kind());
        assert_eq!(kind, Some(ErrorKind::Corrupt), "{kept} of {} payloads passed", all.len());
    }
}

struct Gathered {
    schemas: [SchemaRef; 2],
    rows: BTreeMap<Partition, Vec<RecordBatch>>,
    rejected: BTreeMap<Partition, Vec<RecordBatch>>,
    records: u64,
}

impl Gathered {
    fn new(source: &dyn Source) -> Self {
        let schemas = [source.output().schema, source.rejected().schema];
        Self { schemas, rows: BTreeMap::new(), rejected: BTreeMap::new(), records: 0 }
    }

    fn add(&mut self, range: &Range, decoding: &Decoding) {
        let partition = || range.partition.clone();
        self.rows.entry(partition()).or_default().push(decoding.rows.clone());
        self.rejected.entry(partition()).or_default().push(decoding.rejected.clone());
        self.records += decoding.records;
    }

    /// One batch for each partition, so that cuts do not show.
    fn read(self) -> Read {
        let [rows, rejected] = self.schemas;
        let whole = |schema: &SchemaRef, parts: BTreeMap<Partition, Vec<RecordBatch>>| {
            let joined = |batches: Vec<_>| concat_batches(schema, &batches).expect("one schema");
            let parts = parts.into_iter();
            let parts = parts.map(|(partition, batches)| (partition, joined(batches)));
            parts
                .filter(|(_, batch)| batch.num_rows() > 0)
                .map(|(partition, batch)| (partition, vec![batch]))
                .collect()
        };
        Read {
            rows: whole(&rows, self.rows),
            rejected: whole(&rejected, self.rejected),
            records: self.records,
        }
    }
}
