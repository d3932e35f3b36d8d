//! Record batches of message format 2, encoded.

use bytes::{BufMut, Bytes};

/// One record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// Its key.
    pub key: Option<Bytes>,
    /// Its value.
    pub value: Option<Bytes>,
    /// Its headers, in their order; a value may be null.
    pub headers: Vec<(String, Option<Bytes>)>,
    /// Milliseconds since 1970 UTC.
    pub timestamp: i64,
}

impl Record {
    /// A record with a value and nothing else.
    pub fn value(value: impl Into<Bytes>) -> Self {
        Self { value: Some(value.into()), ..Self::default() }
    }
}

/// How the records of a batch are compressed. The brokers bring no codec of their own.
#[derive(Clone, Copy, Debug)]
pub struct Packing {
    /// The number of the codec: 1 gzip, 2 snappy, 3 lz4, 4 zstd.
    pub codec: i16,
    /// What compresses.
    pub pack: fn(&[u8]) -> Vec<u8>,
}

/// Records that are written together.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// The records.
    pub records: Vec<Record>,
    /// The producer, when they are part of its transaction.
    pub producer: Option<i64>,
    /// The compression.
    pub packing: Option<Packing>,
    /// The time of the broker, when the topic takes that for all records.
    pub log_append_time: Option<i64>,
}

impl Batch {
    /// A batch of `records`, without transaction and uncompressed.
    pub fn of(records: impl IntoIterator<Item = Record>) -> Self {
        Self { records: records.into_iter().collect(), ..Self::default() }
    }

    /// The same batch as a part of the transaction of `producer`.
    #[must_use]
    pub fn in_transaction(mut self, producer: i64) -> Self {
        self.producer = Some(producer);
        self
    }

    /// The same batch compressed.
    #[must_use]
    pub fn packed(mut self, packing: Packing) -> Self {
        self.packing = Some(packing);
        self
    }
}

/// A batch at its place in a log.
#[derive(Clone, Debug)]
pub(super) struct Placed {
    pub(super) base: i64,
    pub(super) last_delta: i32,
    pub(super) control: bool,
    pub(super) batch: Batch,
    /// The offset deltas of the records that are left.
    pub(super) deltas: Vec<i32>,
}

impl Placed {
    pub(super) fn next(&self) -> i64 {
        self.base + i64::from(self.last_delta) + 1
    }

    /// Where each record lies.
    pub(super) fn offsets(&self) -> impl Iterator<Item = (i64, &Record)> {
        let base = self.base;
        self.deltas.iter().map(move |delta| base + i64::from(*delta)).zip(&self.batch.records)
    }

    pub(super) fn encode(&self, epoch: i32) -> Bytes {
        let batch = &self.batch;
        let base_time = batch.records.first().map_or(0, |record| record.timestamp);
        let max_time = batch.records.iter().map(|record| record.timestamp).max().unwrap_or(-1);
        let mut attributes = batch.packing.map_or(0, |packing| packing.codec);
        attributes |= if batch.log_append_time.is_some() { 0x08 } else { 0 };
        attributes |= if batch.producer.is_some() { 0x10 } else { 0 };
        attributes |= if self.control { 0x20 } else { 0 };
        let mut records = Vec::new();
        for (delta, record) in self.deltas.iter().zip(&batch.records) {
            put_record(&mut records, *delta, record.timestamp - base_time, record);
        }
        if let Some(packing) = batch.packing {
            records = (packing.pack)(&records);
        }
        let mut checked = Vec::new();
        checked.put_i16(attributes);
        checked.put_i32(self.last_delta);
        checked.put_i64(base_time);
        checked.put_i64(batch.log_append_time.unwrap_or(max_time));
        checked.put_i64(batch.producer.unwrap_or(-1));
        checked.put_i16(if batch.producer.is_some() { 0 } else { -1 });
        checked.put_i32(-1);
        checked.put_i32(i32::try_from(self.deltas.len()).unwrap_or(i32::MAX));
        checked.extend_from_slice(&records);
        let mut bytes = Vec::new();
        bytes.put_i64(self.base);
        bytes.put_i32(i32::try_from(checked.len() + 9).unwrap_or(i32::MAX));
        bytes.put_i32(epoch);
        bytes.put_i8(2);
        bytes.put_u32(crc32c(&checked));
        bytes.extend_from_slice(&checked);
        bytes.into()
    }
}

fn put_record(bytes: &mut Vec<u8>, delta: i32, time_delta: i64, record: &Record) {
    let mut body = vec![0];
    put_varint(&mut body, time_delta);
    put_varint(&mut body, delta.into());
    put_bytes(&mut body, record.key.as_deref());
    put_bytes(&mut body, record.value.as_deref());
    put_varint(&mut body, length(record.headers.len()));
    for (name, value) in &record.headers {
        put_bytes(&mut body, Some(name.as_bytes()));
        put_bytes(&mut body, value.as_deref());
    }
    put_varint(bytes, length(body.len()));
    bytes.extend_from_slice(&body);
}

fn put_bytes(bytes: &mut Vec<u8>, value: Option<&[u8]>) {
    put_varint(bytes, value.map_or(-1, |value| length(value.len())));
    bytes.extend_from_slice(value.unwrap_or_default());
}

fn length(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

fn put_varint(bytes: &mut Vec<u8>, value: i64) {
    let mut raw = ((value << 1) ^ (value >> 63)).cast_unsigned();
    while raw >= 0x80 {
        bytes.push(raw.to_le_bytes()[0] | 0x80);
        raw >>= 7;
    }
    bytes.push(raw.to_le_bytes()[0]);
}

/// CRC-32C, bit by bit.
fn crc32c(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| (crc >> 1) ^ if crc & 1 == 1 { 0x82f6_3b78 } else { 0 };
    !bytes.iter().fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))
}
